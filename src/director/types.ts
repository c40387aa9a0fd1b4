/**
 * virtual_server as this node runs it: where the values of ipvs/ and healthcheck/ meet. Words are keepalived's. Plain data.
 */
import type { Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type { CheckDefinition } from '../healthcheck/types.ts';
import type { Destination, Service, Timeouts } from '../ipvs/types.ts';

/** One real_server, or the sorry server. Its name in a pool is endpoint(destination): "10.2.0.21:80". */
export interface RealServer {
  /** With the configured weight. Port 0 in a service with port 0: every port as it came. */
  readonly destination: Destination;
  /** Down means weight 0, and not that it is taken out: its connections go on. keepalived's inhibit_on_failure */
  readonly inhibit_on_failure: boolean;
  /** Every one must pass. Without a check it is always up. */
  readonly checks: readonly CheckDefinition[];
}

export interface VirtualServer {
  /** Unique in the file, for people: "TCP 10.1.0.100:80", "fwmark 7 IPv4", the name of a group. */
  readonly name: string;
  /** One, or those of a virtual_server_group: they share one pool and its checks. Their keys are unique in the file. */
  readonly services: readonly [Service, ...Service[]];
  readonly real_server: readonly RealServer[];
  readonly sorry_server?: RealServer;
  /** Sum of the weights of living servers from which the pool is up; with hysteresis above it, and below it to go down. */
  readonly quorum: number;
  readonly hysteresis: number;
  /** Scripts at the change, as argv; run by the scripts process. */
  readonly quorum_up?: readonly string[];
  readonly quorum_down?: readonly string[];
  /** The pool is down until its checks have spoken. */
  readonly alpha: boolean;
  /** quorum_down is run when the daemon stops with a pool that is up. */
  readonly omega: boolean;
  /** A share of living servers, 0..100 %, under which all are treated as living: better overloaded than gone. 0: off. */
  readonly panic_threshold: number;
  /** A server that comes up grows to its weight over this time; 0: at once. */
  readonly slow_start: Micros;
  /** A server that is removed from the file, or drained, keeps its connections for at most so long. */
  readonly drain_timeout: Micros;
}

/** A word of an operator about one real server, in every pool that has it, or in one. */
export interface Override {
  /** Name of the virtual server; undefined: all. */
  readonly virtual_server?: string;
  /** endpoint() of the real server. */
  readonly real_server: string;
  readonly to: { readonly weight: number } | 'drain' | 'up' | 'down';
  /** When it ends by itself; undefined: until it is taken back. */
  readonly until?: Micros;
}

/** net.ipv4.vs.* and forwarding that the pools need, by path under /proc/sys: "net/ipv4/vs/conntrack". */
export type Sysctls = Readonly<Record<string, string>>;

/** All of it, for one node. */
export interface PoolsConfig {
  readonly data_plane: 'ipvs' | 'nftables';
  readonly virtual_server: readonly VirtualServer[];
  readonly lvs_timeouts?: Timeouts;
  /** What is in the kernel and neither in the file nor in the journal: left alone, or ours too. */
  readonly ownership: 'declared' | 'exclusive';
  readonly on_stop: 'keep' | 'remove';
  /** A file named like a real server in it ("10.2.0.21", "10.2.0.21:80") drains that server. */
  readonly maintenance_dir?: string;
  readonly sysctls: Sysctls;
  /** snat of inside networks behind a NAT director. */
  readonly snat: readonly {
    readonly from: { readonly address: Ip; readonly length: number };
    readonly out: string;
  }[];
}
