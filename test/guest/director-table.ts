/** What a director keeps, for tests that are their own director. */
import type { Journal } from '../../src/ipvs/apply.ts';

/** A journal that nobody else reads. */
export function memoryJournal(): Journal {
  let names: ReadonlySet<string> = new Set();
  return { read: () => names, write: (written) => void (names = written) };
}
