/** From runs to tables and verdicts. PURE. */
import { seconds } from '../../src/base/time.ts';
import type { BenchResults, RunResult } from './result.ts';
import type { FaultName, Product, Scenario } from './scenario.ts';
import { arrangementLabel, faults, products, scenarioLabel } from './scenario.ts';

export interface Verdict {
  readonly bar: string;
  readonly scenario: string;
  readonly found: string;
  readonly passed: boolean;
}

const ms = (value_us: number): string => (value_us / 1_000).toFixed(value_us < 100_000 ? 1 : 0);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

interface Series {
  readonly scenario: Scenario;
  readonly runs: Readonly<Record<Product, readonly RunResult[]>>;
}

/** Runs of the same scenario, in the order in which scenarios first appear. */
export function seriesOf(runs: readonly RunResult[]): Series[] {
  const found = new Map<string, { scenario: Scenario; runs: Record<Product, RunResult[]> }>();
  for (const run of runs) {
    const label = scenarioLabel(run.scenario);
    const series = found.get(label) ?? { scenario: run.scenario, runs: { ours: [], keepalived: [] } };
    found.set(label, series);
    series.runs[run.product].push(run);
  }
  return [...found.values()];
}

type Quantity = keyof {
  [K in keyof RunResult as RunResult[K] extends number ? K : never]: unknown;
};
const valuesOf = (runs: readonly RunResult[], quantity: Quantity): number[] =>
  runs.map((run) => run[quantity]);

const processKills: readonly FaultName[] = ['kill-parent', 'kill-vrrp', 'kill-checks', 'kill-scripts'];
const bound_us = 650_000;

/** The bars, all at adverts of 1 s; medians are compared with medians, bounds hold for the worst run. */
export function verdicts(all: readonly Series[]): Verdict[] {
  return all.flatMap(({ scenario, runs }) => {
    const { ours, keepalived } = runs;
    const { fault, advertInt } = scenario;
    if (advertInt !== seconds(1) || ours.length === 0) return [];
    const verdict = (bar: string, found: string, passed: boolean): Verdict[] => [
      { bar, scenario: scenarioLabel(scenario), found, passed },
    ];
    const noOwner = valuesOf(ours, 'noOwner_us');
    if (fault === 'kill-all' || fault === 'stop-all') {
      const two = valuesOf(ours, 'twoOwners_us');
      const bad = two.filter((value) => value > 0).length;
      const others = ms(median(valuesOf(keepalived, 'twoOwners_us')));
      const found = `${bad} of ${two.length} runs, at most ${ms(Math.max(...two))} ms (keepalived ${others} ms)`;
      return verdict('two owners = 0 in all runs', found, bad === 0);
    }
    if (processKills.includes(fault)) {
      const worst = Math.max(...noOwner);
      return verdict('no owner ≤ 650 ms', `at most ${ms(worst)} ms`, worst <= bound_us);
    }
    const isRatio = fault === 'link-down' || fault === 'graceful';
    if (!isRatio || keepalived.length === 0) return [];
    const theirs = median(valuesOf(keepalived, 'noOwner_us'));
    const found = `${ms(median(noOwner))} against ${ms(theirs)} ms`;
    return fault === 'link-down'
      ? verdict('no owner ≤ 1.05 × keepalived', found, median(noOwner) <= 1.05 * theirs)
      : verdict('no owner ≤ 1.02 × keepalived + 10 ms', found, median(noOwner) <= 1.02 * theirs + 10_000);
  });
}

type Row = readonly string[];

/** A Markdown table with aligned columns: readable in a terminal, and as it is in a document. */
export function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: Row): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** "610.2 / 615.0": median and worst, ms. */
function medianAndWorst(runs: readonly RunResult[], quantity: Quantity): string {
  if (runs.length === 0) return '–';
  const values = valuesOf(runs, quantity);
  return `${ms(median(values))} / ${ms(Math.max(...values))}`;
}

function ratio({ ours, keepalived }: Series['runs']): string {
  const [own, other] = [ours, keepalived].map((runs) => median(valuesOf(runs, 'noOwner_us'))) as [
    number,
    number,
  ];
  return other >= 1_000 && Number.isFinite(own) ? (own / other).toFixed(2) : '–';
}

const head = [
  'fault',
  'runs',
  'no owner: ours',
  'keepalived',
  'ratio',
  'two owners: ours',
  'keepalived',
  'address on two: ours',
  'keepalived',
  'takeovers',
  'gap',
];

function row({ scenario, runs }: Series): Row {
  const both = (quantity: Quantity): string[] =>
    products.map((product) => medianAndWorst(runs[product], quantity));
  const count = (product: Product): string => {
    const values = valuesOf(runs[product], 'takeovers');
    return values.length === 0 ? '–' : String(values.reduce((sum, value) => sum + value, 0));
  };
  const gaps = products.flatMap((product) => valuesOf(runs[product], 'samplerGap_us'));
  return [
    faults[scenario.fault].title,
    `${runs.ours.length} + ${runs.keepalived.length}`,
    ...both('noOwner_us'),
    ratio(runs),
    ...both('twoOwners_us'),
    ...both('addressOnTwo_us'),
    `${count('ours')} + ${count('keepalived')}`,
    ms(Math.max(...gaps)),
  ];
}

export function renderReport(results: BenchResults): string {
  const all = seriesOf(results.runs);
  const groups = new Map<string, Series[]>();
  for (const series of all) {
    const { scenario } = series;
    const title = `${arrangementLabel(scenario)}${scenario.phase === 'random' ? ', faults at random phases' : ''}`;
    groups.set(title, [...(groups.get(title) ?? []), series]);
  }
  const tables = [...groups].map(([title, group]) => `### ${title}\n\n${table(head, group.map(row))}`);
  const judged = verdicts(all);
  const bars = table(
    ['bar', 'scenario', 'found', 'verdict'],
    judged.map(({ bar, scenario, found, passed }) => [bar, scenario, found, passed ? 'PASS' : 'FAIL']),
  );
  return [
    'Times in ms, median / worst. Of several addresses the worst counts.',
    ...tables,
    `### Bars (adverts 1 s)\n\n${judged.length === 0 ? 'none of the runs is judged' : bars}`,
    `### Memory of an active director\n\n${renderMemory(results.memory)}`,
    renderFacts(results),
  ].join('\n\n');
}

function renderMemory(memory: BenchResults['memory']): string {
  const mib = (size_KiB: number): string => (size_KiB / 1_024).toFixed(1);
  const rows = products.flatMap((product) => {
    const processes = memory[product] ?? [];
    const sum = (get: (process: (typeof processes)[number]) => number): number =>
      processes.reduce((total, process) => total + get(process), 0);
    if (processes.length === 0) return [];
    // What the processes of one daemon share is nearly all one program's text: once is enough when nobody else runs it.
    const shared = Math.max(...processes.map(({ rss_KiB, private_KiB }) => rss_KiB - private_KiB));
    return [
      ...processes.map(({ role, pss_KiB, private_KiB }) => [
        `${product} ${role}`,
        mib(pss_KiB),
        mib(private_KiB),
        '',
      ]),
      [
        `${product}, all`,
        mib(sum(({ pss_KiB }) => pss_KiB)),
        mib(sum(({ private_KiB }) => private_KiB)),
        mib(sum(({ private_KiB }) => private_KiB) + shared),
      ],
    ];
  });
  if (rows.length === 0) return 'not measured';
  return table(['process', 'PSS MiB', 'private MiB', 'alone on a machine MiB'], rows);
}

function renderFacts({
  machine,
  load,
  took_s,
  repeats,
  failures,
  runs,
  lanes,
  startedAt,
  complete,
}: BenchResults): string {
  const laneText = Object.entries(lanes)
    .map(([adverts, count]) => `${count} at ${adverts}`)
    .join(', ');
  return [
    `${runs.length} runs in ${(took_s / 60).toFixed(1)} min from ${startedAt}${complete ? '' : ' (not complete)'}; lanes: ${laneText}.`,
    `Load average ${load[0].toFixed(2)} before, ${load[1].toFixed(2)} after.`,
    `Repeated: ${repeats.lateJudge} for a late judge (a gap over 50 ms, a fault out of its phase), ${repeats.notReady} for a pair that was not ready. Failed: ${failures.length}.`,
    `${machine.processors} × ${machine.processor}, ${machine.memory_MiB} MiB, Linux ${machine.kernel}, Node ${machine.node}; vipkeeper ${machine.vipkeeper}, ${machine.keepalived}.`,
  ].join('\n');
}
