/**
 * Runs commands for the scripts: no shell, a session of its own, a bounded number at a time, and nothing of a
 * run is left when it has ended, whatever it did: no process, no descriptor, no text beyond the last lines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Micros } from '../base/time.ts';
import { isLeftover, parseStat, type Session } from './session.ts';
import { StderrTail } from './stderr-tail.ts';

export interface Command {
  readonly argv: readonly [path: string, ...args: string[]];
  /** Absent: ours. libuv drops all supplementary groups when it changes the user. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
  /** All of it: nothing of ours is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CommandEvents {
  started(): void;
  exited(code: number | null, signal: string | null, stderr: readonly string[]): void;
  refused(why: string): void;
}

export interface Run {
  /** To all processes of the run's group. Nothing happens to a run that waits or has ended. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Ends it at once, or takes it out of the queue; no event comes any more. */
  cancel(): void;
}

export interface SpawnerOptions {
  now(): Micros;
  /** Most runs at a time; more wait for their turn. */
  readonly limit: number;
  /** The sessions on, so that somebody can clean up after us. */
  sessionsChanged?(sessions: readonly Session[]): void;
}

/**
 * Leftovers of many runs are looked for together: a look at /proc costs some 10 µs for each process there is.
 */
const sweepDelay_ms = 500;
/** How long a run's last words are waited for when somebody else holds its standard error. */
const lastWords_ms = 100;
/** A run that says more is read slowly, so that a flood costs its writer time and us next to nothing. */
const freeOctets = 64 << 10;
const floodPause_ms = 20;

interface Waiting {
  readonly command: Command;
  readonly events: CommandEvents;
  run: Running | undefined;
  cancelled: boolean;
}

interface Running {
  readonly pid: number;
  readonly startedAt: Micros;
  readonly child: ChildProcess;
  pause: NodeJS.Timeout | undefined;
}

export class Spawner {
  readonly #options: SpawnerOptions;
  readonly #queue: Waiting[] = [];
  readonly #running = new Set<Running>();
  #ended: Session[] = [];
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: SpawnerOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.size;
  }

  get queued(): number {
    return this.#queue.length;
  }

  start(command: Command, events: CommandEvents): Run {
    const waiting: Waiting = { command, events, run: undefined, cancelled: false };
    this.#queue.push(waiting);
    this.#startNext();
    return {
      kill: (signal) => waiting.run && signalGroup(waiting.run.pid, signal),
      cancel: () => {
        waiting.cancelled = true;
        const at = this.#queue.indexOf(waiting);
        if (at >= 0) this.#queue.splice(at, 1);
        if (waiting.run !== undefined) signalGroup(waiting.run.pid, 'SIGKILL');
      },
    };
  }

  /** What an earlier process of ours left running when it died. */
  endLeftovers(sessions: readonly Session[]): void {
    this.#ended.push(...sessions);
    this.#sweepSoon();
  }

  /** Ends everything at once, and looks for leftovers now: there may be no later. */
  close(): void {
    this.#queue.length = 0;
    const endedAt = this.#options.now();
    for (const { pid, startedAt } of this.#running) {
      signalGroup(pid, 'SIGKILL');
      this.#ended.push({ id: pid, startedAt, endedAt });
    }
    clearTimeout(this.#sweep);
    this.#sweepNow();
  }

  #startNext(): void {
    while (this.#running.size < this.#options.limit) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#spawn(next);
    }
  }

  #spawn(waiting: Waiting): void {
    const { events, command } = waiting;
    const refused = (error: unknown): void => {
      if (!waiting.cancelled) events.refused(`it cannot be started: ${(error as Error).message}`);
    };
    // Before the call: on a busy machine the script has children of its own by the time it returns.
    const startedAt = this.#options.now();
    let child: ChildProcess;
    try {
      child = spawnCommand(command);
    } catch (error) {
      // In a turn of its own, as every other answer: the caller does not hold its Run yet.
      queueMicrotask(() => refused(error));
      return;
    }
    const { pid } = child;
    if (pid === undefined) {
      child.once('error', refused);
      return;
    }
    // Only a signal that could not be sent comes here: the process has ended, and `exit` says how.
    child.on('error', () => undefined);
    const run: Running = { pid, startedAt, child, pause: undefined };
    waiting.run = run;
    this.#running.add(run);
    this.#say();
    const tail = new StderrTail();
    if (child.stderr !== null) listen(child.stderr, run, tail);
    child.once('exit', (code, signal) => this.#onExit(waiting, run, tail, code, signal));
    queueMicrotask(() => {
      if (!waiting.cancelled) events.started();
    });
  }

  #onExit(
    waiting: Waiting,
    run: Running,
    tail: StderrTail,
    code: number | null,
    signal: string | null,
  ): void {
    // Nobody of its group survives it: before this turn ends its number cannot be somebody else's.
    signalGroup(run.pid, 'SIGKILL');
    this.#ended.push({ id: run.pid, startedAt: run.startedAt, endedAt: this.#options.now() });
    this.#sweepSoon();
    let reported = false;
    const report = (): void => {
      if (reported) return;
      reported = true;
      clearTimeout(limit);
      clearTimeout(run.pause);
      run.child.stderr?.destroy();
      this.#running.delete(run);
      this.#say();
      waiting.run = undefined;
      if (!waiting.cancelled) waiting.events.exited(code, signal, tail.lines);
      this.#startNext();
    };
    const limit = setTimeout(report, lastWords_ms);
    clearTimeout(run.pause);
    run.child.stderr?.resume();
    run.child.once('close', report);
  }

  #say(): void {
    const endedAt = this.#options.now();
    this.#options.sessionsChanged?.(
      Array.from(this.#running, ({ pid, startedAt }) => ({ id: pid, startedAt, endedAt })),
    );
  }

  #sweepSoon(): void {
    this.#sweep ??= setTimeout(() => this.#sweepNow(), sweepDelay_ms);
  }

  #sweepNow(): void {
    this.#sweep = undefined;
    const ended = this.#ended;
    this.#ended = [];
    if (ended.length > 0) endProcessesOf(ended);
  }
}

function spawnCommand({ argv: [path, ...args], account, environment }: Command): ChildProcess {
  return spawn(path, args, {
    cwd: '/',
    env: environment,
    // setsid(2): its own session and group, and no terminal that it could read or be stopped by.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: false,
    ...(account !== undefined && { uid: account.uid, gid: account.gid }),
  });
}

function listen(stderr: Readable, run: Running, tail: StderrTail): void {
  stderr.on('error', () => undefined);
  stderr.on('data', (chunk: Buffer) => {
    tail.add(chunk);
    if (tail.octets <= freeOctets || run.child.exitCode !== null || run.child.signalCode !== null) return;
    stderr.pause();
    run.pause = setTimeout(() => stderr.resume(), floodPause_ms);
  });
}

/**
 * A group that is gone, or that changed its user to one we may not signal, is no error: the timeout stands
 * anyway.
 */
function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function endProcessesOf(ended: readonly Session[]): void {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = parseStat(readFileSync(`/proc/${name}/stat`, 'latin1'));
      if (stat !== undefined && isLeftover(stat, ended)) process.kill(Number(name), 'SIGKILL');
    } catch {
      // It ended while we looked, or belongs to somebody we may not signal.
    }
  }
}
