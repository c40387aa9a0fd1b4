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

/** A CPU of the machine ran nothing at all, not even the highest class, from here to there. */
export interface Stall {
  readonly from: Micros;
  readonly to: Micros;
}

/** For how much of a stretch any CPU stood still, in µs. */
export function stoodStill(stalls: readonly Stall[], from: Micros, to: Micros): number {
  let [sum, counted] = [0, from];
  for (const stall of stalls.toSorted((a, b) => a.from - b.from)) {
    const end = Math.min(stall.to, to);
    sum += Math.max(0, end - Math.max(stall.from, counted));
    counted = micros(Math.max(counted, end));
  }
  return sum;
}

/**
 * What the daemon's histogram gained between two readings; up to 19 % too high, as its buckets are.
 * @param stalls what of each lateness was the machine's is taken off, as far as the daemon remembers when it was late
 */
export function gained(
  before: LatenessStatus,
  after: LatenessStatus,
  stalls: readonly Stall[] = [],
): Figures {
  const counts = new Map(after.buckets);
  const add = (upTo: number, count: number): void =>
    void counts.set(upTo as Micros, (counts.get(upTo as Micros) ?? 0) + count);
  for (const [upTo, count] of before.buckets) add(upTo, -count);
  const old = before.recent.at(-1)?.[0] ?? -Infinity;
  for (const [at, late] of after.recent) {
    const machine = at > old ? stoodStill(stalls, micros(at - late), at) : 0;
    if (machine === 0) continue;
    add(after.buckets.find(([upTo]) => upTo >= late)?.[0] ?? late, -1);
    add(late - machine, 1);
  }
  const samples = after.samples - before.samples;
  const ordered = [...counts].sort(([a], [b]) => a - b);
  const quantile = (share: number): number => {
    let left = Math.ceil(samples * share);
    for (const [upTo, count] of ordered) {
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
  /** That, less what of it the machine stood still. */
  readonly net: Figures;
}

/** Intervals that end within [from, to]. A router that fell silent is late by what is known at `to`. */
export function wireFigures(
  routers: Iterable<Arrivals>,
  advertInt: Micros,
  from: Micros,
  to: Micros,
  stalls: readonly Stall[] = [],
): WireFigures {
  const deviations: number[] = [];
  const net: number[] = [];
  const note = (last: Micros, now: Micros): void => {
    const deviation = now - last - advertInt;
    deviations.push(deviation);
    net.push(deviation <= 0 ? 0 : deviation - stoodStill(stalls, micros(last + advertInt), now));
  };
  for (const arrivals of routers) {
    for (const [at, arrival] of arrivals.entries()) {
      const before = arrivals[at - 1];
      if (before !== undefined && arrival >= from && arrival <= to) note(before, arrival);
    }
    const last = arrivals.findLast((arrival) => arrival <= to) ?? from;
    if (to - last > advertInt * 1.5) note(last, to);
  }
  return {
    off: figuresOf(deviations.map(Math.abs)),
    late: figuresOf(deviations.map((deviation) => Math.max(0, deviation))),
    net: figuresOf(net),
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
