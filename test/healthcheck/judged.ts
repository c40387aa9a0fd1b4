/** One check, by the real checkers over real sockets, up to its first verdict. */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Micros } from '../../src/base/time.ts';
import type { ScriptPort } from '../../src/healthcheck/checkers/checker.ts';
import { probesBy } from '../../src/healthcheck/checkers/index.ts';
import { axiosProbe } from '../../src/healthcheck/http/axios-probe.ts';
import { nodeProbe } from '../../src/healthcheck/http/node-probe.ts';
import { RegexThread } from '../../src/healthcheck/http/regex.ts';
import { CheckRunner } from '../../src/healthcheck/runner.ts';
import type {
  CheckDefinition,
  CheckerOptions,
  CheckReport,
  CheckTarget,
} from '../../src/healthcheck/types.ts';
import { CheckSockets } from '../../src/kernel/check-sockets.ts';
import { native } from '../../src/kernel/native.ts';
import { PingSockets } from '../../src/kernel/ping-sockets.ts';
import { until } from '../native/namespace.ts';
import { loopback, timing } from './definitions.ts';

export const regex = new RegexThread();
export const sockets = new CheckSockets([]);
export const pings = new PingSockets([]);
// They would keep the run from ending.
after(() => pings.close());

const noScripts: ScriptPort = { run: () => assert.fail('no script is asked for') };

/** @param wallClock ms; the real one when absent */
export async function judged(
  checker: CheckerOptions,
  target: Partial<CheckTarget>,
  { timeout = timing.timeout, wallClock = Date.now, scripts = noScripts, port = sockets } = {},
): Promise<CheckReport> {
  const now = (): Micros => native.now() as Micros;
  let timer: NodeJS.Timeout | undefined;
  const definition: CheckDefinition = {
    id: 'a',
    target: { address: loopback, port: 80, ...target },
    timing: { ...timing, timeout },
    checker,
  };
  return new Promise((resolve) => {
    const runner = new CheckRunner(
      {
        now,
        random: () => 0,
        wakeAt(at) {
          clearTimeout(timer);
          if (at !== undefined) timer = setTimeout(() => runner.wake(), Math.max(0, (at - now()) / 1_000));
        },
        report(report) {
          runner.configure([]);
          clearTimeout(timer);
          resolve(report);
        },
      },
      probesBy({
        sockets: port,
        pings,
        scripts,
        http: { axios: axiosProbe, 'node:http': nodeProbe },
        regex,
        wallClock,
      }),
      8,
    );
    runner.configure([definition]);
  });
}

/** A server on loopback that does with each connection what it is told, and knows whether all have ended. */
export class Rogue {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  connections = 0;

  private constructor(server: Server, readsAll: boolean) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#open.delete(socket));
      // Else it would never learn that the other end has gone.
      if (readsAll) socket.resume();
    });
  }

  static async listen(behave: ((socket: Socket) => void) | Server, host: string = loopback): Promise<Rogue> {
    const server = typeof behave === 'function' ? createServer({ noDelay: true }, behave) : behave;
    const rogue = new Rogue(server, typeof behave === 'function');
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return rogue;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The check has left nothing behind: neither here nor, since both ends are ours, there. */
  async close(): Promise<void> {
    await until('the end of all connections', () => this.#open.size === 0);
    await new Promise((resolve) => this.#server.close(resolve));
    await until('no socket left', () => !process.getActiveResourcesInfo().includes('TCPSocketWrap'));
  }
}

/** It says this as soon as it is asked anything, and closes. */
export const says =
  (text: string | Uint8Array): ((socket: Socket) => void) =>
  (socket) => {
    socket.once('data', () => socket.end(text));
  };

/** Runs the check against such a server. */
export async function against(
  behave: ((socket: Socket) => void) | Server,
  checker: CheckerOptions,
  options: Parameters<typeof judged>[2] = {},
): Promise<CheckReport> {
  const rogue = await Rogue.listen(behave);
  const { port } = rogue;
  const report = await judged(checker, { port }, options);
  await rogue.close();
  return { ...report, words: report.words.replaceAll(`:${port}`, ':PORT') };
}
