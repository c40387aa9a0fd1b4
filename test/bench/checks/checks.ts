/** `npm run bench -- checks`: what health checks cost, ours and keepalived's, and whether adverts suffer from them. */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { LabError } from '../../../src/lab/command.ts';
import type { MachineDescription } from '../result.ts';
import { lackOfGuest, measureInGuest } from './guest.ts';
import { measureLateness } from './lateness.ts';
import { guestParts, type Part, parts, partTitles } from './plan.ts';
import { measureRates } from './rates.ts';
import {
  type ChecksResults,
  checksVerdicts,
  type LatenessResult,
  latenessText,
  type LifeResult,
  type RateResult,
  renderChecks,
} from './report.ts';

export const checksUsage = `npm run bench -- checks [options]

  --quick         one short round of everything
  --only PART     only this part, may be said again: ${parts.join(', ')}
  --json FILE     the results (build/bench-checks.json)`;

const options = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string', default: 'build/bench-checks.json' },
} as const;

function readArguments(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options });
  for (const name of values.only)
    if (!(parts as readonly string[]).includes(name))
      throw new Error(`--only ${name}: one of ${parts.join(', ')}`);
  const wanted = values.only.length === 0 ? parts : parts.filter((part) => values.only.includes(part));
  return { wanted, quick: values.quick, json: values.json };
}

/** What the parts leave behind as they go: an interrupted run keeps what it has. */
class ChecksBench {
  rates: readonly RateResult[] = [];
  lateness: LatenessResult | undefined;
  lives: readonly LifeResult[] = [];
  readonly failures: string[] = [];
  readonly #stop = new AbortController();

  interrupt(): void {
    this.#stop.abort();
  }

  get interrupted(): boolean {
    return this.#stop.signal.aborted;
  }

  async run(wanted: readonly Part[], quick: boolean): Promise<void> {
    const { signal } = this.#stop;
    const say = (line: string): void => console.log(`  ${line}`);
    if (wanted.includes('rates'))
      await this.#part('rates', async () => void (this.rates = await measureRates(quick, say, signal)));
    if (wanted.includes('lateness'))
      await this.#part('lateness', async () => {
        this.lateness = await measureLateness(quick, signal);
        say(latenessText(this.lateness));
      });
    const inGuest = wanted.filter((part) => guestParts.includes(part));
    const lack = lackOfGuest();
    if (lack !== undefined) {
      this.failures.push(...inGuest.map((part) => `${partTitles[part]}: ${lack}`));
      return;
    }
    // One guest for both: it boots once.
    const [first] = inGuest;
    if (first !== undefined)
      await this.#part(first, async () => {
        const { lives, failures } = await measureInGuest(inGuest, quick, say, signal);
        this.lives = lives;
        this.failures.push(...failures);
      });
  }

  async #part(part: Part, measure: () => Promise<void>): Promise<void> {
    if (this.interrupted) return;
    console.log(partTitles[part]);
    try {
      await measure();
    } catch (error) {
      if (!this.interrupted) this.failures.push(`${partTitles[part]}: ${(error as Error).message}`);
    }
  }
}

/** @param args what follows the word "checks". @returns exit code */
export async function checks(
  args: readonly string[],
  describeMachine: () => Promise<MachineDescription>,
): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${checksUsage}`);
    return 2;
  }
  const began = Date.now();
  const loadBefore = os.loadavg()[0] ?? 0;
  const machine = await describeMachine().catch((error: unknown) => {
    // Without keepalived half of it can be measured all the same.
    if (error instanceof LabError) return undefined;
    throw error;
  });
  const bench = new ChecksBench();
  const interrupt = (): void => bench.interrupt();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  await bench.run(wanted.wanted, wanted.quick);
  const { rates, lateness, lives, failures, interrupted } = bench;
  const results: ChecksResults = {
    schema: 'vipkeeper-bench-checks',
    version: 1,
    startedAt: new Date(began).toISOString(),
    took_s: (Date.now() - began) / 1_000,
    complete: !interrupted,
    machine,
    loadBefore,
    rates,
    ...(lateness !== undefined && { lateness }),
    lives,
    failures,
  };
  writeFileSync(wanted.json, JSON.stringify(results));
  console.log(`\n${renderChecks(results)}\n\nAs JSON: ${wanted.json}`);
  if (interrupted) return 130;
  return failures.length === 0 && checksVerdicts(results).every(({ passed, goal }) => passed || goal) ? 0 : 1;
}
