/**
 * `npm run fuzz -- [--target NAME] [--cases N] [--seed S] [--seconds LIMIT] [--case INDEX]`: exit code 1 when something
 * must not be. Without a seed every run tries other cases.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { breakages } from './broken.ts';
import { failureLines, inputOf, shortages, type Summary } from './cases.ts';
import { runTarget } from './run.ts';
import type { Target } from './target.ts';
import { targetOf, targets } from './targets.ts';

const usage = `npm run fuzz -- [--target NAME] [--cases N] [--seed S] [--seconds LIMIT] [--case INDEX]
targets: ${targets.map(({ name }) => name).join(', ')}
broken on purpose: ${Object.keys(breakages).join(', ')}`;

interface Options {
  readonly chosen: readonly Target[];
  readonly seed: number;
  readonly cases: number;
  readonly only: number | undefined;
  readonly seconds: number | undefined;
}

/** @returns undefined when the words make no sense */
function readOptions(): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { target: text, cases: text, seed: text, seconds: text, case: text },
  });
  const numberOf = (word: string | undefined): number | undefined =>
    word === undefined ? undefined : Number(word);
  const target = values.target === undefined ? undefined : targetOf(values.target);
  const options: Options = {
    chosen: target === undefined ? targets : [target],
    seed: numberOf(values.seed) ?? randomInt(0x7fffffff),
    cases: numberOf(values.cases) ?? 1_000_000,
    only: numberOf(values.case),
    seconds: numberOf(values.seconds),
  };
  const { seed, cases, only, seconds } = options;
  const numbers = [seed, cases, only ?? 0].every((n) => Number.isSafeInteger(n) && n >= 0 && n <= 0xffffffff);
  const known = target !== undefined || values.target === undefined;
  const replays = only === undefined || (values.target !== undefined && values.seed !== undefined);
  return numbers && known && replays && (seconds ?? 1) > 0 ? options : undefined;
}

async function runOne(target: Target, { seed, cases, only, seconds }: Options): Promise<boolean> {
  const began = performance.now();
  const summary = await runTarget(target, {
    seed,
    first: only ?? 0,
    cases: only === undefined ? cases : 1,
    workers: only === undefined ? Math.min(2, availableParallelism(), cases) : 1,
    limitSeconds: seconds,
  });
  const tookSeconds = (performance.now() - began) / 1_000;
  console.log(headline(target, summary, tookSeconds, only === undefined ? cases : 1));
  const most = [...summary.outcomes].sort(([, a], [, b]) => b - a);
  console.log(`  ${most.map(([outcome, count]) => `${outcome} ${count}`).join(' · ')}`);
  const missing = shortages(target, summary);
  if (missing.length > 0) console.log(`  never met: ${missing.join(', ')}`);
  if (only !== undefined) console.log(`  ${Buffer.from(inputOf(target, seed, only)).toString('hex')}`);
  if (summary.failure !== undefined)
    for (const line of failureLines(target, seed, summary.failure)) console.log(line);
  return summary.failure === undefined && missing.length === 0;
}

function headline({ name }: Target, { cases, failure }: Summary, tookSeconds: number, asked: number): string {
  const verdict = failure === undefined ? 'held' : 'FAILED';
  const part = cases < asked && failure === undefined ? ` of ${asked}` : '';
  const rate = Math.round(cases / tookSeconds);
  return `${name}: ${cases}${part} cases ${verdict}, ${tookSeconds.toFixed(1)} s, ${rate} cases/s`;
}

async function main(): Promise<boolean> {
  const options = readOptions();
  if (options === undefined) {
    console.log(usage);
    return false;
  }
  console.log(`seed ${options.seed}`);
  let held = true;
  for (const target of options.chosen) held = (await runOne(target, options)) && held;
  return held;
}

process.exitCode = (await main()) ? 0 : 1;
