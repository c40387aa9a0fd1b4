/** `npm run sim -- --seeds N [--seed S] [--break RULE] [--verbose]`: exit code 1 when something must not be. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type BreakableRule, breakableRules, isBreakableRule } from './sabotage.ts';
import { simulate } from './simulation.ts';
import { addReport, addSummary, newSummary, shortages, type Summary, summaryLines } from './summary.ts';

interface Share {
  readonly first: number;
  readonly seeds: number;
  readonly step: number;
  readonly broken: BreakableRule | undefined;
}

/** Seeds first, first + step, first + 2 step …: every worker gets as many slow worlds as every other. */
function runShare({ first, seeds, step, broken }: Share): Summary {
  const summary = newSummary();
  for (let seed = first, left = seeds; left > 0; seed += step, left--)
    addReport(summary, simulate(seed, broken === undefined ? {} : { broken }));
  return summary;
}

function runInWorker(share: Share): Promise<Summary> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function runAll(first: number, seeds: number, broken: BreakableRule | undefined): Promise<Summary> {
  const workers = Math.min(availableParallelism(), seeds);
  const shares = Array.from({ length: workers }, (_, at) => ({
    first: first + at,
    seeds: Math.ceil((seeds - at) / workers),
    step: workers,
    broken,
  }));
  const summary = newSummary();
  for (const part of await Promise.all(shares.map(runInWorker))) addSummary(summary, part);
  return summary;
}

function tellOne(seed: number, broken: BreakableRule | undefined, verbose: boolean): boolean {
  const report = simulate(seed, {
    ...(broken !== undefined && { broken }),
    ...(verbose && { tell: (line: string) => console.log(line) }),
  });
  console.log(JSON.stringify({ ...report, violations: undefined }));
  for (const violation of report.violations) console.log(violation);
  return report.violations.length === 0;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      break: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const rule = values.break;
  if (rule !== undefined && !isBreakableRule(rule)) {
    console.log('Rules that can be broken:');
    for (const [name, meaning] of Object.entries(breakableRules))
      console.log(`  ${name.padEnd(18)}${meaning}`);
    return false;
  }
  const first = Number(values.seed ?? 1);
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 200 : 1));
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(seeds) || first < 0 || seeds < 1) {
    console.log('--seed and --seeds are whole numbers');
    return false;
  }
  if (seeds === 1) return tellOne(first, rule, values.verbose);
  const began = performance.now();
  const summary = await runAll(first, seeds, rule);
  const missing = shortages(summary);
  for (const line of summaryLines(summary)) console.log(line);
  for (const line of missing) console.log(line);
  console.log(
    `${seeds} seeds, ${((performance.now() - began) / 1_000).toFixed(1)} s, ${summary.failed.length} failed`,
  );
  for (const { seed, violations } of summary.failed.slice(0, 5)) {
    console.log(`\n${violations[0] ?? ''}`);
    console.log(`npm run sim -- --seed ${seed}${rule === undefined ? '' : ` --break ${rule}`} --verbose`);
  }
  return summary.failed.length === 0 && missing.length === 0;
}

if (isMainThread) process.exitCode = (await main()) ? 0 : 1;
else parentPort?.postMessage(runShare(workerData as Share));
