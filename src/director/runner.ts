/**
 * The director at work in the parent process: events in, rounds of the reconciler out. A round follows every change of what
 * is wanted, and comes by itself at an interval, for what others do to the table.
 */
import { type Micros, seconds } from '../base/time.ts';
import type { Reconciler, Round } from '../ipvs/apply.ts';
import type { Refusal } from '../ipvs/link.ts';
import type { Change } from '../ipvs/plan.ts';
import type { ActualService, VirtualService } from '../ipvs/types.ts';
import type { Result } from '../base/result.ts';
import { Director, type DirectorAction, type DirectorEvent } from './director.ts';
import type { PoolStatus } from './pool.ts';
import type { PoolsConfig } from './types.ts';

/** Nothing moves: what others did to the table is found within so long. */
const calmInterval = seconds(10);
/** Somebody waits for connections to end. */
const drainInterval = seconds(1);

export interface DirectorHost {
  now(): Micros;
  /** A pool has come up or gone down, with the script that is to be told. */
  quorum(action: Extract<DirectorAction, { type: 'quorum' }>): void;
  /** The pools after an event, changed or not. */
  settled(pools: readonly PoolStatus[]): void;
  /** A change that the kernel has taken, or refused, in words. */
  changed(change: Change, refusal: Refusal | undefined): void;
  /** The table was not as we had left it, and has been put right. */
  drifted(changes: readonly Change[]): void;
  /** The table cannot be read. */
  unreadable(refusal: Refusal): void;
  /** A round has ended, and none follows it at once. */
  rested(): void;
}

export interface DirectorStatus {
  readonly pools: readonly PoolStatus[];
  /** The table as it was read last. */
  readonly table: readonly ActualService[];
  readonly readAt: Micros | undefined;
  readonly foreign: readonly string[];
  readonly failures: readonly {
    readonly service: string;
    readonly destination?: string;
    readonly why: string;
  }[];
  readonly drift: { readonly count: number; readonly lastAt?: Micros };
  readonly unreadable?: string;
}

export class DirectorRunner {
  readonly #director = new Director();
  readonly #reconciler: Reconciler;
  readonly #host: DirectorHost;
  #config: Pick<PoolsConfig, 'virtual_server' | 'ownership'> = { virtual_server: [], ownership: 'declared' };
  #timer: NodeJS.Timeout | undefined;
  /** A round is under way, and what was wanted when it began. */
  #running = false;
  #again = false;
  /** A check has found something out that the kernel does not know. */
  #urgent = false;
  #last: Round | undefined;
  #readAt: Micros | undefined;
  #unreadable: string | undefined;
  /** What the last round that went well has left in the kernel. */
  #left: readonly VirtualService[] | undefined;
  #drift: { count: number; lastAt?: Micros } = { count: 0 };
  #stopped = false;

  constructor(reconciler: Reconciler, host: DirectorHost) {
    this.#reconciler = reconciler;
    this.#host = host;
  }

  configure(config: Pick<PoolsConfig, 'virtual_server' | 'ownership'>): void {
    this.#config = config;
    this.handle({ type: 'configure', config });
  }

  handle(event: DirectorEvent | undefined): void {
    if (this.#stopped) return;
    // What was read may end a drain; most often it changes nothing, and another round would only read it again.
    if (event?.type === 'reports') this.#urgent = true;
    const before = event?.type === 'table' ? this.#director.desired : undefined;
    this.#perform(this.#director.handle(event, this.#host.now()));
    if (before === undefined || !isSame(this.#director.desired, before)) this.#startRound();
  }

  /** What is wanted has been written, as far as the kernel took it. */
  get isAtRest(): boolean {
    return !this.#running;
  }

  #perform(actions: readonly DirectorAction[]): void {
    for (const action of actions) if (action.type === 'quorum') this.#host.quorum(action);
    this.#host.settled(this.#director.status);
  }

  /** What a round would do if this were configured, for `plan`: nothing of it happens. */
  preview(config: Pick<PoolsConfig, 'virtual_server' | 'ownership'>): Promise<Result<Round, Refusal>> {
    const now = this.#host.now();
    const copy = this.#director.copy();
    copy.handle({ type: 'configure', config }, now);
    return this.#reconciler.look(copy.desired, config.ownership === 'exclusive');
  }

  get #isExclusive(): boolean {
    return this.#config.ownership === 'exclusive';
  }

  #startRound(): void {
    clearTimeout(this.#timer);
    if (this.#reconciler.isIdle(this.#director.desired, this.#isExclusive)) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    void this.#round();
  }

  async #round(): Promise<void> {
    const { desired } = this.#director;
    const urgent = this.#urgent;
    this.#again = this.#urgent = false;
    const round = await this.#reconciler.apply(desired, this.#isExclusive, urgent);
    this.#running = false;
    this.#conclude(round, desired);
    if (this.#again && !this.#stopped) this.#startRound();
    if (this.isAtRest) this.#host.rested();
  }

  #conclude(round: Result<Round, Refusal>, wanted: readonly VirtualService[]): void {
    if (!round.ok) {
      this.#unreadable = round.error.text;
      this.#host.unreadable(round.error);
    } else {
      this.#unreadable = undefined;
      this.#last = round.value;
      this.#readAt = this.#host.now();
      this.#tell(round.value, wanted);
      this.handle({ type: 'table', actual: round.value.actual });
    }
    this.#rest();
  }

  #tell({ plan: { changes }, failures }: Round, wanted: readonly VirtualService[]): void {
    const refused = new Map(failures.map(({ change, refusal }) => [change, refusal]));
    if (changes.length > 0 && this.#left !== undefined && isSame(wanted, this.#left)) {
      this.#drift = { count: this.#drift.count + changes.length, lastAt: this.#host.now() };
      this.#host.drifted(changes);
    }
    for (const change of changes) this.#host.changed(change, refused.get(change));
    this.#left = failures.length === 0 ? wanted : undefined;
  }

  #rest(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const waits = this.#director.status.some(({ servers }) => servers.some(({ role }) => role === 'leaving'));
    const due = this.#director.deadline;
    const until = due === undefined ? Infinity : due - this.#host.now();
    const pause = Math.max(0, Math.min(until, waits ? drainInterval : calmInterval));
    this.#timer = setTimeout(() => this.handle(undefined), Math.ceil(pause / 1_000));
  }

  /** @param keep the table as it is, for the next daemon; else everything of ours is taken away */
  async stop(keep: boolean): Promise<void> {
    this.#perform(this.#director.handle({ type: 'stop' }, this.#host.now()));
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (!keep && !this.#reconciler.isIdle([], false)) await this.#reconciler.apply([], false);
  }

  status(): DirectorStatus {
    return {
      pools: this.#director.status,
      table: this.#last?.actual ?? [],
      readAt: this.#readAt,
      foreign: this.#last?.plan.foreign ?? [],
      failures: (this.#last?.failures ?? []).map(({ change: { service, destination }, refusal }) => ({
        service,
        ...(destination !== undefined && { destination }),
        why: refusal.text,
      })),
      drift: this.#drift,
      ...(this.#unreadable !== undefined && { unreadable: this.#unreadable }),
    };
  }
}

/** What an event did not touch is the very same. */
const isSame = (table: readonly VirtualService[], other: readonly VirtualService[]): boolean =>
  table.length === other.length &&
  table.every((one, at) => one === other[at] || JSON.stringify(one) === JSON.stringify(other[at]));
