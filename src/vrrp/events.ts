import type { Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type { InstanceConfig, Priority, VirtualAddress } from './types.ts';

export type State = 'initialize' | 'backup' | 'active';

/** Why a router cannot take part, or must stop to. */
export type ShutdownReason =
  | 'stop'
  | 'parent-lost'
  | 'parent-silent'
  | 'interface-absent'
  | 'interface-down'
  | 'no-carrier'
  | 'no-primary-address'
  | 'socket-failed'
  | 'lease-unavailable'
  | 'addresses-refused'
  | 'tracker-failed'
  | 'startup-delay'
  | 'sync-group'
  | 'data-plane-missing'
  | 'deconfigured';

export type TransitionReason =
  | ShutdownReason
  | 'startup'
  | 'address-owner'
  | 'active-silent'
  | 'active-resigned'
  | 'preempting'
  | 'higher-priority'
  | 'higher-address'
  | 'lease-lapsed'
  | 'paused';

export type VirtualRouterEvent =
  /** The interface is ready; `primaries` are the sources of our advertisements, one for each family that is ready. */
  | { readonly type: 'startup'; readonly primaries: readonly Ip[] }
  /** `resign` when the link still carries a farewell. */
  | { readonly type: 'shutdown'; readonly reason: ShutdownReason; readonly resign: boolean }
  /** An advertisement that passed every check of receive.ts; its own looped packets never come here. */
  | {
      readonly type: 'advertisement';
      readonly source: Ip;
      readonly priority: number;
      readonly interval: Micros;
    }
  | { readonly type: 'primaries'; readonly addresses: readonly Ip[] }
  /** `priority`: as trackers make it; the configured one when absent. */
  | { readonly type: 'reconfigure'; readonly config: InstanceConfig; readonly priority?: Priority }
  /** Trackers have made the configured priority another one. */
  | { readonly type: 'priority'; readonly priority: Priority }
  /** The gate in the kernel had closed before a renewal came. */
  | { readonly type: 'lease-lapsed' }
  /** This process did not run for at least the life of the lease: what it believes is old. */
  | { readonly type: 'paused' }
  /** Every member of the sync group wants to be Active, or one of them cannot be any more. */
  | { readonly type: 'group-agrees' | 'group-leaves' }
  /** No living Active is preempted before `until`; undefined: what was waited for is there. */
  | { readonly type: 'wait'; readonly until: Micros | undefined };

export type VirtualRouterAction =
  | { readonly type: 'send-advertisement'; readonly priority: number }
  /** Only when the advertisement just before it left this host. */
  | { readonly type: 'renew-lease' }
  | {
      readonly type: 'add-addresses' | 'remove-addresses' | 'open-gate' | 'close-gate';
      readonly addresses: readonly VirtualAddress[];
    }
  | { readonly type: 'announce' | 'announce-again' | 'stop-announcing' }
  | {
      readonly type: 'transition';
      readonly from: State;
      readonly to: State;
      readonly reason: TransitionReason;
    };

/** What status shows of a router; instants are CLOCK_BOOTTIME. */
export interface VirtualRouterSnapshot {
  readonly state: State;
  readonly since: Micros;
  readonly reason: TransitionReason;
  /** In force: as trackers make it. */
  readonly priority: Priority;
  readonly activeAdverInterval: Micros;
  readonly skewTime: Micros;
  readonly activeDownInterval: Micros;
  readonly activeDownAt?: Micros;
  readonly advertAt?: Micros;
  readonly preemptAt?: Micros;
  /** Why it would be Active, if its sync group agreed. */
  readonly wants?: TransitionReason;
}
