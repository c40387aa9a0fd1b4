/**
 * From a datagram to an advertisement that the state machine may believe, or to the one reason why not.
 *
 * A discarded packet changes nothing: no timer, no state, nothing learned; the caller only counts it.
 * (keepalived 2.2.7 re-arms its timer on any packet, so damaged ones can keep a dead Active alive.) RFC 9568
 * §7.1
 */
import { ipFromBytes, isLinkLocal, type Family, type Ip } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { centiseconds } from '../base/time.ts';
import { decodeAdvertisement, type Advertisement, type Carrier } from './packet.ts';
import { isOwner, type InstanceConfig } from './types.ts';

/**
 * Every reason to discard, also the metric label. The rungs stand in this order and the first that fails is
 * the reason; `length` stands twice: a message too short for a header has no version, and after `type` the
 * addresses must fill the message exactly. `vrid` comes before the rows that judge values, because what a
 * router of somebody else's says is not ours to complain about.
 */
export const discardReasons = [
  /** Not a whole IPv4 packet; only splitIp4 says it. */
  'ip-header',
  /** TTL or hop limit is not 255: it crossed a router. RFC 9568 §5.1.1.3, §5.1.2.3 */
  'ttl',
  'length',
  'version',
  'type',
  'checksum',
  /** Not configured on this interface and family: normal on a shared link, never worth a log line. */
  'vrid',
  /** Our own address as source: our packet came back, or somebody else uses our address. */
  'own-source',
  /** Max Advertise Interval 0 would make every timer 0. RFC 9568 erratum 8301 */
  'interval',
  /** RFC 9568 erratum 8299 */
  'count-zero',
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
  'interval-differs',
  'address-list-differs',
  'first-not-link-local',
  /** We own the addresses (priority 255) and another router advertises them. Erratum 8298 */
  'owner-conflict',
  /** IPv4: the sender uses the other checksum form, and may refuse ours. */
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
    'priority' | 'advert_int' | 'virtual_ipaddress' | 'checksum' | 'first_linklocal'
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
  /** `vrid` is the claim of an unverified packet: good for showing whose adverts we drop, not for more. */
  | { readonly verdict: 'discard'; readonly reason: DiscardReason; readonly vrid: number | undefined };

/** @param listenerOf the instance on the receiving interface, for this VRID and family */
export function receive<L extends Listener>(
  packet: ReceivedPacket,
  listenerOf: (vrid: number, family: Family) => L | undefined,
): Received<L> {
  const discard = (reason: DiscardReason): Received<L> => ({
    verdict: 'discard',
    reason,
    vrid: packet.data[1],
  });
  if (packet.ttl !== 255) return discard('ttl');
  const decoded = decodeAdvertisement(packet.data, packet);
  if (!decoded.ok) return discard(decoded.error);
  const advertisement = decoded.value;
  const listener = listenerOf(advertisement.vrid, packet.family);
  if (listener === undefined) return discard('vrid');
  if (listener.ownAddresses.includes(packet.source)) return discard('own-source');
  if (advertisement.maxAdvertiseIntervalCs === 0) return discard('interval');
  if (advertisement.addresses.length === 0) return discard('count-zero');
  const notes = remarksOn(advertisement, listener.config);
  if (notes.includes('first-not-link-local') && listener.config.first_linklocal === 'reject') {
    return discard('first-not-link-local');
  }
  return { verdict: 'accept', advertisement, listener, remarks: notes };
}

function remarksOn(heard: Advertisement, config: Listener['config']): readonly Remark[] {
  const [first] = heard.addresses;
  const holds: Readonly<Record<Remark, boolean>> = {
    'interval-differs': centiseconds(heard.maxAdvertiseIntervalCs) !== config.advert_int,
    'address-list-differs': !sameSet(
      heard.addresses,
      config.virtual_ipaddress.map(({ address }) => address),
    ),
    'first-not-link-local': heard.family === 6 && first !== undefined && !isLinkLocal(first),
    'owner-conflict': isOwner(config),
    'checksum-form': heard.family === 4 && !heard.checksumForms.includes(config.checksum),
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
