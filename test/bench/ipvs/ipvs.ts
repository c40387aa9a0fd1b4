/** `npm run bench -- ipvs`: how fast the kernel's table is written and read, beside ipvsadm, and a large file reloaded. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commandEnvironment } from '../../../src/lab/command.ts';
import { boot, findKernel, findProgram } from '../../guest/boot.ts';
import { hear, type Told } from './lines.ts';
import { type IpvsPlan, planIpvs, type Rounds, sizeText } from './plan.ts';
import type { GuestAbout, GuestRound, IpvsResults, Reload } from './report.ts';
import { ipvsVerdicts, reloadText, renderIpvs, roundText } from './report.ts';

export const ipvsUsage = `npm run bench -- ipvs [options]

  --quick         small tables, 3 rounds (half a minute)
  --rounds N      of loads in the guest kernel, and of reloads of each kind (5 and 7)
  --json FILE     the results with every round (build/bench-ipvs.json)`;

const options = {
  help: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  json: { type: 'string', default: 'build/bench-ipvs.json' },
} as const;

function readArguments(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100))
    throw new Error(`--rounds ${values.rounds}: 1 to 100`);
  const plan = planIpvs({ quick: values.quick, ...(rounds !== undefined && { rounds }) });
  return { plan, json: values.json, help: values.help };
}

const guestLimit_s = 1_800;
const programs = ['linux.uml', 'insmod', 'ipvsadm'];

class IpvsBench {
  about: GuestAbout | undefined;
  readonly rounds: GuestRound[] = [];
  readonly reloads: Reload[] = [];
  readonly failures: string[] = [];
  readonly #plan: IpvsPlan;
  readonly #stop = new AbortController();

  constructor(plan: IpvsPlan) {
    this.#plan = plan;
  }

  interrupt(): void {
    this.#stop.abort();
  }

  get interrupted(): boolean {
    return this.#stop.signal.aborted;
  }

  async run(): Promise<void> {
    await this.#part('guest', () => this.#runGuest(this.#plan.guest));
    await this.#part('reloads', () => this.#runReloads(this.#plan.reload));
  }

  async #part(name: string, work: () => Promise<void>): Promise<void> {
    if (this.interrupted) return;
    try {
      await work();
    } catch (error) {
      if (this.interrupted) return;
      this.failures.push(`${name}: ${(error as Error).message}`);
      console.log(`failed: ${this.failures.at(-1)}`);
    }
  }

  async #runGuest(plan: Rounds): Promise<void> {
    const kernel = findKernel();
    const absent = programs.filter((name) => findProgram(name) === undefined);
    if (kernel === undefined || absent.length > 0)
      throw new Error(`not run, not installed: ${absent.join(', ')}: IPVS in a guest kernel`);
    console.log(`booting a guest: ${plan.rounds} rounds of ${sizeText(plan.size)}`);
    const guest = boot(kernel, { command: command('inside.js', plan), limit_s: guestLimit_s });
    this.#stop.signal.addEventListener('abort', () => guest.end());
    for (const stream of [guest.stdout, guest.stderr]) hear(stream, (told) => this.#take(told));
    const status = await guest.ended;
    if (status !== 0) throw new Error(`ended with status ${status}`);
  }

  async #runReloads(plan: Rounds): Promise<void> {
    console.log(`on a table in memory: ${plan.rounds} reloads of each kind, ${sizeText(plan.size)}`);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'vipkeeper-bench-'));
    try {
      const child = spawn('unshare', ['--net', ...command('reload.js', plan), folder], {
        env: commandEnvironment(),
        stdio: ['ignore', 'pipe', 'inherit'],
        signal: this.#stop.signal,
      });
      hear(child.stdout, (told) => this.#take(told));
      const status = await new Promise<number | null>((resolve, reject) =>
        child.on('error', reject).on('close', resolve),
      );
      if (status !== 0) throw new Error(`ended with status ${status}; a network namespace needs root`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  #take(told: Told): void {
    if (told.ipvsBench === 'about') this.about = told.about;
    else if (told.ipvsBench === 'round') {
      this.rounds.push(told.round);
      console.log(`[${this.rounds.length}/${this.#plan.guest.rounds}] ${roundText(told.round)}`);
    } else {
      this.reloads.push(told.reload);
      console.log(`[${this.reloads.length}/${2 * this.#plan.reload.rounds}] ${reloadText(told.reload)}`);
    }
  }
}

const command = (program: string, plan: Rounds): readonly string[] => [
  process.execPath,
  path.join(import.meta.dirname, program),
  JSON.stringify(plan),
];

function describeMachine(): IpvsResults['machine'] {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  return {
    kernel: os.release(),
    processor: os.cpus()[0]?.model ?? 'unknown',
    processors: os.cpus().length,
    memory_MiB: Math.round(os.totalmem() / (1 << 20)),
    node: process.version,
    vipkeeper: version,
  };
}

/** @param args what follows the word "ipvs". @returns exit code */
export async function ipvs(args: readonly string[]): Promise<number> {
  let wanted: ReturnType<typeof readArguments>;
  try {
    wanted = readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${ipvsUsage}`);
    return 2;
  }
  if (wanted.help) {
    console.log(ipvsUsage);
    return 0;
  }
  const began = Date.now();
  const loadBefore = os.loadavg()[0] ?? 0;
  const bench = new IpvsBench(wanted.plan);
  const interrupt = (): void => bench.interrupt();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  await bench.run();
  const { about, rounds, reloads, failures, interrupted } = bench;
  const results: IpvsResults = {
    schema: 'vipkeeper-bench-ipvs',
    version: 1,
    startedAt: new Date(began).toISOString(),
    took_s: (Date.now() - began) / 1_000,
    complete: !interrupted,
    machine: describeMachine(),
    loadBefore,
    plan: wanted.plan,
    ...(about !== undefined && { about }),
    rounds,
    reloads,
    failures,
  };
  writeFileSync(wanted.json, JSON.stringify(results));
  console.log(`\n${renderIpvs(results)}\n\nAs JSON: ${wanted.json}`);
  if (interrupted) return 130;
  return failures.length === 0 && ipvsVerdicts(results).every(({ passed }) => passed) ? 0 : 1;
}
