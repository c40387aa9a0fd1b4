/** Chance that can be repeated: one stream of numbers for each case, so that (seed, index) is the whole case. */

/** What lies at the edges of the fields of one, two, four and eight octets. */
const edges = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 0x7f, 0x80, 0xfe, 0xff, 0x7fff, 0x8000, 0xfffe, 0xffff,
] as const;
const wideEdges = [0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff] as const;

export class Random {
  #state: number;

  constructor(seed: number, index: number) {
    // Neighbours of a seed and of an index must not be neighbours in the stream.
    this.#state = mixed(mixed(seed >>> 0) ^ mixed((index >>> 0) ^ 0x9e3779b9));
  }

  /** Mulberry32. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** Whole number in 0..limit - 1; 0 for a limit below 1. */
  below(limit: number): number {
    return limit < 1 ? 0 : this.u32() % limit;
  }

  /** Whole number in low..high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 0x100000000;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() >>> 24);
  }

  /** Mostly an edge of some field, now and then any number of 32 bits. */
  edge(): number {
    if (this.chance(0.2)) return this.u32();
    return this.chance(0.15) ? this.pick(wideEdges) : this.pick(edges);
  }
}

function mixed(n: number): number {
  let h = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
