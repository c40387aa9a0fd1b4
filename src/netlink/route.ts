import type { Family, Ip, Prefix } from '../base/ip.ts';
import { familyOf, ipBytes, ipFromBytes } from '../base/ip.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter, align4 } from './attribute.ts';
import { familyFromNumber, familyNumber, numberOfIp, unspecified } from './family.ts';
import type { DecodeFault, Message, Request } from './message.ts';
import { Flag, fault } from './message.ts';

export const RouteMessage = { add: 24, delete: 25, get: 26 } as const;

/** RTN_* */
export const RouteType = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;
export const RouteTable = { default: 253, main: 254, local: 255 } as const;

const Attribute = {
  destination: 1,
  source: 2,
  inputIndex: 3,
  outputIndex: 4,
  gateway: 5,
  priority: 6,
  preferredSource: 7,
  multipath: 9,
  table: 15,
  via: 18,
  preference: 20,
  nexthopId: 30,
} as const;

const fixedHeader = 12;
/** struct rtnexthop: length u16, flags u8, hops u8, index i32, then attributes. */
const hopHeader = 8;

export interface Hop {
  readonly index: number;
  /** 1..256; the wire carries one less. */
  readonly weight: number;
  /** RTNH_F_*: 1 dead, 4 onlink, 16 link down. */
  readonly flags: number;
  /** May be IPv6 for an IPv4 route (RFC 5549). */
  readonly gateway?: Ip;
}

export interface Route {
  readonly destination: Prefix;
  readonly source?: Prefix;
  readonly tos: number;
  readonly table: number;
  /** RTPROT_*: who put it there; 2 kernel, 3 boot, 4 static. */
  readonly protocol: number;
  readonly scope: number;
  /** RouteType */
  readonly type: number;
  readonly flags: number;
  readonly inputIndex?: number;
  readonly outputIndex?: number;
  readonly gateway?: Ip;
  readonly priority?: number;
  readonly preferredSource?: Ip;
  readonly hops?: readonly Hop[];
  /** RFC 4191 router preference, IPv6. */
  readonly preference?: number;
  readonly nexthopId?: number;
}

/**
 * EEXIST when there is one with the same destination, tos and priority; EHOSTUNREACH for a gateway off the
 * link.
 */
export const addRoute = (route: Route): Request => ({
  operation: `add route ${name(route)}`,
  type: RouteMessage.add,
  flags: Flag.create | Flag.exclusive,
  payload: encodeRoute(route),
});

export const replaceRoute = (route: Route): Request => ({
  operation: `replace route ${name(route)}`,
  type: RouteMessage.add,
  flags: Flag.create | Flag.replace,
  payload: encodeRoute(route),
});

/** ESRCH when there is none. Scope 255 matches any scope and type 0 any type. */
export const deleteRoute = (route: Route): Request => ({
  operation: `delete route ${name(route)}`,
  type: RouteMessage.delete,
  flags: 0,
  payload: encodeRoute(route),
});

/** @param table one table only; needs GET_STRICT_CHK. ENOENT when an IPv4 table was never used. */
export function dumpRoutes(family?: Family, table?: number): Request {
  const header = new Uint8Array(fixedHeader);
  header[0] = familyNumber(family);
  const writer = new AttributeWriter(header);
  if (table !== undefined) writer.u32(Attribute.table, table);
  return { operation: 'list routes', type: RouteMessage.get, flags: Flag.dump, payload: writer.bytes() };
}

export function encodeRoute(route: Route): Uint8Array {
  const header = new Uint8Array(fixedHeader);
  header.set([
    numberOfIp(route.destination.address),
    route.destination.length,
    route.source?.length ?? 0,
    route.tos,
    route.table <= 0xff ? route.table : 0, // RT_TABLE_UNSPEC: the attribute says it
    route.protocol,
    route.scope,
    route.type,
  ]);
  new DataView(header.buffer).setUint32(8, route.flags, true);
  const writer = new AttributeWriter(header).u32(Attribute.table, route.table);
  if (route.destination.length > 0) writer.ip(Attribute.destination, route.destination.address);
  if (route.source !== undefined) writer.ip(Attribute.source, route.source.address);
  if (route.inputIndex !== undefined) writer.u32(Attribute.inputIndex, route.inputIndex);
  if (route.outputIndex !== undefined) writer.u32(Attribute.outputIndex, route.outputIndex);
  if (route.gateway !== undefined) writeGateway(writer, route.gateway, familyOf(route.destination.address));
  if (route.priority !== undefined) writer.u32(Attribute.priority, route.priority);
  if (route.preferredSource !== undefined) writer.ip(Attribute.preferredSource, route.preferredSource);
  if (route.preference !== undefined) writer.u8(Attribute.preference, route.preference);
  if (route.nexthopId !== undefined) writer.u32(Attribute.nexthopId, route.nexthopId);
  if (route.hops !== undefined)
    writer.raw(Attribute.multipath, encodeHops(route.hops, familyOf(route.destination.address)));
  return writer.bytes();
}

interface RouteAttributes {
  destination?: Ip;
  source?: Ip;
  gateway?: Ip;
  preferredSource?: Ip;
  inputIndex?: number;
  outputIndex?: number;
  priority?: number;
  preference?: number;
  nexthopId?: number;
  hops?: readonly Hop[];
  table?: number;
}

export function decodeRoute({ payload }: Pick<Message, 'payload'>): Result<Route, DecodeFault> {
  if (payload.length < fixedHeader) return fault('fixed-header', `route message of ${payload.length} octets`);
  const [
    familyOctet = 0,
    length = 0,
    sourceLength = 0,
    tos = 0,
    lowTable = 0,
    protocol = 0,
    scope = 0,
    type = 0,
  ] = payload;
  const family = familyFromNumber(familyOctet);
  if (family === undefined) return fault('family', `route family ${familyOctet}`);
  const found: RouteAttributes = {};
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next()) readAttribute(reader, found);
  if (reader.fault !== undefined) return err(reader.fault);
  const {
    destination = unspecified(family),
    source = unspecified(family),
    table = lowTable,
    ...rest
  } = found;
  if (familyOf(destination) !== family) return fault('family', 'destination of another family');
  const flags = new DataView(payload.buffer, payload.byteOffset).getUint32(8, true);
  return ok({
    ...rest,
    ...(sourceLength > 0 && { source: { address: source, length: sourceLength } }),
    destination: { address: destination, length },
    tos,
    table,
    protocol,
    scope,
    type,
    flags,
  });
}

function readAttribute(reader: AttributeReader, found: RouteAttributes): void {
  if (reader.type === Attribute.inputIndex) found.inputIndex = reader.u32();
  else if (reader.type === Attribute.outputIndex) found.outputIndex = reader.u32();
  else if (reader.type === Attribute.priority) found.priority = reader.u32();
  else if (reader.type === Attribute.table) found.table = reader.u32();
  else if (reader.type === Attribute.preference) found.preference = reader.u8();
  else if (reader.type === Attribute.nexthopId) found.nexthopId = reader.u32();
  else if (reader.type === Attribute.multipath) found.hops = decodeHops(reader.raw());
  else if (reader.type === Attribute.destination) setIp(found, 'destination', reader.ip());
  else if (reader.type === Attribute.source) setIp(found, 'source', reader.ip());
  else if (reader.type === Attribute.preferredSource) setIp(found, 'preferredSource', reader.ip());
  else setIp(found, 'gateway', readGateway(reader));
}

function setIp(
  target: RouteAttributes,
  key: 'destination' | 'source' | 'gateway' | 'preferredSource',
  value: Ip | undefined,
): void {
  if (value !== undefined) target[key] = value;
}

/** A gateway of the other family goes into RTA_VIA: struct rtvia {family u16, address}. */
function writeGateway(writer: AttributeWriter, gateway: Ip, family: Family): void {
  if (familyOf(gateway) === family) writer.ip(Attribute.gateway, gateway);
  else {
    // Both family numbers are below 256: the second octet of the little-endian u16 is 0.
    writer.raw(Attribute.via, Uint8Array.from([numberOfIp(gateway), 0, ...ipBytes(gateway)]));
  }
}

function readGateway(reader: AttributeReader): Ip | undefined {
  if (reader.type === Attribute.gateway) return reader.ip();
  if (reader.type !== Attribute.via) return undefined;
  const value = reader.raw();
  return value.length === 6 || value.length === 18 ? ipFromBytes(value.subarray(2)) : undefined;
}

function encodeHops(hops: readonly Hop[], family: Family): Uint8Array {
  const parts = hops.map((hop) => {
    const header = new Uint8Array(hopHeader);
    header.set([hop.flags, hop.weight - 1], 2);
    const writer = new AttributeWriter(header);
    if (hop.gateway !== undefined) writeGateway(writer, hop.gateway, family);
    const bytes = writer.bytes();
    const view = new DataView(bytes.buffer);
    view.setUint16(0, bytes.length, true);
    view.setInt32(4, hop.index, true);
    return bytes;
  });
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Stops at the first hop that does not fit: what stands before it is still right. */
function decodeHops(bytes: Uint8Array): readonly Hop[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hops: Hop[] = [];
  for (let at = 0; at + hopHeader <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < hopHeader || length > bytes.length - at) break;
    const reader = new AttributeReader(bytes.subarray(at + hopHeader, at + length));
    let gateway: Ip | undefined;
    while (reader.next()) gateway = readGateway(reader) ?? gateway;
    hops.push({
      flags: view.getUint8(at + 2),
      weight: view.getUint8(at + 3) + 1,
      index: view.getInt32(at + 4, true),
      ...(gateway !== undefined && { gateway }),
    });
    at += align4(length);
  }
  return hops;
}

const name = ({ destination, table }: Route): string =>
  `${destination.address}/${destination.length} in table ${table}`;
