import { ip, type Family, type Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import type { MemoryInterface } from '../../src/kernel/memory.ts';
import type {
  AnnounceTimings,
  InstanceConfig,
  Priority,
  VirtualAddress,
  Vrid,
} from '../../src/vrrp/types.ts';
import type { World } from './world.ts';

/** What all routers of one world share, drawn from its seed. */
export interface Scenario {
  readonly routers: number;
  readonly family: Family;
  /** The shortest advert interval that any router of this world ever uses. */
  readonly shortest: Micros;
  readonly addresses: readonly VirtualAddress[];
  readonly configs: readonly InstanceConfig[];
}

/** The first virtual address is in every configuration: it is the one that two routers may not both hold. */
export const contested = (scenario: Scenario): Ip => scenario.addresses[0]!.address;

const intervals = [100, 200, 500, 1_000, 1_000, 1_000, 1_000, 2_000];

export function drawScenario(world: World): Scenario {
  const routers = world.integer(2, 5);
  const family: Family = world.chance(0.75) ? 4 : 6;
  const shortest = milliseconds(world.pick(intervals));
  const addresses = Array.from({ length: 3 }, (_, at) => virtualAddress(family, at));
  const shared = { routers, family, shortest, addresses };
  const owner = world.chance(0.06);
  const configs = Array.from({ length: routers }, (_, at) =>
    drawConfig(world, shared, at, owner && at === 0),
  );
  return { ...shared, configs };
}

function virtualAddress(family: Family, at: number): VirtualAddress {
  if (family === 4) return { address: ip(`10.0.0.${100 + at}`), length: 32 };
  return { address: ip(at === 0 ? 'fe80::100' : `fd00::${100 + at}`), length: 128 };
}

export const announce: AnnounceTimings = {
  garp_master_repeat: 2,
  garp_master_delay: seconds(5),
  garp_master_refresh: seconds(0),
  garp_master_refresh_repeat: 1,
  garp_lower_prio_repeat: 2,
  garp_lower_prio_delay: seconds(5),
  garp_interval: seconds(0),
  gna_interval: seconds(0),
};

function drawConfig(
  world: World,
  { family, shortest, addresses }: Omit<Scenario, 'configs'>,
  at: number,
  owner: boolean,
): InstanceConfig {
  // Equal priorities are legal, and the address decides; distinct ones are what people configure.
  const priority = owner ? 255 : world.chance(0.15) ? 100 : 250 - at * world.integer(8, 45);
  const mode = owner || world.chance(0.08) ? 'off' : world.chance(0.5) ? 'required' : 'preferred';
  return {
    name: 'web',
    interface: 'eth0',
    families: [family],
    virtual_router_id: 51 as Vrid,
    priority: priority as Priority,
    advert_int: drawInterval(world, shortest),
    preempt: drawPreempt(world),
    virtual_ipaddress: addresses.slice(0, 2),
    checksum: world.chance(0.8) ? 'pseudo_header' : 'message',
    first_linklocal: 'warn',
    announce,
    lease: {
      mode,
      // The longest that `check` allows: whatever holds here holds for shorter ones.
      gate_lifetime: (3 * shortest - 100_000) as Micros,
      address_lifetime_s: Math.ceil((3 * shortest) / 1e6) + 1,
    },
  };
}

/** Twice the shortest only where its lease is still longer than 1.2 intervals, as `check` demands. */
const drawInterval = (world: World, shortest: Micros): Micros =>
  (world.chance(0.85) || shortest < 200_000 ? shortest : 2 * shortest) as Micros;

const drawPreempt = (world: World): InstanceConfig['preempt'] => ({
  mode: world.chance(0.75) ? 'always' : 'never',
  delay: world.chance(0.25) ? seconds(world.integer(1, 4)) : seconds(0),
});

/** A reload: one or two things change, never what would make it another instance. */
export function redraw(world: World, scenario: Scenario, old: InstanceConfig): InstanceConfig {
  const owner = old.priority === 255;
  switch (world.integer(0, 4)) {
    case 0:
      return { ...old, priority: (owner ? 255 : world.integer(1, 254)) as Priority };
    case 1:
      return { ...old, advert_int: drawInterval(world, scenario.shortest) };
    case 2:
      return { ...old, virtual_ipaddress: scenario.addresses.slice(0, world.integer(1, 3)) };
    case 3:
      return { ...old, preempt: drawPreempt(world) };
    default: {
      const mode =
        owner || old.lease.mode !== 'off' ? (world.chance(0.2) ? 'off' : old.lease.mode) : 'required';
      return { ...old, lease: { ...old.lease, mode: owner ? 'off' : mode } };
    }
  }
}

/** Index of the one interface that a router of these worlds has. */
export const eth0 = 2;

export const interfaceOf = (family: Family, at: number): MemoryInterface => ({
  name: 'eth0',
  index: eth0,
  mac: `02:00:00:00:00:${(at + 16).toString(16)}` as Mac,
  primaries: [
    {
      address: ip(family === 4 ? `10.0.0.${11 + at}` : `fe80::${11 + at}`),
      length: family === 4 ? 24 : 64,
    },
  ],
});
