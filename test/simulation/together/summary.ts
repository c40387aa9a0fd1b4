import { addCounts, type Summary } from '../summary.ts';
import type { Row } from './scenario.ts';
import { type StormKind, stormKinds } from './storms.ts';
import type { TogetherReport } from './together.ts';

export function addTogether(summary: Summary, { seed, violations, faults, stats }: TogetherReport): void {
  summary.seeds++;
  addCounts(summary.counts, { ...faults, ...stats });
  if (violations.length > 0) summary.failed.push({ seed, violations });
}

type Least = Readonly<Partial<Record<StormKind | 'promotions' | 'leaves' | 'twoActives', number>>>;

/** Fewer of a kind than this per world, on average, and the run has proved too little. */
const least: Readonly<Record<Row, Least>> = {
  'dual-stack': {
    filter: 4,
    'late-family': 1.5,
    partition: 1.5,
    crash: 3,
    pause: 1.5,
    twoActives: 5,
    promotions: 8,
  },
  'sync-group': {
    filter: 2.5,
    carrier: 2.5,
    partition: 2.5,
    crash: 2.5,
    pause: 1.2,
    leaves: 5,
    promotions: 18,
  },
  trackers: { word: 10, silence: 4, carrier: 1, crash: 1, pause: 1, promotions: 5 },
};

export const togetherShortages = (row: Row, { counts, seeds }: Summary): readonly string[] =>
  Object.entries(least[row])
    .filter(([name, each]) => (counts[name] ?? 0) < each * seeds)
    .map(
      ([name, each]) =>
        `${row}: too few of ${name}: ${counts[name] ?? 0}, at least ${each * seeds} are needed`,
    );

export function togetherLines(row: Row, { counts, seeds }: Summary): readonly string[] {
  const of = (name: string): number => counts[name] ?? 0;
  const faults = stormKinds.filter((kind) => of(kind) > 0).map((kind) => `${kind} ${of(kind)}`);
  const worst = (100 * of('worstShare')).toFixed(0);
  const extra: Readonly<Record<Row, string>> = {
    'dual-stack': `two Actives ${of('twoActives')} times, with a family clean between them at worst ${worst} % of the limit`,
    'sync-group': `${of('leaves')} moves because another member moved`,
    trackers: 'priorities and faults as told',
  };
  return [
    `${row}, ${seeds} worlds: ${faults.join(', ')}; packets lost ${of('lost')}`,
    `${row}: ${of('promotions')} promotions, ${extra[row]}; from 2.5 s after a storm at most ` +
      `${of('mostPromotions').toFixed(1)} promotions of one router, the last move ${(of('slowestSettling') / 1e6).toFixed(1)} s after that`,
  ];
}
