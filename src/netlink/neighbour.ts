import type { Family, Ip } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter } from './attribute.ts';
import { familyFromNumber, familyNumber, numberOfIp } from './family.ts';
import type { DecodeFault, Message, Request } from './message.ts';
import { Flag, fault } from './message.ts';

export const NeighbourMessage = { add: 28, delete: 29, get: 30 } as const;

/** NUD_* bits. */
export const NeighbourState = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noArp: 0x40,
  permanent: 0x80,
} as const;
/** NTF_* */
export const NeighbourFlag = { proxy: 0x08, router: 0x80 } as const;

const Attribute = { destination: 1, linkLayer: 2, interfaceIndex: 8, protocol: 12 } as const;

const fixedHeader = 12;

export interface Neighbour {
  readonly index: number;
  readonly address: Ip;
  /** Absent while unresolved, and for proxy entries. */
  readonly mac?: Mac;
  /** NeighbourState bits. */
  readonly state: number;
  /** NeighbourFlag bits. */
  readonly flags: number;
  /** RTN_* kind of the address: 1 unicast, 5 multicast. */
  readonly type: number;
  /** RTPROT_*: who put it there. */
  readonly protocol?: number;
}

/** Adds, or sets MAC and state of one that exists. */
export const replaceNeighbour = (neighbour: Neighbour): Request => ({
  operation: `set neighbour ${neighbour.address} on interface ${neighbour.index}`,
  type: NeighbourMessage.add,
  flags: Flag.create | Flag.replace,
  payload: encodeNeighbour(neighbour),
});

/** ENOENT when it is not there. */
export const deleteNeighbour = (neighbour: Pick<Neighbour, 'index' | 'address'>): Request => ({
  operation: `delete neighbour ${neighbour.address} on interface ${neighbour.index}`,
  type: NeighbourMessage.delete,
  flags: 0,
  payload: encodeNeighbour({ ...neighbour, state: 0, flags: 0, type: 0 }),
});

/** @param index one interface only; the strict check wants it as an attribute, the header must stay 0 */
export function dumpNeighbours(family?: Family, index?: number): Request {
  const header = new Uint8Array(fixedHeader);
  header[0] = familyNumber(family);
  const writer = new AttributeWriter(header);
  if (index !== undefined) writer.u32(Attribute.interfaceIndex, index);
  return {
    operation: 'list neighbours',
    type: NeighbourMessage.get,
    flags: Flag.dump,
    payload: writer.bytes(),
  };
}

/** struct ndmsg: family u8, 3 octets pad, index i32, state u16, flags u8, type u8. */
export function encodeNeighbour(neighbour: Neighbour): Uint8Array {
  const view = new DataView(new ArrayBuffer(fixedHeader));
  view.setUint8(0, numberOfIp(neighbour.address));
  view.setInt32(4, neighbour.index, true);
  view.setUint16(8, neighbour.state, true);
  view.setUint8(10, neighbour.flags);
  view.setUint8(11, neighbour.type);
  const writer = new AttributeWriter(new Uint8Array(view.buffer)).ip(
    Attribute.destination,
    neighbour.address,
  );
  if (neighbour.mac !== undefined) writer.mac(Attribute.linkLayer, neighbour.mac);
  if (neighbour.protocol !== undefined) writer.u8(Attribute.protocol, neighbour.protocol);
  return writer.bytes();
}

export function decodeNeighbour({ payload }: Pick<Message, 'payload'>): Result<Neighbour, DecodeFault> {
  if (payload.length < fixedHeader)
    return fault('fixed-header', `neighbour message of ${payload.length} octets`);
  const view = new DataView(payload.buffer, payload.byteOffset);
  const family = familyFromNumber(view.getUint8(0));
  if (family === undefined) return fault('family', `neighbour family ${view.getUint8(0)}`);
  let address: Ip | undefined;
  let mac: Mac | undefined;
  let protocol: number | undefined;
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next()) {
    if (reader.type === Attribute.destination) address = reader.ip();
    else if (reader.type === Attribute.linkLayer) mac = reader.mac();
    else if (reader.type === Attribute.protocol) protocol = reader.u8();
  }
  if (reader.fault !== undefined) return err(reader.fault);
  if (address === undefined || numberOfIp(address) !== familyNumber(family))
    return fault('family', 'no address of its family');
  return ok({
    index: view.getInt32(4, true),
    address,
    ...(mac !== undefined && { mac }),
    state: view.getUint16(8, true),
    flags: view.getUint8(10),
    type: view.getUint8(11),
    ...(protocol !== undefined && { protocol }),
  });
}
