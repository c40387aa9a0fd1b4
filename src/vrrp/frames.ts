/**
 * Whole Ethernet frames of address resolution: what an Active announces, and what the measuring instruments
 * ask and hear. Ethernet pads short frames to 60 octets in the driver, so builders do not and the reader
 * ignores what follows.
 */
import assert from 'node:assert/strict';
import { internetChecksum } from '../base/checksum.ts';
import { familyOf, ip, ipBytes, ipFromBytes, type Ip } from '../base/ip.ts';
import { broadcastMac, macBytes, macFromBytes, multicastMac, type Mac } from '../base/mac.ts';
import { pseudoHeader, type Carrier } from './packet.ts';
import { splitIp4 } from './receive.ts';

const etherTypeIp4 = 0x0800;
const etherTypeArp = 0x0806;
const etherTypeIp6 = 0x86dd;
const protocolIcmp = 1;
const protocolIcmp6 = 58;
const ethernetHeaderLength = 14;
const ip6HeaderLength = 40;
const arpRequestCode = 1;
const arpReplyCode = 2;
const noMac = '00:00:00:00:00:00' as Mac;
const allNodes = ip('ff02::1');

/** Types of ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861). */
const echo = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;
const neighbourSolicitationType = 135;
const neighbourAdvertisementType = 136;
/** Options of neighbour discovery. RFC 4861 §4.6.1 */
const sourceLinkLayerOption = 1;
const targetLinkLayerOption = 2;

export interface Station {
  readonly mac: Mac;
  readonly ip: Ip;
}

/**
 * Gratuitous ARP (RFC 9568 §6.4.1, RFC 5227 §3): sender and target address are the virtual one, and the
 * Ethernet source is the announced MAC so that switches learn its port.
 *
 * The request form reaches nearly every stack. Its target MAC is ignored by receivers; keepalived and FRR
 * send ff's. The reply form repeats the MAC there, for the few stacks that take only replies.
 */
export function gratuitousArp(address: Ip, mac: Mac, form: 'request' | 'reply' = 'request'): Uint8Array {
  const sender = { mac, ip: address };
  return form === 'request'
    ? arp(arpRequestCode, sender, { mac: broadcastMac, ip: address })
    : arp(arpReplyCode, sender, { mac, ip: address });
}

/**
 * "Who has `target`?" to everyone. A source of 0.0.0.0 makes it a probe that changes no cache (RFC 5227
 * §2.1.1).
 */
export const arpRequest = (target: Ip, source: Station): Uint8Array =>
  arp(arpRequestCode, source, { mac: noMac, ip: target });

/**
 * Unsolicited Neighbor Advertisement to all nodes. RFC 9568 §6.4.1, RFC 4861 §4.4: S clear, O set; source is
 * the address itself (as keepalived).
 * @param router R: only when this host forwards IPv6, because hosts drop a default router whose R is clear
 *   (RFC 4861 §7.2.5)
 */
export function unsolicitedNeighbourAdvertisement(address: Ip, mac: Mac, router: boolean): Uint8Array {
  const flags = (router ? 0x80 : 0) | 0x20;
  const body = [neighbourAdvertisementType, 0, 0, 0, flags, 0, 0, 0, ...ipBytes(address)];
  const message = Uint8Array.from([...body, targetLinkLayerOption, 1, ...macBytes(mac)]);
  return icmp6Frame({ mac, ip: address }, { mac: multicastMac(allNodes), ip: allNodes }, message);
}

/**
 * "Who has `target`?" to its solicited-node group (RFC 4861 §4.3). A source of :: carries no MAC (RFC 4862
 * §5.4.2).
 */
export function neighbourSolicitation(target: Ip, source: Station): Uint8Array {
  const group = solicitedNode(target);
  const option = source.ip === '::' ? [] : [sourceLinkLayerOption, 1, ...macBytes(source.mac)];
  const message = Uint8Array.from([
    neighbourSolicitationType,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...ipBytes(target),
    ...option,
  ]);
  return icmp6Frame(source, { mac: multicastMac(group), ip: group }, message);
}

/** ff02::1:ff00:0/104 with the low 24 bits of the address. RFC 4291 §2.7.1 */
export const solicitedNode = (address: Ip): Ip =>
  ipFromBytes(
    Uint8Array.from([...ipBytes(ip('ff02::1:ff00:0')).subarray(0, 13), ...ipBytes(address).subarray(13)]),
  );

/** @param id and @param sequence are 16 bit and come back in the reply */
export function echoRequest(source: Station, destination: Station, id: number, sequence: number): Uint8Array {
  const family = familyOf(source.ip);
  const message = Uint8Array.from([echo[family].request, 0, 0, 0, ...u16(id), ...u16(sequence)]);
  if (family === 6) return icmp6Frame(source, destination, message);
  putU16(message, 2, internetChecksum(message));
  const header = Uint8Array.from([
    0x45,
    0,
    ...u16(20 + message.length),
    0,
    0,
    0x40,
    0,
    64,
    protocolIcmp,
    0,
    0,
  ]);
  const packet = Uint8Array.from([...header, ...ipBytes(source.ip), ...ipBytes(destination.ip), ...message]);
  putU16(packet, 10, internetChecksum(packet.subarray(0, 20)));
  return ethernet(destination.mac, source.mac, etherTypeIp4, packet);
}

function arp(operation: number, sender: Station, target: Station): Uint8Array {
  assert(familyOf(sender.ip) === 4 && familyOf(target.ip) === 4);
  const fixed = [...u16(1), ...u16(etherTypeIp4), 6, 4, ...u16(operation)];
  const stations = [sender, target].flatMap((station) => [...macBytes(station.mac), ...ipBytes(station.ip)]);
  return ethernet(broadcastMac, sender.mac, etherTypeArp, Uint8Array.from([...fixed, ...stations]));
}

/** @param message with a checksum field of 0, which is filled in here */
function icmp6Frame(source: Station, destination: Station, message: Uint8Array): Uint8Array {
  const carrier: Carrier = { source: source.ip, destination: destination.ip };
  putU16(message, 2, internetChecksum(pseudoHeader(carrier, protocolIcmp6, message.length), message));
  // Hop limit 255 is what receivers of neighbour discovery require (RFC 4861 §7.1).
  const fixed = [0x60, 0, 0, 0, ...u16(message.length), protocolIcmp6, 255];
  const addresses = [...ipBytes(source.ip), ...ipBytes(destination.ip)];
  return ethernet(
    destination.mac,
    source.mac,
    etherTypeIp6,
    Uint8Array.from([...fixed, ...addresses, ...message]),
  );
}

const ethernet = (destination: Mac, source: Mac, etherType: number, payload: Uint8Array): Uint8Array =>
  Uint8Array.from([...macBytes(destination), ...macBytes(source), ...u16(etherType), ...payload]);

const u16 = (n: number): [number, number] => [(n >> 8) & 0xff, n & 0xff];
const putU16 = (bytes: Uint8Array, at: number, n: number): void => bytes.set(u16(n), at);

/**
 * What an instrument hears. `sourceMac` is the Ethernet source; it differs from the announced MAC behind a
 * proxy.
 */
export type HeardFrame =
  | {
      readonly kind: 'arp-request' | 'arp-reply';
      readonly sourceMac: Mac;
      readonly sender: Station;
      readonly target: Station;
    }
  | {
      readonly kind: 'neighbour-advertisement';
      readonly sourceMac: Mac;
      readonly source: Ip;
      readonly target: Ip;
      /** Target link-layer option, when there is one. */
      readonly targetMac: Mac | undefined;
      readonly router: boolean;
      readonly solicited: boolean;
      readonly override: boolean;
    }
  | {
      readonly kind: 'echo-reply';
      readonly sourceMac: Mac;
      readonly source: Ip;
      readonly destination: Ip;
      readonly id: number;
      readonly sequence: number;
    };

/** @returns undefined for everything else, and for frames that break the rules of their protocol */
export function decodeFrame(frame: Uint8Array): HeardFrame | undefined {
  if (frame.length < ethernetHeaderLength) return undefined;
  const sourceMac = macFromBytes(frame.subarray(6, 12));
  const payload = frame.subarray(ethernetHeaderLength);
  switch (u16At(frame, 12)) {
    case etherTypeArp:
      return decodeArp(sourceMac, payload);
    case etherTypeIp4:
      return decodeIcmp(sourceMac, payload);
    case etherTypeIp6:
      return decodeIcmp6(sourceMac, payload);
    default:
      return undefined;
  }
}

function decodeArp(sourceMac: Mac, packet: Uint8Array): HeardFrame | undefined {
  if (packet.length < 28 || u16At(packet, 0) !== 1 || u16At(packet, 2) !== etherTypeIp4) return undefined;
  if (packet[4] !== 6 || packet[5] !== 4) return undefined;
  const operation = u16At(packet, 6);
  if (operation !== arpRequestCode && operation !== arpReplyCode) return undefined;
  const stationAt = (at: number): Station => ({
    mac: macFromBytes(packet.subarray(at, at + 6)),
    ip: ipFromBytes(packet.subarray(at + 6, at + 10)),
  });
  const kind = operation === arpRequestCode ? 'arp-request' : 'arp-reply';
  return { kind, sourceMac, sender: stationAt(8), target: stationAt(18) };
}

function decodeIcmp(sourceMac: Mac, packet: Uint8Array): HeardFrame | undefined {
  const split = splitIp4(packet);
  if (!split.ok || split.value.protocol !== protocolIcmp) return undefined;
  const { data, source, destination } = split.value;
  if (data.length < 8 || data[0] !== echo[4].reply || data[1] !== 0 || internetChecksum(data) !== 0)
    return undefined;
  return { kind: 'echo-reply', sourceMac, source, destination, ...echoOf(data) };
}

function decodeIcmp6(sourceMac: Mac, packet: Uint8Array): HeardFrame | undefined {
  if (packet.length < ip6HeaderLength || (packet[0] ?? 0) >> 4 !== 6) return undefined;
  const end = ip6HeaderLength + u16At(packet, 4);
  if (packet[6] !== protocolIcmp6 || end > packet.length) return undefined;
  const message = packet.subarray(ip6HeaderLength, end);
  const source = ipFromBytes(packet.subarray(8, 24));
  const destination = ipFromBytes(packet.subarray(24, 40));
  const pseudo = pseudoHeader({ source, destination }, protocolIcmp6, message.length);
  if (message.length < 8 || message[1] !== 0 || internetChecksum(pseudo, message) !== 0) return undefined;
  if (message[0] === echo[6].reply)
    return { kind: 'echo-reply', sourceMac, source, destination, ...echoOf(message) };
  // From another link it would have a smaller hop limit. RFC 4861 §7.1.2
  if (message[0] !== neighbourAdvertisementType || packet[7] !== 255 || message.length < 24) return undefined;
  return decodeNeighbourAdvertisement(sourceMac, source, message);
}

function decodeNeighbourAdvertisement(
  sourceMac: Mac,
  source: Ip,
  message: Uint8Array,
): HeardFrame | undefined {
  let targetMac: Mac | undefined;
  for (let at = 24; at < message.length;) {
    const length = (message[at + 1] ?? 0) * 8;
    // An option of length 0 discards the message (RFC 4861 §7.1.2); it would also hold us here for ever.
    if (length === 0 || at + length > message.length) return undefined;
    if (message[at] === targetLinkLayerOption) targetMac ??= macFromBytes(message.subarray(at + 2, at + 8));
    at += length;
  }
  const flags = message[4] ?? 0;
  return {
    kind: 'neighbour-advertisement',
    sourceMac,
    source,
    target: ipFromBytes(message.subarray(8, 24)),
    targetMac,
    router: (flags & 0x80) !== 0,
    solicited: (flags & 0x40) !== 0,
    override: (flags & 0x20) !== 0,
  };
}

const u16At = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
const echoOf = (message: Uint8Array): { id: number; sequence: number } => ({
  id: u16At(message, 4),
  sequence: u16At(message, 6),
});

/** What tells the neighbours of either family where an address lives now. @param router IPv6 forwarding is on */
export const announcement = (address: Ip, mac: Mac, router: boolean): Uint8Array =>
  familyOf(address) === 4
    ? gratuitousArp(address, mac)
    : unsolicitedNeighbourAdvertisement(address, mac, router);
