/** IP packets to wrap messages in and to put right again: RFC 791 §3.1, RFC 8200 §3. */
import { internetChecksum } from '../../src/base/checksum.ts';
import { familyOf, ipBytes } from '../../src/base/ip.ts';
import type { Carrier } from '../../src/vrrp/packet.ts';
import { joined } from './octet-mutator.ts';
import type { Random } from './random.ts';

export const ip6HeaderLength = 40;

/** @param options of an IPv4 header, a multiple of 4 octets */
export function ipPacket(
  { source, destination }: Carrier,
  protocol: number,
  ttl: number,
  message: Uint8Array,
  options: Uint8Array = new Uint8Array(),
): Uint8Array {
  const addresses = joined(ipBytes(source), ipBytes(destination));
  if (familyOf(source) === 6) {
    const fixed = [0x60, 0, 0, 0, message.length >> 8, message.length & 0xff, protocol, ttl];
    return joined(Uint8Array.from(fixed), addresses, message);
  }
  const headerLength = 20 + options.length;
  const total = headerLength + message.length;
  const fixed = [0x40 | (headerLength / 4), 0xc0, total >> 8, total & 0xff, 0, 0, 0, 0, ttl, protocol, 0, 0];
  return joined(Uint8Array.from(fixed), addresses, options, message);
}

/** Where the message of a packet begins, as far as its header can be believed; at most its end. */
export const messageOffset = (packet: Uint8Array): number =>
  Math.min(packet.length, isIp6(packet) ? ip6HeaderLength : Math.max(20, ((packet[0] ?? 0) & 0x0f) * 4));

export const isIp6 = (packet: Uint8Array): boolean => (packet[0] ?? 0) >> 4 === 6;

/** Makes Total Length or Payload Length fit. */
export function repairLength(packet: Uint8Array): void {
  const six = isIp6(packet);
  const at = six ? 4 : 2;
  if (packet.length < at + 2) return;
  const length = six ? Math.max(0, packet.length - ip6HeaderLength) : packet.length;
  packet.set([length >> 8, length & 0xff], at);
}

/**
 * Puts a right checksum into the message: without it nearly every damaged packet would end at the first rung.
 * @param withPseudoHeader as the addresses of the packet's own header make it
 */
export function repairChecksum(
  packet: Uint8Array,
  { at, protocol, withPseudoHeader }: { at: number; protocol: number; withPseudoHeader: boolean },
): void {
  const start = messageOffset(packet);
  const message = packet.subarray(start);
  if (message.length < at + 2) return;
  message.set([0, 0], at);
  const six = isIp6(packet);
  const addresses = six ? packet.slice(8, 40) : packet.slice(12, 20);
  const high = message.length >> 8;
  const low = message.length & 0xff;
  const tail = six ? [0, 0, high, low, 0, 0, 0, protocol] : [0, protocol, high, low];
  const pseudo = withPseudoHeader ? joined(addresses, Uint8Array.from(tail)) : new Uint8Array();
  const sum = internetChecksum(pseudo, message);
  message.set([sum >> 8, sum & 0xff], at);
}

/** Repairs that many cases get, each by its own chance. */
export const often = (random: Random, ...repairs: readonly (() => void)[]): void => {
  for (const repair of repairs) if (random.chance(0.7)) repair();
};
