import type { Micros } from '../../src/base/time.ts';
import type { MemoryWorld } from '../../src/kernel/memory.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Time, chance and memory of one simulated world. Time jumps from event to event; chance is one seeded generator; every
 * thing worth telling is folded into one hash, so that two runs of a seed can be compared.
 */
export class World implements MemoryWorld {
  readonly #heap: Entry[] = [];
  readonly #tell: ((line: string) => void) | undefined;
  #now = 0;
  #order = 0;
  #state: number;
  #hash = 0x811c9dc5;

  constructor(seed: number, tell?: (line: string) => void) {
    // Neighbouring seeds must not give neighbouring worlds.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    this.#tell = tell;
  }

  get now(): Micros {
    return this.#now as Micros;
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Mulberry32: 32 bits of state are enough for one world. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Whole number in low..high, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)]!;
  }

  shuffle<T>(items: readonly T[]): readonly T[] {
    const shuffled = [...items];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.integer(0, at);
      [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
    }
    return shuffled;
  }

  at(instant: Micros, run: () => void): void {
    const entry = { at: Math.max(instant, this.#now), order: this.#order++, run };
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = entry;
  }

  /** Lets everything up to `end` happen. */
  run(end: Micros): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#removeFirst();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let hole = 0;
    for (let child = 1; child < heap.length; child = 2 * hole + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
  }

  /** Part of the trace: `who` is the number of a router, -1 the world itself. */
  trace(who: number, what: string, detail = 0): void {
    let hash = this.#hash;
    hash = Math.imul(hash ^ this.#now, 16777619);
    hash = Math.imul(hash ^ who, 16777619);
    hash = Math.imul(hash ^ detail, 16777619);
    for (let at = 0; at < what.length; at++) hash = Math.imul(hash ^ what.charCodeAt(at), 16777619);
    this.#hash = hash;
    this.#tell?.(`${(this.#now / 1e6).toFixed(6).padStart(11)} ${who < 0 ? '  ' : `r${who}`} ${what}`);
  }

  /** Like trace, for what happens so often that even the words would cost. */
  count(who: number, detail: number): void {
    this.#hash = Math.imul(
      Math.imul(Math.imul(this.#hash ^ this.#now, 16777619) ^ who, 16777619) ^ detail,
      16777619,
    );
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
