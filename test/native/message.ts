/** Netlink messages by hand: these tests prove the transport and must not lean on the codecs that use it. */
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;
export const NLM_F_EXCL = 0x200;
export const NLMSG_ERROR = 2;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;

export function message(type: number, flags: number, seq: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16 + Math.ceil(body.length / 4) * 4);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(seq, 8);
  bytes.set(body, 16);
  return bytes;
}

export function attribute(type: number, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(data.length / 4) * 4);
  bytes.writeUInt16LE(4 + data.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(data, 4);
  return bytes;
}

/** struct ifaddrmsg with IFA_LOCAL and IFA_ADDRESS; new, not a replacement. */
export function newAddress(
  seq: number,
  ifindex: number,
  octets: readonly number[],
  length = 32,
  ack = true,
): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 2;
  header[1] = length;
  header.writeUInt32LE(ifindex, 4);
  const address = Uint8Array.from(octets);
  const body = Buffer.concat([header, attribute(2, address), attribute(1, address)]);
  const flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | (ack ? NLM_F_ACK : 0);
  return message(RTM_NEWADDR, flags, seq, body);
}

export interface Header {
  readonly type: number;
  readonly seq: number;
}
export function headers(data: Uint8Array): readonly Header[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found: Header[] = [];
  for (let at = 0; at + 16 <= data.length; at += Math.max(16, Math.ceil(view.getUint32(at, true) / 4) * 4))
    found.push({ type: view.getUint16(at + 4, true), seq: view.getUint32(at + 8, true) });
  return found;
}

/** What the kernel answers: struct nlmsgerr over the refused header. @param errno 0 acknowledges */
export function answer(seq: number, errno: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  return message(NLMSG_ERROR, 0, seq, body);
}
