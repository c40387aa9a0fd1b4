/** virtual_server and what belongs to it: one node's pools, and what they do to each other. */
import { ip, parsePrefix } from '../base/ip.ts';
import type { Ip } from '../base/ip.ts';
import type { PoolsConfig, VirtualServer } from '../director/types.ts';
import type { Timeouts } from '../ipvs/types.ts';
import { serviceName } from '../ipvs/types.ts';
import { heldAddresses, type InstanceConfig } from '../vrrp/types.ts';
import { duration } from './duration.ts';
import { checkForwarder } from './forwarder.ts';
import type { RawVirtualServer } from './pools-raw.ts';
import type { RawConfig, RawDuration } from './raw.ts';
import type { RemarkBook } from './remarks.ts';
import { Remarks } from './remarks.ts';
import type { Path } from './report.ts';
import { shownName } from './report.ts';
import type { ReadSecret } from './secret.ts';
import { buildSysctls, masqueradedBy } from './sysctls.ts';
import type { View } from './view.ts';
import { buildVirtualServer } from './virtual-server.ts';

/** What the nodes of one file share. */
export interface Together {
  /** By words and group: nodes for which they are the very same have the same pool. */
  readonly pools: Map<RawVirtualServer, { readonly group: unknown; readonly pool: VirtualServer }>;
  readonly remarks: RemarkBook;
}

interface Around {
  /** Whether the schema has refused something at or in a path: that is not built, and not complained of again. */
  readonly touched: (path: Path) => boolean;
  /** Undefined: the files are on another machine. */
  readonly readSecret: ReadSecret | undefined;
  readonly together: Together;
}

/** What could be built of virtual_server, with its place. */
export type BuiltPools = readonly (readonly [Path, VirtualServer])[];

/** The list as far as it is one. */
const listed = (
  { virtual_server: list }: RawConfig,
  touched: Around['touched'],
): readonly RawVirtualServer[] => (touched(['virtual_server']) && !Array.isArray(list) ? [] : (list ?? []));

export function buildVirtualServers(
  view: View,
  raw: RawConfig,
  { touched, readSecret, together }: Around,
): { readonly built: BuiltPools; readonly complete: boolean } {
  const remarks = new Remarks(view, together.remarks);
  const words = { view, remarks, script_user: raw.global.script_user, readSecret };
  const groups = touched(['virtual_server_group']) ? undefined : raw.virtual_server_group;
  const built: (readonly [Path, VirtualServer])[] = [];
  const list = listed(raw, touched);
  for (const [at, one] of list.entries()) {
    const path = ['virtual_server', at];
    // A group with a mistake has been reported, and its services are not known.
    if (touched(path) || (one.group !== undefined && touched(['virtual_server_group']))) continue;
    const group = one.group === undefined ? undefined : groups?.[one.group];
    const known = together.pools.get(one);
    const pool =
      known !== undefined && known.group === group
        ? known.pool
        : buildVirtualServer(words, path, one, groups);
    if (pool === undefined) continue;
    together.pools.set(one, { group, pool });
    built.push([path, pool]);
  }
  return { built, complete: !touched(['virtual_server']) && built.length === list.length };
}

export function buildPools(
  view: View,
  raw: RawConfig,
  built: BuiltPools,
  instances: readonly InstanceConfig[],
  { touched, together }: Around,
): PoolsConfig {
  const remarks = new Remarks(view, together.remarks);
  const groups = touched(['virtual_server_group']) ? undefined : raw.virtual_server_group;
  const list = listed(raw, touched);
  checkServices(view, built, list);
  const sysctls = touched(['sysctls']) ? {} : (raw.sysctls ?? {});
  noteHolders(remarks, built, instances);
  if (raw.data_plane === 'nftables') checkForwarder(view, remarks, built, { ...raw, sysctls });
  else noteUdp(remarks, built, sysctls);
  noteUnusedGroups(view, groups, list);
  const virtual_server = built.map(([, pool]) => pool);
  const masqueraded = masqueradedBy(virtual_server);
  const snat = touched(['snat'])
    ? []
    : (raw.snat ?? []).map(({ from, out }) => ({ from: network(from), out }));
  for (const { from } of snat) masqueraded.add(from.address.includes(':') ? 6 : 4);
  return {
    data_plane: raw.data_plane === 'nftables' ? 'nftables' : 'ipvs',
    virtual_server,
    ...(raw.lvs_timeouts !== undefined &&
      !touched(['lvs_timeouts']) && { lvs_timeouts: timeouts(raw.lvs_timeouts) }),
    ownership: raw.ownership === 'exclusive' ? 'exclusive' : 'declared',
    on_stop: raw.on_stop === 'remove' ? 'remove' : 'keep',
    ...(raw.maintenance_dir !== undefined && { maintenance_dir: raw.maintenance_dir }),
    sysctls: touched(['sysctls']) ? {} : buildSysctls(view, sysctls, masqueraded),
    snat,
  };
}

function network(text: string): { readonly address: Ip; readonly length: number } {
  const prefix = parsePrefix(text);
  return prefix.ok ? prefix.value : { address: ip('::'), length: 128 };
}

function timeouts({ tcp = 0, tcpfin = 0, udp = 0 }: NonNullable<RawConfig['lvs_timeouts']>): Timeouts {
  const seconds = (written: RawDuration): number => duration(written) / 1_000_000;
  return { tcp_s: seconds(tcp), tcpFin_s: seconds(tcpfin), udp_s: seconds(udp) };
}

/** To the kernel a service is one thing, whichever part of the file it comes from. */
function checkServices(view: View, built: BuiltPools, list: readonly RawVirtualServer[]): void {
  const holders = new Map<string, Path>();
  for (const [path, { services }] of built)
    for (const { key } of services) {
      const name = serviceName(key);
      const holder = holders.get(name);
      if (holder === undefined) {
        holders.set(name, path);
        continue;
      }
      const raw = list[Number(path[1])];
      const word = raw?.group !== undefined ? 'group' : raw?.fwmark !== undefined ? 'fwmark' : 'address';
      view.error([...path, word], {
        message: `${name} of ${view.describe(path)} is ${holder === path ? 'in it already' : `also in ${view.describe(holder)}`}`,
        expected: 'every service once',
        why: 'the kernel has it once, with the servers of one of the two',
      });
    }
}

/** Nobody answers for such an address, unless something else puts it here. */
function noteHolders(remarks: Remarks, built: BuiltPools, instances: readonly InstanceConfig[]): void {
  const held = new Set(
    instances.flatMap((instance) => heldAddresses(instance).map(({ address }) => address)),
  );
  for (const [path, { services }] of built)
    for (const { key } of services) {
      if (key.kind !== 'address' || held.has(key.address)) continue;
      const { address } = key;
      const message = (): string => `${address} is in no vrrp_instance: no failover would move it`;
      remarks.add('holder', path, message, address);
    }
}

/** A datagram of a client whose server is gone is dropped, and keeps its connection alive. ip_vs_in_hook() */
function noteUdp(
  remarks: Remarks,
  built: BuiltPools,
  sysctls: Readonly<Record<string, string | number>>,
): void {
  const setting = 'net.ipv4.vs.expire_nodest_conn';
  if (sysctls[setting] === 1) return;
  for (const [path, { name, services }] of built)
    if (services.some(({ key, ops }) => key.kind === 'address' && key.protocol === 'UDP' && !ops))
      remarks.add(
        'udp',
        path,
        () =>
          `clients of ${name} stay with a server that is gone for as long as they send: sysctls {${setting}: 1}`,
      );
}

function noteUnusedGroups(
  view: View,
  groups: RawConfig['virtual_server_group'],
  list: readonly RawVirtualServer[],
): void {
  // What the schema has refused may be anything.
  const used = new Set((list as readonly (RawVirtualServer | null)[]).map((one) => one?.group));
  for (const name of Object.keys(groups ?? {}))
    if (!used.has(name))
      view.note(['virtual_server_group', name], `no virtual_server has group ${shownName(name)}`);
}
