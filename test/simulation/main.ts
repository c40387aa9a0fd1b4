/**
 * `npm run sim -- --seeds N [--seed S] [--row ROW] [--break RULE] [--verbose]`: exit code 1 when something must not be.
 * Without a row every seed is a world of single instances, and every third one of what moves together besides.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type BreakableRule, breakableRules, isBreakableRule } from './sabotage.ts';
import { simulate } from './simulation.ts';
import { addReport, addSummary, newSummary, shortages, type Summary, summaryLines } from './summary.ts';
import * as together from './together/sabotage.ts';
import { isRow, type Row, rows } from './together/scenario.ts';
import { addTogether, togetherLines, togetherShortages } from './together/summary.ts';
import { simulateTogether } from './together/together.ts';

const kinds = ['single', ...rows] as const;
type Kind = (typeof kinds)[number];
type Summaries = Readonly<Record<Kind, Summary>>;

/** What is asked for. */
interface Order {
  readonly kind: Kind | undefined;
  readonly broken: BreakableRule | together.BreakableRule | undefined;
}

interface Share extends Order {
  readonly first: number;
  readonly seeds: number;
  readonly step: number;
}

const newSummaries = (): Summaries => ({
  single: newSummary(),
  'dual-stack': newSummary(),
  'sync-group': newSummary(),
  trackers: newSummary(),
});

/** The worlds of one seed. */
function kindsOf(seed: number, kind: Kind | undefined): readonly Kind[] {
  if (kind !== undefined) return [kind];
  return seed % 3 === 0 ? ['single', rows[(seed / 3) % rows.length]!] : ['single'];
}

type Options = Parameters<typeof simulate>[1];

const singly = (seed: number, { broken }: Order, options: Options = {}) =>
  simulate(seed, { ...options, ...(broken !== undefined && isBreakableRule(broken) && { broken }) });

const jointly = (seed: number, row: Row, { broken }: Order, options: Options = {}) =>
  simulateTogether(seed, row, {
    ...(options.tell !== undefined && { tell: options.tell }),
    ...(broken !== undefined && together.isBreakableRule(broken) && { broken }),
  });

/** Seeds first, first + step, first + 2 step …: every worker gets as many slow worlds as every other. */
function runShare({ first, seeds, step, ...order }: Share): Summaries {
  const summaries = newSummaries();
  for (let seed = first, left = seeds; left > 0; seed += step, left--)
    for (const kind of kindsOf(seed, order.kind))
      if (kind === 'single') addReport(summaries.single, singly(seed, order));
      else addTogether(summaries[kind], jointly(seed, kind, order));
  return summaries;
}

function runInWorker(share: Share): Promise<Summaries> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function runAll(first: number, seeds: number, order: Order): Promise<Summaries> {
  const workers = Math.min(availableParallelism(), seeds);
  const shares = Array.from({ length: workers }, (_, at) => ({
    ...order,
    first: first + at,
    seeds: Math.ceil((seeds - at) / workers),
    step: workers,
  }));
  const summaries = newSummaries();
  for (const part of await Promise.all(shares.map(runInWorker)))
    for (const kind of kinds) addSummary(summaries[kind], part[kind]);
  return summaries;
}

function tellOne(seed: number, order: Order, verbose: boolean): boolean {
  const options = verbose ? { tell: (line: string) => console.log(line) } : {};
  const { kind = 'single' } = order;
  const report = kind === 'single' ? singly(seed, order, options) : jointly(seed, kind, order, options);
  console.log(JSON.stringify({ ...report, violations: undefined }));
  for (const violation of report.violations) console.log(violation);
  return report.violations.length === 0;
}

/** @returns what is missing */
function tellAll(summaries: Summaries): readonly string[] {
  return kinds.flatMap((kind) => {
    const summary = summaries[kind];
    if (summary.seeds === 0) return [];
    for (const line of kind === 'single' ? summaryLines(summary) : togetherLines(kind, summary))
      console.log(line);
    return kind === 'single' ? shortages(summary) : togetherShortages(kind, summary);
  });
}

/** @returns undefined when there is no such row or rule: both are listed */
function orderOf(row: string | undefined, rule: string | undefined): Order | undefined {
  const known = row === undefined || row === 'single' || isRow(row);
  if (known && rule === undefined) return { kind: row, broken: undefined };
  if (known && rule !== undefined && isBreakableRule(rule)) return { kind: 'single', broken: rule };
  if (known && rule !== undefined && together.isBreakableRule(rule))
    return { kind: together.breakableRules[rule][0], broken: rule };
  console.log(`Rows: ${kinds.join(', ')}. Rules that can be broken:`);
  const meanings = Object.entries(together.breakableRules).map(([name, [of, meaning]]) => [
    name,
    `${meaning} (${of})`,
  ]);
  for (const [name = '', meaning = ''] of [...Object.entries(breakableRules), ...meanings])
    console.log(`  ${name.padEnd(18)}${meaning}`);
  return undefined;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      row: { type: 'string' },
      break: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const order = orderOf(values.row, values.break);
  if (order === undefined) return false;
  const first = Number(values.seed ?? 1);
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 200 : 1));
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(seeds) || first < 0 || seeds < 1) {
    console.log('--seed and --seeds are whole numbers');
    return false;
  }
  if (seeds === 1) return tellOne(first, order, values.verbose);
  const began = performance.now();
  const summaries = await runAll(first, seeds, order);
  const missing = tellAll(summaries);
  for (const line of missing) console.log(line);
  const failed = kinds.flatMap((kind) => summaries[kind].failed.map((failure) => ({ kind, ...failure })));
  const elapsed = ((performance.now() - began) / 1_000).toFixed(1);
  const worlds = kinds.reduce((sum, kind) => sum + summaries[kind].seeds, 0);
  console.log(`${seeds} seeds, ${worlds} worlds, ${elapsed} s, ${failed.length} failed`);
  for (const { kind, seed, violations } of failed.slice(0, 5)) {
    console.log(`\n${violations[0] ?? ''}`);
    const rule = order.broken === undefined ? '' : ` --break ${order.broken}`;
    console.log(`npm run sim -- --row ${kind} --seed ${seed}${rule} --verbose`);
  }
  return failed.length === 0 && missing.length === 0;
}

if (isMainThread) process.exitCode = (await main()) ? 0 : 1;
else parentPort?.postMessage(runShare(workerData as Share));
