/** What the schema has let through of pools: the types of pools-schema.ts. */
import type { RawCheckers, RawCommon } from './checkers-raw.ts';
import type { RawDuration } from './raw.ts';

export type RawMethod =
  | string
  | { readonly method: string; readonly type?: string; readonly port?: number; readonly checksum?: string };

interface RawMethods {
  readonly lb_kind?: RawMethod;
  readonly lvs_method?: RawMethod;
}

export interface RawRealServer extends RawMethods, RawCommon, RawCheckers {
  readonly address: string;
  readonly weight?: number;
  readonly inhibit_on_failure?: boolean;
  readonly uthreshold?: number;
  readonly lthreshold?: number;
}

export interface RawFwmark {
  readonly fwmark: number;
  readonly ip_family?: string;
}

export type RawFlags = {
  readonly [
    flag in 'sh-fallback' | 'sh-port' | 'mh-fallback' | 'mh-port' | 'flag-1' | 'flag-2' | 'flag-3'
  ]: boolean;
};

export interface RawVirtualServer extends RawMethods, RawCommon, RawCheckers, RawFlags {
  readonly address?: string;
  readonly fwmark?: number;
  readonly ip_family?: string;
  readonly group?: string;
  readonly protocol?: string;
  readonly lb_algo?: string;
  readonly lvs_sched?: string;
  readonly ops: boolean;
  readonly persistence_timeout?: RawDuration | null;
  readonly persistence_granularity?: number | string;
  readonly persistence_engine?: string;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly quorum_up?: readonly string[];
  readonly quorum_down?: readonly string[];
  readonly omega: boolean;
  readonly inhibit_on_failure: boolean;
  readonly sorry_server?: string;
  readonly sorry_server_lvs_method?: RawMethod;
  readonly sorry_server_inhibit: boolean;
  readonly panic_threshold: number;
  readonly slow_start: RawDuration;
  readonly drain_timeout: RawDuration;
  readonly real_server: readonly (string | RawRealServer)[];
}

export type RawGroup = readonly (string | RawFwmark)[];

export interface RawPools {
  readonly virtual_server?: readonly RawVirtualServer[];
  readonly virtual_server_group?: Readonly<Record<string, RawGroup>>;
  readonly lvs_timeouts?: {
    readonly tcp?: RawDuration;
    readonly tcpfin?: RawDuration;
    readonly udp?: RawDuration;
  };
  readonly data_plane: string;
  readonly ownership: string;
  readonly on_stop: string;
  readonly maintenance_dir?: string;
  readonly sysctls?: Readonly<Record<string, string | number>>;
  readonly snat?: readonly { readonly from: string; readonly out: string }[];
}
