/**
 * `node inside.js ROUNDS`, in the guest: the same rules into empty tables, by the daemon's own path and by ipvsadm in turn;
 * then the table read back by both. ROUNDS is the JSON of a Rounds. It writes a Told a line.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reconciler } from '../../../src/ipvs/apply.ts';
import { ruleLines } from '../../../src/ipvs/ipvsadm-text.ts';
import type { VirtualService } from '../../../src/ipvs/types.ts';
import { IpvsJournal } from '../../../src/kernel/ipvs-journal.ts';
import { type KernelIpvs, openKernelIpvs } from '../../../src/kernel/ipvs.ts';
import { mustRead } from '../../ipvs/suite.ts';
import { makeNamespace, type Namespace } from '../../netlink/namespaces.ts';
import { tell } from './lines.ts';
import { type Rounds, tableOf } from './plan.ts';
import type { GuestRound, Pair } from './report.ts';
import { Shell } from './shell.ts';

/** Shorter than a load, and so dearer to be wrong about. */
const readsPerRound = 3;
const execsPerRound = 3;
/** The kernel takes a namespace's table away after its last user, on the guest's one CPU. */
const quiet_ms = 1_500;

interface Side {
  readonly namespace: Namespace;
  readonly shell: Shell;
  readonly link: KernelIpvs;
}

/**
 * A namespace of its own for every load: in one that was cleared the kernel keeps removed servers for two minutes, and
 * looks through all of them for each that is added. ip_vs_ctl.c, ip_vs_trash_get_dest()
 */
async function openSide(): Promise<Side> {
  const namespace = makeNamespace();
  const shell = await Shell.open(namespace.path);
  return { namespace, shell, link: await openKernelIpvs({ netns: namespace.path }) };
}

function closeSide({ namespace, shell, link }: Side): void {
  link.close();
  shell.close();
  namespace.remove();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

class GuestBench {
  readonly #folder = mkdtempSync('/run/vipkeeper-bench-');
  readonly #table: readonly VirtualService[];
  readonly #rules: readonly string[];

  constructor(table: readonly VirtualService[]) {
    this.#table = table;
    this.#rules = table.flatMap(ruleLines);
    writeFileSync(this.#rulesFile, `${this.#rules.join('\n')}\n`);
  }

  get #rulesFile(): string {
    return path.join(this.#folder, 'rules');
  }

  async round(number: number): Promise<GuestRound> {
    const [ours, theirs] = [await openSide(), await openSide()];
    try {
      const reconciler = new Reconciler(ours.link, new IpvsJournal(path.join(this.#folder, String(number))));
      const load_ms = await this.#load(reconciler, theirs);
      const read_ms = await this.#read(ours);
      const exec_ms: number[] = [];
      for (let at = 0; at < execsPerRound; at++)
        exec_ms.push((await ours.shell.run('ipvsadm --version')).took_ms);
      const saved = [await saves(ours), await saves(theirs), [...this.#rules].sort()].map((lines) =>
        lines.join('\n'),
      );
      const again = await reconciler.apply(this.#table, false);
      assert(again.ok);
      return {
        load_ms,
        read_ms,
        exec_ms,
        rules: this.#rules.length,
        isSame: saved.every((text) => text === saved[0]),
        left: again.value.plan.changes.length,
      };
    } finally {
      closeSide(ours);
      closeSide(theirs);
      await sleep(quiet_ms);
    }
  }

  async #load(reconciler: Reconciler, theirs: Side): Promise<Pair> {
    const ours_ms = await timed(async () => {
      const round = await reconciler.apply(this.#table, false);
      assert(round.ok, round.ok ? '' : round.error.text);
      assert.deepEqual(round.value.failures, []);
      assert.equal(round.value.plan.changes.length, this.#rules.length);
    });
    const { took_ms } = await theirs.shell.run(`ipvsadm -R <${this.#rulesFile}`);
    return { ours: ours_ms, ipvsadm: took_ms };
  }

  async #read({ link, shell }: Side): Promise<readonly Pair[]> {
    const found: Pair[] = [];
    for (let at = 0; at < readsPerRound; at++) {
      const ours = await timed(async () => assert.equal((await mustRead(link)).length, this.#table.length));
      const { took_ms, output } = await shell.run('ipvsadm -Ln');
      assert(output.split('\n').length > this.#rules.length);
      found.push({ ours, ipvsadm: took_ms });
    }
    return found;
  }
}

const saves = async ({ shell }: Side): Promise<readonly string[]> =>
  (await shell.run('ipvsadm -S -n')).output
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .sort();

const { size, rounds } = JSON.parse(process.argv[2] ?? '') as Rounds;
const version = execFileSync('ipvsadm', ['--version'], { encoding: 'utf8' });
tell({
  ipvsBench: 'about',
  about: { kernel: os.release(), ipvsadm: /^ipvsadm v\S+/.exec(version)?.[0] ?? '' },
});
const bench = new GuestBench(tableOf(size));
for (let number = 1; number <= rounds; number++)
  tell({ ipvsBench: 'round', round: await bench.round(number) });
