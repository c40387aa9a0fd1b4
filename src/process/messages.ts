/** What parent and children say to each other; structured clone, so octets and undefined pass as they are. */
import type { Micros } from '../base/time.ts';
import type { ShutdownReason, State, TransitionReason } from '../vrrp/events.ts';
import type { Promotion } from '../vrrp/promotion.ts';
import type { VrrpStatus } from '../vrrp/status.ts';
import type { TrackerDefinition, TrackerReport } from '../vrrp/track-board.ts';
import type { InstanceConfig } from '../vrrp/types.ts';

export type ToVrrp =
  | {
      readonly type: 'configure';
      readonly instances: readonly InstanceConfig[];
      readonly trackers: readonly TrackerDefinition[];
      readonly realtime: number;
      readonly parentSilence: Micros;
      /** Before this instant no instance takes part: vrrp_startup_delay, from the start of the parent. */
      readonly startAt: Micros;
      /** Why no instance may take part, if so. */
      readonly kept: ShutdownReason | undefined;
    }
  /** Every check has spoken and no pool is down, or nobody is left to run the checks. */
  | { readonly type: 'checks'; readonly ready: boolean }
  /** What the director in the parent says of pools. */
  | { readonly type: 'trackers'; readonly reports: readonly TrackerReport[] }
  /** The scripts process whose reports are believed from now on. */
  | { readonly type: 'trackers-from'; readonly pid: number; readonly address: string }
  | { readonly type: 'status'; readonly id: number };

export type FromVrrp =
  /** The answer to trackers-from: that process is heard now, and its reports go there. */
  | { readonly type: 'tracker-channel'; readonly pid: number; readonly address: string }
  | {
      readonly type: 'transition';
      readonly instance: string;
      readonly from: State;
      readonly to: State;
      readonly reason: TransitionReason;
      readonly at: Micros;
    }
  | { readonly type: 'promoted'; readonly promotion: Promotion }
  | { readonly type: 'demoted'; readonly instance: string }
  /** Trackers have changed what the instance may do. */
  | { readonly type: 'weighed'; readonly instance: string; readonly words: string }
  | { readonly type: 'trouble'; readonly instance: string; readonly text: string }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'status'; readonly id: number; readonly status: VrrpStatus };

/** Everybody hears these from, or says them to, the parent. */
export type ToChild = { readonly type: 'beat' } | { readonly type: 'stop' };
export interface ChildBeat {
  readonly type: 'beat';
}
