/** What a bench leaves behind, schema-versioned: every run, and the machine it was made on. */
import type { Owners } from '../../src/drill/timeline.ts';
import type { ProcessMemory } from './director.ts';
import type { Product, Round, Scenario } from './scenario.ts';

/** One fault, watched. Of several addresses the worst counts, each quantity by itself. */
export interface RunResult {
  readonly scenario: Scenario;
  readonly product: Product;
  /** Round it belongs to, from 1. */
  readonly number: number;
  /** CLOCK_BOOTTIME. */
  readonly faultAt_us: number;
  /** From the advertisement heard before it to the fault. */
  readonly phase_us: number;
  /** How long applying it took: `ip` and `nft` have to be started, signals are immediate. */
  readonly faultTook_us: number;
  readonly window_us: number;
  /** Nobody answered ARP/ND or took a packet: in all, and the longest time without a break. */
  readonly noOwner_us: number;
  readonly longestNoOwner_us: number;
  readonly twoOwners_us: number;
  readonly unknown_us: number;
  /** The address was on no interface, or on both. */
  readonly addressOnNone_us: number;
  readonly addressOnTwo_us: number;
  /** Until the standby owned the last of the addresses; absent when it did not. */
  readonly takeover_us?: number;
  /** Times the standby became an owner. */
  readonly takeovers: number;
  /** Longest time without a probe: what the sampler cannot have seen. */
  readonly samplerGap_us: number;
  /** Of each address: changes of the set of owners, relative to the fault. Bit 0 is the active, bit 1 the standby. */
  readonly timelines: readonly (readonly (readonly [at_us: number, owners: Owners])[])[];
}

export interface MachineDescription {
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  readonly memory_MiB: number;
  readonly node: string;
  readonly vipkeeper: string;
  readonly keepalived: string;
}

export interface BenchResults {
  readonly schema: 'vipkeeper-bench-failover';
  readonly version: 1;
  readonly startedAt: string;
  readonly took_s: number;
  readonly complete: boolean;
  readonly machine: MachineDescription;
  /** One-minute load average when it began and when it ended. */
  readonly load: readonly [number, number];
  readonly lanes: Readonly<Record<string, number>>;
  readonly memory: Partial<Record<Product, readonly ProcessMemory[]>>;
  /** Runs repeated because of a late sampler, or because the pair was not as it should be. */
  readonly repeats: { readonly lateJudge: number; readonly notReady: number };
  readonly failures: readonly string[];
  readonly runs: readonly RunResult[];
}

/** Between the processes of the bench. */
export type ToLane = { readonly type: 'round'; readonly round: Round } | { readonly type: 'memory' };
export type FromLane =
  | { readonly type: 'run'; readonly result: RunResult }
  | { readonly type: 'repeat'; readonly why: 'lateJudge' | 'notReady'; readonly text: string }
  | { readonly type: 'failed'; readonly text: string }
  | { readonly type: 'memory'; readonly memory: BenchResults['memory'] }
  | { readonly type: 'idle' };
