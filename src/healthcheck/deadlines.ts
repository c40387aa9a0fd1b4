/**
 * Which of many deadlines comes next: a binary heap, because thousands of checks each move theirs several times a
 * second and a look at all of them would cost more than the checks.
 */
import type { Micros } from '../base/time.ts';

interface Deadline<Key> {
  readonly at: Micros;
  readonly key: Key;
}

/** Nothing is taken back: whoever takes one out asks whether it still holds. */
export class Deadlines<Key> {
  readonly #heap: Deadline<Key>[] = [];

  get next(): Micros | undefined {
    return this.#heap[0]?.at;
  }

  add(at: Micros, key: Key): void {
    const heap = this.#heap;
    let place = heap.length;
    for (;;) {
      const parent = (place - 1) >> 1;
      const above = place === 0 ? undefined : heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = { at, key };
  }

  /** The earliest, if it is not after `now`. */
  take(now: Micros): Deadline<Key> | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(node: Deadline<Key>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = place * 2 + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      const [child, at] = b !== undefined && a !== undefined && b.at < a.at ? [b, left + 1] : [a, left];
      if (child === undefined || child.at >= node.at) break;
      heap[place] = child;
      place = at;
    }
    heap[place] = node;
  }
}
