import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Micros } from '../base/time.ts';
import { micros, milliseconds } from '../base/time.ts';
import type { Lab } from '../lab/lab.ts';
import type { ClientSummary, Probe } from './client-view.ts';
import { clientView } from './client-view.ts';
import type { Window } from './timeline.ts';

/** A request that has ended. */
export interface HttpProbe extends Probe {
  /** The page, which is the name of the server; or why there is none: "ECONNREFUSED". */
  readonly word: string;
}

export interface HttpSummary extends ClientSummary {
  /** Who answered, by name. */
  readonly servers: readonly string[];
  /** From the window's beginning to the sending of the last request that got no page. */
  readonly lastFailure: Micros | undefined;
}

const program = new URL('./http-client.js', import.meta.url).pathname;
const period = milliseconds(50);
/** What a request may take, the connection included: one that waits for a lost SYN again gives up before that. */
export const requestLimit = milliseconds(400);

/** A client of HTTP in a process of its own, for it has to be where the client is. */
export class HttpProber {
  readonly url: string;
  readonly #probes: HttpProbe[] = [];
  readonly #client: ChildProcess;

  /** Starts at once; the lab ends it. @param node from which is asked */
  constructor(lab: Lab, node: string, url: string) {
    this.url = url;
    const times = [period, requestLimit].map((time) => String(time / 1_000));
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    this.#client = lab.exec(node, [process.execPath, program, url, ...times], { stdio: [...stdio] });
    // One that cannot be started answers nothing, which is seen.
    this.#client.on('error', () => undefined);
    if (this.#client.stdout !== null)
      createInterface(this.#client.stdout).on('line', (line) => {
        const [sentAt, answeredAt, word] = JSON.parse(line) as [Micros, Micros | null, string];
        this.#probes.push({ sentAt, answeredAt: answeredAt ?? undefined, word });
      });
  }

  /** Requests that have ended so far, in the order of their ends. */
  get probes(): readonly HttpProbe[] {
    return this.#probes;
  }

  stop(): void {
    this.#client.kill('SIGKILL');
  }

  seen(window: Window): HttpSummary {
    return httpView(this.#probes, window);
  }
}

/** What a client of HTTP saw in the window. */
export function httpView(probes: readonly HttpProbe[], window: Window): HttpSummary {
  const inOrder = probes.toSorted((a, b) => a.sentAt - b.sentAt);
  const sent = inOrder.filter(({ sentAt }) => sentAt >= window.from && sentAt < window.to);
  const last = sent.findLast(({ answeredAt }) => answeredAt === undefined);
  const answered = sent.filter(({ answeredAt }) => answeredAt !== undefined);
  return {
    ...clientView(inOrder, window),
    servers: [...new Set(answered.map(({ word }) => word))].sort(),
    lastFailure: last === undefined ? undefined : micros(last.sentAt - window.from),
  };
}
