import type { Micros } from '../base/time.ts';
import { seconds } from '../base/time.ts';

/** Something that is seen again and again, and what was true of it the last time. */
export type Sighting<Facts> = Facts & { readonly count: number; readonly lastAt: Micros };

/** One that was not seen for so long makes room for another. */
const forgetAfter = seconds(60);

/** A short memory of what anybody on the link may send us: it never grows beyond its limit. */
export class Sightings<Facts extends object> {
  readonly #most: number;
  readonly #seen = new Map<string, Sighting<Facts>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns whether it is new here; what finds no room is not */
  note(key: string, facts: Facts, now: Micros): boolean {
    const known = this.#seen.get(key);
    if (known === undefined && this.#seen.size >= this.#most && !this.#forget(now)) return false;
    this.#seen.set(key, { ...facts, count: (known?.count ?? 0) + 1, lastAt: now });
    return known === undefined;
  }

  #forget(now: Micros): boolean {
    for (const [key, { lastAt }] of this.#seen) if (now - lastAt > forgetAfter) this.#seen.delete(key);
    return this.#seen.size < this.#most;
  }

  list(): readonly Sighting<Facts>[] {
    return [...this.#seen.values()];
  }
}
