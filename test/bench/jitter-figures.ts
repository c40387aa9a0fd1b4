/** From arrivals to figures. PURE. */
import { micros, type Micros } from '../../src/base/time.ts';
import type { LatenessStatus } from '../../src/vrrp/status.ts';

/** How late something was, in µs. */
export interface Figures {
  readonly samples: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly max_us: number;
}

/** Exact. A quantile is the smallest sample that at least this share does not exceed; NaN without samples. */
export function figuresOf(samples: readonly number[]): Figures {
  const sorted = Float64Array.from(samples).sort();
  const quantile = (share: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
  return {
    samples: sorted.length,
    p50_us: quantile(0.5),
    p99_us: quantile(0.99),
    p999_us: quantile(0.999),
    max_us: quantile(1),
  };
}

/** What the daemon's histogram gained between two readings; up to 19 % too high, as its buckets are. */
export function gained(before: LatenessStatus, after: LatenessStatus): Figures {
  const old = new Map(before.buckets);
  const counts = after.buckets.map(([upTo, count]) => [upTo, count - (old.get(upTo) ?? 0)] as const);
  const samples = after.samples - before.samples;
  const quantile = (share: number): number => {
    let left = Math.ceil(samples * share);
    for (const [upTo, count] of counts) {
      left -= count;
      if (count > 0 && left <= 0) return Math.min(upTo, after.max);
    }
    return NaN;
  };
  const [p50_us = NaN, p99_us = NaN, p999_us = NaN, max_us = NaN] = [0.5, 0.99, 0.999, 1].map(quantile);
  return { samples, p50_us, p99_us, p999_us, max_us };
}

/** Of one virtual router, in order. */
export type Arrivals = readonly Micros[];

export interface WireFigures {
  /** |interval − advert_int| */
  readonly off: Figures;
  /** How much longer than advert_int; 0 for those that came early, as a changed configuration makes them. */
  readonly late: Figures;
}

/** Intervals that end within [from, to]. A router that fell silent is late by what is known at `to`. */
export function wireFigures(
  routers: Iterable<Arrivals>,
  advertInt: Micros,
  from: Micros,
  to: Micros,
): WireFigures {
  const deviations: number[] = [];
  for (const arrivals of routers) {
    for (const [at, arrival] of arrivals.entries()) {
      const before = arrivals[at - 1];
      if (before !== undefined && arrival >= from && arrival <= to)
        deviations.push(arrival - before - advertInt);
    }
    const silence = to - (arrivals.findLast((arrival) => arrival <= to) ?? from);
    if (silence > advertInt * 1.5) deviations.push(silence - advertInt);
  }
  return {
    off: figuresOf(deviations.map(Math.abs)),
    late: figuresOf(deviations.map((deviation) => Math.max(0, deviation))),
  };
}

/** The most instants within any stretch of this length. @param instants in order */
export function peakWithin(instants: readonly Micros[], stretch: Micros): number {
  let peak = 0;
  for (let first = 0, last = 0; last < instants.length; last++) {
    while ((instants[last] ?? 0) - (instants[first] ?? 0) >= stretch) first++;
    peak = Math.max(peak, last - first + 1);
  }
  return peak;
}

/** seconds and nanoseconds of struct timespec, 64-bit little-endian. */
export function microsOfTimespec(data: Uint8Array): Micros {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return micros(Number(view.getBigInt64(0, true)) * 1_000_000 + Number(view.getBigInt64(8, true)) / 1_000);
}
