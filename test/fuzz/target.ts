/**
 * One decoder under fire. A case is judged by what must hold whatever comes in: no throw, nothing read or written
 * beyond the input, values within their bounds. That it ends in time is seen from outside: run.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import { longest } from './octet-mutator.ts';
import type { Random } from './random.ts';

export interface Judgement {
  /** What must not be; undefined when all is well. */
  readonly fault: string | undefined;
  /** What became of the input, to show that the cases reach more than the first rung. */
  readonly outcomes: readonly string[];
}

export interface Target {
  readonly name: string;
  /** Processor time of one case. */
  readonly limitMs: number;
  /** Outcomes that a run of many cases must have met: else the cases are too tame, and the run fails. */
  readonly expected: readonly string[];
  make(random: Random): Uint8Array;
  judge(input: Uint8Array): Judgement;
}

export interface Decoding<T> {
  readonly name: string;
  readonly limitMs?: number;
  readonly expected: readonly string[];
  make(random: Random): Uint8Array;
  /** @param input a window of a larger buffer, as the slab of a receiver is */
  read(input: Uint8Array): T;
  /** @returns what is out of bounds */
  faultOf(result: T, input: Uint8Array): string | undefined;
  outcomesOf(result: T): readonly string[];
  /** Absent: always. A case that is not seen twice cannot show an over-read. */
  seesTwice?(input: Uint8Array): boolean;
}

/** The same under another name. */
export const renamed = (target: Target, name: string): Target => ({ ...target, name });

export function newTarget<T>(decoding: Decoding<T>): Target {
  const { name, limitMs = 1_000, expected } = decoding;
  // The second one begins at an odd place, and ends in zeros: where texts end and sums do not change.
  const first = new Surroundings(longest + 1, 0xaa, 0x55);
  const second = new Surroundings(longest + 2, 0x00, 0x00);
  return {
    name,
    limitMs,
    expected,
    make: (random) => decoding.make(random),
    judge(input) {
      try {
        return judged(decoding, input, first, second);
      } catch (thrown) {
        return { fault: `throws ${textOf(thrown)}`, outcomes: [] };
      } finally {
        first.clear();
        second.clear();
      }
    },
  };
}

function judged<T>(
  decoding: Decoding<T>,
  input: Uint8Array,
  one: Surroundings,
  two: Surroundings,
): Judgement {
  const result = decoding.read(one.around(input));
  const outcomes = decoding.outcomesOf(result);
  if (!one.holds(input)) return { fault: 'writes to its input', outcomes };
  if (decoding.seesTwice?.(input) ?? true) {
    const again = decoding.read(two.around(input));
    if (!isDeepStrictEqual(result, again))
      return { fault: 'over-read: the result depends on what lies around the input', outcomes };
  }
  return { fault: decoding.faultOf(result, input), outcomes };
}

/** A buffer of one filling before its window and another behind it, as far as a 16-bit length can reach. */
class Surroundings {
  readonly #start: number;
  readonly #behind: number;
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(start: number, before: number, behind: number) {
    this.#start = start;
    this.#behind = behind;
    this.#bytes = new Uint8Array(start + 2 * longest).fill(behind).fill(before, 0, start);
  }

  around(input: Uint8Array): Uint8Array {
    assertFits(input);
    this.#bytes.set(input, this.#start);
    this.#length = input.length;
    return this.#window();
  }

  holds(input: Uint8Array): boolean {
    return Buffer.compare(this.#window(), input) === 0;
  }

  clear(): void {
    this.#window().fill(this.#behind);
    this.#length = 0;
  }

  #window(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#start + this.#length);
  }
}

function assertFits(input: Uint8Array): void {
  if (input.length > longest) throw new RangeError(`a case of ${input.length} octets, more than ${longest}`);
}

const textOf = (thrown: unknown): string =>
  thrown instanceof Error
    ? (thrown.stack ?? thrown.message).split('\n').slice(0, 4).join('\n')
    : String(thrown);
