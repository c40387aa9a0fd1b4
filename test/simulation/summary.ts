import { type FaultKind, faultKinds } from './faults.ts';
import type { SimulationReport } from './simulation.ts';

/** Of many worlds: plain data, so that workers can hand it over. */
export interface Summary {
  seeds: number;
  readonly counts: Record<string, number>;
  readonly failed: { readonly seed: number; readonly violations: readonly string[] }[];
}

export const newSummary = (): Summary => ({ seeds: 0, counts: {}, failed: [] });

/** Maxima are compared, everything else is counted. */
const isMaximum = (name: string): boolean =>
  ['worstShare', 'mostPromotions', 'slowestSettling'].includes(name);

export function addCounts(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts))
    into[name] = isMaximum(name) ? Math.max(into[name] ?? 0, count) : (into[name] ?? 0) + count;
}

export function addReport(summary: Summary, report: SimulationReport): void {
  summary.seeds++;
  addCounts(summary.counts, { ...report.faults, ...report.packets, ...report.stats });
  if (report.violations.length > 0) summary.failed.push({ seed: report.seed, violations: report.violations });
}

export function addSummary(into: Summary, part: Summary): void {
  into.seeds += part.seeds;
  addCounts(into.counts, part.counts);
  into.failed.push(...part.failed);
  into.failed.sort((a, b) => a.seed - b.seed);
}

/** Fewer of a kind than this per world, on average, and the run has proved too little. */
const least: Readonly<Record<FaultKind | 'lost' | 'duplicated' | 'reordered' | 'silentSuccessions', number>> =
  {
    loss: 1.5,
    duplication: 1.5,
    reordering: 1.5,
    'one-way': 3,
    partition: 3,
    pause: 5,
    crash: 3,
    restart: 1.5,
    stop: 1.5,
    'machine-pause': 1.5,
    'clock-step': 1.5,
    reload: 3,
    strip: 0.4,
    stall: 1.5,
    carrier: 1.5,
    'wrong-packet': 1.5,
    lost: 100,
    duplicated: 2,
    reordered: 2,
    silentSuccessions: 1,
  };

export const shortages = ({ counts, seeds }: Summary): readonly string[] =>
  Object.entries(least)
    .filter(([name, each]) => (counts[name] ?? 0) < each * seeds)
    .map(([name, each]) => `too few of ${name}: ${counts[name] ?? 0}, at least ${each * seeds} are needed`);

export function summaryLines({ counts, seeds }: Summary): readonly string[] {
  const of = (name: string): number => counts[name] ?? 0;
  return [
    `faults: ${faultKinds.map((kind) => `${kind} ${of(kind)}`).join(', ')}`,
    `packets: lost ${of('lost')}, duplicated ${of('duplicated')}, reordered ${of('reordered')}, wrong ones discarded ${of('rejected')}`,
    `elections: promotions ${of('promotions')}, conflicts heard by an Active ${of('conflicts')}, announcements ${of('announcements')}`,
    `two holders: ${of('overlaps')} times, ${(of('total') / 1e6 / seeds).toFixed(2)} s a world under faults; with a clean way at worst ` +
      `${(100 * of('worstShare')).toFixed(0)} % of the limit`,
    `a dead or frozen Active succeeded ${of('silentSuccessions')} times by one that had heard its last word`,
  ];
}
