import type { Family, Ip } from '../base/ip.ts';
import { familyOf } from '../base/ip.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter } from './attribute.ts';
import { familyFromNumber, familyNumber, numberOfIp } from './family.ts';
import type { DecodeFault, Message, Request } from './message.ts';
import { Flag, fault } from './message.ts';

export const AddressMessage = { add: 20, delete: 21, get: 22 } as const;

/** IFA_F_* */
export const AddressFlag = {
  secondary: 0x01,
  noDad: 0x02,
  optimistic: 0x04,
  dadFailed: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  manageTempAddr: 0x100,
  noPrefixRoute: 0x200,
} as const;

const Attribute = {
  address: 1,
  local: 2,
  label: 3,
  broadcast: 4,
  cacheInfo: 6,
  flags: 8,
  routePriority: 9,
  protocol: 11,
} as const;

/** INFINITY_LIFE_TIME */
const forever = 0xffffffff;
const fixedHeader = 8;

/** Whole seconds; Infinity is for ever. 0 valid, or preferred above valid, is EINVAL. */
export interface Lifetimes {
  readonly preferred: number;
  readonly valid: number;
}

/** One address of one interface, as asked for and as reported. */
export interface InterfaceAddress {
  readonly index: number;
  readonly local: Ip;
  readonly prefixLength: number;
  /** The other end of a point-to-point link, when it is not `local`. */
  readonly peer?: Ip;
  /** AddressFlag bits, 32 of them. */
  readonly flags: number;
  /** 0 global, 200 site, 253 link, 254 host. */
  readonly scope: number;
  /** IPv4 only. */
  readonly label?: string;
  readonly broadcast?: Ip;
  readonly lifetimes?: Lifetimes;
  /** Metric of the prefix route. */
  readonly routePriority?: number;
  /** IFA_PROTO, Linux ≥ 5.18: who put it there. Older kernels ignore it and never report it. */
  readonly protocol?: number;
}

/** EEXIST when the interface already has it. */
export const addAddress = (address: InterfaceAddress): Request => ({
  operation: `add address ${name(address)}`,
  type: AddressMessage.add,
  flags: Flag.create | Flag.exclusive,
  payload: encodeAddress(address),
});

/**
 * Sets flags and lifetimes of an address that exists; creates it otherwise, with CREATE or without (kernel
 * fact).
 */
export const replaceAddress = (address: InterfaceAddress): Request => ({
  operation: `replace address ${name(address)}`,
  type: AddressMessage.add,
  flags: Flag.create | Flag.replace,
  payload: encodeAddress(address),
});

/** EADDRNOTAVAIL when it is not there. A label, when given, must match. */
export const deleteAddress = (
  address: Pick<InterfaceAddress, 'index' | 'local' | 'prefixLength' | 'peer' | 'label'>,
): Request => ({
  operation: `delete address ${name(address)}`,
  type: AddressMessage.delete,
  flags: 0,
  payload: encodeAddress({ ...address, flags: 0, scope: 0 }),
});

/**
 * @param index one interface only; needs GET_STRICT_CHK, without which the kernel answers with all of them
 */
export function dumpAddresses(family?: Family, index = 0): Request {
  const header = new Uint8Array(fixedHeader);
  header[0] = familyNumber(family);
  new DataView(header.buffer).setUint32(4, index, true);
  return { operation: 'list addresses', type: AddressMessage.get, flags: Flag.dump, payload: header };
}

export function encodeAddress(address: InterfaceAddress): Uint8Array {
  const header = new Uint8Array(fixedHeader);
  header.set([numberOfIp(address.local), address.prefixLength, address.flags & 0xff, address.scope]);
  new DataView(header.buffer).setUint32(4, address.index, true);
  const writer = new AttributeWriter(header)
    .ip(Attribute.local, address.local)
    .ip(Attribute.address, address.peer ?? address.local)
    .u32(Attribute.flags, address.flags);
  if (address.broadcast !== undefined) writer.ip(Attribute.broadcast, address.broadcast);
  if (address.label !== undefined) writer.string(Attribute.label, address.label);
  if (address.lifetimes !== undefined) writer.raw(Attribute.cacheInfo, cacheInfo(address.lifetimes));
  if (address.routePriority !== undefined) writer.u32(Attribute.routePriority, address.routePriority);
  if (address.protocol !== undefined) writer.u8(Attribute.protocol, address.protocol);
  return writer.bytes();
}

export function decodeAddress({ payload }: Pick<Message, 'payload'>): Result<InterfaceAddress, DecodeFault> {
  if (payload.length < fixedHeader)
    return fault('fixed-header', `address message of ${payload.length} octets`);
  const [familyOctet = 0, prefixLength = 0, lowFlags = 0, scope = 0] = payload;
  const family = familyFromNumber(familyOctet);
  if (family === undefined) return fault('family', `address family ${familyOctet}`);
  const index = new DataView(payload.buffer, payload.byteOffset).getUint32(4, true);
  const found: { -readonly [K in keyof InterfaceAddress]?: InterfaceAddress[K] } = {};
  let address: Ip | undefined;
  let flags = lowFlags;
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next()) {
    if (reader.type === Attribute.address) address = reader.ip();
    else if (reader.type === Attribute.local) setIp(found, 'local', reader.ip());
    else if (reader.type === Attribute.broadcast) setIp(found, 'broadcast', reader.ip());
    else if (reader.type === Attribute.label) found.label = reader.string();
    else if (reader.type === Attribute.cacheInfo) found.lifetimes = lifetimes(reader.raw());
    else if (reader.type === Attribute.flags) flags = reader.u32();
    else if (reader.type === Attribute.routePriority) found.routePriority = reader.u32();
    else if (reader.type === Attribute.protocol) found.protocol = reader.u8();
  }
  if (reader.fault !== undefined) return err(reader.fault);
  // IPv6 without a peer has ADDRESS alone; with both, LOCAL is ours and ADDRESS the other end.
  const local = found.local ?? address;
  if (local === undefined || familyOf(local) !== family) return fault('family', 'no address of its family');
  const peer = address !== undefined && address !== local ? { peer: address } : {};
  return ok({ ...found, ...peer, index, local, prefixLength, flags, scope });
}

const name = ({
  local,
  prefixLength,
  index,
}: Pick<InterfaceAddress, 'local' | 'prefixLength' | 'index'>): string =>
  `${local}/${prefixLength} on interface ${index}`;

function setIp(
  target: { local?: Ip; broadcast?: Ip },
  key: 'local' | 'broadcast',
  value: Ip | undefined,
): void {
  if (value !== undefined) target[key] = value;
}

/** struct ifa_cacheinfo: preferred, valid, created, updated, each u32; the last two are the kernel's. */
function cacheInfo({ preferred, valid }: Lifetimes): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.min(preferred, forever), true);
  view.setUint32(4, Math.min(valid, forever), true);
  return bytes;
}

function lifetimes(bytes: Uint8Array): Lifetimes {
  if (bytes.length < 8) return { preferred: Infinity, valid: Infinity };
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const secondsAt = (at: number): number => {
    const value = view.getUint32(at, true);
    return value === forever ? Infinity : value;
  };
  return { preferred: secondsAt(0), valid: secondsAt(4) };
}
