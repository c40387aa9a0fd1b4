/**
 * The IPVS table of a network namespace as values: what the file wants and what the kernel holds are the same
 * shape, so that they can be compared. Names are those of the kernel and of ipvsadm. protocols §4; ip_vs.h
 * (uapi)
 */
import { familyOf, type Family, type Ip } from '../base/ip.ts';

export const protocols = ['TCP', 'UDP', 'SCTP'] as const;
export type Protocol = (typeof protocols)[number];

/** What makes two services the same one to the kernel. */
export type ServiceKey =
  /** Port 0 is every port, and wants persistence. */
  | { readonly kind: 'address'; readonly protocol: Protocol; readonly address: Ip; readonly port: number }
  /** Packets with this mark, 1..2^32−1; the kernel would take 0 for a TCP service on 0.0.0.0:0. */
  | { readonly kind: 'fwmark'; readonly family: Family; readonly fwmark: number };

export interface Persistence {
  /** Whole seconds, at least 1. */
  readonly timeout_s: number;
  /** Prefix length of the clients that are taken for one: 32 or 128 for single addresses. */
  readonly granularity: number;
  /**
   * An IPv4 mask that is no prefix, which the kernel takes too: only others write it. `granularity` is its
   * first ones.
   */
  readonly netmask?: Ip;
  readonly engine?: 'sip';
}

export interface Service {
  readonly key: ServiceKey;
  /** Name of a scheduler as the kernel knows it: "wlc". */
  readonly scheduler: string;
  /** IP_VS_SVC_F_SCHED1..3: of sh and mh fallback and port. In ascending order. */
  readonly schedulerFlags: readonly (1 | 2 | 3)[];
  readonly persistence?: Persistence;
  /** One-packet scheduling: every datagram is a connection. */
  readonly ops: boolean;
}

export const forwardings = ['masq', 'local', 'tunnel', 'direct', 'bypass'] as const;
/** IP_VS_CONN_F_MASQ … BYPASS. `local` and `bypass` are read only: the kernel chooses them. */
export type Forwarding = (typeof forwardings)[number];

export interface Tunnel {
  readonly type: 'ipip' | 'gue' | 'gre';
  /** GUE only, 1..65535. */
  readonly port?: number;
  readonly checksum: 'none' | 'csum' | 'remcsum';
}

export interface Destination {
  readonly address: Ip;
  readonly port: number;
  readonly forward: Forwarding;
  /** 0..65535; 0 takes no new connections and keeps those that are there. */
  readonly weight: number;
  /** Connections from which it takes no more, and below which it takes some again; 0 is no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** With `tunnel` only. */
  readonly tunnel?: Tunnel;
}

export interface VirtualService {
  readonly service: Service;
  readonly destinations: readonly Destination[];
}

/** Counters since the start or the last zeroing, and the kernel's estimates per second. */
export interface Statistics {
  readonly connections: bigint;
  readonly inPackets: bigint;
  readonly outPackets: bigint;
  readonly inBytes: bigint;
  readonly outBytes: bigint;
  readonly connectionsPerSecond: bigint;
  readonly inPacketsPerSecond: bigint;
  readonly outPacketsPerSecond: bigint;
  readonly inBytesPerSecond: bigint;
  readonly outBytesPerSecond: bigint;
}

/** A destination as the kernel tells it. */
export interface ActualDestination extends Destination {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly statistics: Statistics | undefined;
}

export interface ActualService {
  readonly service: Service;
  readonly statistics: Statistics | undefined;
  readonly destinations: readonly ActualDestination[];
}

/** Whole seconds; 0 in a request keeps the kernel's value. */
export interface Timeouts {
  readonly tcp_s: number;
  readonly tcpFin_s: number;
  readonly udp_s: number;
}

export const familyOfKey = (key: ServiceKey): Family =>
  key.kind === 'fwmark' ? key.family : familyOf(key.address);

/**
 * One text for one service, for maps, journals and people: "TCP 10.1.0.100:80", "TCP [fd00:1::100]:80",
 * "fwmark 7 IPv4".
 */
export function serviceName(key: ServiceKey): string {
  if (key.kind === 'fwmark') return `fwmark ${key.fwmark} IPv${key.family}`;
  return `${key.protocol} ${endpoint(key)}`;
}

/** "10.2.0.21:80", "[fd00:2::21]:80". */
export const endpoint = ({ address, port }: { readonly address: Ip; readonly port: number }): string =>
  familyOf(address) === 4 ? `${address}:${port}` : `[${address}]:${port}`;
