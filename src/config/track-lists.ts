import type { Track, TrackerKind } from '../vrrp/track.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { nearest } from './nearest.ts';
import type { RawConfig, RawInstance, RawTrack } from './raw.ts';
import type { Path } from './report.ts';
import { plainNames, quote, shownName } from './report.ts';
import type { View } from './view.ts';

/** Where the trackers of a kind are defined; interfaces are there by themselves. */
export const sections = {
  script: 'vrrp_script',
  file: 'vrrp_track_file',
  process: 'vrrp_track_process',
} as const;
const lists = ['track_interface', 'track_script', 'track_file', 'track_process'] as const;
const kindOf = (list: (typeof lists)[number]): TrackerKind => list.slice('track_'.length) as TrackerKind;

type Defaults = Omit<RawTrack, 'name'>;

/** @returns undefined when there is no such definition */
const definition = (raw: RawConfig, kind: TrackerKind, name: string): Defaults | undefined =>
  kind === 'interface' ? {} : own(raw[sections[kind]], name);

const own = (map: Readonly<Record<string, Defaults>> | undefined, name: string): Defaults | undefined =>
  map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;

/** track_interface, track_script, track_file and track_process of one instance. */
export function buildTracks(
  view: View,
  path: Path,
  instance: RawInstance,
  raw: RawConfig,
): Pick<InstanceConfig, 'track'> {
  const tracks: Track[] = [];
  for (const list of lists) {
    const seen = new Set<string>();
    for (const [at, entry] of (instance[list] ?? []).entries()) {
      const written: RawTrack = typeof entry === 'string' ? { name: entry } : entry;
      const place = [...path, list, at];
      const name = typeof entry === 'string' ? place : [...place, 'name'];
      const defaults = definition(raw, kindOf(list), written.name);
      if (defaults === undefined) unknownTracker(view, name, kindOf(list), written.name, raw);
      else if (seen.has(written.name)) {
        const message = `${shownName(written.name)} is twice in ${view.describe([...path, list])}`;
        view.error(name, { message, expected: 'every name once' });
      } else {
        const { weight = defaults.weight ?? 0, reverse = defaults.reverse ?? false } = written;
        const track: Track = { kind: kindOf(list), name: written.name, weight, reverse };
        checkTrack(view, path, place, instance, track);
        tracks.push(track);
      }
      seen.add(written.name);
    }
  }
  return tracks.length === 0 ? {} : { track: tracks };
}

function unknownTracker(view: View, path: Path, kind: TrackerKind, name: string, raw: RawConfig): void {
  const section = kind === 'interface' ? 'track_interface' : sections[kind];
  const known = kind === 'interface' ? [] : Object.keys(raw[sections[kind]] ?? {});
  const hint = nearest(name, plainNames(known));
  view.error(path, {
    message: `${view.describe(path)} is ${quote(name)}, which is not under ${section}`,
    ...(hint !== undefined ? { hint } : { expected: `a name under ${section}` }),
    why: 'the failure that it watches for would not move the VIP',
  });
}

function checkTrack(view: View, path: Path, place: Path, instance: RawInstance, track: Track): void {
  const what = `${track.kind} ${shownName(track.name)}`;
  const weighted = `weight ${track.weight} of ${what}`;
  if (track.kind === 'interface' && track.name === instance.interface)
    view.note(
      place,
      `${view.describe(path)} leaves the election without its own interface ${track.name} anyway`,
    );
  if (track.weight === 0) return;
  const never = instance.nopreempt === true || instance.preempt?.mode.toLowerCase() === 'never';
  if (instance.priority === 255) {
    view.error(place, {
      message: `${weighted}, but ${view.describe(path)} has priority 255`,
      expected: 'weight 0, or a priority below 255',
      why: 'the address owner always has priority 255, so its failure would change nothing',
    });
  } else if (never) {
    view.error(place, {
      message: `${weighted}, but ${view.describe(path)} never preempts`,
      expected: 'weight 0, or preemption',
      why: 'a standby would let a failed director of lower priority keep the VIP',
    });
  }
}
