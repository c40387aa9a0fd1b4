/**
 * `node reload.js ROUNDS FOLDER`: reloads of a large file as the daemon does them, on a table in this process. ROUNDS is the
 * JSON of a Rounds; file and journal lie in FOLDER. It writes a Told a line.
 *
 * A Daemon makes its own link to the kernel, and its children, so it cannot be used here; this is what it does at a
 * SIGHUP for its pools: the file is read, checked and built (loadConfig), guarded (removalOf), and handed to Pools, with
 * the director, reconciler and journal in it. The checks process is one that only listens. What the vrrp and the scripts
 * process are told of one instance is left out. It runs in a network namespace of its own, for Pools sets sysctls and
 * the rules of snat.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/types.ts';
import { declaredBy } from '../../../src/director/director.ts';
import { removalOf } from '../../../src/ipvs/guard.ts';
import { MemoryIpvs } from '../../../src/kernel/memory-ipvs.ts';
import { secretReader } from '../../../src/kernel/secret-file.ts';
import type { ToChecks } from '../../../src/process/checks-messages.ts';
import { Pools } from '../../../src/process/pools.ts';
import { tell } from './lines.ts';
import { configText, nodeName, type Rounds, tableOf, withOtherWeight } from './plan.ts';
import type { Reload } from './report.ts';

const listener = 'listen';

class Reloads {
  readonly #folder: string;
  readonly #link = new MemoryIpvs();
  // As process/child.ts starts one.
  readonly #checks: ChildProcess = fork(import.meta.filename, [listener], { serialization: 'advanced' });
  readonly #pools: Pools;
  #config: Config;

  constructor(folder: string, text: string) {
    this.#folder = folder;
    this.write(text);
    this.#config = this.#load();
    const { checks_user: checks, script_user: script } = this.#config.process;
    this.#pools = new Pools(
      this.#link,
      this.#folder,
      this.#config.pools,
      { checks, script },
      {
        info: () => undefined,
        warn: (line) => console.log(line),
        toChecks: (message: ToChecks) => this.#checks.send(message),
        toScripts: () => undefined,
        toVrrp: () => undefined,
      },
    );
  }

  get #file(): string {
    return path.join(this.#folder, 'vipkeeper.yaml');
  }

  /** The file as the next reload finds it. */
  write(text: string): void {
    writeFileSync(this.#file, text);
  }

  #load(): Config {
    const loaded = loadConfig(
      readFileSync(this.#file),
      this.#file,
      { name: nodeName, from: '--node' },
      secretReader(this.#file),
    );
    assert(loaded.ok, loaded.ok ? '' : loaded.error[0]?.message);
    return loaded.value.config;
  }

  async start(): Promise<number> {
    await this.#configure();
    return this.#link.written.length;
  }

  /** From the reading of the file to the end of the round: nothing is left to be done but to wait. */
  async reload(kind: Reload['kind']): Promise<Reload> {
    const before = this.#link.written.length;
    const cpu = process.cpuUsage();
    const began = performance.now();
    const config = this.#load();
    const loaded = performance.now();
    assert(!removalOf(declaredBy(this.#config.pools), declaredBy(config.pools)).refused);
    this.#config = config;
    await this.#configure();
    const ended = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    return {
      kind,
      took_ms: ended - began,
      cpu_ms: (user + system) / 1_000,
      load_ms: loaded - began,
      writes: this.#link.written.length - before,
    };
  }

  async #configure(): Promise<void> {
    const { pools, process: settings } = this.#config;
    const readAt = this.#pools.director.status().readAt;
    this.#pools.configure(pools, settings.script_user, new Set());
    do await nextTurn();
    while (this.#pools.director.status().readAt === readAt);
  }

  async close(): Promise<void> {
    await this.#pools.stop(0);
    this.#checks.disconnect();
  }
}

async function main({ size, rounds }: Rounds, folder: string): Promise<void> {
  const table = tableOf(size);
  const texts = [configText(table), configText(withOtherWeight(table))] as const;
  const reloads = new Reloads(folder, texts[0]);
  assert.equal(await reloads.start(), size.services + size.servers);
  for (let number = 0; number < rounds; number++) {
    tell({ ipvsBench: 'reload', reload: await reloads.reload('no-change') });
    reloads.write(texts[number % 2 === 0 ? 1 : 0]);
    tell({ ipvsBench: 'reload', reload: await reloads.reload('one-weight') });
  }
  await reloads.close();
}

const [word = '', folder = ''] = process.argv.slice(2);
if (word === listener) process.on('message', () => undefined);
else await main(JSON.parse(word) as Rounds, folder);
