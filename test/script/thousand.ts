/**
 * A thousand runs of scripts that behave as badly as they can: hangs, floods, forks, crashes. Afterwards
 * nothing of them is left: no process, no descriptor, no memory. The tests run a slice; `node
 * build/test/script/thousand.js [runs]` all.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Micros, milliseconds } from '../../src/base/time.ts';
import { native } from '../../src/kernel/native.ts';
import { scriptCommands } from '../../src/process/script-commands.ts';
import type { ScriptDefinition } from '../../src/script/definition.ts';
import { ScriptRunner } from '../../src/script/runner.ts';
import { Spawner } from '../../src/script/spawner.ts';

interface Kind {
  readonly does: string;
  /** What its run must be called. */
  readonly ends: RegExp;
  /** The last line it must have left. */
  readonly says?: RegExp;
  readonly bash?: true;
}

const kinds: Readonly<Record<string, Kind>> = {
  fine: { does: 'exit 0', ends: /^exit code 0$/ },
  fails: { does: 'echo first >&2; echo no route >&2; exit 3', ends: /^exit code 3$/, says: /^no route$/ },
  crashes: { does: 'kill -SEGV $$', ends: /^killed by SIGSEGV$/ },
  reads: { does: 'cat; read line; exit 4', ends: /^exit code 4$/ },
  hangs: { does: 'sleep 1000', ends: /^timed out/ },
  stubborn: { does: 'trap "" TERM; while :; do sleep 1000; done', ends: /^timed out/ },
  floods: { does: 'yes flood >&2', ends: /^timed out/, says: /flood/ },
  'floods and ends': {
    does: 'head -c 200000 /dev/zero | tr "\\0" x >&2; echo; echo the end >&2; exit 5',
    ends: /^exit code 5$/,
    says: /the end$/,
  },
  'floods stdout': { does: 'head -c 10000000 /dev/zero; exit 0', ends: /^exit code 0$/ },
  'deaf and mute': { does: 'exec 0<&- 1>&- 2>&-; exit 6', ends: /^exit code 6$/ },
  forks: { does: 'for i in 1 2 3 4 5; do sleep 1000 & done; exit 0', ends: /^exit code 0$/ },
  'stubborn child': {
    does: '(trap "" TERM HUP INT; sleep 1000; sleep 1000) & exit 0',
    ends: /^exit code 0$/,
  },
  'child in another group': { does: 'set -m; sleep 1000 & exit 0', ends: /^exit code 0$/, bash: true },
  absent: { does: '', ends: /is not there$/ },
};

export interface Figures {
  readonly runs: number;
  readonly timeouts: number;
  readonly seconds: number;
  readonly mostAtATime: number;
  readonly processesLeft: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
  readonly heapBefore_KiB: number;
  readonly heapAfter_KiB: number;
  readonly rssBefore_KiB: number;
  readonly rssAfter_KiB: number;
  /** Lateness of this process's own loop, which also starts every run. */
  readonly loopDelayMax_ms: number;
}

const limit = 16;

export async function thousand(count: number): Promise<Figures> {
  const marker = `thousand-${process.pid}-${native.now()}`;
  const spawner = new Spawner({ now, limit });
  // As much goes through once before anything is counted: pools, watchers and code are made on first use.
  await runAll(spawner, marker, Object.keys(kinds).length * 2);
  const before = await resources();
  const beganAt = now();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const { runs, timeouts, most } = await runAll(spawner, marker, count);
  delay.disable();
  const seconds = (now() - beganAt) / 1e6;
  const left = await leftAfter(marker);
  const after = await resources();
  spawner.close();
  return {
    runs,
    timeouts,
    seconds: Math.round(seconds * 10) / 10,
    mostAtATime: most,
    processesLeft: left.length,
    descriptorsBefore: before.descriptors,
    descriptorsAfter: after.descriptors,
    heapBefore_KiB: before.heap_KiB,
    heapAfter_KiB: after.heap_KiB,
    rssBefore_KiB: before.rss_KiB,
    rssAfter_KiB: after.rss_KiB,
    loopDelayMax_ms: Math.round(delay.max / 1e5) / 10,
  };
}

/** Throws when the figures are not those of something that leaks nothing. */
export function judge(figures: Figures, count: number): void {
  assert.ok(figures.runs >= count, 'all ran');
  assert.ok(figures.timeouts > 0, 'some hung');
  assert.ok(figures.mostAtATime <= limit, 'never more at a time than allowed');
  assert.equal(figures.processesLeft, 0, 'no process is left');
  assert.equal(figures.descriptorsAfter, figures.descriptorsBefore, 'no descriptor is left');
  const grown_KiB = figures.heapAfter_KiB - figures.heapBefore_KiB;
  assert.ok(grown_KiB < 1_024, `the heap has grown by ${grown_KiB} KiB`);
}

/** Each kind runs again and again, all side by side, until so many runs have ended. */
async function runAll(
  spawner: Spawner,
  marker: string,
  count: number,
): Promise<{ readonly runs: number; readonly timeouts: number; readonly most: number }> {
  let most = 0;
  let timer: NodeJS.Timeout | undefined;
  const runner = new ScriptRunner(
    {
      now,
      random: Math.random,
      wakeAt(at) {
        clearTimeout(timer);
        most = Math.max(most, spawner.running);
        if (at !== undefined) timer = setTimeout(() => runner.wake(), Math.max(0, (at - now()) / 1_000));
      },
      report: () => undefined,
    },
    scriptCommands(spawner, () => marker),
  );
  runner.configure(definitions(), new Map());
  // Every kind has its share: the quick ones would otherwise be most of them.
  const share = Math.ceil(count / definitions().length);
  while (runner.status().some(({ runs }) => runs < share)) await sleep(20);
  const status = runner.status();
  for (const { name, lastRun } of status) {
    const kind = kinds[name.replace(/ \d+$/, '')];
    if (lastRun === undefined || kind === undefined) continue;
    assert.match(lastRun.how, kind.ends, name);
    if (kind.says !== undefined && !name.startsWith('floods '))
      assert.match(lastRun.stderr.at(-1) ?? '', kind.says, name);
  }
  runner.configure([], new Map());
  clearTimeout(timer);
  while (spawner.running > 0) await sleep(10);
  const runs = status.reduce((sum, script) => sum + script.runs, 0);
  return { runs, timeouts: status.reduce((sum, script) => sum + script.timeouts, 0), most };
}

function definitions(): readonly ScriptDefinition[] {
  const user = process.getuid?.() === 0 ? 'nobody' : (process.env['USER'] ?? 'nobody');
  return Object.entries(kinds).flatMap(([kind, { does, ends, bash }]) =>
    [1, 2, 3].map((copy): ScriptDefinition => ({
      name: `${kind} ${copy}`,
      argv: does === '' ? ['/no/such/script'] : [bash === true ? '/bin/bash' : '/bin/sh', '-c', does],
      interval: milliseconds(100),
      // What should end in time gets time enough on a busy machine.
      timeout: milliseconds(/timed out/.test(ends.source) ? 300 : 5_000),
      rise: 1,
      fall: 1,
      init_fail: false,
      user,
    })),
  );
}

/** Waits a while for the sweep. @returns pids of processes that carry the marker in their environment */
async function leftAfter(marker: string): Promise<readonly number[]> {
  let left = carriers(marker);
  for (let waited_ms = 0; left.length > 0 && waited_ms < 5_000; waited_ms += 50) {
    await sleep(50);
    left = carriers(marker);
  }
  // Pipes of the last runs are closed in the turn after.
  await sleep(200);
  return left;
}

export function carriers(marker: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`=${marker}\0`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

interface Resources {
  readonly descriptors: number;
  readonly heap_KiB: number;
  readonly rss_KiB: number;
}

/** The memory of buffers is given back some turns after the collection that found them. */
async function resources(): Promise<Resources> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 5; round++) {
    collect();
    await sleep(20);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    heap_KiB: Math.round((heapUsed + external) / 1024),
    rss_KiB: Math.round(rss / 1024),
  };
}

function now(): Micros {
  return native.now() as Micros;
}

if (process.argv[1] === import.meta.filename) {
  const count = Number(process.argv[2] ?? 1_000);
  const figures = await thousand(count);
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name}: ${value}\n`);
  judge(figures, count);
}
