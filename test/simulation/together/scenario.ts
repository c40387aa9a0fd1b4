import { type Family, ip, type Prefix } from '../../../src/base/ip.ts';
import type { Mac } from '../../../src/base/mac.ts';
import { type Micros, milliseconds, seconds } from '../../../src/base/time.ts';
import type { MemoryInterface } from '../../../src/kernel/memory.ts';
import type { Track } from '../../../src/vrrp/track.ts';
import type { TrackerDefinition } from '../../../src/vrrp/track-board.ts';
import type { InstanceConfig, Priority, Vrid } from '../../../src/vrrp/types.ts';
import { announce } from '../scenario.ts';
import type { World } from '../world.ts';

/** Worlds of what moves together: two families, several instances, or a priority with the trackers that make it. */
export const rows = ['dual-stack', 'sync-group', 'trackers'] as const;
export type Row = (typeof rows)[number];

export const isRow = (text: string): text is Row => rows.some((row) => row === text);

/** What one router is. */
export interface Station {
  readonly interfaces: readonly MemoryInterface[];
  readonly configs: readonly InstanceConfig[];
  readonly trackers: readonly TrackerDefinition[];
}

export interface Plan {
  readonly row: Row;
  /** Interface eth0 of every router is on link 0, eth1 on link 1, … */
  readonly links: number;
  readonly advert_int: Micros;
  readonly stations: readonly Station[];
  /** Every router preempts always: priority alone decides. */
  readonly preempts: boolean;
}

export const interfaceIndex = (link: number): number => 2 + link;

/** Words of a tracker come every second; after three of them it is silent. */
export const wordInterval = seconds(1);
const silence = seconds(3);

/** Longest delay of a preemption. */
export const mostDelay = seconds(4);

export function drawPlan(world: World, row: Row): Plan {
  const routers = world.integer(2, row === 'sync-group' ? 3 : 4);
  const members = row === 'sync-group' ? world.integer(2, 3) : 1;
  const spread = row === 'sync-group' && world.chance(0.6);
  const links = spread ? members : row === 'trackers' ? 2 : 1;
  const advert_int = milliseconds(world.pick([100, 100, 200, 200, 500, 1_000]));
  const preempts = world.chance(0.65);
  const families = Array.from({ length: members }, () => drawFamilies(world, row));
  const priorities = families.map(() => drawPriorities(world, row, routers));
  const hosts = Array.from({ length: 2 * links }, () => drawHosts(world, routers));
  const stations = Array.from({ length: routers }, (_, at): Station => {
    const interfaces = Array.from({ length: links }, (_none, link) =>
      interfaceOf(link, at, [hosts[2 * link]![at]!, hosts[2 * link + 1]![at]!]),
    );
    const track = row === 'trackers' ? drawTracks(world) : [];
    const preempt = {
      mode: preempts || world.chance(0.4) ? 'always' : 'never',
      delay: drawDelay(world),
    } as const;
    const configs = families.map((of, member) => ({
      ...instance(member, spread ? member : 0, of, advert_int),
      priority: priorities[member]![at]! as Priority,
      // Members of one group may differ in it.
      preempt: row === 'sync-group' && world.chance(0.2) ? { ...preempt, delay: drawDelay(world) } : preempt,
      ...(row === 'sync-group' && { sync_group: 'gateway' }),
      ...(track.length > 0 && { track }),
    }));
    return { interfaces, configs, trackers: track.map((one) => definitionOf(world, one)) };
  });
  return { row, links, advert_int, stations, preempts };
}

function drawFamilies(world: World, row: Row): readonly Family[] {
  if (row === 'dual-stack') return [4, 6];
  if (row === 'trackers') return [4];
  return world.pick<readonly Family[]>([[4], [4], [6], [4, 6]]);
}

/** In the order of the routers mostly; equal; or another order for every member, which `check` refuses to call sound. */
function drawPriorities(world: World, row: Row, routers: number): readonly number[] {
  const falling = Array.from({ length: routers }, (_, at) => 200 - 30 * at);
  if (row === 'trackers') return falling.map((priority) => priority + world.integer(-20, 20));
  if (world.chance(row === 'dual-stack' ? 0.35 : 0.25)) return falling.map(() => 100);
  return row === 'sync-group' && world.chance(0.4) ? world.shuffle(falling) : falling;
}

/** Last parts of the routers' addresses: their order is another one on every link and in every family. */
const drawHosts = (world: World, routers: number): readonly number[] =>
  world.shuffle(Array.from({ length: routers }, (_, at) => 11 + at));

const drawDelay = (world: World): Micros =>
  world.chance(0.25) ? seconds(world.integer(1, mostDelay / 1_000_000)) : seconds(0);

const interfaceOf = (link: number, at: number, [four, six]: readonly [number, number]): MemoryInterface => ({
  name: `eth${link}`,
  index: interfaceIndex(link),
  mac: `02:00:00:00:0${link}:${(at + 16).toString(16)}` as Mac,
  primaries: [
    { address: ip(`10.0.${link}.${four}`), length: 24 },
    { address: ip(`fe80::${link}:${six}`), length: 64 },
  ],
});

function instance(
  member: number,
  link: number,
  families: readonly Family[],
  advert_int: Micros,
): Omit<InstanceConfig, 'priority' | 'preempt'> {
  return {
    name: `m${member}`,
    interface: `eth${link}`,
    families,
    virtual_router_id: (51 + member) as Vrid,
    advert_int,
    virtual_ipaddress: families.flatMap((family) => virtualAddresses(family, member)),
    checksum: 'pseudo_header',
    first_linklocal: 'warn',
    announce,
    lease: {
      mode: member === 0 ? 'required' : 'preferred',
      gate_lifetime: (3 * advert_int - 100_000) as Micros,
      address_lifetime_s: Math.ceil((3 * advert_int) / 1e6) + 1,
    },
  };
}

const virtualAddresses = (family: Family, member: number): readonly Prefix[] =>
  family === 4
    ? [{ address: ip(`10.9.${member}.100`), length: 32 }]
    : [
        { address: ip(`fe80::9:${member + 1}00`), length: 128 },
        { address: ip(`fd00::9:${member + 1}00`), length: 128 },
      ];

const possibleTracks: readonly Track[] = [
  { kind: 'script', name: 'web', weight: -60, reverse: false },
  { kind: 'script', name: 'web', weight: 45, reverse: false },
  { kind: 'script', name: 'web', weight: 0, reverse: false },
  { kind: 'script', name: 'maintenance', weight: 0, reverse: true },
  { kind: 'script', name: 'maintenance', weight: 80, reverse: true },
  { kind: 'process', name: 'haproxy', weight: 0, reverse: false },
  { kind: 'process', name: 'haproxy', weight: -100, reverse: false },
  { kind: 'file', name: 'load', weight: -1, reverse: false },
  { kind: 'file', name: 'load', weight: 2, reverse: true },
  { kind: 'file', name: 'drain', weight: 0, reverse: false },
  { kind: 'interface', name: 'eth1', weight: 0, reverse: false },
  { kind: 'interface', name: 'eth1', weight: -70, reverse: false },
];

/** One to three of them, each name once. */
function drawTracks(world: World): readonly Track[] {
  const drawn = new Map<string, Track>();
  for (let left = world.integer(1, 3); left > 0; left--) {
    const track = world.pick(possibleTracks);
    drawn.set(track.name, track);
  }
  return [...drawn.values()];
}

const definitionOf = (world: World, { kind, name }: Track): TrackerDefinition => ({
  kind,
  name,
  initially: kind !== 'interface' && world.chance(0.3) ? 'down' : 'unknown',
  silence: kind === 'interface' ? undefined : silence,
});
