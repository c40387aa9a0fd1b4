/**
 * `node web-server.js HOST PORT ...`: the server that is checked, as cheap as it can be, and counting. In a process of its
 * own, which says how many connections it has accepted whenever it is asked; in the guest a part of the one that is there.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net, { type ListenOptions } from 'node:net';
import { native } from '../../../src/kernel/native.ts';

const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
const backlog = 4_096;
const nextLimit_ms = 10_000;

export class WebServer {
  accepted = 0;
  readonly #servers: net.Server[] = [];
  readonly #waiting: (() => void)[] = [];

  async listen(where: ListenOptions | { readonly fd: number }): Promise<void> {
    const server = net.createServer((socket) => {
      this.accepted++;
      for (const wake of this.#waiting.splice(0)) wake();
      // A check by TCP alone ends with a reset.
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(answer));
    });
    this.#servers.push(server);
    server.listen({ ...where, backlog });
    await once(server, 'listening');
  }

  /** The next check. @throws when none comes */
  async nextAccepted(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error('nobody checks the web server')), nextLimit_ms);
      this.#waiting.push(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  /** Whoever connects from now on is refused. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }
}

export interface Count {
  /** Connections accepted so far. */
  readonly accepted: number;
  /** When that was so: the answer may have waited for whoever asked. */
  readonly at_us: number;
}

/** Asks such a process. */
export async function countOf(child: ChildProcess): Promise<Count> {
  child.send('count');
  const [count] = (await once(child, 'message')) as [Count];
  return count;
}

export const perSecond = (before: Count, after: Count): number =>
  ((after.accepted - before.accepted) / (after.at_us - before.at_us)) * 1e6;

export const serverModule = import.meta.filename;

if (process.argv[1] === import.meta.filename) {
  const [host = '', ...ports] = process.argv.slice(2);
  const server = new WebServer();
  for (const port of ports) await server.listen({ host, port: Number(port) });
  process.on('message', () => {
    const count: Count = { accepted: server.accepted, at_us: native.monotonic() };
    process.send?.(count);
  });
  process.on('disconnect', () => process.exit(0));
}
