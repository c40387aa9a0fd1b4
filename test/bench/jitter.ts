/** `npm run bench -- jitter`: how late adverts are, ours and keepalived's, on a busy machine. */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import type { Situation } from './jitter-plan.ts';
import { planLives, situations } from './jitter-plan.ts';
import type { JitterResults } from './jitter-report.ts';
import { jitterVerdicts, renderJitter } from './jitter-report.ts';
import { JitterBench } from './jitter-run.ts';
import type { MachineDescription } from './result.ts';

export const jitterUsage = `npm run bench -- jitter [options]

  --quick         short, ours in the real-time class and keepalived with its defaults only (2 minutes)
  --only NAME     only this situation, may be said again: ${situations.join(', ')}
  --json FILE     the results (build/bench-jitter.json)`;

const options = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string', default: 'build/bench-jitter.json' },
} as const;

function readArguments(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options });
  for (const name of values.only)
    if (!(situations as readonly string[]).includes(name))
      throw new Error(`--only ${name}: one of ${situations.join(', ')}`);
  const wanted = values.only.length === 0 ? situations : (values.only as Situation[]);
  return { lives: planLives({ quick: values.quick, situations: wanted }), json: values.json };
}

/** @param args what follows the word "jitter". @returns exit code @throws LabError */
export async function jitter(
  args: readonly string[],
  describeMachine: () => Promise<MachineDescription>,
): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${jitterUsage}`);
    return 2;
  }
  const began = Date.now();
  const loadBefore = os.loadavg()[0] ?? 0;
  const machine = await describeMachine();
  const bench = new JitterBench();
  const interrupt = (): void => bench.interrupt();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  await bench.run(wanted.lives);
  const { cells, starts, failures, interrupted } = bench;
  const results: JitterResults = {
    schema: 'vipkeeper-bench-jitter',
    version: 1,
    startedAt: new Date(began).toISOString(),
    took_s: (Date.now() - began) / 1_000,
    complete: !interrupted,
    machine,
    loadBefore,
    cells,
    starts,
    failures,
  };
  writeFileSync(wanted.json, JSON.stringify(results));
  console.log(`\n${renderJitter(results)}\n\nAs JSON: ${wanted.json}`);
  if (interrupted) return 130;
  return failures.length === 0 && jitterVerdicts(results).every(({ passed }) => passed) ? 0 : 1;
}
