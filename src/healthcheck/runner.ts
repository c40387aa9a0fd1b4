/**
 * All checks of a configuration: their machines, the probes that are on, at most so many at a time, and one
 * deadline for the process that hosts them.
 */
import type { Micros } from '../base/time.ts';
import { expire } from '../machine.ts';
import { Deadlines } from './deadlines.ts';
import { type CheckAction, type CheckEvent, CheckTracker } from './tracker.ts';
import type { CheckDefinition, CheckOutcome, CheckReport, CheckStatus } from './types.ts';

/** What the runner needs of the checkers; checkers/index.ts is the real one. */
export interface ProbePort {
  /** @param done called at most once, in a turn of its own, after start() has returned */
  start(definition: CheckDefinition, done: (outcome: CheckOutcome) => void): Probe;
}

export interface Probe {
  /** Ends it at once: nothing of it is left, and done() comes no more. @returns what it was waiting for, in words */
  stop(): string;
}

export interface CheckHost {
  now(): Micros;
  /** The one timer. Undefined: nothing to wait for. */
  wakeAt(at: Micros | undefined): void;
  /** 0..1, for the spreading of first checks. */
  random(): number;
  report(report: CheckReport): void;
}

interface Entry {
  readonly tracker: CheckTracker;
  probe: Probe | undefined;
  /** What stands for it in the deadlines; others of it are out of date. */
  deadline: Micros | undefined;
  removed: boolean;
}

export class CheckRunner {
  readonly #host: CheckHost;
  readonly #port: ProbePort;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #deadlines = new Deadlines<Entry>();
  /** In the order in which they became due. */
  #queue: Entry[] = [];
  #running = 0;
  #wakesAt: Micros | undefined;

  /** @param limit most probes at a time; more wait for their turn */
  constructor(host: CheckHost, port: ProbePort, limit: number) {
    this.#host = host;
    this.#port = port;
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /**
   * A check whose id stays goes on as it was, with its probe; any other starts anew.
   * @param known reports of an earlier life of this process
   */
  configure(definitions: readonly CheckDefinition[], known: readonly CheckReport[] = []): void {
    const now = this.#host.now();
    const wanted = new Set(definitions.map(({ id }) => id));
    for (const [id, entry] of this.#entries) if (!wanted.has(id)) this.#remove(id, entry);
    this.#queue = this.#queue.filter(({ removed }) => !removed);
    const earlier = new Map(known.map((report) => [report.id, report]));
    for (const definition of definitions) {
      if (this.#entries.has(definition.id)) continue;
      const { id } = definition;
      const tracker = new CheckTracker(definition, this.#host.random(), now, earlier.get(id));
      const entry: Entry = { tracker, probe: undefined, deadline: undefined, removed: false };
      this.#entries.set(id, entry);
      this.#note(entry);
    }
    this.#rest();
  }

  wake(): void {
    const now = this.#host.now();
    this.#wakesAt = undefined;
    for (let due = this.#deadlines.take(now); due !== undefined; due = this.#deadlines.take(now)) {
      const { key: entry, at } = due;
      if (entry.removed || entry.deadline !== at) continue;
      entry.deadline = undefined;
      this.#act(entry, expire(entry.tracker, now));
    }
    this.#rest();
  }

  reports(): readonly CheckReport[] {
    return Array.from(this.#entries.values(), ({ tracker }) => tracker.report());
  }

  status(): readonly CheckStatus[] {
    return Array.from(this.#entries.values(), ({ tracker }) => tracker.status());
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id);
    entry.removed = true;
    if (entry.probe !== undefined) this.#end(entry, entry.probe);
  }

  #tell(entry: Entry, event: CheckEvent): void {
    this.#act(entry, entry.tracker.handle(event, this.#host.now()));
  }

  #act(entry: Entry, actions: readonly CheckAction[]): void {
    for (const action of actions) {
      if (action.type === 'start') this.#queue.push(entry);
      else if (action.type === 'report') this.#host.report(action.report);
      else if (entry.probe !== undefined)
        this.#tell(entry, { type: 'stopped', waitedFor: this.#end(entry, entry.probe) });
    }
    this.#note(entry);
  }

  #end(entry: Entry, probe: Probe): string {
    entry.probe = undefined;
    this.#running--;
    return probe.stop();
  }

  /** An earlier deadline than the noted one is noted too; a later one when the noted one has come. */
  #note(entry: Entry): void {
    const { deadline } = entry.tracker;
    if (deadline === undefined || (entry.deadline !== undefined && entry.deadline <= deadline)) return;
    entry.deadline = deadline;
    this.#deadlines.add(deadline, entry);
  }

  #rest(): void {
    while (this.#running < this.#limit) {
      const entry = this.#queue.shift();
      if (entry === undefined) break;
      this.#start(entry);
    }
    const { next } = this.#deadlines;
    if (next === this.#wakesAt) return;
    this.#wakesAt = next;
    this.#host.wakeAt(next);
  }

  #start(entry: Entry): void {
    this.#running++;
    this.#tell(entry, { type: 'started' });
    const probe = this.#port.start(entry.tracker.definition, (outcome) => {
      if (entry.probe !== probe) return;
      entry.probe = undefined;
      this.#running--;
      this.#tell(entry, { type: 'finished', outcome });
      this.#rest();
    });
    entry.probe = probe;
  }
}
