import type { Track, TrackerKind } from '../vrrp/track.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { nearest } from './nearest.ts';
import type { RawConfig, RawInstance, RawTrack } from './raw.ts';
import type { Path } from './report.ts';
import { plainNames, quote, shownName } from './report.ts';
import { type KnownPools, namesMeant, poolMeant } from './track-pools.ts';
import type { View } from './view.ts';

/** Where the trackers of a kind are defined; interfaces are there by themselves, pools of their own. */
export const sections = {
  script: 'vrrp_script',
  file: 'vrrp_track_file',
  process: 'vrrp_track_process',
} as const;
const lists = [
  'track_interface',
  'track_script',
  'track_file',
  'track_process',
  'track_virtual_server',
] as const;
const kindOf = (list: (typeof lists)[number]): TrackerKind => list.slice('track_'.length) as TrackerKind;

type Defaults = Omit<RawTrack, 'name'>;

/** What a track_… list names, with the defaults of its definition. */
type Found = Defaults & { readonly name: string };
type Defined = Exclude<TrackerKind, 'virtual_server'>;

const own = (map: Readonly<Record<string, Defaults>> | undefined, name: string): Defaults | undefined =>
  map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;

/** The track_… lists of one instance. */
export function buildTracks(
  view: View,
  path: Path,
  instance: RawInstance,
  raw: RawConfig,
  pools: KnownPools,
): Pick<InstanceConfig, 'track'> {
  const tracks: Track[] = [];
  for (const list of lists) {
    const seen = new Set<string>();
    for (const [at, entry] of (instance[list] ?? []).entries()) {
      const written: RawTrack = typeof entry === 'string' ? { name: entry } : entry;
      const place = [...path, list, at];
      const named: Path = typeof entry === 'string' ? place : [...place, 'name'];
      const kind = kindOf(list);
      const found =
        kind === 'virtual_server'
          ? knownPool(view, named, written.name, pools)
          : knownTracker(view, named, kind, written.name, raw);
      if (found === undefined) continue;
      const { name } = found;
      if (seen.has(name)) {
        const message = `${shownName(name)} is twice in ${view.describe([...path, list])}`;
        view.error(named, { message, expected: 'every name once' });
      } else {
        const { weight = found.weight ?? 0, reverse = found.reverse ?? false } = written;
        const track: Track = { kind, name, weight, reverse };
        checkTrack(view, path, place, instance, track);
        tracks.push(track);
      }
      seen.add(name);
    }
  }
  return tracks.length === 0 ? {} : { track: tracks };
}

/** Where the file says that the instance tracks this. */
export function placeOfTrack({ vrrp_instance }: RawConfig, instance: string, { kind, name }: Track): Path {
  const list = `track_${kind}` as const;
  const meant = (vrrp_instance[instance]?.[list] ?? []).map((entry) => {
    const written = typeof entry === 'string' ? entry : entry.name;
    return kind === 'virtual_server' ? namesMeant(written) : [written];
  });
  const exact = meant.findIndex(([first]) => first === name);
  const at = exact < 0 ? meant.findIndex((names) => names.includes(name)) : exact;
  return ['vrrp_instance', instance, list, at];
}

function knownPool(view: View, at: Path, written: string, pools: KnownPools): Found | undefined {
  const meant = poolMeant(written, pools);
  if (meant === undefined || 'services' in meant) return meant && { name: meant.name };
  view.error(at, { ...meant, message: `${view.describe(at)} is ${quote(written)}, ${meant.message}` });
  return undefined;
}

function knownTracker(
  view: View,
  path: Path,
  kind: Defined,
  name: string,
  raw: RawConfig,
): Found | undefined {
  const definition = kind === 'interface' ? {} : own(raw[sections[kind]], name);
  if (definition !== undefined) return { ...definition, name };
  const section = kind === 'interface' ? 'track_interface' : sections[kind];
  const known = kind === 'interface' ? [] : Object.keys(raw[sections[kind]] ?? {});
  const hint = nearest(name, plainNames(known));
  view.error(path, {
    message: `${view.describe(path)} is ${quote(name)}, which is not under ${section}`,
    ...(hint !== undefined ? { hint } : { expected: `a name under ${section}` }),
    why: 'the failure that it watches for would not move the VIP',
  });
  return undefined;
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
