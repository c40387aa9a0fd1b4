/**
 * vrrp_track_process: whether enough processes of a kind run. PURE: kernel/process-events.ts tells of births
 * and deaths.
 */
import { after, formatDuration, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';

/** Which processes are meant; keepalived's words. */
export interface ProcessPattern {
  /**
   * Compared with the kernel's name of the process, or with argv[0] when `args` or `full_command` are there.
   */
  readonly name: string;
  readonly args?: readonly string[];
  /**
   * More arguments may follow; `initial`: besides, the last one given may go on. All are compared when
   * absent.
   */
  readonly param_match?: 'initial' | 'partial';
  readonly full_command: boolean;
}

export interface ProcessIdentity {
  /** At most 15 octets: the kernel cuts. */
  readonly comm: string;
  /** Empty for a kernel thread or a zombie; undefined when nobody needs it. */
  readonly argv: readonly string[] | undefined;
}

const commLength = 15;

export const needsArguments = ({ args, param_match, full_command }: ProcessPattern): boolean =>
  full_command || args !== undefined || param_match !== undefined;

export function matches(pattern: ProcessPattern, { comm, argv }: ProcessIdentity): boolean {
  const { name, args = [], param_match } = pattern;
  if (!needsArguments(pattern)) return comm === name.slice(0, commLength);
  if (argv?.[0] !== name) return false;
  const given = argv.slice(1);
  if (param_match === undefined && given.length !== args.length) return false;
  return args.every((arg, at) => {
    const open = param_match === 'initial' && at === args.length - 1;
    return open ? given[at]?.startsWith(arg) === true : given[at] === arg;
  });
}

/** Who runs, by pattern: a table that births and deaths keep true without looking again. */
export class ProcessTable {
  readonly #patterns: ReadonlyMap<string, ProcessPattern>;
  readonly #members = new Map<number, readonly string[]>();
  readonly #counts = new Map<string, number>();

  constructor(patterns: ReadonlyMap<string, ProcessPattern>) {
    this.#patterns = patterns;
    for (const name of patterns.keys()) this.#counts.set(name, 0);
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get needsArguments(): boolean {
    return [...this.#patterns.values()].some(needsArguments);
  }

  /** It was started as, or has become, what `identity` says; undefined: it is gone already. */
  identified(pid: number, identity: ProcessIdentity | undefined): void {
    const names = [...this.#patterns]
      .filter(([, pattern]) => identity !== undefined && matches(pattern, identity))
      .map(([name]) => name);
    this.#put(pid, names);
  }

  /** Until it calls exec a child is what its parent is. */
  forked(parent: number, child: number): void {
    this.#put(child, this.#members.get(parent) ?? []);
  }

  gone(pid: number): void {
    this.#put(pid, []);
  }

  /** All processes there are: what is not among them is gone. */
  replace(all: ReadonlyMap<number, ProcessIdentity>): void {
    for (const pid of [...this.#members.keys()]) if (!all.has(pid)) this.gone(pid);
    for (const [pid, identity] of all) this.identified(pid, identity);
  }

  #put(pid: number, names: readonly string[]): void {
    for (const name of this.#members.get(pid) ?? []) this.#counts.set(name, this.count(name) - 1);
    for (const name of names) this.#counts.set(name, this.count(name) + 1);
    if (names.length === 0) this.#members.delete(pid);
    else this.#members.set(pid, names);
  }
}

export interface QuorumConfig {
  readonly quorum: number;
  /** More than so many is a failure too. */
  readonly quorum_max: number | undefined;
  /** How long a gained or lost quorum must hold before it counts. */
  readonly fork_delay: Micros;
  readonly terminate_delay: Micros;
}

/** One vrrp_track_process. */
export interface ProcessDefinition extends QuorumConfig {
  readonly name: string;
  readonly process: ProcessPattern;
}

export interface QuorumReport {
  readonly type: 'report';
  readonly verdict: 'up' | 'down';
  readonly words: string;
}

/** Event: how many run now. The first count counts at once. */
export class ProcessQuorum implements Machine<number, QuorumReport> {
  readonly #config: QuorumConfig;
  #count = 0;
  #verdict: 'up' | 'down' | undefined;
  #changeAt: Micros | undefined;

  constructor(config: QuorumConfig) {
    this.#config = config;
  }

  get deadline(): Micros | undefined {
    return this.#changeAt;
  }

  /** As it would be said again; undefined before the first count. */
  get report(): QuorumReport | undefined {
    return this.#verdict && { type: 'report', verdict: this.#verdict, words: this.#words() };
  }

  handle(count: number | undefined, now: Micros): readonly QuorumReport[] {
    if (count !== undefined) this.#count = count;
    const { quorum, quorum_max, fork_delay, terminate_delay } = this.#config;
    const met = this.#count >= quorum && this.#count <= (quorum_max ?? Infinity);
    const wanted = met ? 'up' : 'down';
    if (wanted === this.#verdict) {
      this.#changeAt = undefined;
      return [];
    }
    this.#changeAt ??= after(now, this.#verdict === undefined ? zero : met ? fork_delay : terminate_delay);
    if (this.#changeAt > now) return [];
    this.#changeAt = undefined;
    this.#verdict = wanted;
    return [{ type: 'report', verdict: wanted, words: this.#words() }];
  }

  #words(): string {
    const { quorum, quorum_max, fork_delay, terminate_delay } = this.#config;
    const wanted = quorum_max === undefined ? `at least ${quorum}` : `${quorum} to ${quorum_max}`;
    const delay = this.#verdict === 'up' ? terminate_delay : fork_delay;
    const waits = this.#changeAt === undefined ? '' : `, for less than ${formatDuration(delay)}`;
    return `${this.#count} running, ${wanted} wanted${waits}`;
  }
}

const zero = 0 as Micros;
