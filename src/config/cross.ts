import type { Ip } from '../base/ip.ts';
import { parseIp } from '../base/ip.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { formatDuration } from '../base/time.ts';
import type { RawConfig } from './raw.ts';
import type { Path } from './report.ts';
import type { Config } from './types.ts';
import type { View } from './view.ts';

/** One node's reading of the file: what passed the schema. */
export interface Reading {
  readonly view: View;
  readonly raw: RawConfig;
  /** Nothing outside the instances is wrong. */
  readonly usable: boolean;
  /** Whether something at or in a path, or around it, is wrong, which has been said. */
  readonly touched: (path: Path) => boolean;
  /** Names of instances without a mistake in a single value. */
  readonly sound: readonly string[];
}

/** What two instances of one node do to each other. */
export function checkInstances(reading: Reading, instances: readonly InstanceConfig[], owners: Owners): void {
  const elections = new Map<string, string>();
  const holders = new Map<string, string>();
  for (const { name, ...instance } of instances) {
    const { view } = reading;
    const path = ['vrrp_instance', name];
    const vrid = `virtual_router_id ${instance.virtual_router_id}`;
    const carried = instance.families.map(
      (family) => `${instance.interface} ${family} ${instance.virtual_router_id}`,
    );
    const other = carried.map((election) => elections.get(election)).find((holder) => holder !== undefined);
    if (other !== undefined) {
      view.error([...path, 'virtual_router_id'], {
        message: `${vrid} on ${instance.interface} is also that of vrrp_instance ${other}`,
        expected: 'one per interface and family',
        why: 'each would take the advertisements of the other for its own election',
      });
    }
    for (const election of carried) elections.set(election, name);
    for (const { address, place } of places(reading, path, instance)) {
      const holder = holders.get(address);
      if (holder !== undefined && holder !== name) {
        const why = 'two directors could own it, one by each election';
        view.error(place, {
          message: `${address} is also in vrrp_instance ${holder}`,
          expected: 'an address in one instance',
          why,
        });
      }
      holders.set(address, name);
      const node = owners.nodeOf(address);
      if (node === undefined || owners.owns(node, name)) continue;
      view.error(place, {
        message: `${address} is the address of node ${node}`,
        expected: `another VIP, or priority 255 on ${node}`,
        why: `at a takeover ${node} would still answer for it`,
      });
    }
  }
}

/** Every address that moves with an instance, and where it is written. */
function places(
  { raw }: Reading,
  path: Path,
  instance: Pick<InstanceConfig, 'virtual_ipaddress' | 'virtual_ipaddress_excluded'>,
): readonly { readonly address: Ip; readonly place: Path }[] {
  return (['virtual_ipaddress', 'virtual_ipaddress_excluded'] as const).flatMap((word) =>
    (instance[word] ?? []).map(({ address }, at) => {
      const entry = raw.vrrp_instance[String(path[1])]?.[word]?.[at];
      return { address, place: [...path, word, at, ...(typeof entry === 'object' ? ['address'] : [])] };
    }),
  );
}

/** What all directors of one election must have in common. */
export function checkAgreement(readings: readonly Reading[], configs: ReadonlyMap<string, Config>): void {
  const [first] = readings;
  const [one, ...others] = configs.values();
  if (first === undefined || one === undefined) return;
  for (const instance of one.vrrp_instance)
    for (const other of others) {
      const theirs = other.vrrp_instance.find(({ name }) => name === instance.name);
      if (theirs === undefined) continue;
      const differs = (word: string, ours: string, peers: string, why: string): void =>
        first.view.error(['vrrp_instance', instance.name, word], {
          message: `${word} of vrrp_instance ${instance.name} is ${ours} on ${one.node} and ${peers} on ${other.node}`,
          expected: 'the same on all nodes',
          why,
        });
      const [version, another] = [instance.version ?? 3, theirs.version ?? 3];
      if (version !== another)
        differs(
          'version',
          `${version}`,
          `${another}`,
          'they would not hear each other, and both own the address',
        );
      else if (version === 2 && instance.advert_int !== theirs.advert_int) {
        const why =
          'version 2 discards the advertisements of another interval, and both would own the address';
        differs('advert_int', formatDuration(instance.advert_int), formatDuration(theirs.advert_int), why);
      }
    }
}

/** Which node has which address, and who is the address owner (priority 255) of an instance. */
export class Owners {
  readonly #nodes = new Map<Ip, string>();
  readonly #readings: readonly Reading[];

  constructor(readings: readonly Reading[]) {
    this.#readings = readings;
    for (const [name, node] of Object.entries(
      (readings[0]?.usable === true && readings[0].raw.nodes) || {},
    )) {
      for (const text of [node?.address ?? []].flat()) {
        const address = parseIp(text);
        if (address !== undefined) this.#nodes.set(address, name);
      }
    }
  }

  nodeOf(address: Ip): string | undefined {
    return this.#nodes.get(address);
  }

  owns(node: string, instance: string): boolean {
    return this.#readings.some(
      ({ view, raw }) => view.node === node && raw.vrrp_instance[instance]?.priority === 255,
    );
  }
}

/** Priorities of one instance over all nodes. */
export function checkPriorities(readings: readonly Reading[]): void {
  const [first] = readings;
  if (first === undefined || readings.length < 2) return;
  for (const name of first.sound) {
    const at = ['vrrp_instance', name, 'priority'];
    const nodes = new Map<number, string[]>();
    for (const { view, raw, sound } of readings) {
      const priority = sound.includes(name) ? raw.vrrp_instance[name]?.priority : undefined;
      if (priority !== undefined) nodes.set(priority, [...(nodes.get(priority) ?? []), view.node]);
    }
    for (const [priority, names] of nodes) {
      if (names.length < 2) continue;
      const message = `priority of vrrp_instance ${name} is ${priority} on ${names.join(' and ')}`;
      if (priority === 255) {
        const expected = '255 on one node at most';
        first.view.error(at, { message, expected, why: 'both would own the address at all times' });
      } else first.view.note(at, `${message}: the one with the higher interface address wins`);
    }
  }
}
