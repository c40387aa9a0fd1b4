/** The port through which API, CLI and drills see and steer a daemon; nothing else of it is theirs to touch. */
import type { Micros } from './base/time.ts';
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
}

/** Who may connect to the control socket. */
export interface Admission {
  /** The group whose members may, besides root and the daemon's own user; undefined where there is no such group. */
  readonly gid: number | undefined;
  /** Asks the kernel who is at the other end of a connected unix socket. */
  readonly admits: (descriptor: number) => boolean;
}

export interface Control {
  snapshot(): Promise<Snapshot>;
}
