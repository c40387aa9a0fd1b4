/** From what was measured to tables and verdicts. PURE. */
import { type Figures, figuresOf } from '../jitter-figures.ts';
import { median, table, type Verdict } from '../report.ts';
import type { MachineDescription } from '../result.ts';
import { type Product, products } from '../scenario.ts';
import type { CpuTime } from './cpu.ts';
import { keepsTo, type Kind, kinds, kindsOf, kindTitles, type Life, type Part, partTitles } from './plan.ts';

/** One rate, held for a few seconds. */
export interface RateStep {
  /** By the schedule, and as the server counted them. */
  readonly rate: number;
  readonly perSecond: number;
  /** Within 5 %, and every server was found up. */
  readonly kept: boolean;
  readonly failures: number;
  readonly checks: number;
  /** Of the checks process. */
  readonly cpu: CpuTime;
  /** Share of one CPU that the web server had. */
  readonly serverBusy: number;
}

export interface RateResult {
  readonly kind: Kind;
  readonly usual: RateStep;
  readonly tried: readonly RateStep[];
}

export interface LatenessResult {
  readonly checksPerSecond: number;
  readonly loop: Figures;
  /** How much longer than advert_int. */
  readonly wire: Figures;
  /** The same, less what of it the machine stood still. */
  readonly loopNet: Figures;
  readonly wireNet: Figures;
  readonly stoodStill_us: number;
}

/** One life in the guest. */
export type LifeResult = Life & {
  /** Accepted connections. */
  readonly checks: number;
  readonly took_us: number;
  readonly cpu: CpuTime;
  /** From the moment when the server was gone to the moment when the kernel did not choose it any more. */
  readonly resets_us: readonly number[];
  /** The same, less the time to the next check. */
  readonly found_us: readonly number[];
};

export interface ChecksResults {
  readonly schema: 'vipkeeper-bench-checks';
  readonly version: 1;
  readonly startedAt: string;
  readonly took_s: number;
  readonly complete: boolean;
  /** Undefined where there is no keepalived. */
  readonly machine: MachineDescription | undefined;
  readonly loadBefore: number;
  readonly rates: readonly RateResult[];
  readonly lateness?: LatenessResult;
  readonly lives: readonly LifeResult[];
  /** What was to be measured and was not, each in a sentence. */
  readonly failures: readonly string[];
}

/** A bar fails the bench; a goal is only shown. */
export interface CheckVerdict extends Verdict {
  readonly goal: boolean;
}

const p999Bound_us = 2_000;
const ratioBound = 1;

const ms = (value_us: number): string =>
  Number.isFinite(value_us) ? (value_us / 1_000).toFixed(value_us < 10_000 ? 2 : 0) : '–';
const perCheck = ({ cpu, checks }: Pick<RateStep, 'cpu' | 'checks'>): number => cpu.total_us / checks;
const share = (part: number): string => `${Math.round(part * 100)} %`;
const systemShare = (cpu: CpuTime): string => share(cpu.system_us / cpu.total_us);
const highest = ({ tried }: RateResult): RateStep | undefined =>
  tried.filter(({ kept }) => kept).toSorted((a, b) => b.rate - a.rate)[0];

export const rateText = (kind: Kind, step: RateStep): string =>
  `${kindTitles[kind]} at ${step.rate}/s: ${Math.round(step.perSecond)}/s, ${Math.round(perCheck(step))} µs a check` +
  `, server ${share(step.serverBusy)} of a CPU${step.failures > 0 ? `, ${step.failures} failures` : ''}`;

export const latenessText = ({
  checksPerSecond,
  loop,
  wire,
  wireNet,
  stoodStill_us,
}: LatenessResult): string =>
  `${Math.round(checksPerSecond)} checks/s: loop ${loop.samples} p99.9 ${ms(loop.p999_us)} max ${ms(loop.max_us)} ms, ` +
  `wire ${wire.samples} p99.9 ${ms(wire.p999_us)} max ${ms(wire.max_us)} ms; the machine stood still for ` +
  `${ms(stoodStill_us)} ms, without that p99.9 ${ms(wireNet.p999_us)} max ${ms(wireNet.max_us)} ms`;

export const lifeText = (life: LifeResult): string =>
  life.part === 'cost'
    ? `${Math.round((life.checks / life.took_us) * 1e6)}/s, ${Math.round(perCheck(life))} µs a check`
    : `${life.resets_us.length} resets: ${life.resets_us.map(ms).join(' ')} ms`;

/** Lives of one kind and interval, of both products. */
interface Match {
  readonly kind: Kind;
  readonly delayLoop: number;
  readonly of: Readonly<Record<Product, readonly LifeResult[]>>;
}

/** An HTTP check of ours by either client meets keepalived's only one. */
const theirs = (kind: Kind): Kind => (kind === 'node:http' ? 'axios' : kind);

export function matchesOf(lives: readonly LifeResult[], part: Life['part']): readonly Match[] {
  const own = lives.filter((life) => life.part === part);
  const delayLoops = [...new Set(own.map(({ delayLoop }) => delayLoop))];
  return delayLoops.flatMap((delayLoop) =>
    kinds.flatMap((kind) => {
      const of = (product: Product, wanted: Kind): readonly LifeResult[] =>
        own.filter(
          (life) => life.product === product && life.kind === wanted && life.delayLoop === delayLoop,
        );
      const match = {
        kind,
        delayLoop,
        of: { ours: of('ours', kind), keepalived: of('keepalived', theirs(kind)) },
      };
      return match.of.ours.length > 0 ? [match] : [];
    }),
  );
}

type Quantity = (lives: readonly LifeResult[]) => readonly number[];
const costs: Quantity = (lives) => lives.map(perCheck);
const resets: Quantity = (lives) => lives.flatMap(({ resets_us }) => resets_us);
const found: Quantity = (lives) => lives.flatMap(({ found_us }) => found_us);
const ratio = ({ of }: Match, quantity: Quantity): number =>
  median(quantity(of.ours)) / median(quantity(of.keepalived));

export function checksVerdicts({
  lateness,
  lives,
}: Pick<ChecksResults, 'lateness' | 'lives'>): readonly CheckVerdict[] {
  const late = (what: string, { p999_us, samples }: Figures): CheckVerdict => ({
    bar: `${what}: p99.9 ≤ 2 ms`,
    scenario: partTitles.lateness,
    found: `${ms(p999_us)} ms of ${samples}`,
    passed: p999_us <= p999Bound_us,
    goal: false,
  });
  const against = (match: Match, quantity: Quantity, bar: string, goal: boolean): CheckVerdict => {
    const found = ratio(match, quantity);
    const scenario = `${kindTitles[match.kind]}, every ${match.delayLoop / 1_000} ms`;
    return { bar, scenario, found: found.toFixed(3), passed: found <= ratioBound, goal };
  };
  return [
    ...(lateness === undefined
      ? []
      : [
          {
            bar: '2,000 checks/s within 5 %',
            scenario: partTitles.lateness,
            found: `${Math.round(lateness.checksPerSecond)}/s`,
            passed: keepsTo(2_000, lateness.checksPerSecond),
            goal: false,
          },
          late('loop, net', lateness.loopNet),
          late('wire, net', lateness.wireNet),
        ]),
    ...matchesOf(lives, 'cost').map((match) =>
      against(match, costs, 'CPU of a check ≤ 1.0 × keepalived', true),
    ),
    ...matchesOf(lives, 'reset').map((match) =>
      against(match, resets, 'reset to not chosen ≤ 1.0 × keepalived', false),
    ),
  ];
}

function renderRates(rates: readonly RateResult[]): string {
  const head = ['check', 'µs at 1,000/s', 'in the kernel', 'highest rate', 'µs there', 'server there'];
  return table(
    head,
    rates.map((result) => {
      const best = highest(result);
      return [
        kindTitles[result.kind],
        perCheck(result.usual).toFixed(0),
        systemShare(result.usual.cpu),
        ...(best === undefined
          ? ['–', '–', '–']
          : [`${best.rate}/s`, perCheck(best).toFixed(0), share(best.serverBusy)]),
      ];
    }),
  );
}

function renderLateness(result: LatenessResult): string {
  const { checksPerSecond, stoodStill_us } = result;
  const row = (name: string, { samples, p50_us, p99_us, p999_us, max_us }: Figures): string[] => [
    name,
    String(samples),
    ...[p50_us, p99_us, p999_us, max_us].map(ms),
  ];
  const rows = [
    row('loop', result.loop),
    row('loop, net', result.loopNet),
    row('wire, late', result.wire),
    row('wire, late, net', result.wireNet),
  ];
  const head = ['lateness in ms', 'samples', 'p50', 'p99', 'p99.9', 'max'];
  const said = `${Math.round(checksPerSecond)} checks/s; the machine stood still for ${ms(stoodStill_us)} ms.`;
  return `${said}\n\n${table(head, rows)}`;
}

function renderCosts(matches: readonly Match[]): string {
  const head = ['check', 'daemon', 'rounds', 'checks/s', 'µs a check', 'from – to', 'ratio'];
  const rows = matches.flatMap((match) =>
    products.flatMap((product) => {
      const lives = match.of[product];
      const values = costs(lives);
      const rates = lives.map(({ checks, took_us }) => (checks / took_us) * 1e6);
      // keepalived's only HTTP check is told beside our default one.
      if (lives.length === 0 || !kindsOf(product).includes(match.kind)) return [];
      return [
        [
          ...[kindTitles[match.kind], product, String(lives.length), median(rates).toFixed(0)],
          ...[
            median(values).toFixed(0),
            `${Math.min(...values).toFixed(0)} – ${Math.max(...values).toFixed(0)}`,
          ],
          product === 'ours' ? ratio(match, costs).toFixed(2) : '',
        ],
      ];
    }),
  );
  return table(head, rows);
}

function renderResets(matches: readonly Match[]): string {
  const head = ['every', 'daemon', 'resets', 'median', 'max', 'ratio', 'after the check: median', 'max'];
  const rows = matches.flatMap((match) =>
    products.flatMap((product) => {
      const lives = match.of[product];
      const [all, after] = [figuresOf(resets(lives)), figuresOf(found(lives))];
      return [
        [
          ...[
            `${match.delayLoop / 1_000} ms`,
            product,
            String(all.samples),
            ms(median(resets(lives))),
            ms(all.max_us),
          ],
          ...[
            product === 'ours' ? ratio(match, resets).toFixed(3) : '',
            ms(median(found(lives))),
            ms(after.max_us),
          ],
        ],
      ];
    }),
  );
  return table(head, rows);
}

export function renderChecks(results: ChecksResults): string {
  const { rates, lateness, lives, machine, failures } = results;
  const [cost, reset] = [matchesOf(lives, 'cost'), matchesOf(lives, 'reset')];
  const section = (part: Part, there: boolean, text: () => string): readonly string[] =>
    there ? [`### ${partTitles[part]}\n\n${text()}`] : [];
  const judged = checksVerdicts(results);
  const word = ({ passed, goal }: CheckVerdict): string =>
    goal ? (passed ? 'goal met' : 'goal missed') : passed ? 'PASS' : 'FAIL';
  const bars = table(
    ['bar', 'scenario', 'found', 'verdict'],
    judged.map((verdict) => [verdict.bar, verdict.scenario, verdict.found, word(verdict)]),
  );
  return [
    ...section('rates', rates.length > 0, () => renderRates(rates)),
    ...section('lateness', lateness !== undefined, () =>
      lateness === undefined ? '' : renderLateness(lateness),
    ),
    ...section('cost', cost.length > 0, () => renderCosts(cost)),
    ...section('reset', reset.length > 0, () => renderResets(reset)),
    `### Bars\n\n${judged.length === 0 ? 'nothing of what ran is judged' : bars}`,
    [
      ...failures.map((text) => `Not measured: ${text}`),
      `${(results.took_s / 60).toFixed(1)} min from ${results.startedAt}${results.complete ? '' : ' (not complete)'}; ` +
        `load average ${results.loadBefore.toFixed(2)} before. Failed: ${failures.length}.`,
      ...(machine === undefined
        ? []
        : [
            `${machine.processors} × ${machine.processor}, ${machine.memory_MiB} MiB, Linux ${machine.kernel}, ` +
              `Node ${machine.node}; vipkeeper ${machine.vipkeeper}, ${machine.keepalived}.`,
          ]),
    ].join('\n'),
  ].join('\n\n');
}
