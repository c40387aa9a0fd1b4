import type { RawPools } from './pools-raw.ts';

/** What the schema has let through for one node, defaults filled in: the types of the schema. */
export type RawDuration = string | number;

export interface RawLease {
  readonly mode?: string;
  readonly gate_lifetime?: RawDuration;
  readonly address_lifetime?: RawDuration;
}

export interface RawAddress {
  readonly address: string;
  readonly dev?: string;
  readonly label?: string;
  readonly scope?: string | number;
  readonly brd?: string;
  readonly as_written?: boolean;
}

/** An entry of track_script and its like. */
export interface RawTrack {
  readonly name: string;
  readonly weight?: number;
  readonly reverse?: boolean;
}
type RawTracks = readonly (string | RawTrack)[];
type RawDefaults = Omit<RawTrack, 'name'>;

export interface RawScript extends RawDefaults {
  readonly script: readonly string[];
  readonly interval: RawDuration;
  readonly timeout?: RawDuration;
  readonly rise: number;
  readonly fall: number;
  readonly init_fail: boolean;
  readonly user?: string;
  readonly group?: string;
}

export interface RawTrackFile extends RawDefaults {
  readonly file: string;
  readonly init_file?: { readonly value: number; readonly overwrite: boolean };
}

export interface RawTrackProcess extends RawDefaults {
  readonly process: string | readonly string[];
  readonly param_match?: string;
  readonly full_command: boolean;
  readonly quorum: number;
  readonly quorum_max?: number;
  readonly fork_delay?: RawDuration;
  readonly terminate_delay?: RawDuration;
  readonly delay?: RawDuration;
}

export interface RawPeer {
  readonly address: string;
  readonly min_ttl?: number;
  readonly max_ttl?: number;
}

export interface RawInstance {
  readonly interface: string;
  readonly virtual_router_id: number;
  readonly priority: number;
  readonly advert_int: RawDuration;
  readonly state?: string;
  readonly nopreempt?: boolean;
  readonly preempt_delay?: RawDuration;
  readonly preempt?: {
    readonly mode: string;
    readonly delay: RawDuration;
    readonly wait_for_checks: boolean;
    readonly at_most: RawDuration;
  };
  readonly virtual_ipaddress: readonly (string | RawAddress)[];
  readonly virtual_ipaddress_excluded?: readonly (string | RawAddress)[];
  readonly as_written: boolean;
  readonly version: number;
  readonly authentication?: {
    readonly auth_type: string;
    /** SECRET */
    readonly auth_pass: string | { readonly file: string };
  };
  /** The word "nodes", or a list. */
  readonly unicast_peer?: string | readonly (string | RawPeer)[];
  /** One, or one of each family. */
  readonly unicast_src_ip?: string | readonly string[];
  readonly unicast_ttl?: number;
  readonly check_unicast_src?: boolean;
  readonly mcast_src_ip?: string;
  readonly v3_checksum_as_v2: boolean;
  readonly first_linklocal: string;
  readonly garp_master_repeat: number;
  readonly garp_master_delay: RawDuration;
  readonly garp_master_refresh: RawDuration;
  readonly garp_master_refresh_repeat: number;
  readonly garp_lower_prio_repeat?: number;
  readonly garp_lower_prio_delay?: RawDuration;
  readonly garp_interval: RawDuration;
  readonly gna_interval: RawDuration;
  readonly lease?: string | RawLease;
  readonly track_interface?: RawTracks;
  readonly track_script?: RawTracks;
  readonly track_file?: RawTracks;
  readonly track_process?: RawTracks;
  readonly track_virtual_server?: RawTracks;
}

export interface RawConfig extends RawPools {
  readonly nodes?: Readonly<Record<string, { readonly address?: string | readonly string[] } | null>>;
  readonly global: {
    readonly lease?: string | RawLease;
    readonly parent_silence: RawDuration;
    readonly vrrp_startup_delay: RawDuration;
    readonly vrrp_rt_priority: number;
    readonly checks_user: string;
    readonly script_user: string;
  };
  readonly vrrp_script?: Readonly<Record<string, RawScript>>;
  readonly vrrp_track_file?: Readonly<Record<string, RawTrackFile>>;
  readonly vrrp_track_process?: Readonly<Record<string, RawTrackProcess>>;
  readonly vrrp_sync_group?: Readonly<Record<string, { readonly group: readonly string[] }>>;
  readonly vrrp_instance: Readonly<Record<string, RawInstance>>;
}
