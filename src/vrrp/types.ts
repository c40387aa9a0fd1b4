import { type Family, familyOf, type Ip, ip, type Prefix } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type { Track } from './track.ts';

/** Virtual Router Identifier, 1..255. RFC 9568 §5.2.3 */
export type Vrid = number & { readonly kind: 'vrid' };
/** 1..254; 255 is the address owner; 0 only on the wire, "I am leaving". RFC 9568 §5.2.4 */
export type Priority = number & { readonly kind: 'priority' };

/** Where advertisements go. RFC 9568 §5.1.1.2, §5.1.2.2 */
export const vrrpGroup = { 4: ip('224.0.0.18'), 6: ip('ff02::12') } as const;

/** RFC 3768 is version 2, RFC 9568 version 3. A router speaks and hears one of them per instance. */
export type Version = 2 | 3;

/** One line of virtual_ipaddress. */
export interface VirtualAddress extends Prefix {
  /** Interface that carries the address; the instance's own when absent. */
  readonly dev?: string;
  /** IPv4 only, as `ip address … label`; at most 15 octets. */
  readonly label?: string;
  /** rtnetlink scope: 0 global, 200 site, 253 link, 254 host. */
  readonly scope?: number;
  /** IPv4 broadcast address. */
  readonly brd?: Ip;
}

/** keepalived's garp_* timings; a repeat is a number of frames per address. */
export interface AnnounceTimings {
  readonly garp_master_repeat: number;
  readonly garp_master_delay: Micros;
  readonly garp_master_refresh: Micros;
  readonly garp_master_refresh_repeat: number;
  readonly garp_lower_prio_repeat: number;
  readonly garp_lower_prio_delay: Micros;
  /** Pause between two frames on one interface, 0 = none: IPv4 and IPv6. */
  readonly garp_interval: Micros;
  readonly gna_interval: Micros;
}

export interface LeaseConfig {
  readonly mode: 'required' | 'preferred' | 'off';
  /** Lifetime of the nft gate element. Gate lifetime + 0.1 s ≤ 3 × advert_int, so that it closes before a peer opens. */
  readonly gate_lifetime: Micros;
  /** valid_lft of the address in whole seconds: clean-up, never the bound. */
  readonly address_lifetime_s: number;
}

/** Version 2 over IPv4: a plain text password. RFC 2338 §10.2; RFC 3768 removed it, the field still uses it. */
export interface Authentication {
  readonly auth_type: 'PASS';
  /** SECRET, 1..8 octets in UTF-8: withoutSecrets() before anything of a configuration is shown. */
  readonly auth_pass: string;
}

/** One line of unicast_peer. An absent limit does not limit; one that is there turns check_source on. */
export interface UnicastPeer {
  readonly address: Ip;
  /** TTL or hop limit of its advertisements as they arrive, 0..255. */
  readonly min_ttl?: number;
  readonly max_ttl?: number;
}

/** keepalived's unicast: the same message goes to every peer, and nothing to the group. */
export interface UnicastConfig {
  /** unicast_src_ip, at most one of each family; else the primary address, with IPv6 one of the scope of the peers. */
  readonly sources: readonly Ip[];
  readonly peers: readonly UnicastPeer[];
  /** TTL or hop limit that we send with. */
  readonly ttl: number;
  /** Believe nobody but the peers. */
  readonly check_source: boolean;
}

/** One vrrp_instance as this node runs it: one election, carried over one family or both. */
export interface InstanceConfig {
  readonly name: string;
  readonly interface: string;
  /** Of the advertised addresses: every one carries the election, and has its own addresses in its advertisements. */
  readonly families: readonly Family[];
  readonly virtual_router_id: Vrid;
  readonly priority: Priority;
  readonly advert_int: Micros;
  readonly preempt: {
    readonly mode: 'always' | 'never';
    readonly delay: Micros;
    /** No living Active is preempted while a check has not spoken or a pool is down, for at most so long. */
    readonly wait_for_checks?: { readonly at_most: Micros };
  };
  readonly virtual_ipaddress: readonly VirtualAddress[];
  /** Held like the virtual addresses, of any family, and not said in advertisements. */
  readonly virtual_ipaddress_excluded?: readonly VirtualAddress[];
  /** Source of advertisements of its family; the interface's primary (IPv6: first link-local) address when absent. */
  readonly mcast_src_ip?: Ip;
  /** Checksum form that we send for IPv4; both are accepted. protocols: pseudo header is the deployed form, message the RFC 9568 text. */
  readonly checksum: 'pseudo_header' | 'message';
  readonly first_linklocal: 'warn' | 'reject';
  readonly announce: AnnounceTimings;
  readonly lease: LeaseConfig;
  /** Absent: 3. With 2 advert_int is whole seconds, 1..255. */
  readonly version?: Version;
  readonly authentication?: Authentication;
  /** Absent: multicast. */
  readonly unicast?: UnicastConfig;
  /** The track_… lists. */
  readonly track?: readonly Track[];
  /** Name of the vrrp_sync_group that it belongs to. */
  readonly sync_group?: string;
}

/** The configuration as it may be shown: that there is a password stays, the password goes. */
export const withoutSecrets = (config: InstanceConfig): InstanceConfig =>
  config.authentication === undefined
    ? config
    : { ...config, authentication: { ...config.authentication, auth_pass: '(secret)' } };

/** Every address that moves with the instance: what is added, guarded, announced and removed. */
export const heldAddresses = ({
  virtual_ipaddress: advertised,
  virtual_ipaddress_excluded: excluded,
}: Pick<InstanceConfig, 'virtual_ipaddress' | 'virtual_ipaddress_excluded'>): readonly VirtualAddress[] =>
  excluded === undefined ? advertised : [...advertised, ...excluded];

/** The addresses that an advertisement of this family names. */
export const advertisedAddresses = (
  { virtual_ipaddress }: Pick<InstanceConfig, 'virtual_ipaddress'>,
  family: Family,
): readonly Ip[] =>
  virtual_ipaddress.map(({ address }) => address).filter((address) => familyOf(address) === family);

export const isOwner = (config: Pick<InstanceConfig, 'priority'>): boolean => config.priority === 255;

/** Addresses of `wanted` that `present` lacks or holds with another interface, prefix or label. */
export function missingFrom(
  present: readonly VirtualAddress[],
  wanted: readonly VirtualAddress[],
): readonly VirtualAddress[] {
  const known = new Set(present.map(identity));
  return wanted.filter((address) => !known.has(identity(address)));
}

const identity = ({ address, length, dev, label, scope, brd }: VirtualAddress): string =>
  [address, length, dev, label, scope, brd].join(' ');

/** What cannot change without leaving: another VRID, version, interface or source is another voice on the wire. */
export const voice = ({ unicast, version = 3, ...config }: InstanceConfig): string =>
  JSON.stringify([
    ...[config.interface, config.families, config.virtual_router_id, version, config.mcast_src_ip ?? ''],
    ...[unicast !== undefined, unicast?.sources ?? ''],
  ]);
