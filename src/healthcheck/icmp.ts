/** ICMP echo of both families: the same message but for its type. RFC 792, RFC 4443 §4.1 and §4.2 */
import { internetChecksum } from '../base/checksum.ts';
import type { Family } from '../base/ip.ts';

export interface Echo {
  readonly id: number;
  readonly sequence: number;
  /** 8 octets that only the answer to this one brings back. */
  readonly token: bigint;
}

const requestType = { 4: 8, 6: 128 } as const;
export const replyType = { 4: 0, 6: 129 } as const;
/** As much as ping(8) sends. */
const length = 8 + 56;
const tokenAt = 8;

/** The kernel writes ICMPv6's checksum, which covers addresses that it chooses. RFC 3542 §3.1 */
export function echoRequest(family: Family, { id, sequence, token }: Echo): Uint8Array {
  const octets = new Uint8Array(length);
  const view = new DataView(octets.buffer);
  view.setUint8(0, requestType[family]);
  view.setUint16(4, id);
  view.setUint16(6, sequence);
  view.setBigUint64(tokenAt, token);
  if (family === 4) view.setUint16(2, internetChecksum(octets));
  return octets;
}

/** @param octets from the ICMP header on. @returns undefined when it is no reply to one of ours */
export function readEchoReply(family: Family, octets: Uint8Array): Echo | undefined {
  if (octets.length < length || octets[0] !== replyType[family]) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return { id: view.getUint16(4), sequence: view.getUint16(6), token: view.getBigUint64(tokenAt) };
}
