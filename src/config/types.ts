import type { Micros } from '../base/time.ts';
import type { PoolsConfig } from '../director/types.ts';
import type { ScriptDefinition } from '../script/definition.ts';
import type { FileDefinition } from '../vrrp/track-file.ts';
import type { ProcessDefinition } from '../vrrp/track-process.ts';
import type { InstanceConfig } from '../vrrp/types.ts';

/** What one node runs, after per-node values are chosen and defaults are filled in. Plain data: it crosses processes as JSON. */
export interface Config {
  readonly node: string;
  readonly vrrp_instance: readonly InstanceConfig[];
  readonly pools: PoolsConfig;
  /** What the instances of this node track. */
  readonly trackers: {
    readonly scripts: readonly ScriptDefinition[];
    readonly files: readonly FileDefinition[];
    readonly processes: readonly ProcessDefinition[];
  };
  readonly process: {
    /** The vrrp process resigns when the parent has been silent for this long. */
    readonly parent_silence: Micros;
    /** How long after the start of the daemon no instance takes part. */
    readonly vrrp_startup_delay: Micros;
    /** SCHED_RR priority of the vrrp process, 0 = leave it in the normal class. */
    readonly vrrp_rt_priority: number;
    /** User of the checks and scripts processes. */
    readonly checks_user: string;
    readonly script_user: string;
  };
}
