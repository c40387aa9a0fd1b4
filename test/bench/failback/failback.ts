/** `npm run bench -- failback`: what a client notices when the preferred director comes back, ours and keepalived's. */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { LabError } from '../../../src/lab/command.ts';
import { boot, findKernel } from '../../guest/boot.ts';
import type { MachineDescription } from '../result.ts';
import { type FailbackTask, type Return, returns } from './plan.ts';
import { failbackVerdicts, renderFailback, runText } from './report.ts';
import type { FailbackResults, FailbackRun, FromGuest } from './result.ts';

export const failbackUsage = `npm run bench -- failback [options]

  --quick         1 round
  --rounds N      rounds, each with both products (5)
  --only NAME     only this return of the director: ${returns.join(', ')}
  --json FILE     every run (build/bench-failback.json)`;

const options = {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  only: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string', default: 'build/bench-failback.json' },
} as const;

/** Of one round, when the machine has much else to do, and of the guest's boot. */
const roundLimit_s = 300;

function readArguments(args: readonly string[]): { readonly task: FailbackTask; readonly json: string } {
  const { values } = parseArgs({ args: [...args], options });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new Error(`--rounds ${values.rounds}: 1 to 100`);
  for (const name of values.only)
    if (!(returns as readonly string[]).includes(name))
      throw new Error(`--only ${name}: one of ${returns.join(', ')}`);
  return {
    task: { rounds, returns: values.only.length === 0 ? returns : (values.only as Return[]) },
    json: values.json,
  };
}

interface Collected {
  readonly runs: readonly FailbackRun[];
  readonly repeats: FailbackResults['repeats'];
  readonly failures: readonly string[];
  readonly interrupted: boolean;
}

/** @throws LabError when there is no guest kernel */
async function runInGuest(task: FailbackTask): Promise<Collected> {
  const kernel = findKernel();
  if (kernel === undefined) {
    const mend = 'install it: apt-get install --no-install-recommends user-mode-linux';
    throw new LabError('the directors need a kernel with IPVS, and there is no linux.uml', { mend });
  }
  const program = path.join(import.meta.dirname, 'inside.js');
  const command = [process.execPath, '--enable-source-maps', program, JSON.stringify(task)];
  const guest = boot(kernel, { command, limit_s: roundLimit_s * (task.rounds + 1) });
  const [runs, failures]: [FailbackRun[], string[]] = [[], []];
  const repeats = { ours: 0, keepalived: 0 };
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    guest.end();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  guest.stderr.pipe(process.stderr);
  createInterface(guest.stdout).on('line', (line) => {
    const message = JSON.parse(line) as FromGuest;
    if (message.type === 'run') runs.push(message.run);
    else if (message.type === 'failed') failures.push(message.text);
    else repeats[message.product]++;
    console.log(message.type === 'run' ? runText(message.run) : `${message.type}: ${message.text}`);
  });
  const status = await guest.ended.catch((error: unknown) => (error as Error).message);
  if (status !== 0 && !interrupted) failures.push(`the guest: ${status}`);
  return { runs, repeats, failures, interrupted };
}

/** @param args what follows the word "failback". @returns exit code @throws LabError */
export async function failback(
  args: readonly string[],
  describeMachine: () => Promise<MachineDescription>,
): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${failbackUsage}`);
    return 2;
  }
  const began = Date.now();
  const loadBefore = os.loadavg()[0] ?? 0;
  const machine = await describeMachine();
  const { runs, repeats, failures, interrupted } = await runInGuest(wanted.task);
  const results: FailbackResults = {
    schema: 'vipkeeper-bench-failback',
    version: 1,
    startedAt: new Date(began).toISOString(),
    took_s: (Date.now() - began) / 1_000,
    complete: !interrupted,
    machine,
    loadBefore,
    runs,
    repeats,
    failures,
  };
  writeFileSync(wanted.json, JSON.stringify(results));
  console.log(`\n${renderFailback(results)}\n\nEvery run: ${wanted.json}`);
  if (interrupted) return 130;
  return failures.length === 0 && failbackVerdicts(runs).every(({ passed }) => passed) ? 0 : 1;
}
