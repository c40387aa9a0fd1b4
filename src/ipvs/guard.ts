/**
 * A file that was emptied by mistake, or a branch merged too early, must not empty the table. PURE
 *
 * It looks at what the file declares and not at what the kernel is told: health, weights and additions are never
 * guarded, and at the start of the daemon there is nothing to compare with, so the file is obeyed.
 */
import type { ServiceKey } from './types.ts';
import { endpoint, serviceName, type Destination } from './types.ts';

/** Services and real servers as the file names them. */
export interface Declared {
  readonly key: ServiceKey;
  readonly destinations: readonly Pick<Destination, 'address' | 'port'>[];
}

/** More than so many objects, and more than this share of all, are a mistake until somebody says otherwise. */
const mostObjects = 3;
const largestShare = 0.5;

export interface Removal {
  readonly removed: readonly string[];
  readonly of: number;
  readonly refused: boolean;
}

export function removalOf(old: readonly Declared[], wanted: readonly Declared[]): Removal {
  const before = objects(old);
  const after = new Set(objects(wanted));
  const removed = before.filter((name) => !after.has(name));
  const refused = removed.length > mostObjects && removed.length > largestShare * before.length;
  return { removed, of: before.length, refused };
}

const objects = (declared: readonly Declared[]): readonly string[] =>
  declared.flatMap(({ key, destinations }) => {
    const name = serviceName(key);
    return [name, ...destinations.map((destination) => `${name} → ${endpoint(destination)}`)];
  });

/** What the log and the refused reload say. */
export const removalText = ({ removed, of }: Removal): string =>
  `it removes ${removed.length} of ${of} services and real servers (${removed.slice(0, 3).join(', ')}, …): ` +
  'more than half of them. Expected: a smaller change, or the same with --allow-removal';
