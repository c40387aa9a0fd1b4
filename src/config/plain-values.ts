/** What plain-yaml.ts makes: values with places, as convert.ts makes them of the library's nodes. */
import type { Place } from './report.ts';
import { limits } from './text.ts';
import type { Entry, Tree } from './tree.ts';

/** Thrown by whoever finds that the text is not for the plain reader. */
export const declined = new Error('left to the YAML library');

export const scalarTree = (place: Place, value: string | number | boolean | null): Tree => ({
  kind: 'scalar',
  place,
  value,
  size: 1,
  depth: 0,
});

export function listTree(place: Place, items: readonly Tree[]): Tree {
  let [size, depth] = [1, 0];
  for (const item of items) [size, depth] = [size + item.size, Math.max(depth, item.depth + 1)];
  if (size > limits.values) throw declined;
  return { kind: 'list', place, items, size, depth };
}

export function mapTree(place: Place, entries: ReadonlyMap<string, Entry>): Tree {
  let [size, depth] = [1, 0];
  for (const { value } of entries.values())
    [size, depth] = [size + value.size, Math.max(depth, value.depth + 1)];
  if (size > limits.values) throw declined;
  return { kind: 'map', place, entries, size, depth };
}

const words: ReadonlyMap<string, boolean | null> = new Map([
  ...['null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);

/** The core schema of YAML 1.2 (§10.3.2), as far as it is certain at a glance. */
export function valueOf(word: string): string | number | boolean | null {
  const first = word.charCodeAt(0);
  if (word[0] !== '-' && (first < 48 || first > 57)) {
    const known = words.get(word);
    return known === undefined ? word : known;
  }
  // JSON has no −0: neither has a configuration. convert.ts
  if (/^-?\d{1,15}$/.test(word) || /^-?\d{1,9}\.\d{1,6}$/.test(word)) return Number(word) + 0;
  // No number has two dots, a colon, a slash or a unit at its end.
  if (/^\d+\.\d+\.|[:/]|^\d+(?:\.\d+)?(?:us|ms|cs|s|min|h)$/.test(word)) return word;
  throw declined;
}
