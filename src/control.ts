/** The port through which API, CLI and drills see and steer a daemon; nothing else of it is theirs to touch. */
import type { Micros } from './base/time.ts';
import type { Override } from './director/types.ts';
import type { Plan } from './ipvs/plan.ts';
import type { PoolsStatus } from './process/pools-status.ts';
import type { ScriptsStatus } from './process/scripts-messages.ts';
import type { VrrpStatus } from './vrrp/status.ts';

export type ProcessName = 'vipkeeper' | 'vrrp' | 'checks' | 'scripts';

export interface ProcessStatus {
  readonly name: ProcessName;
  readonly pid: number | undefined;
  readonly state: 'running' | 'silent' | 'starting' | 'ended';
  readonly restarts: number;
  /** Proportional set size in KiB, from /proc/PID/smaps_rollup. */
  readonly pss_KiB: number | undefined;
}

/** Everything there is to know, schema-versioned; instants are CLOCK_BOOTTIME µs, `at` is when it was put together. */
export interface Snapshot {
  readonly version: 1;
  readonly at: Micros;
  readonly node: string;
  readonly startedAt: Micros;
  readonly configuration: {
    readonly file: string;
    readonly loadedAt: Micros;
    /** The last reload that was refused, if it came after the one in force. */
    readonly refused?: { readonly at: Micros; readonly errors: readonly string[] };
  };
  readonly processes: readonly ProcessStatus[];
  /** As the vrrp process said it last: look at its own `at`. */
  readonly vrrp: VrrpStatus | undefined;
  /** As the scripts process said it last: look at its own `at`. */
  readonly scripts: ScriptsStatus | undefined;
  /** Virtual servers, as the parent knows them. */
  readonly pools: PoolsStatus;
}

/** Who may connect to the control socket. */
export interface Admission {
  /** The group whose members may, besides root and the daemon's own user; undefined where there is no such group. */
  readonly gid: number | undefined;
  /** Asks the kernel who is at the other end of a connected unix socket. */
  readonly admits: (descriptor: number) => boolean;
}

/** What a reload of the file would write into the IPVS table, or why nobody can say. */
export type PlanAnswer =
  { readonly plan: Plan; readonly digest: string } | { readonly errors: readonly string[] };

export type { Override };

export interface Control {
  snapshot(): Promise<Snapshot>;
  plan(): Promise<PlanAnswer>;
  /** @returns why nothing was done; empty when it is in force */
  apply(digest: string): Promise<readonly string[]>;
  /** Without `to` every word about the real server is taken back. */
  override(override: Override | Omit<Override, 'to'>): void;
}
