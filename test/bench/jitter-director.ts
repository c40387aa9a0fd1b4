import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStatus } from '../../src/cli/status.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { endAll } from '../../src/lab/processes.ts';
import type { VrrpStatus } from '../../src/vrrp/status.ts';
import type { Life } from './jitter-plan.ts';
import { directorNode, jitterConfigText } from './jitter-plan.ts';
import { misdeeds, scriptsText } from './jitter-scripts.ts';
import { commandLine, productFiles } from './product.ts';

export const jitterFiles = '/run/vipkeeper-bench-jitter';
const stopLimit_ms = 5_000;

/** The one daemon under test. */
export class JitterDirector {
  readonly #lab: Lab;
  readonly #life: Life;
  readonly #files = productFiles(jitterFiles, directorNode);
  #parent: ChildProcess | undefined;

  constructor(lab: Lab, life: Life) {
    this.#lab = lab;
    this.#life = life;
  }

  start(): void {
    rmSync(jitterFiles, { recursive: true, force: true });
    mkdirSync(jitterFiles, { recursive: true });
    for (const [name, does] of Object.entries(misdeeds))
      writeFileSync(`${jitterFiles}/${name}`, `#!/bin/sh\n${does}\n`, { mode: 0o755 });
    writeFileSync(this.#files.config, jitterConfigText(this.#life));
    const { product } = this.#life;
    // keepalived's checker ends all of it where the kernel has no IPVS and the file has virtual servers:
    // --vrrp leaves it out, and they are read all the same.
    const argv = commandLine(product, directorNode, this.#files).map((word) =>
      word === '--all' ? '--vrrp' : word,
    );
    const output = openSync(this.#files.log, 'a');
    this.#parent = this.#lab.exec(directorNode, argv, { stdio: ['ignore', output, output] });
    closeSync(output);
  }

  get lives(): boolean {
    const parent = this.#parent;
    return parent !== undefined && parent.exitCode === null && parent.signalCode === null;
  }

  reload(): void {
    this.#parent?.kill('SIGHUP');
  }

  /** Has it run the scripts from now on, or no more. */
  runScripts(run: boolean): void {
    const scripts = run ? scriptsText(this.#life.product, jitterFiles) : '';
    writeFileSync(this.#files.config, jitterConfigText(this.#life) + scripts);
    this.reload();
  }

  /** Ours only. @throws when nobody answers */
  async status(): Promise<VrrpStatus | undefined> {
    return this.#life.product === 'ours' ? (await readStatus(this.#files.control)).vrrp : undefined;
  }

  async stop(): Promise<void> {
    if (this.lives) this.#parent?.kill('SIGTERM');
    for (let waited_ms = 0; this.lives && waited_ms < stopLimit_ms; waited_ms += 10) await sleep(10);
    await endAll([this.#lab.netns(directorNode)]);
  }

  /** The end of its log, for a report of what went wrong. */
  logTail(): string {
    return readFileSync(this.#files.log, 'utf8').split('\n').slice(-12).join('\n');
  }
}
