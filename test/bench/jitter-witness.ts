/** Starts witness.c beside what is measured, and keeps what it tells. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { micros } from '../../src/base/time.ts';
import { LabError } from '../../src/lab/command.ts';
import type { Stall } from './jitter-figures.ts';

const source = 'test/bench/witness.c';
const program = path.resolve('build/witness');
/** It starts its threads, and what it wrote last must be read. */
const moment_ms = 50;

export class Witness {
  readonly #process: ChildProcess;
  /** By CLOCK_BOOTTIME and by CLOCK_REALTIME, in the order in which they ended. */
  readonly #stalls: { readonly boot: Stall; readonly real: Stall }[] = [];

  private constructor() {
    this.#process = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [from = NaN, to = NaN, realFrom = NaN, realTo = NaN] = line.split(' ').map(Number);
      const stall = (begin: number, end: number): Stall => ({ from: micros(begin), to: micros(end) });
      this.#stalls.push({ boot: stall(from, to), real: stall(realFrom, realTo) });
    });
  }

  /** Compiles it and starts it. @throws LabError */
  static async start(): Promise<Witness> {
    try {
      execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-pthread', '-o', program, source]);
    } catch (cause) {
      throw new LabError(`${source} cannot be compiled`, { cause, mend: 'install gcc and libc6-dev' });
    }
    const witness = new Witness();
    await sleep(moment_ms);
    if (witness.#process.exitCode !== null) throw new LabError('the witness did not start');
    return witness;
  }

  /** When a CPU of this machine ran nothing at all, in the clock of the daemon's figures and in that of the wire's. */
  async stalls(): Promise<{ readonly boot: readonly Stall[]; readonly real: readonly Stall[] }> {
    await sleep(moment_ms);
    return { boot: this.#stalls.map(({ boot }) => boot), real: this.#stalls.map(({ real }) => real) };
  }

  forget(): void {
    this.#stalls.length = 0;
  }

  close(): void {
    this.#process.stdin?.end();
  }
}
