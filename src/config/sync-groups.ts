/** vrrp_sync_group: instances that are Active together, on every node in the same order. */
import type { Track } from '../vrrp/track.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import type { Reading } from './cross.ts';
import { nearest } from './nearest.ts';
import type { RawConfig } from './raw.ts';
import { type Path, plainNames, quote, shownName } from './report.ts';
import { placeOfTrack } from './track-lists.ts';
import type { Config } from './types.ts';
import { isMap } from './view.ts';

/** @returns the group that the instance is in, if any */
export const syncGroupOf = ({ vrrp_sync_group = {} }: RawConfig, instance: string): string | undefined =>
  Object.entries(vrrp_sync_group).find(([, { group }]) => group.includes(instance))?.[0];

export function checkSyncGroups(readings: readonly Reading[], configs: ReadonlyMap<string, Config>): void {
  const [first] = readings;
  if (first === undefined || !first.usable) return;
  // Whose names would be missing from what is no map has been told already.
  const { plain } = first.view;
  if (!isMap(plain) || !isMap(plain.vrrp_instance ?? null)) return;
  const holders = new Map<string, string>();
  for (const [name, { group }] of Object.entries(first.raw.vrrp_sync_group ?? {})) {
    const at = ['vrrp_sync_group', name, 'group'];
    for (const [index, instance] of group.entries()) {
      checkName(first, [...at, index], instance, holders.get(instance));
      holders.set(instance, name);
    }
    const nodes = [...configs.values()].map(({ node, vrrp_instance }) => ({
      node,
      members: vrrp_instance.filter(({ sync_group }) => sync_group === name),
    }));
    for (const { members } of nodes) checkMembers(first, name, members);
    checkOrder(first, at, name, nodes);
  }
}

function checkName({ view, raw }: Reading, at: Path, instance: string, holder: string | undefined): void {
  if (!Object.hasOwn(raw.vrrp_instance, instance)) {
    const hint = nearest(instance, plainNames(Object.keys(raw.vrrp_instance)));
    view.error(at, {
      message: `${quote(instance)} is no vrrp_instance`,
      expected: 'a name under "vrrp_instance"',
      ...(hint !== undefined && { hint }),
    });
  } else if (holder !== undefined)
    view.error(at, {
      message: `vrrp_instance ${shownName(instance)} is also in vrrp_sync_group ${shownName(holder)}`,
      expected: 'an instance once, in one group',
      why: 'two groups could want it in two states',
    });
}

/** What an instance can do alone, and not in company. */
function checkMembers({ view, raw }: Reading, group: string, members: readonly InstanceConfig[]): void {
  for (const { name, priority, track = [] } of members) {
    const path = ['vrrp_instance', name];
    if (priority === 255)
      view.error([...path, 'priority'], {
        message: `priority of vrrp_instance ${name} is 255, and it is in vrrp_sync_group ${shownName(group)}`,
        expected: 'at most 254',
        why: 'an address owner takes over alone, without the rest of the group',
      });
    for (const tracker of track.filter(({ weight }) => weight !== 0)) {
      const without = members.find((other) => !other.track?.some((one) => same(one, tracker)));
      if (without === undefined) continue;
      view.error(placeOfTrack(raw, name, tracker), {
        message:
          `weight ${tracker.weight} of ${tracker.kind} ${shownName(tracker.name)} can never change who wins: ` +
          `vrrp_instance ${without.name} of vrrp_sync_group ${shownName(group)} does not have it`,
        expected: 'the same weight in all instances of the group, or 0: a failure takes the whole group out',
        why: 'the group moves only when all of its instances would',
      });
    }
  }
}

const same = (a: Track, b: Track): boolean =>
  a.kind === b.kind && a.name === b.name && a.weight === b.weight && a.reverse === b.reverse;

/** Two directors that are each better in one instance of a group: neither would ever take over from the other. */
function checkOrder(
  { view }: Reading,
  at: Path,
  group: string,
  nodes: readonly { readonly node: string; readonly members: readonly InstanceConfig[] }[],
): void {
  const [one, ...others] = nodes;
  if (one === undefined) return;
  for (const other of others) {
    const better = one.members.map(({ name, priority }) => {
      const theirs = other.members.find((member) => member.name === name)?.priority ?? priority;
      return { name, by: Math.sign(priority - theirs) };
    });
    const [up, down] = [better.find(({ by }) => by > 0), better.find(({ by }) => by < 0)];
    if (up === undefined || down === undefined) continue;
    view.error(at, {
      message:
        `in vrrp_sync_group ${shownName(group)} node ${shownName(one.node)} is better in ${up.name}, ` +
        `node ${shownName(other.node)} in ${down.name}`,
      expected: 'priorities in the same order in all instances of the group',
      why: 'the group moves only when all of its instances would, so none of the two would ever preempt',
    });
  }
}
