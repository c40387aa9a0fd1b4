/** From runs to tables and verdicts. PURE. */
import { median, table, type Verdict } from '../report.ts';
import { products } from '../scenario.ts';
import { type Return, returns, returnTitles } from './plan.ts';
import type { FailbackResults, FailbackRun } from './result.ts';

const goal_us = 100_000;

const ms = (value_us: number): string => (Number.isFinite(value_us) ? (value_us / 1_000).toFixed(0) : '–');
const medianAndWorst = (values: readonly number[]): string =>
  `${ms(median(values))} / ${ms(Math.max(...values))}`;

const runsOf = (runs: readonly FailbackRun[], from: Return, product: FailbackRun['product']): FailbackRun[] =>
  runs.filter((run) => run.from === from && run.product === product);
const outages = (runs: readonly FailbackRun[]): number[] => runs.map(({ failback }) => failback.gap_us);

export const runText = ({ product, round, from, failover, failback, arrival }: FailbackRun): string =>
  [
    `${round} ${product} ${from}: fail-over ${ms(failover.gap_us)} ms,`,
    `fail-back ${ms(failback.gap_us)} ms at ${ms(failback.at_us)} ms, ${failback.failed} of ${failback.requests} failed;`,
    `first advert ${ms(arrival.preempted_us)}, first server ${ms(arrival.firstServer_us)},`,
    `all ${ms(arrival.allServers_us)} ms (own gap ${ms(failback.ownGap_us)} ms)`,
  ].join(' ');

/** The goal is ours alone: keepalived's figure says what it is worth. */
export function failbackVerdicts(runs: readonly FailbackRun[]): Verdict[] {
  return returns.flatMap((from) => {
    const [ours, theirs] = [outages(runsOf(runs, from, 'ours')), outages(runsOf(runs, from, 'keepalived'))];
    if (ours.length === 0) return [];
    const ratio = median(ours) / median(theirs);
    const against = theirs.length === 0 ? '' : `, ${ratio.toFixed(2)} × keepalived's median`;
    return {
      bar: 'median outage of the fail-back ≤ 100 ms',
      scenario: returnTitles[from],
      found: `${medianAndWorst(ours)} ms${against}`,
      passed: median(ours) <= goal_us,
    };
  });
}

const head = [
  'returns',
  'daemon',
  'runs',
  'fail-over',
  'fail-back',
  'failed',
  'first advert',
  'first server',
  'all servers',
  'own gap',
];

function rows(runs: readonly FailbackRun[]): string[][] {
  return returns.flatMap((from) =>
    products.flatMap((product) => {
      const own = runsOf(runs, from, product);
      if (own.length === 0) return [];
      const failed = own.map(({ failback }) => failback.failed);
      return [
        [
          from,
          product,
          String(own.length),
          medianAndWorst(own.map(({ failover }) => failover.gap_us)),
          medianAndWorst(outages(own)),
          `${median(failed)} / ${Math.max(...failed)}`,
          ...(['preempted_us', 'firstServer_us', 'allServers_us'] as const).map((what) =>
            ms(median(own.map(({ arrival }) => arrival[what]))),
          ),
          ms(Math.max(...own.map(({ failback }) => failback.ownGap_us))),
        ],
      ];
    }),
  );
}

export function renderFailback(results: FailbackResults): string {
  const { runs, repeats, machine, failures, took_s, startedAt, complete, loadBefore } = results;
  const judged = failbackVerdicts(runs);
  const bars = table(
    ['bar', 'returns', 'found', 'verdict'],
    judged.map(({ bar, scenario, found, passed }) => [bar, scenario, found, passed ? 'PASS' : 'FAIL']),
  );
  return [
    'Longest time between two good answers, and numbers of requests: median / worst, ms. The other columns: median.',
    table(head, rows(runs)),
    returns.map((from) => `${from}: ${returnTitles[from]}.`).join('\n'),
    `### Bars\n\n${judged.length === 0 ? 'nothing of what ran is judged' : bars}`,
    [
      `${runs.length} runs in ${(took_s / 60).toFixed(1)} min from ${startedAt}${complete ? '' : ' (not complete)'}; ` +
        `load average ${loadBefore.toFixed(2)} before. Repeated for a late bench: ${repeats.ours} + ${repeats.keepalived}, failed: ${failures.length}.`,
      `${machine.processors} × ${machine.processor}, ${machine.memory_MiB} MiB, Linux ${machine.kernel} ` +
        `(the guest: User Mode Linux, one CPU), Node ${machine.node}; vipkeeper ${machine.vipkeeper}, ${machine.keepalived}.`,
    ].join('\n'),
  ].join('\n\n');
}
