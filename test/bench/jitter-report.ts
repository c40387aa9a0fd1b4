/** From cells to tables and verdicts. PURE. */
import type { Verdict } from './report.ts';
import { table } from './report.ts';
import type { MachineDescription } from './result.ts';
import type { Figures, WireFigures } from './jitter-figures.ts';
import type { Crowd, Life, Situation } from './jitter-plan.ts';
import { crowdLabel, situationTitles } from './jitter-plan.ts';

type Subject = Pick<Life, 'crowd' | 'product' | 'realtime'>;

/** One daemon in one situation. */
export interface JitterCell extends Subject, WireFigures {
  readonly situation: Situation;
  /** The daemon's own word on its loop; keepalived has none. */
  readonly loop?: Figures;
  /** The same, less what of it the machine stood still. */
  readonly loopNet?: Figures;
  /** Any CPU of the machine ran nothing at all, while this was watched. */
  readonly stoodStill_us: number;
  /** Advertisements of priority 0 since it was started. */
  readonly farewells: number;
}

/** All virtual routers of a crowd promoted together. */
export interface JitterStart extends Subject {
  readonly late: Figures;
  readonly net: Figures;
  readonly stoodStill_us: number;
  /** From the first router's first advertisement to the last router's. */
  readonly firstAdverts_us: number;
  /** Gratuitous ARP frames: in all, and the most within any 1 ms and 10 ms. */
  readonly announcements: number;
  readonly peakPerMs: number;
  readonly peakPer10Ms: number;
  readonly farewells: number;
}

export interface JitterResults {
  readonly schema: 'vipkeeper-bench-jitter';
  readonly version: 1;
  readonly startedAt: string;
  readonly took_s: number;
  readonly complete: boolean;
  readonly machine: MachineDescription;
  /** One-minute load average when it began. */
  readonly loadBefore: number;
  readonly cells: readonly JitterCell[];
  readonly starts: readonly JitterStart[];
  readonly failures: readonly string[];
}

const p999Bound_us = 2_000;
const maxBound_us = 10_000;
/** An advertisement may be late by this share of its interval. */
const lateShare = 0.2;

const ms = (value_us: number): string =>
  Number.isFinite(value_us) ? (value_us / 1_000).toFixed(value_us < 10_000 ? 2 : 0) : '–';
const subject = ({ product, realtime }: Subject): string => `${product}${realtime > 0 ? ', real-time' : ''}`;
const figures = ({ p50_us, p99_us, p999_us, max_us }: Figures): string[] =>
  [p50_us, p99_us, p999_us, max_us].map(ms);

export const cellText = ({ situation, loop, off, late, net, stoodStill_us }: JitterCell): string =>
  [
    `${situation}:`,
    ...(loop === undefined
      ? []
      : [`loop ${loop.samples} p99.9 ${ms(loop.p999_us)} max ${ms(loop.max_us)} ms,`]),
    `wire ${off.samples} p99.9 ${ms(off.p999_us)} max ${ms(off.max_us)} ms (late ${ms(late.max_us)}),`,
    `the machine stood still for ${ms(stoodStill_us)} ms, without that p99.9 ${ms(net.p999_us)} max ${ms(net.max_us)} ms`,
  ].join(' ');

export const startText = ({ late, announcements, peakPerMs, firstAdverts_us }: JitterStart): string =>
  `start: adverts at most ${ms(late.max_us)} ms late, first ones within ${ms(firstAdverts_us)} ms; ` +
  `${announcements} announcements, at most ${peakPerMs} in 1 ms`;

/** The bars hold for ours in the real-time class, which is the default. */
export function jitterVerdicts({ cells, starts }: Pick<JitterResults, 'cells' | 'starts'>): Verdict[] {
  const judge = (scenario: string, what: string, found: Figures | undefined): Verdict[] =>
    found === undefined
      ? []
      : [
          {
            bar: `${what}, net: p99.9 ≤ 2 ms, max ≤ 10 ms`,
            scenario,
            found: `${ms(found.p999_us)}, ${ms(found.max_us)} ms of ${found.samples}`,
            passed: found.p999_us <= p999Bound_us && found.max_us <= maxBound_us,
          },
        ];
  const ofCells = cells.filter(isJudged).flatMap((cell) => {
    const scenario = `${crowdLabel(cell.crowd)}, ${situationTitles[cell.situation]}`;
    return [...judge(scenario, 'loop', cell.loopNet), ...judge(scenario, 'wire, late', cell.net)];
  });
  const ofStarts = starts.filter(isJudged).map((start): Verdict => ({
    bar: 'no advert late by more than 20 %',
    scenario: `${crowdLabel(start.crowd)}, all promoted at once`,
    found: `at most ${ms(start.net.max_us)} ms`,
    passed: start.net.max_us <= lateShare * start.crowd.advertInt,
  }));
  return [...ofCells, ...ofStarts];
}

const isJudged = ({ product, realtime }: Subject): boolean => product === 'ours' && realtime > 0;

const cellHead = [
  'situation',
  'daemon',
  'measured',
  'samples',
  'p50',
  'p99',
  'p99.9',
  'max',
  'stood still',
  'farewells',
];

function cellRows(cell: JitterCell): string[][] {
  const { situation, loop, loopNet, off, late, net, stoodStill_us, farewells, ...daemon } = cell;
  const row = (measured: string, found: Figures): string[] => [
    situationTitles[situation],
    subject(daemon),
    measured,
    String(found.samples),
    ...figures(found),
    ms(stoodStill_us),
    String(farewells),
  ];
  return [
    ...(loop === undefined ? [] : [row('loop', loop)]),
    ...(loopNet === undefined || sameEnd(loopNet, loop) ? [] : [row('loop, net', loopNet)]),
    row('wire', off),
    // The same figures twice would only be longer.
    ...(off.max_us === late.max_us ? [] : [row('wire, late', late)]),
    ...(sameEnd(net, late) ? [] : [row('wire, late, net', net)]),
  ];
}

const sameEnd = (a: Figures, b: Figures | undefined): boolean =>
  a.p999_us === b?.p999_us && a.max_us === b.max_us;

const startHead = [
  'daemon',
  'samples',
  'p50',
  'p99',
  'max',
  'max, net',
  'first adverts',
  'frames',
  'in 1 ms',
  'in 10 ms',
];

const startRow = (start: JitterStart): string[] => [
  subject(start),
  String(start.late.samples),
  ...[start.late.p50_us, start.late.p99_us, start.late.max_us, start.net.max_us, start.firstAdverts_us].map(
    ms,
  ),
  ...[start.announcements, start.peakPerMs, start.peakPer10Ms].map(String),
];

export function renderJitter(results: JitterResults): string {
  const { cells, starts, machine, failures } = results;
  const order: readonly Situation[] = Object.keys(situationTitles) as Situation[];
  const crowds = new Map<string, Crowd>(cells.map(({ crowd }) => [crowdLabel(crowd), crowd]));
  const tables = [...crowds.keys()].map((label) => {
    const own = cells.filter(({ crowd }) => crowdLabel(crowd) === label);
    const sorted = order.flatMap((situation) => own.filter((cell) => cell.situation === situation));
    return `### ${label}\n\n${table(cellHead, sorted.flatMap(cellRows))}`;
  });
  const judged = jitterVerdicts(results);
  const bars = table(
    ['bar', 'scenario', 'found', 'verdict'],
    judged.map(({ bar, scenario, found, passed }) => [bar, scenario, found, passed ? 'PASS' : 'FAIL']),
  );
  return [
    'Lateness in ms.',
    ...tables,
    ...starts.slice(0, 1).map(({ crowd }) => {
      const title = `### ${crowdLabel(crowd)}, all promoted at once`;
      return `${title}\n\n${table(startHead, starts.map(startRow))}`;
    }),
    `### Bars\n\n${judged.length === 0 ? 'nothing of what ran is judged' : bars}`,
    [
      `${(results.took_s / 60).toFixed(1)} min from ${results.startedAt}` +
        `${results.complete ? '' : ' (not complete)'}; load average ${results.loadBefore.toFixed(2)} before. Failed: ${failures.length}.`,
      `${machine.processors} × ${machine.processor}, ${machine.memory_MiB} MiB, Linux ${machine.kernel}, ` +
        `Node ${machine.node}; vipkeeper ${machine.vipkeeper}, ${machine.keepalived}.`,
    ].join('\n'),
  ].join('\n\n');
}
