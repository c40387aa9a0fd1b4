/** What the fail-back bench leaves behind, schema-versioned. */
import type { MachineDescription } from '../result.ts';
import type { Product } from '../scenario.ts';
import type { Outage } from './figures.ts';
import type { Arrival } from './pair.ts';
import type { Return } from './plan.ts';

/** One leaving of the active, and its return. */
export interface FailbackRun {
  readonly product: Product;
  readonly round: number;
  readonly from: Return;
  readonly failover: Outage;
  readonly failback: Outage;
  readonly arrival: Arrival;
}

export interface FailbackResults {
  readonly schema: 'vipkeeper-bench-failback';
  readonly version: 1;
  readonly startedAt: string;
  readonly took_s: number;
  readonly complete: boolean;
  readonly machine: MachineDescription;
  /** One-minute load average when it began. */
  readonly loadBefore: number;
  readonly runs: readonly FailbackRun[];
  /** Runs made again because the bench was late. */
  readonly repeats: Readonly<Record<Product, number>>;
  readonly failures: readonly string[];
}

/** A line of the guest's output. */
export type FromGuest =
  | { readonly type: 'run'; readonly run: FailbackRun }
  | { readonly type: 'repeat'; readonly product: Product; readonly text: string }
  | { readonly type: 'failed'; readonly text: string };
