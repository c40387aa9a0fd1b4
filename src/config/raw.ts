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

export interface RawInstance {
  readonly interface: string;
  readonly virtual_router_id: number;
  readonly priority: number;
  readonly advert_int: RawDuration;
  readonly state?: string;
  readonly nopreempt?: boolean;
  readonly preempt_delay?: RawDuration;
  readonly preempt?: { readonly mode: string; readonly delay: RawDuration };
  readonly virtual_ipaddress: readonly (string | RawAddress)[];
  readonly as_written: boolean;
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
}

export interface RawConfig {
  readonly nodes?: Readonly<Record<string, { readonly address?: string | readonly string[] } | null>>;
  readonly global: {
    readonly lease?: string | RawLease;
    readonly parent_silence: RawDuration;
    readonly vrrp_rt_priority: number;
    readonly checks_user: string;
    readonly script_user: string;
  };
  readonly vrrp_instance: Readonly<Record<string, RawInstance>>;
}
