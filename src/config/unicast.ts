/** unicast_peer and its words. One file serves all directors, so each leaves itself out of the list. */
import type { Family, Ip } from '../base/ip.ts';
import { familyOf, ip } from '../base/ip.ts';
import { heldAddresses, type InstanceConfig, type UnicastPeer } from '../vrrp/types.ts';
import { unusable } from './addresses.ts';
import type { RawConfig, RawInstance } from './raw.ts';
import type { Path } from './report.ts';
import { shownName } from './report.ts';
import type { View } from './view.ts';

type Nodes = RawConfig['nodes'];
type Held = Pick<InstanceConfig, 'virtual_ipaddress' | 'virtual_ipaddress_excluded'>;

export function buildUnicast(
  view: View,
  path: Path,
  raw: RawInstance,
  nodes: Nodes,
  families: readonly Family[],
  held: Held,
): Pick<InstanceConfig, 'unicast'> {
  if (raw.unicast_peer === undefined) {
    for (const word of ['unicast_src_ip', 'unicast_ttl', 'check_unicast_src'] as const)
      if (raw[word] !== undefined)
        without(view, [...path, word], 'without unicast_peer', 'unicast_peer too, or neither');
    return {};
  }
  if (raw.mcast_src_ip !== undefined)
    without(view, [...path, 'mcast_src_ip'], 'together with unicast_peer', 'unicast_src_ip');
  const list = [...path, 'unicast_peer'];
  const own = families.flatMap((family) => addressesOf(nodes, view.node, family));
  const sources = buildSources(view, path, raw, { families, held, nodes });
  const peers = isText(raw.unicast_peer)
    ? families.flatMap((family) => nodePeers(view, list, nodes, family))
    : listedPeers(view, list, raw.unicast_peer, { families, held, ours: [...own, ...sources] });
  const check_source = raw.check_unicast_src ?? false;
  const limited = peers.some(({ min_ttl, max_ttl }) => min_ttl !== undefined || max_ttl !== undefined);
  if (!check_source && !limited)
    view.note(
      list,
      `${view.describe(list)}: any host that can reach this one is believed; check_unicast_src: true believes the peers only`,
    );
  return { unicast: { sources, peers, ttl: raw.unicast_ttl ?? 255, check_source } };
}

const isText = (peers: NonNullable<RawInstance['unicast_peer']>): peers is string =>
  typeof peers === 'string';

function without(view: View, at: Path, how: string, expected: string): void {
  const why = 'advertisements would not go the way that the file says';
  view.error(at, { message: `${view.describe(at)} ${how}`, expected, why }, 'key', 'key');
}

function addressesOf(nodes: Nodes, name: string, family: Family): readonly Ip[] {
  const written = [nodes?.[name]?.address ?? []].flat();
  return written.map(ip).filter((address) => familyOf(address) === family);
}

/** What is written, and for the other families this node's own address, when the peers are the nodes. */
function buildSources(
  view: View,
  path: Path,
  raw: RawInstance,
  { families, held, nodes }: Omit<Known, 'ours'> & { readonly nodes: Nodes },
): readonly Ip[] {
  const at = [...path, 'unicast_src_ip'];
  const written = raw.unicast_src_ip === undefined ? [] : [raw.unicast_src_ip].flat().map(ip);
  for (const source of written) {
    const twice = written.filter((other) => familyOf(other) === familyOf(source)).length > 1;
    const fault = twice ? 'and not alone of its family' : faultOf(source, families, held);
    if (fault !== undefined)
      view.error(at, {
        message: `${view.describe(at)} is ${source}, ${fault}`,
        expected: `an IPv${families.join(' or IPv')} address that this director always has`,
        why: 'it could send no advertisement, or peers would discard them',
      });
  }
  return families.flatMap((family) => {
    const source = written.find((address) => familyOf(address) === family);
    if (source !== undefined) return [source];
    return isText(raw.unicast_peer ?? []) ? addressesOf(nodes, view.node, family).slice(0, 1) : [];
  });
}

function nodePeers(view: View, list: Path, nodes: Nodes, family: Family): readonly UnicastPeer[] {
  const others = Object.keys(nodes ?? {}).filter((name) => name !== view.node);
  if (others.length === 0) noPeer(view, list, 'at least two directors under "nodes", or a list of addresses');
  return others.flatMap((name) => {
    const [address] = addressesOf(nodes, name, family);
    if (address !== undefined) return [{ address }];
    view.error(list, {
      message: `${view.describe(list)} is nodes, and node ${shownName(name)} has no IPv${family} address`,
      expected: `an IPv${family} address of it under "nodes", or a list of addresses`,
      why: 'it would hear no advertisement, and own the address too',
    });
    return [];
  });
}

function noPeer(view: View, list: Path, expected: string): void {
  view.error(list, {
    message: `${view.describe(list)} names no other director`,
    expected,
    why: 'nobody would hear this director, and others would own the address too',
  });
}

interface Known {
  readonly families: readonly Family[];
  readonly held: Held;
  readonly ours: readonly Ip[];
}

function listedPeers(
  view: View,
  list: Path,
  written: Exclude<NonNullable<RawInstance['unicast_peer']>, string>,
  { families, held, ours }: Known,
): readonly UnicastPeer[] {
  const peers: UnicastPeer[] = [];
  for (const [at, entry] of written.entries()) {
    const { address: text, ...limits } = typeof entry === 'string' ? { address: entry } : entry;
    const place = [...list, at, ...(typeof entry === 'string' ? [] : ['address'])];
    const address = ip(text);
    const fault = faultOf(address, families, held);
    if (fault !== undefined) {
      const expected = `the IPv${families.join(' or IPv')} address of another director`;
      view.error(place, { message: `unicast peer ${address} is ${fault}`, expected });
    } else if (peers.some((other) => other.address === address))
      view.error(place, {
        message: `${address} is twice in ${view.describe(list)}`,
        expected: 'every peer once',
      });
    checkLimits(view, [...list, at], address, limits);
    if (ours.includes(address))
      view.note(place, `${address} is this node, ${shownName(view.node)}: left out`);
    else peers.push({ address, ...limits });
  }
  const mute = families.filter((family) => !peers.some(({ address }) => familyOf(address) === family));
  if (peers.length === 0) noPeer(view, list, 'the address of another director');
  else if (families.length > 1 && mute.length > 0)
    view.error(list, {
      message: `${view.describe(list)} has no IPv${mute.join()} address, and the virtual addresses are IPv4 and IPv6`,
      expected: 'peers of both families',
      why: 'the election would go over one of them only',
    });
  return peers;
}

function checkLimits(
  view: View,
  entry: Path,
  address: Ip,
  { min_ttl, max_ttl }: Omit<UnicastPeer, 'address'>,
): void {
  if (min_ttl === undefined || max_ttl === undefined || min_ttl <= max_ttl) return;
  view.error([...entry, 'min_ttl'], {
    message: `min_ttl of unicast peer ${address} is ${min_ttl}, above its max_ttl ${max_ttl}`,
    expected: `at most ${max_ttl}`,
    why: 'every advertisement of this peer would be discarded',
  });
}

function faultOf(address: Ip, families: readonly Family[], held: Held): string | undefined {
  if (!families.includes(familyOf(address)))
    return `IPv${familyOf(address)}, and the virtual addresses are IPv${families.join()}`;
  if (heldAddresses(held).some((virtual) => virtual.address === address))
    return 'a virtual address of the instance';
  return unusable(address);
}
