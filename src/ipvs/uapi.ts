/** Numbers of the generic netlink family "IPVS". include/uapi/linux/ip_vs.h; protocols §4 */
import type { Forwarding, Protocol, Tunnel } from './types.ts';

export const familyName = 'IPVS';
/** IPVS_GENL_VERSION; the kernel does not look at it. */
export const familyVersion = 1;

/** IPVS_CMD_* */
export const Command = {
  newService: 1,
  setService: 2,
  delService: 3,
  getService: 4,
  newDestination: 5,
  setDestination: 6,
  delDestination: 7,
  getDestination: 8,
  setConfig: 12,
  getConfig: 13,
  getInfo: 15,
  zero: 16,
} as const;

/** IPVS_CMD_ATTR_*: what stands directly behind the generic header. */
export const Attribute = {
  service: 1,
  destination: 2,
  timeoutTcp: 4,
  timeoutTcpFin: 5,
  timeoutUdp: 6,
} as const;

/** IPVS_SVC_ATTR_* */
export const ServiceAttribute = {
  addressFamily: 1,
  protocol: 2,
  address: 3,
  port: 4,
  fwmark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  statistics: 10,
  persistenceEngine: 11,
  statistics64: 12,
} as const;

/** IP_VS_SVC_F_*; 0x2 HASHED is the kernel's own. */
export const ServiceFlag = { persistent: 0x1, onePacket: 0x4 } as const;
/** IP_VS_SVC_F_SCHED1..3 */
export const schedulerFlag = { 1: 0x8, 2: 0x10, 3: 0x20 } as const;
/** The flags that are the user's to set. */
export const userFlags = 0x3d;

/** IPVS_DEST_ATTR_* */
export const DestinationAttribute = {
  address: 1,
  port: 2,
  forward: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  activeConnections: 7,
  inactiveConnections: 8,
  persistentConnections: 9,
  statistics: 10,
  addressFamily: 11,
  statistics64: 12,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;

/** IP_VS_CONN_F_FWD_MASK: the other bits of a connection's flags are no method. */
export const forwardMask = 0x7;
/** IP_VS_CONN_F_MASQ, LOCALNODE, TUNNEL, DROUTE, BYPASS */
export const forwardNumber: Readonly<Record<Forwarding, number>> = {
  masq: 0,
  local: 1,
  tunnel: 2,
  direct: 3,
  bypass: 4,
};

/** IP_VS_CONN_F_TUNNEL_TYPE_*, from kernels 5.2 (gue) and 5.3 (gre) on */
export const tunnelNumber: Readonly<Record<Tunnel['type'], number>> = { ipip: 0, gue: 1, gre: 2 };
/** IP_VS_TUNNEL_ENCAP_FLAG_* */
export const checksumNumber: Readonly<Record<Tunnel['checksum'], number>> = { none: 0, csum: 1, remcsum: 2 };

/** IPVS_STATS_ATTR_*; the counters of octets are u64 in either nest, the others only in the 64-bit one. */
export const StatisticsAttribute = {
  connections: 1,
  inPackets: 2,
  outPackets: 3,
  inBytes: 4,
  outBytes: 5,
  connectionsPerSecond: 6,
  inPacketsPerSecond: 7,
  outPacketsPerSecond: 8,
  inBytesPerSecond: 9,
  outBytesPerSecond: 10,
} as const;

/** IPVS_INFO_ATTR_* */
export const InfoAttribute = { version: 1, connectionTableSize: 2 } as const;

export const protocolNumber: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
