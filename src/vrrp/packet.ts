/**
 * The VRRP advertisement on the wire. Version 3, RFC 9568 §5.1:
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
 * addresses. Version 2, RFC 3768 §5.1, is the same but for its second word and its end:
 *
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |   Auth Type   | Adver Int (s) |          Checksum             |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |     IPv4 addresses, then 8 octets of authentication data      |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * No RFC has version 2 over IPv6; keepalived sends it, without authentication data.
 */
import assert from 'node:assert/strict';
import { internetChecksum } from '../base/checksum.ts';
import { familyOf, ipBytes, ipFromBytes, type Family, type Ip } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Priority, Version, Vrid } from './types.ts';

/** IANA protocol number and IPv6 next header of VRRP. RFC 9568 §5.1.1.4, §5.1.2.4 */
export const vrrpProtocol = 112;

/**
 * Two forms live in the field for IPv4: RFC 9568 §5.2.8 sums the message alone, but RFC 5798 was read by
 * keepalived, FRR and MikroTik as "with a pseudo-header". IPv6 always has the pseudo-header (RFC 8200 §8.1),
 * version 2 over IPv4 never (RFC 3768 §5.3.8).
 */
export type ChecksumForm = 'pseudo_header' | 'message';

/** What one advertisement says; its sender and destination travel in the IP header. */
export interface AdvertisementFields {
  /** Absent: 3. */
  readonly version?: Version;
  readonly vrid: Vrid;
  /** 0: the sender is leaving. 255: it owns the addresses. */
  readonly priority: Priority;
  /**
   * Max Advertise Interval, centiseconds: 1..4095 to send; as received also 0, which receive.ts refuses.
   * Version 2 has whole seconds, so 100, 200 .. 25500.
   */
  readonly maxAdvertiseIntervalCs: number;
  /** All of one family, 1..255 of them; as received possibly none, which receive.ts refuses. */
  readonly addresses: readonly Ip[];
  readonly family: Family;
}

/** Authentication data is not here: it may be a password, and what nobody holds nobody prints. */
export interface Advertisement extends AdvertisementFields {
  readonly version: Version;
  /** Version 2 only, as received. RFC 3768 §5.3.6 */
  readonly authType?: number;
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

/** Auth Type of version 2. RFC 2338 §5.3.6; RFC 3768 §5.3.6 keeps only the first */
export const authTypes = { none: 0, password: 1, authenticationHeader: 2 } as const;

const headerLength = 8;
const checksumOffset = 6;
const advertisementType = 1;
const authDataLength = 8;

/** How a message is sent. Absent `auth_pass`: no authentication. */
export interface Envelope extends Carrier {
  /** For version 3 over IPv4, where there is a choice. */
  readonly checksum: ChecksumForm;
  /** SECRET. Version 2 over IPv4 only, 1..8 octets in UTF-8. */
  readonly auth_pass?: string | undefined;
}

/**
 * @returns the message without IP header. Values out of range are our bug: configuration was checked before.
 */
export function encodeAdvertisement(fields: AdvertisementFields, envelope: Envelope): Uint8Array {
  const { version = 3, vrid, priority, maxAdvertiseIntervalCs: interval, addresses, family } = fields;
  const { checksum, auth_pass } = envelope;
  assertWithin('VRID', vrid, 1, 255);
  assertWithin('priority', priority, 0, 255);
  if (version === 3) assertWithin('interval in centiseconds', interval, 1, 0xfff);
  else assertWithin('interval in seconds', interval / 100, 1, 255);
  assertWithin('address count', addresses.length, 1, 255);
  const message = new Uint8Array(messageLength(version, family, addresses.length));
  message.set([(version << 4) | advertisementType, vrid, priority, addresses.length]);
  const authType = auth_pass === undefined ? authTypes.none : authTypes.password;
  message.set(version === 3 ? [interval >> 8, interval & 0xff] : [authType, interval / 100], 4);
  for (const [at, address] of addresses.entries()) {
    assert.equal(familyOf(address), family, `${address} in an IPv${family} advertisement`);
    message.set(ipBytes(address), headerLength + at * addressLength(family));
  }
  if (auth_pass !== undefined) {
    assert(version === 2 && family === 4, 'only version 2 over IPv4 has a place for a password');
    message.set(authData(auth_pass), message.length - authDataLength);
  }
  const forms = checksumForms(version, family);
  const form = forms.includes(checksum) ? checksum : forms[0];
  new DataView(message.buffer).setUint16(checksumOffset, checksumOf(message, envelope, form));
  return message;
}

/**
 * Reads layout and checksum only, in the order of protocol fields: a header, version, type, length, checksum.
 * What the values mean to us is judged by receive.ts. Nothing of `bytes` is kept.
 */
export function decodeAdvertisement(
  bytes: Uint8Array,
  carrier: Carrier & { readonly family: Family },
): Result<Advertisement, DecodeError> {
  if (bytes.length < headerLength) return err('length');
  const [first = 0, vrid = 0, priority = 0, count = 0, fourth = 0, fifth = 0] = bytes;
  const { family } = carrier;
  const version = first >> 4;
  if (version !== 2 && version !== 3) return err('version');
  if ((first & 0x0f) !== advertisementType) return err('type');
  if (bytes.length !== messageLength(version, family, count)) return err('length');
  const verified = checksumForms(version, family).filter((form) => checksumOf(bytes, carrier, form) === 0);
  if (verified.length === 0) return err('checksum');
  const size = addressLength(family);
  const addressAt = (at: number): Ip => ipFromBytes(bytes.subarray(at, at + size));
  return ok({
    version,
    vrid: vrid as Vrid,
    priority: priority as Priority,
    ...(version === 2 && { authType: fourth }),
    maxAdvertiseIntervalCs: version === 2 ? fifth * 100 : ((fourth & 0x0f) << 8) | fifth,
    addresses: Array.from({ length: count }, (_, at) => addressAt(headerLength + at * size)),
    family,
    checksumForms: verified,
  });
}

/** @param bytes a version 2 message over IPv4 that was decoded */
export function carriesPassword(bytes: Uint8Array, auth_pass: string): boolean {
  const carried = bytes.subarray(-authDataLength);
  return authData(auth_pass).every((octet, at) => octet === carried[at]);
}

/** Filled up with zeros. RFC 2338 §5.3.10 */
function authData(auth_pass: string): Uint8Array {
  const octets = new TextEncoder().encode(auth_pass);
  assertWithin('octets of a password', octets.length, 1, authDataLength);
  const data = new Uint8Array(authDataLength);
  data.set(octets);
  return data;
}

/** What may be summed; one choice but for version 3 over IPv4. */
const checksumForms = (version: Version, family: Family): readonly [ChecksumForm, ...ChecksumForm[]] =>
  family === 6 ? ['pseudo_header'] : version === 2 ? ['message'] : ['pseudo_header', 'message'];

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

const messageLength = (version: Version, family: Family, count: number): number =>
  headerLength + count * addressLength(family) + (version === 2 && family === 4 ? authDataLength : 0);

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
