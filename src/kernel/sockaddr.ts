/**
 * The structures of <sys/socket.h> as bytes, for 64-bit little-endian Linux (the addon refuses others).
 * Numbers of the kernel's own (interface index, netlink port) are little-endian, those of the network are
 * big-endian.
 */
import type { Ip } from '../base/ip.ts';
import { familyOf, ipBytes, ipFromBytes } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { macBytes, macFromBytes } from '../base/mac.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_PEERCRED = 17;
export const SO_BINDTODEVICE = 25;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;

export const IPPROTO_IP = 0;
export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_PKTINFO = 8;
export const IP_RECVTTL = 12;
export const IP_FREEBIND = 15;
export const IP_MULTICAST_IF = 32;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_ADD_MEMBERSHIP = 35;
export const IP_DROP_MEMBERSHIP = 36;
export const IP_MULTICAST_ALL = 49;

export const IPPROTO_ICMPV6 = 58;
export const ICMP6_FILTER = 1;

export const IPPROTO_IPV6 = 41;
export const IPV6_CHECKSUM = 7;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;
export const IPV6_ADD_MEMBERSHIP = 20;
export const IPV6_DROP_MEMBERSHIP = 21;
export const IPV6_MULTICAST_ALL = 29;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_TCLASS = 67;

export const SOL_PACKET = 263;
export const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_DROP_MEMBERSHIP = 2;
export const PACKET_MR_MULTICAST = 0;
export const PACKET_MR_PROMISC = 1;
export const PACKET_MR_ALLMULTI = 2;
/** sll_pkttype of a frame we sent ourselves and see again. */
export const PACKET_OUTGOING = 4;
export const ETH_P_ALL = 0x0003;
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;
/** socket(AF_PACKET, …) takes its protocol in network order. */
export const networkOrder = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

export const SOL_NETLINK = 270;
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NETLINK_GENERIC = 16;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;

export const MSG_CTRUNC = 0x08;
export const MSG_TRUNC = 0x20;

/** A sender as recvmsg tells it. `scope` is the interface of a link-local IPv6 address, else 0. */
export type SocketAddress =
  | { readonly kind: 'inet'; readonly address: Ip; readonly port: number; readonly scope: number }
  | {
      readonly kind: 'packet';
      readonly ifindex: number;
      readonly protocol: number;
      readonly type: number;
      readonly address: Mac;
    }
  | { readonly kind: 'netlink'; readonly port: number; readonly groups: number }
  | { readonly kind: 'unix'; readonly path: string };

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** struct sockaddr_in or sockaddr_in6. @param scope interface index, needed for link-local IPv6 */
export function inetAddress(address: Ip, port = 0, scope = 0): Uint8Array {
  const six = familyOf(address) === 6;
  const bytes = new Uint8Array(six ? 28 : 16);
  const view = viewOf(bytes);
  view.setUint16(0, six ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  bytes.set(ipBytes(address), six ? 8 : 4);
  if (six) view.setUint32(24, scope, true);
  return bytes;
}

/** struct sockaddr_ll. @param protocol EtherType; 0 when binding keeps the socket's own */
export function packetAddress(ifindex: number, protocol: number, mac?: Mac): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = viewOf(bytes);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, ifindex, true);
  if (mac === undefined) return bytes;
  bytes[11] = 6;
  bytes.set(macBytes(mac), 12);
  return bytes;
}

/**
 * struct sockaddr_nl.
 * @param groups bit mask of multicast groups 1..32; port 0 is the kernel, or "choose one" in bind
 */
export function netlinkAddress(port = 0, groups = 0): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, port, true);
  view.setUint32(8, groups, true);
  return bytes;
}

/**
 * struct sockaddr_un; "@name" is the abstract name (unix(7)), whose length is part of it: nothing is
 * appended.
 * @throws RangeError when the path has more than 107 octets
 */
export function unixAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length > 107) throw new RangeError(`the path of a unix socket has at most 107 octets: ${path}`);
  const abstract = path.startsWith('@');
  const bytes = new Uint8Array(2 + name.length + (abstract ? 0 : 1));
  viewOf(bytes).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  if (abstract) bytes[2] = 0;
  return bytes;
}

/** @returns undefined for an unnamed sender or a family not known here */
export function readAddress(bytes: Uint8Array): SocketAddress | undefined {
  if (bytes.length < 2) return undefined;
  const view = viewOf(bytes);
  const family = view.getUint16(0, true);
  if (family === AF_INET && bytes.length >= 16)
    return { kind: 'inet', address: ipFromBytes(bytes.subarray(4, 8)), port: view.getUint16(2), scope: 0 };
  if (family === AF_INET6 && bytes.length >= 28) {
    const address = ipFromBytes(bytes.subarray(8, 24));
    return { kind: 'inet', address, port: view.getUint16(2), scope: view.getUint32(24, true) };
  }
  if (family === AF_PACKET && bytes.length >= 18) {
    const address = macFromBytes(bytes.subarray(12, 18));
    const ifindex = view.getInt32(4, true);
    return { kind: 'packet', ifindex, protocol: view.getUint16(2), type: bytes[10] ?? 0, address };
  }
  if (family === AF_NETLINK && bytes.length >= 12)
    return { kind: 'netlink', port: view.getUint32(4, true), groups: view.getUint32(8, true) };
  if (family === AF_UNIX && bytes.length > 2) {
    const abstract = bytes[2] === 0;
    const end = abstract ? -1 : bytes.indexOf(0, 2);
    const name = new TextDecoder().decode(bytes.subarray(abstract ? 3 : 2, end < 0 ? bytes.length : end));
    return { kind: 'unix', path: abstract ? `@${name}` : name };
  }
  return undefined;
}

/**
 * struct ip_mreqn for IP_ADD_MEMBERSHIP and IP_MULTICAST_IF, struct ipv6_mreq for IPv6: by interface, never
 * by address.
 */
export function membership(group: Ip, ifindex: number): Uint8Array {
  const six = familyOf(group) === 6;
  const bytes = new Uint8Array(six ? 20 : 12);
  bytes.set(ipBytes(group), 0);
  viewOf(bytes).setInt32(six ? 16 : 8, ifindex, true);
  return bytes;
}

/** struct packet_mreq. @param type PACKET_MR_…; `mac` for PACKET_MR_MULTICAST */
export function packetMembership(ifindex: number, type: number, mac?: Mac): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setInt32(0, ifindex, true);
  view.setUint16(4, type, true);
  if (mac === undefined) return bytes;
  view.setUint16(6, 6, true);
  bytes.set(macBytes(mac), 8);
  return bytes;
}
