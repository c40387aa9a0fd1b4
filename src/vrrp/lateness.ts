import type { Micros } from '../base/time.ts';
import type { LatenessStatus } from './status.ts';

/** What is worth remembering with its instant, and how many such are; an edge of the buckets too. */
const late_us = 2_000;
const remembered = 100;

/** Buckets of a quarter octave: 1 µs to almost an hour in 128 counters, each figure at most 19 % too high. */
const bucketsPerOctave = 4;
const bucketCount = 128;
const bucketOfLate = 44;

/** A histogram of how late deadlines were met. Bounded memory, no allocation for a sample that is in time. */
export class Lateness {
  readonly #buckets = new Uint32Array(bucketCount);
  readonly #recent: (readonly [at: Micros, late: Micros])[] = [];
  #samples = 0;
  #max = 0;

  /** @param at when it was acted */
  add(lateness: Micros, at: Micros): void {
    const late = Math.max(0, lateness);
    const bucket = late < 1 ? 0 : Math.ceil(Math.log2(late / late_us) * bucketsPerOctave) + bucketOfLate;
    const index = Math.min(bucketCount - 1, bucket);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#samples++;
    if (late > this.#max) this.#max = late;
    if (late < late_us) return;
    this.#recent.push([at, lateness]);
    if (this.#recent.length > remembered) this.#recent.shift();
  }

  status(): LatenessStatus {
    const quantile = (share: number): Micros => {
      let left = Math.ceil(this.#samples * share);
      for (const [at, count] of this.#buckets.entries()) {
        left -= count;
        if (left <= 0) return Math.min(this.#max, upperEnd(at)) as Micros;
      }
      return this.#max as Micros;
    };
    return {
      samples: this.#samples,
      buckets: [...this.#buckets.entries()].flatMap(([at, count]) =>
        count > 0 ? [[upperEnd(at), count]] : [],
      ),
      max: this.#max as Micros,
      p50: quantile(0.5),
      p99: quantile(0.99),
      p999: quantile(0.999),
      recent: [...this.#recent],
    };
  }
}

/** The greatest whole number of µs in a bucket: deadlines and instants have no fractions. */
const upperEnd = (bucket: number): Micros =>
  Math.floor(late_us * 2 ** ((bucket - bucketOfLate) / bucketsPerOctave)) as Micros;
