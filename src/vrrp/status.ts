/** What the vrrp process tells about itself. Instants are CLOCK_BOOTTIME µs, so that a reader can give every fact an age. */
import type { Family, Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type { VirtualRouterSnapshot } from './events.ts';
import type { LeaseState } from './lease.ts';
import type { ChecksumForm } from './packet.ts';
import type { MismatchingSpeaker } from './mismatch.ts';
import type { DiscardCounters, Remark } from './receive.ts';
import type { Tracking } from './track.ts';
import type { Sighting } from './sightings.ts';
import type { InstanceConfig } from './types.ts';

/** Another router heard on the same VRID, interface and family. */
export interface HeardRouter {
  readonly address: Ip;
  readonly priority: number;
  readonly advert_int: Micros;
  readonly checksumForms: readonly ChecksumForm[];
  readonly remarks: readonly Remark[];
  readonly advertisements: number;
  readonly lastHeardAt: Micros;
}

/** Somebody on the link with a VRID that is not ours, as its packets say. */
export interface OtherRouter {
  readonly interface: string;
  readonly family: Family;
  readonly source: Ip;
  readonly vrid: number;
  readonly version: number;
}

export interface InstanceCounters {
  advertisementsSent: number;
  advertisementsReceived: number;
  priorityZeroSent: number;
  priorityZeroReceived: number;
  sendErrors: number;
  becameActive: number;
  announcementsSent: number;
  addressesRestored: number;
  leaseRenewals: number;
}

export const instanceCounters = (): InstanceCounters => ({
  advertisementsSent: 0,
  advertisementsReceived: 0,
  priorityZeroSent: 0,
  priorityZeroReceived: 0,
  sendErrors: 0,
  becameActive: 0,
  announcementsSent: 0,
  addressesRestored: 0,
  leaseRenewals: 0,
});

export interface InstanceStatus {
  /** Without secrets. */
  readonly config: InstanceConfig;
  readonly router: VirtualRouterSnapshot;
  readonly lease: LeaseState;
  readonly tracking: Tracking;
  /** Sources of our advertisements, one of each family that has one. */
  readonly primaries: readonly Ip[];
  /** Families over which the Active is not heard any more, while it is over the other. */
  readonly silentFamilies: readonly Family[];
  readonly counters: InstanceCounters;
  /** Virtual addresses that are on the interface but not ours: they are neither leased nor removed. */
  readonly foreignAddresses: readonly Ip[];
  readonly heard: readonly HeardRouter[];
  /** They speak for this virtual router, and are not believed: likely two Actives. */
  readonly mismatching: readonly Sighting<MismatchingSpeaker>[];
  /** The last thing the kernel refused, in words. */
  readonly trouble?: { readonly text: string; readonly at: Micros };
}

export interface SyncGroupStatus {
  readonly name: string;
  readonly members: readonly string[];
  /** Moves in a row that an election has undone at once. */
  readonly undone: number;
  /** After such a move the group takes nothing over before. */
  readonly heldUntil?: Micros;
}

export interface VrrpStatus {
  readonly at: Micros;
  readonly instances: readonly InstanceStatus[];
  /** Packets that never reached an instance, by reason and interface/family ("eth0/4"). */
  readonly discarded: Readonly<Record<string, DiscardCounters>>;
  readonly otherRouters: readonly Sighting<OtherRouter>[];
  readonly syncGroups: readonly SyncGroupStatus[];
  /** How late the loop acted on its deadlines. */
  readonly lateness: LatenessStatus;
  readonly gate: { readonly available: boolean; readonly why?: string };
  /** SCHED_RR priority in force, 0 for the normal class. */
  readonly realtime: number;
}

export interface LatenessStatus {
  readonly samples: number;
  /** The histogram itself, for whoever wants the figures of a time between two readings. Empty ones are left out. */
  readonly buckets: readonly (readonly [upTo: Micros, count: number])[];
  readonly max: Micros;
  readonly p50: Micros;
  readonly p99: Micros;
  readonly p999: Micros;
  /** The last 100 that were 2 ms late or more, oldest first. */
  readonly recent: readonly (readonly [at: Micros, late: Micros])[];
}
