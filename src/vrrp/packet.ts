/**
 * The VRRP version 3 advertisement on the wire. RFC 9568 §5.1
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |Version| Type  | Virtual Rtr ID|   Priority    |IPvX Addr Count|
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |(Reserve)| Max Advertise Interv. |          Checksum             |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |             IPvX addresses: count × (4 or 16) octets            |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Reserve is 4 bits (sent 0, ignored on receipt), the interval 12 bits of centiseconds; nothing follows the
 * addresses.
 */
import assert from 'node:assert/strict';
import { internetChecksum } from '../base/checksum.ts';
import { familyOf, ipBytes, ipFromBytes, type Family, type Ip } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Priority, Vrid } from './types.ts';

/** IANA protocol number and IPv6 next header of VRRP. RFC 9568 §5.1.1.4, §5.1.2.4 */
export const vrrpProtocol = 112;

/**
 * Two forms live in the field for IPv4: RFC 9568 §5.2.8 sums the message alone, but RFC 5798 was read by
 * keepalived, FRR and MikroTik as "with a pseudo-header". IPv6 always has the pseudo-header (RFC 8200 §8.1).
 */
export type ChecksumForm = 'pseudo_header' | 'message';

/** What one advertisement says; its sender and destination travel in the IP header. */
export interface AdvertisementFields {
  readonly vrid: Vrid;
  /** 0: the sender is leaving. 255: it owns the addresses. */
  readonly priority: Priority;
  /** Max Advertise Interval, centiseconds: 1..4095 to send; as received also 0, which receive.ts refuses. */
  readonly maxAdvertiseIntervalCs: number;
  /** All of one family, 1..255 of them; as received possibly none, which receive.ts refuses. */
  readonly addresses: readonly Ip[];
  readonly family: Family;
}

export interface Advertisement extends AdvertisementFields {
  /**
   * The forms that the checksum satisfies, never none; both only when the pseudo-header happens to sum to
   * zero.
   */
  readonly checksumForms: readonly ChecksumForm[];
}

/** Addresses of the IP header that carried, or will carry, the message: the pseudo-header is made of them. */
export interface Carrier {
  readonly source: Ip;
  /** The real one: in unicast the peer, not the group. */
  readonly destination: Ip;
}

export type DecodeError = 'length' | 'version' | 'type' | 'checksum';

const headerLength = 8;
const checksumOffset = 6;
const versionAndType = 0x31;

/**
 * @returns the message without IP header. Values out of range are our bug: configuration was checked before.
 */
export function encodeAdvertisement(
  fields: AdvertisementFields,
  carrier: Carrier & { readonly checksum: ChecksumForm },
): Uint8Array {
  const { vrid, priority, maxAdvertiseIntervalCs: interval, addresses, family } = fields;
  assertWithin('VRID', vrid, 1, 255);
  assertWithin('priority', priority, 0, 255);
  assertWithin('interval in centiseconds', interval, 1, 0xfff);
  assertWithin('address count', addresses.length, 1, 255);
  const size = addressLength(family);
  const message = new Uint8Array(headerLength + addresses.length * size);
  message.set([versionAndType, vrid, priority, addresses.length, interval >> 8, interval & 0xff]);
  for (const [at, address] of addresses.entries()) {
    assert.equal(familyOf(address), family, `${address} in an IPv${family} advertisement`);
    message.set(ipBytes(address), headerLength + at * size);
  }
  const checksum = checksumOf(message, carrier, family === 6 ? 'pseudo_header' : carrier.checksum);
  new DataView(message.buffer).setUint16(checksumOffset, checksum);
  return message;
}

/**
 * Reads layout and checksum only, in the order of protocol fields: a header, version, type, length, checksum.
 * What the values mean to us is judged by receive.ts. Nothing of `bytes` is kept.
 *
 * Every version but 3 is refused as `version`; a version 2 message is told by nothing else.
 */
export function decodeAdvertisement(
  bytes: Uint8Array,
  carrier: Carrier & { readonly family: Family },
): Result<Advertisement, DecodeError> {
  if (bytes.length < headerLength) return err('length');
  const [first = 0, vrid = 0, priority = 0, count = 0, intervalHigh = 0, intervalLow = 0] = bytes;
  if (first >> 4 !== versionAndType >> 4) return err('version');
  if (first !== versionAndType) return err('type');
  const size = addressLength(carrier.family);
  if (bytes.length !== headerLength + count * size) return err('length');
  const forms: readonly ChecksumForm[] =
    carrier.family === 6 ? ['pseudo_header'] : ['pseudo_header', 'message'];
  const checksumForms = forms.filter((form) => checksumOf(bytes, carrier, form) === 0);
  if (checksumForms.length === 0) return err('checksum');
  const addressAt = (at: number): Ip => ipFromBytes(bytes.subarray(at, at + size));
  return ok({
    vrid: vrid as Vrid,
    priority: priority as Priority,
    maxAdvertiseIntervalCs: ((intervalHigh & 0x0f) << 8) | intervalLow,
    addresses: Array.from({ length: count }, (_, at) => addressAt(headerLength + at * size)),
    family: carrier.family,
    checksumForms,
  });
}

/**
 * The pseudo-header of `carrier` for an upper-layer message of `length` octets.
 * IPv4: source, destination, 0, protocol, length u16 (RFC 793 §3.1). IPv6: RFC 8200 §8.1
 */
export function pseudoHeader(carrier: Carrier, protocol: number, length: number): Uint8Array {
  const { source, destination } = carrier;
  assert.equal(familyOf(source), familyOf(destination));
  const tail =
    familyOf(source) === 4
      ? [0, protocol, length >> 8, length & 0xff]
      : [0, 0, length >> 8, length & 0xff, 0, 0, 0, protocol];
  return Uint8Array.from([...ipBytes(source), ...ipBytes(destination), ...tail]);
}

const addressLength = (family: Family): number => (family === 4 ? 4 : 16);

/** Over a message with its checksum in place the result is 0 when that is right. */
const checksumOf = (message: Uint8Array, carrier: Carrier, form: ChecksumForm): number =>
  form === 'message'
    ? internetChecksum(message)
    : internetChecksum(pseudoHeader(carrier, vrrpProtocol, message.length), message);

function assertWithin(what: string, value: number, low: number, high: number): void {
  assert(
    Number.isInteger(value) && value >= low && value <= high,
    `${what} ${value} is not in ${low}..${high}`,
  );
}
