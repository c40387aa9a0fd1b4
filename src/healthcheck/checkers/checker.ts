/** What a checker is, and what it is given; kernel/ and the process implement the ports. */
import type { Socket } from 'node:net';
import type { Micros } from '../../base/time.ts';
import type { HttpProbes } from '../http/probe.ts';
import type { RegexPort } from '../http/regex.ts';
import type { Probe } from '../runner.ts';
import type { CheckOutcome, CheckTarget, MiscCheck } from '../types.ts';

export interface CheckPorts {
  readonly sockets: SocketPort;
  readonly pings: PingPort;
  readonly scripts: ScriptPort;
  readonly http: HttpProbes;
  readonly regex: RegexPort;
  /** Milliseconds of the wall clock: a certificate ends by that. */
  wallClock(): number;
}

export interface SocketPort {
  /**
   * Begins to connect, from where the target says. What goes wrong later is an 'error' of the socket.
   * @returns a sentence when it is refused before
   */
  connect(target: CheckTarget): Socket | string;
}

export interface PingPort {
  /**
   * One ICMP echo request; `answered` comes when its own reply does.
   * @returns how to stop listening for it, or a sentence when it was not sent
   */
  ping(target: CheckTarget, answered: () => void): { cancel(): void } | string;
}

export interface ScriptPort {
  /** @param ended at most once */
  run(script: ScriptRun, ended: (end: ScriptEnd) => void): { cancel(): void };
}

export interface ScriptRun extends Pick<MiscCheck, 'user' | 'group'> {
  readonly argv: readonly [path: string, ...args: string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Whoever runs it ends it after this, also when nobody asks any more. */
  readonly timeout: Micros;
}

export type ScriptEnd =
  | {
      readonly type: 'exited';
      /** Null when a signal ended it. */
      readonly code: number | null;
      readonly signal: string | null;
      /** The last lines of its standard error, bounded. */
      readonly stderr: readonly string[];
    }
  | { readonly type: 'refused'; readonly why: string };

/** One probe. @param done called at most once, in a turn of its own */
export type StartProbe<Check> = (
  check: Check,
  target: CheckTarget,
  ports: CheckPorts,
  done: (outcome: CheckOutcome) => void,
  timeout: Micros,
) => Probe;

export const failed = (words: string): CheckOutcome => ({ passed: false, words });
export const passed = (words: string): CheckOutcome => ({ passed: true, words });

/** A finding that was there at once comes in a turn of its own, as any other. */
export function later(done: (outcome: CheckOutcome) => void, outcome: CheckOutcome): Probe {
  const timer = setImmediate(() => done(outcome));
  return {
    stop: () => {
      clearImmediate(timer);
      return outcome.words;
    },
  };
}
