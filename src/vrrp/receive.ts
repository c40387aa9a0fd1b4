/**
 * From a datagram to an advertisement that the state machine may believe, or to the one reason why not.
 *
 * A discarded packet changes nothing: no timer, no state, nothing learned; the caller only counts it.
 * (keepalived 2.2.7 re-arms its timer on any packet, so damaged ones can keep a dead Active alive.) RFC 9568
 * §7.1, RFC 3768 §7.1
 *
 * The RFCs check TTL first. Here the layout comes first, because only the VRID says which instance is meant, and
 * only the instance says what is right: its version, its peers, their TTL, its password. Then where the packet
 * came from, then what it says. The order decides nothing but which of several faults is named.
 */
import { ipFromBytes, isLinkLocal, isMulticast, type Family, type Ip } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { centiseconds } from '../base/time.ts';
import {
  authTypes,
  carriesPassword,
  decodeAdvertisement,
  type Advertisement,
  type Carrier,
} from './packet.ts';
import { advertisedAddresses, isOwner, type InstanceConfig, type UnicastPeer } from './types.ts';

/**
 * Every reason to discard, also the metric label. The rungs stand in this order and the first that fails is
 * the reason; two names serve twice. `length`: a message too short for a header has no version, and after `type`
 * the addresses must fill the message exactly. `version`: one that nobody knows, and one that the instance does
 * not speak.
 */
export const discardReasons = [
  /** Not a whole IPv4 packet; only splitIp4 says it. */
  'ip-header',
  'length',
  'version',
  'type',
  'checksum',
  /** Not configured on this interface and family: normal on a shared link, never worth a log line. */
  'vrid',
  /** Our own address as source: our packet came back, or somebody else uses our address. */
  'own-source',
  /** Sent to the group while the instance is unicast, or the other way round. */
  'destination',
  /** Unicast with check_source, and not from a peer. */
  'unicast-source',
  /**
   * Multicast: TTL or hop limit is not 255, so it crossed a router (RFC 9568 §5.1.1.3, §5.1.2.3). Unicast may
   * cross routers: outside the limits of its peer, if that has any.
   */
  'ttl',
  /** Version 2 inside an IP Authentication Header (RFC 2338 §10.3), which we do not have. */
  'auth-ah',
  'auth-type',
  /** Another password. */
  'auth-failure',
  /**
   * Max Advertise Interval 0 would make every timer 0 (RFC 9568 erratum 8301); in version 2 it must be ours,
   * because nobody learns it (RFC 3768 §7.1).
   */
  'interval',
  /** RFC 9568 erratum 8299 */
  'count-zero',
  /**
   * Version 2: another address list, unless the owner says it. RFC 3768 §7.1 lets a router compare and then
   * demands this; so does keepalived 2.2.7, while 2.4.3 only logs. Version 3 only remarks.
   */
  'address-list',
  /**
   * The first IPv6 address must be link-local (erratum 8300); discarded only with `first_linklocal: reject`.
   */
  'first-not-link-local',
] as const;
export type DiscardReason = (typeof discardReasons)[number];

/**
 * Things that are accepted and only shown: they mean a misconfiguration, not a forged packet. RFC 9568 §7.1
 */
export const remarks = [
  /** Version 3 learns it. */
  'interval-differs',
  /** Version 3, or version 2 from the owner. */
  'address-list-differs',
  'first-not-link-local',
  /**
   * We own the addresses (priority 255) and another router advertises them. RFC 3768 §7.1 discards, erratum 8298
   * of RFC 9568 does not: with two owners the discard would leave two Actives for ever.
   */
  'owner-conflict',
  /** Version 3 over IPv4: the sender uses the other checksum form, and may refuse ours. */
  'checksum-form',
] as const;
export type Remark = (typeof remarks)[number];

/** A VRRP message without IP header, and what the header said. Octets are not kept. */
export interface ReceivedPacket extends Carrier {
  readonly family: Family;
  /** TTL or hop limit; undefined when the kernel did not say it, which is discarded as `ttl`. */
  readonly ttl: number | undefined;
  readonly data: Uint8Array;
}

/** What the ladder asks of the instance that listens for a VRID. */
export interface Listener {
  readonly config: Pick<
    InstanceConfig,
    | 'priority'
    | 'advert_int'
    | 'virtual_ipaddress'
    | 'checksum'
    | 'first_linklocal'
    | 'version'
    | 'authentication'
    | 'unicast'
  >;
  /** Every address that may be the source of our own advertisements. */
  readonly ownAddresses: readonly Ip[];
}

export type Received<L extends Listener> =
  | {
      readonly verdict: 'accept';
      readonly advertisement: Advertisement;
      readonly listener: L;
      readonly remarks: readonly Remark[];
    }
  | {
      readonly verdict: 'discard';
      readonly reason: DiscardReason;
      /** Set when the packet claims a VRID that we listen for. */
      readonly foreign: ForeignSpeaker<L> | undefined;
    };

/**
 * Somebody speaks for our virtual router and we do not understand or believe it: the main cause of two Actives,
 * so status must name it. All of it is the claim of an unverified packet: shown, never acted upon. With the
 * reason `own-source` it may be our own packet that came back.
 */
export interface ForeignSpeaker<L extends Listener> {
  readonly listener: L;
  readonly reason: DiscardReason;
  readonly vrid: number;
  /** 0..15 */
  readonly version: number;
  readonly source: Ip;
  /** What it says, where layout and checksum are right. */
  readonly advertisement: Advertisement | undefined;
}

/** @param listenerOf the instance on the receiving interface, for this VRID and family */
export function receive<L extends Listener>(
  packet: ReceivedPacket,
  listenerOf: (vrid: number, family: Family) => L | undefined,
): Received<L> {
  const { data, family, source } = packet;
  const [first = 0, vrid] = data;
  const listener = vrid === undefined ? undefined : listenerOf(vrid, family);
  const decoded = decodeAdvertisement(data, packet);
  const discard = (reason: DiscardReason): Received<L> => {
    if (vrid === undefined || listener === undefined)
      return { verdict: 'discard', reason, foreign: undefined };
    const advertisement = decoded.ok ? decoded.value : undefined;
    const foreign = { listener, reason, vrid, version: first >> 4, source, advertisement };
    return { verdict: 'discard', reason, foreign };
  };
  if (!decoded.ok) return discard(decoded.error);
  if (listener === undefined) return discard('vrid');
  const advertisement = decoded.value;
  const notes = remarksOn(advertisement, listener.config);
  const fault =
    faultOfOrigin(packet, listener) ??
    faultOfVersion(advertisement, data, listener.config) ??
    faultOfContent(advertisement, notes, listener.config);
  if (fault !== undefined) return discard(fault);
  return { verdict: 'accept', advertisement, listener, remarks: notes };
}

type Fault = DiscardReason | undefined;

function faultOfOrigin(packet: ReceivedPacket, { config: { unicast }, ownAddresses }: Listener): Fault {
  const { source, destination, ttl } = packet;
  if (ownAddresses.includes(source)) return 'own-source';
  if (isMulticast(destination) === (unicast !== undefined)) return 'destination';
  if (unicast === undefined) return ttl === 255 ? undefined : 'ttl';
  const peer = unicast.peers.find(({ address }) => address === source);
  // A limit says whom we know; a stranger must not be freer than a peer.
  const checkSource = unicast.check_source || unicast.peers.some(hasTtlLimit);
  if (peer === undefined) return checkSource ? 'unicast-source' : undefined;
  const { min_ttl = 0, max_ttl = 255 } = peer;
  const within = ttl !== undefined && ttl >= min_ttl && ttl <= max_ttl;
  return within || !hasTtlLimit(peer) ? undefined : 'ttl';
}

const hasTtlLimit = ({ min_ttl, max_ttl }: UnicastPeer): boolean =>
  min_ttl !== undefined || max_ttl !== undefined;

function faultOfVersion(heard: Advertisement, data: Uint8Array, config: Listener['config']): Fault {
  const { version = 3, authentication } = config;
  if (heard.version !== version) return 'version';
  if (version === 3) return undefined;
  if (heard.authType === authTypes.authenticationHeader) return 'auth-ah';
  if (heard.authType !== (authentication === undefined ? authTypes.none : authTypes.password))
    return 'auth-type';
  // Without authentication its data is ignored on receipt. RFC 3768 §5.3.10
  if (authentication === undefined || carriesPassword(data, authentication.auth_pass)) return undefined;
  return 'auth-failure';
}

/** Some remarks are faults to a version or a setting. */
function faultOfContent(heard: Advertisement, notes: readonly Remark[], config: Listener['config']): Fault {
  const strict = heard.version === 2;
  const differs = strict && notes.includes('interval-differs');
  if (heard.maxAdvertiseIntervalCs === 0 || differs) return 'interval';
  if (heard.addresses.length === 0) return 'count-zero';
  const owner = heard.priority === 255;
  if (strict && !owner && notes.includes('address-list-differs')) return 'address-list';
  const rejected = config.first_linklocal === 'reject' && notes.includes('first-not-link-local');
  return rejected ? 'first-not-link-local' : undefined;
}

function remarksOn(heard: Advertisement, config: Listener['config']): readonly Remark[] {
  const [first] = heard.addresses;
  const holds: Readonly<Record<Remark, boolean>> = {
    'interval-differs': centiseconds(heard.maxAdvertiseIntervalCs) !== config.advert_int,
    'address-list-differs': !sameSet(heard.addresses, advertisedAddresses(config, heard.family)),
    'first-not-link-local': heard.family === 6 && first !== undefined && !isLinkLocal(first),
    'owner-conflict': isOwner(config),
    'checksum-form':
      heard.version === 3 && heard.family === 4 && !heard.checksumForms.includes(config.checksum),
  };
  return remarks.filter((remark) => holds[remark]);
}

/** Order carries no meaning but for the first IPv6 address, which has its own remark. */
function sameSet(a: readonly Ip[], b: readonly Ip[]): boolean {
  const wanted = new Set(a);
  return wanted.size === new Set(b).size && b.every((address) => wanted.has(address));
}

/** An IPv4 packet as a raw socket delivers it, taken apart; `data` is a view. */
export interface Ip4Packet extends ReceivedPacket {
  readonly ttl: number;
  readonly protocol: number;
}

/**
 * Takes the IPv4 header off (RFC 791 §3.1): options are skipped by IHL, and what lies behind Total Length is
 * Ethernet padding, not message. Header checksum and fragments are the kernel's work.
 */
export function splitIp4(packet: Uint8Array): Result<Ip4Packet, 'ip-header'> {
  const [versionAndLength = 0, , totalHigh = 0, totalLow = 0] = packet;
  const headerLength = (versionAndLength & 0x0f) * 4;
  const totalLength = (totalHigh << 8) | totalLow;
  if (versionAndLength >> 4 !== 4 || headerLength < 20) return err('ip-header');
  if (totalLength < headerLength || totalLength > packet.length) return err('ip-header');
  return ok({
    family: 4,
    ttl: packet[8] ?? 0,
    protocol: packet[9] ?? 0,
    source: ipFromBytes(packet.subarray(12, 16)),
    destination: ipFromBytes(packet.subarray(16, 20)),
    data: packet.subarray(headerLength, totalLength),
  });
}

export type DiscardCounters = Record<DiscardReason, number>;

/** One counter for every reason, so that a zero is shown as a zero. */
export const discardCounters = (): DiscardCounters =>
  Object.fromEntries(discardReasons.map((reason) => [reason, 0])) as DiscardCounters;
