import type { Track } from '../vrrp/track.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import type { Reading } from './cross.ts';
import { placeOfTrack, sections } from './track-lists.ts';
import { shownName } from './report.ts';

/** What only all nodes together show of trackers. */

interface NodeInstance {
  readonly node: string;
  readonly reading: Reading;
  readonly instance: InstanceConfig;
}

/** Beyond it the sums of all combinations are not looked at one by one. */
const mostWeights = 12;

/** A weight that is smaller than the distance of the priorities moves nothing, and looks as if it did. */
export function checkWeights(nodes: readonly NodeInstance[]): void {
  const places = new Map<string, { readonly on: NodeInstance; readonly track: Track; useful: boolean }>();
  for (const on of nodes)
    for (const track of on.instance.track ?? []) {
      if (track.weight === 0) continue;
      const key = `${track.kind} ${track.name}`;
      const entry = places.get(key) ?? { on, track, useful: false };
      entry.useful ||= nodes.some((other) => other !== on && decides(track, on.instance, other.instance));
      places.set(key, entry);
    }
  for (const { on, track, useful } of places.values()) if (!useful) complain(on, track, nodes);
}

function complain({ reading, instance }: NodeInstance, track: Track, nodes: readonly NodeInstance[]): void {
  const all = nodes.map((one) => `${rangeText(one.instance)} on ${shownName(one.node)}`);
  reading.view.error(placeOfTrack(reading.raw, instance.name, track), {
    message: `weight ${track.weight} of ${track.kind} ${shownName(track.name)} can never change who wins`,
    expected: 'a weight larger than the distance of the priorities, or 0: a failure leaves the election',
    why: `priority is ${all.join(', ')}`,
  });
}

function rangeText({ priority, track = [] }: InstanceConfig): string {
  const reached = [...priorities(priority, track)].sort((a, b) => a - b);
  const [low, high] = [reached[0], reached.at(-1)];
  return low === high ? `${priority}` : `${low} to ${high}`;
}

/** Whether the verdict of this one can make a difference to who of the two wins, whatever all others say. */
function decides(
  track: Track,
  { priority, track: all = [] }: InstanceConfig,
  other: InstanceConfig,
): boolean {
  const weighted = [...all, ...(other.track ?? [])].filter(({ weight }) => weight !== 0);
  // A number in a file has no bound.
  if (weighted.length > mostWeights || weighted.some(({ kind }) => kind === 'file')) return true;
  const others = sums(all.filter((one) => one !== track));
  const theirs = priorities(other.priority, other.track ?? []);
  return [...others].some((sum) => {
    const without = clamp(priority + sum);
    const withIt = clamp(priority + sum + points(track));
    return [...theirs].some((their) => Math.sign(without - their) !== Math.sign(withIt - their));
  });
}

const points = ({ weight, reverse }: Track): number => (reverse ? -weight : weight);
const clamp = (priority: number): number => Math.min(Math.max(priority, 1), 254);

const sums = (tracks: readonly Track[]): ReadonlySet<number> =>
  tracks.reduce(
    (reached, track) => new Set([...reached].flatMap((sum) => [sum, sum + points(track)])),
    new Set([0]),
  );

const priorities = (priority: number, tracks: readonly Track[]): ReadonlySet<number> =>
  new Set(priority === 255 ? [255] : [...sums(tracks)].map((sum) => clamp(priority + sum)));

/** @param configs what every node tracks */
export function noteUnused({ view, raw }: Reading, instances: readonly InstanceConfig[]): void {
  const used = new Set(
    instances.flatMap(({ track = [] }) => track.map(({ kind, name }) => `${kind} ${name}`)),
  );
  for (const [kind, section] of Object.entries(sections))
    for (const name of Object.keys(raw[section] ?? {}))
      if (!used.has(`${kind} ${name}`))
        view.note([section, name], `no instance tracks ${section} ${shownName(name)}`);
}
