import type { Mac } from '../base/mac.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter } from './attribute.ts';
import type { DecodeFault, Message, Request } from './message.ts';
import { Flag, fault } from './message.ts';

export const LinkMessage = { add: 16, delete: 17, get: 18, set: 19 } as const;

/** IFF_* */
export const LinkFlag = {
  up: 0x1,
  loopback: 0x8,
  pointToPoint: 0x10,
  running: 0x40,
  lowerUp: 0x10000,
} as const;

/** IF_OPER_*, RFC 2863; unknown is what drivers without operstate say and counts as up when running. */
export const OperState = {
  unknown: 0,
  notPresent: 1,
  down: 2,
  lowerLayerDown: 3,
  testing: 4,
  dormant: 5,
  up: 6,
} as const;

const Attribute = {
  address: 1,
  broadcast: 2,
  name: 3,
  mtu: 4,
  parent: 5,
  master: 10,
  operState: 16,
  linkInfo: 18,
  carrier: 33,
  carrierChanges: 35,
} as const;
const InfoAttribute = { kind: 1 } as const;

const fixedHeader = 16;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** ARPHRD_*: 1 Ethernet, 772 loopback. */
  readonly deviceType: number;
  /** LinkFlag bits. */
  readonly flags: number;
  /** Absent when link-layer addresses are not 6 octets. */
  readonly mac?: Mac;
  readonly broadcast?: Mac;
  readonly mtu?: number;
  /** Index of the lower device of a macvlan or VLAN, or of a veth's other end (in its own namespace). */
  readonly parent?: number;
  /** Index of the bridge, bond or VRF it belongs to. */
  readonly master?: number;
  readonly operState?: number;
  readonly carrier?: boolean;
  readonly carrierChanges?: number;
  /** "veth", "macvlan", "bridge"; absent for hardware. */
  readonly kind?: string;
}

/**
 * Ready to carry VRRP: administratively up, and its lower layer says so (protocols: dormant is not ready).
 */
export const isOperational = ({ flags, operState }: Pick<Link, 'flags' | 'operState'>): boolean =>
  (flags & LinkFlag.up) !== 0 &&
  (operState === OperState.up ||
    ((operState ?? OperState.unknown) === OperState.unknown && (flags & LinkFlag.running) !== 0));

export const dumpLinks = (): Request => ({
  operation: 'list interfaces',
  type: LinkMessage.get,
  flags: Flag.dump,
  payload: encodeHeader({}),
});

/** One link by name; ENODEV when there is none. */
export const getLink = (name: string): Request => ({
  operation: `read interface ${name}`,
  type: LinkMessage.get,
  flags: 0,
  payload: new AttributeWriter(encodeHeader({})).string(Attribute.name, name).bytes(),
});

export const setLinkState = (index: number, state: 'up' | 'down'): Request => ({
  operation: `set interface ${index} ${state}`,
  type: LinkMessage.add,
  flags: 0,
  payload: encodeHeader({ index, flags: state === 'up' ? LinkFlag.up : 0, change: LinkFlag.up }),
});

export const deleteLink = (index: number): Request => ({
  operation: `delete interface ${index}`,
  type: LinkMessage.delete,
  flags: 0,
  payload: encodeHeader({ index }),
});

/** What the kernel would report of a link; the inverse of decodeLink, for scripted kernels. */
export function encodeLink(link: Link): Uint8Array {
  const writer = new AttributeWriter(encodeHeader(link)).string(Attribute.name, link.name);
  if (link.mac !== undefined) writer.mac(Attribute.address, link.mac);
  if (link.broadcast !== undefined) writer.mac(Attribute.broadcast, link.broadcast);
  if (link.mtu !== undefined) writer.u32(Attribute.mtu, link.mtu);
  if (link.parent !== undefined) writer.u32(Attribute.parent, link.parent);
  if (link.master !== undefined) writer.u32(Attribute.master, link.master);
  if (link.operState !== undefined) writer.u8(Attribute.operState, link.operState);
  if (link.carrier !== undefined) writer.u8(Attribute.carrier, link.carrier ? 1 : 0);
  if (link.carrierChanges !== undefined) writer.u32(Attribute.carrierChanges, link.carrierChanges);
  const { kind } = link;
  if (kind !== undefined) writer.nested(Attribute.linkInfo, (info) => info.string(InfoAttribute.kind, kind));
  return writer.bytes();
}

/**
 * Of AF_UNSPEC only: messages of AF_BRIDGE (port state) and AF_INET6 (device configuration) share the type,
 * carry a part of the attributes, and are refused with reason "family".
 */
export function decodeLink({ payload }: Pick<Message, 'payload'>): Result<Link, DecodeFault> {
  if (payload.length < fixedHeader) return fault('fixed-header', `link message of ${payload.length} octets`);
  const view = new DataView(payload.buffer, payload.byteOffset);
  if (view.getUint8(0) !== 0) return fault('family', `link message of family ${view.getUint8(0)}`);
  const link: { -readonly [K in keyof Link]: Link[K] } = {
    index: view.getInt32(4, true),
    name: '',
    deviceType: view.getUint16(2, true),
    flags: view.getUint32(8, true),
  };
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next()) readAttribute(reader, link);
  return reader.fault === undefined ? ok(link) : err(reader.fault);
}

function readAttribute(reader: AttributeReader, link: { -readonly [K in keyof Link]: Link[K] }): void {
  if (reader.type === Attribute.name) link.name = reader.string();
  else if (reader.type === Attribute.mtu) link.mtu = reader.u32();
  else if (reader.type === Attribute.parent) link.parent = reader.u32();
  else if (reader.type === Attribute.master) link.master = reader.u32();
  else if (reader.type === Attribute.operState) link.operState = reader.u8();
  else if (reader.type === Attribute.carrier) link.carrier = reader.u8() !== 0;
  else if (reader.type === Attribute.carrierChanges) link.carrierChanges = reader.u32();
  else if (reader.type === Attribute.linkInfo)
    reader.nested((info) => {
      while (info.next()) if (info.type === InfoAttribute.kind) link.kind = info.string();
    });
  else if (reader.type === Attribute.address || reader.type === Attribute.broadcast) {
    const mac = reader.mac();
    if (mac !== undefined) link[reader.type === Attribute.address ? 'mac' : 'broadcast'] = mac;
  }
}

/** struct ifinfomsg: family u8, pad, type u16, index i32, flags u32, change mask u32. */
function encodeHeader(link: {
  readonly index?: number;
  readonly deviceType?: number;
  readonly flags?: number;
  readonly change?: number;
}): Uint8Array {
  const view = new DataView(new ArrayBuffer(fixedHeader));
  view.setUint16(2, link.deviceType ?? 0, true);
  view.setInt32(4, link.index ?? 0, true);
  view.setUint32(8, link.flags ?? 0, true);
  view.setUint32(12, link.change ?? 0, true);
  return new Uint8Array(view.buffer);
}
