/**
 * `npm run bench -- failover`: our pair and keepalived's, side by side, faults measured from outside.
 * The other benchmarks are in files of their own: see `benches`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { micros, seconds } from '../../src/base/time.ts';
import { LabError, run } from '../../src/lab/command.ts';
import { Bench } from './bench.ts';
import { ipvs, ipvsUsage } from './ipvs/ipvs.ts';
import { failback, failbackUsage } from './failback/failback.ts';
import { checks, checksUsage } from './checks/checks.ts';
import { jitter, jitterUsage } from './jitter.ts';
import { renderReport, seriesOf, verdicts } from './report.ts';
import type { BenchResults, MachineDescription } from './result.ts';
import { faultNames, planRounds } from './scenario.ts';

const usage = `npm run bench -- failover [options]

  --quick         adverts of 1 s, one instance, 2 runs, the faults that matter most (under 3 minutes)
  --runs N        runs of each scenario and product (5)
  --only WORDS    only scenarios that have all these words: a fault, and if wanted p100 or p254 (priority of the
                  standby), x1 or x3 (instances), IPv6, random-phase; may be said again: --only "p254 kill-all"
  --adverts SEC   only this advertisement interval; may be said again (1 and 0.1)
  --lanes N       pairs of sites measured at the same time (fewer when adverts are under 1 s)
  --json FILE     the results with every run (build/bench-failover.json)

Faults: ${faultNames.join(', ')}

${jitterUsage}

${ipvsUsage}

${failbackUsage}

${checksUsage}

Exit codes: 0 all bars passed, 1 a bar failed or a run could not be made, 2 wrong arguments, 130 interrupted.`;

const options = {
  quick: { type: 'boolean', default: false },
  runs: { type: 'string' },
  only: { type: 'string', multiple: true, default: [] as string[] },
  adverts: { type: 'string', multiple: true },
  lanes: { type: 'string' },
  json: { type: 'string', default: 'build/bench-failover.json' },
} as const;

function readArguments(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options });
  const whole = (text: string, name: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > 1_000)
      throw new Error(`--${name} ${text}: 1 to 1000`);
    return value;
  };
  const { quick } = values;
  const runs = values.runs === undefined ? (quick ? 2 : 5) : whole(values.runs, 'runs');
  const lanes = values.lanes === undefined ? undefined : whole(values.lanes, 'lanes');
  const advertInts = (values.adverts ?? (quick ? ['1'] : ['1', '0.1'])).map((text) => {
    const value = micros(Number(text) * 1_000_000);
    // VRRPv3 counts in hundredths of a second, and below 60 ms there is no lease.
    if (!(value >= 60_000 && value <= seconds(40) && value % 10_000 === 0))
      throw new Error(`--adverts ${text}: seconds, 0.06 to 40, in hundredths`);
    return value;
  });
  return { selection: { quick, runs, only: values.only, advertInts }, lanes, json: values.json };
}

async function describeMachine(): Promise<MachineDescription> {
  const version = await new Promise<string>((resolve, reject) => {
    // keepalived prints its version on standard error.
    run('sh', ['-c', 'keepalived --version 2>&1 || true']).then(
      (text) => resolve(/^Keepalived v\S+/m.exec(text)?.[0] ?? ''),
      reject,
    );
  });
  if (version === '')
    throw new LabError('the bench compares with keepalived', {
      mend: 'install it: apt-get install keepalived',
    });
  const { version: own } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  return {
    kernel: os.release(),
    processor: os.cpus()[0]?.model ?? 'unknown',
    processors: os.cpus().length,
    memory_MiB: Math.round(os.totalmem() / (1 << 20)),
    node: process.version,
    vipkeeper: own,
    keepalived: version,
  };
}

async function failover(args: readonly string[]): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const rounds = planRounds(wanted.selection);
  if (rounds.length === 0) {
    console.error(
      `no scenario has all the words of ${wanted.selection.only.map((words) => `"${words}"`).join(', ')}`,
    );
    return 2;
  }
  const began = Date.now();
  const loadBefore = os.loadavg()[0] ?? 0;
  const machine = await describeMachine();
  const bench = new Bench(wanted.lanes);
  process.once('SIGINT', () => bench.interrupt()).once('SIGTERM', () => bench.interrupt());
  await bench.run(rounds);
  const results: BenchResults = {
    schema: 'vipkeeper-bench-failover',
    version: 1,
    startedAt: new Date(began).toISOString(),
    took_s: (Date.now() - began) / 1_000,
    machine,
    load: [loadBefore, os.loadavg()[0] ?? 0],
    ...bench.outcome(),
  };
  writeFileSync(wanted.json, JSON.stringify(results));
  console.log(`\n${renderReport(results)}\n\nEvery run: ${wanted.json}`);
  if (!results.complete) return 130;
  const passed = verdicts(seriesOf(results.runs)).every((verdict) => verdict.passed);
  return passed && results.failures.length === 0 ? 0 : 1;
}

/** By the word that follows `npm run bench --`; each gets the words after it. */
const benches = new Map<string, (args: readonly string[]) => Promise<number>>([
  ['failover', failover],
  ['jitter', (args) => jitter(args, describeMachine)],
  ['ipvs', ipvs],
  ['failback', (args) => failback(args, describeMachine)],
  ['checks', (args) => checks(args, describeMachine)],
]);

function wrongName(name: string | undefined): number {
  if (name === '--help') console.log(usage);
  else console.error(`the benchmarks are: ${[...benches.keys()].join(', ')}\n\n${usage}`);
  return name === '--help' ? 0 : 2;
}

try {
  const [name, ...args] = process.argv.slice(2);
  process.exitCode = (await benches.get(name ?? '')?.(args)) ?? wrongName(name);
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
