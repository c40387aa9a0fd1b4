/** Ancillary data of sendmsg and recvmsg, cmsg(3), with the 16-octet header of 64-bit Linux. */
import type { Family, Ip } from '../base/ip.ts';
import { familyOf, ipBytes, ipFromBytes } from '../base/ip.ts';
import { IPPROTO_IP, IPPROTO_IPV6, IPV6_HOPLIMIT, IPV6_PKTINFO, IP_PKTINFO, IP_TTL } from './sockaddr.ts';

export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

const HEADER = 16;
const aligned = (length: number): number => Math.ceil(length / 8) * 8;
const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function writeControl(messages: readonly ControlMessage[]): Uint8Array {
  const size = messages.reduce((sum, { data }) => sum + HEADER + aligned(data.length), 0);
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  let at = 0;
  for (const { level, type, data } of messages) {
    view.setBigUint64(at, BigInt(HEADER + data.length), true);
    view.setInt32(at + 8, level, true);
    view.setInt32(at + 12, type, true);
    bytes.set(data, at + HEADER);
    at += HEADER + aligned(data.length);
  }
  return bytes;
}

/** The messages of a list; what is cut short (MSG_CTRUNC) is left out. The data are views into `bytes`. */
export function readControl(bytes: Uint8Array): readonly ControlMessage[] {
  const view = viewOf(bytes);
  const messages: ControlMessage[] = [];
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    if (length < HEADER || at + length > bytes.length) break;
    const data = bytes.subarray(at + HEADER, at + length);
    messages.push({ level: view.getInt32(at + 8, true), type: view.getInt32(at + 12, true), data });
    at += aligned(length);
  }
  return messages;
}

/** struct in_pktinfo or in6_pktinfo to send with: leave by this interface, from this address. */
export function packetInfo(source: Ip, ifindex: number): ControlMessage {
  const six = familyOf(source) === 6;
  const data = new Uint8Array(six ? 20 : 12);
  data.set(ipBytes(source), six ? 0 : 4);
  viewOf(data).setInt32(six ? 16 : 0, ifindex, true);
  return six
    ? { level: IPPROTO_IPV6, type: IPV6_PKTINFO, data }
    : { level: IPPROTO_IP, type: IP_PKTINFO, data };
}

/** TTL or hop limit of one message. ip(7) IP_TTL, ipv6(7) IPV6_HOPLIMIT */
export function hopLimit(family: Family, hops: number): ControlMessage {
  const data = new Uint8Array(4);
  viewOf(data).setInt32(0, hops, true);
  return family === 4
    ? { level: IPPROTO_IP, type: IP_TTL, data }
    : { level: IPPROTO_IPV6, type: IPV6_HOPLIMIT, data };
}

/** What IP_RECVTTL, IP_PKTINFO, IPV6_RECVHOPLIMIT and IPV6_RECVPKTINFO tell of a received packet. */
export interface Reception {
  /** IPv4 TTL or IPv6 hop limit. */
  readonly ttl?: number;
  /** Destination address in the IP header. */
  readonly destination?: Ip;
  readonly ifindex?: number;
}

export function readReception(control: Uint8Array): Reception {
  let reception: Reception = {};
  for (const { level, type, data } of readControl(control)) {
    const six = level === IPPROTO_IPV6;
    if (!six && level !== IPPROTO_IP) continue;
    if (type === (six ? IPV6_HOPLIMIT : IP_TTL) && data.length >= 4)
      reception = { ...reception, ttl: viewOf(data).getInt32(0, true) };
    if (type === (six ? IPV6_PKTINFO : IP_PKTINFO) && data.length >= (six ? 20 : 12)) {
      const destination = ipFromBytes(six ? data.subarray(0, 16) : data.subarray(8, 12));
      reception = { ...reception, destination, ifindex: viewOf(data).getInt32(six ? 16 : 0, true) };
    }
  }
  return reception;
}
