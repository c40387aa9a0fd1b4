/** A supervised child process: started, listened to, ended when it falls silent, started again. */
import { type ChildProcess, fork } from 'node:child_process';
import { native } from '../kernel/native.ts';
import type { ChildBeat, ToChild } from './messages.ts';

export interface ChildOptions {
  readonly title: string;
  readonly module: URL;
  readonly args?: readonly string[];
  /** Kept small on purpose: V8 would rather grow than collect. */
  readonly execArgv?: readonly string[];
  /** A child that has not beaten for so long is frozen: it is killed and replaced. */
  readonly silence_ms: number;
}

export interface ChildHandlers<From> {
  /** It beats for the first time: it is ready to hear. */
  ready(): void;
  message(message: From): void;
  /** It has ended, and not because it was asked to; a new one is on its way unless we are stopping. */
  ended(how: string): void;
  notice(text: string): void;
}

/** A child that dies at once is started again at a growing distance. */
const restartPauses_ms = [0, 200, 1_000, 5_000] as const;
const startLimit_ms = 15_000;
const watchInterval_ms = 100;

export class Child<To extends object, From extends object> {
  readonly #options: ChildOptions;
  readonly #handlers: ChildHandlers<From>;
  #process: ChildProcess | undefined;
  #stopping = false;
  #ready = false;
  #failures = 0;
  #restarts = 0;
  #heardAt = 0;
  #startedAt = 0;
  #watchedAt = 0;
  /** What it was told by configure(), as text. */
  #configured: string | undefined;
  #restart: NodeJS.Timeout | undefined;
  #whenEnded: () => void = () => undefined;
  readonly #watch: NodeJS.Timeout;

  constructor(options: ChildOptions, handlers: ChildHandlers<From>) {
    this.#options = options;
    this.#handlers = handlers;
    this.#watch = setInterval(() => this.#lookAtIt(), watchInterval_ms);
    this.#start();
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Alive and heard of within its limit. */
  get beats(): boolean {
    return this.#ready && monotonic_ms() - this.#heardAt < this.#options.silence_ms;
  }

  get state(): 'running' | 'silent' | 'starting' | 'ended' {
    if (this.#process === undefined) return 'ended';
    if (!this.#ready) return 'starting';
    return this.beats ? 'running' : 'silent';
  }

  get restarts(): number {
    return this.#restarts;
  }

  send(message: To | ToChild): void {
    const child = this.#process;
    if (child?.connected === true) child.send(message, () => undefined);
  }

  /**
   * Sends what it does not know yet: to read 200 instances takes the real-time loop a few milliseconds, which a reload
   * that changes none of them should not cost.
   */
  configure(message: To): void {
    const text = JSON.stringify(message);
    if (text === this.#configured) return;
    this.#configured = text;
    this.send(message);
  }

  /** Asks it to end and waits; when it falls silent, or after the limit, it is killed. */
  async stop(limit_ms: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (child !== undefined) {
      const ended = new Promise<void>((resolve) => (this.#whenEnded = resolve));
      this.send({ type: 'stop' });
      const kill = setTimeout(() => child.kill('SIGKILL'), limit_ms);
      await ended;
      clearTimeout(kill);
    }
    clearInterval(this.#watch);
  }

  #start(): void {
    const { title, module, args = [], execArgv = [] } = this.#options;
    const child = fork(module, [...args], {
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process = child;
    this.#ready = false;
    this.#startedAt = this.#heardAt = monotonic_ms();
    child.on('message', (message) => this.#onMessage(message as From | ChildBeat));
    child.on('error', (error) => {
      this.#handlers.notice(`${title}: ${error.message}`);
      // Without a pid it never was, and no exit comes: a machine that is out of processes may have some later.
      if (child.pid === undefined) this.#onExit('not started');
    });
    child.on('exit', (code, signal) => this.#onExit(signal ?? `exit code ${code}`));
  }

  #onMessage(message: From | ChildBeat): void {
    this.#heardAt = monotonic_ms();
    if (!isBeat(message)) this.#handlers.message(message);
    // An answer to a question says nothing: only a beat says that it has found its feet.
    else if (!this.#ready) {
      this.#ready = true;
      this.#configured = undefined;
      this.#handlers.ready();
    }
  }

  #onExit(how: string): void {
    this.#process = undefined;
    this.#ready = false;
    if (!this.#stopping || how !== 'exit code 0') this.#handlers.ended(how);
    this.#whenEnded();
    if (this.#stopping) return;
    this.#restarts++;
    const lived = monotonic_ms() - this.#startedAt;
    this.#failures = lived > 10_000 ? 1 : this.#failures + 1;
    const pause = restartPauses_ms[Math.min(this.#failures, restartPauses_ms.length) - 1] ?? 0;
    this.#restart = setTimeout(() => this.#start(), pause);
  }

  #lookAtIt(): void {
    const now = monotonic_ms();
    const ownGap = now - this.#watchedAt;
    this.#watchedAt = now;
    // Its beats wait unread while we ourselves do not run: our own gap is not its silence.
    if (ownGap > watchInterval_ms * 3) this.#heardAt = now;
    const limit = this.#ready ? this.#options.silence_ms : startLimit_ms;
    if (this.#process === undefined || now - this.#heardAt <= limit) return;
    this.#handlers.notice(`${this.#options.title} has been silent for ${limit} ms: it is ended and replaced`);
    this.#heardAt = now;
    this.#process.kill('SIGKILL');
  }
}

const monotonic_ms = (): number => native.monotonic() / 1_000;

const isBeat = (message: object): message is ChildBeat => 'type' in message && message.type === 'beat';
