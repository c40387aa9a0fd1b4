/** Hands rounds out to lanes, and collects what they measured. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../src/base/time.ts';
import { LabError } from '../../src/lab/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import { ownerLives, readRecord, recordedPrefixes } from '../../src/lab/record.ts';
import type { BenchResults, FromLane, RunResult, ToLane } from './result.ts';
import type { Round } from './scenario.ts';
import { arrangementLabel, faults, scenarioLabel } from './scenario.ts';
import { filesDirectory } from './site.ts';

const prefix = 'bench';
/** How many pairs are disturbed at once: at 0.1 s ten times as much happens in each. */
const usualLanes = (advertInt: number): number => (advertInt >= seconds(1) ? 7 : 3);
/** A pair of ours is eight Node processes: many lanes starting at once would only keep each other from it. */
const laneStartDistance_ms = 4_000;

export class Bench {
  readonly #lanes: number | undefined;
  readonly #runs: RunResult[] = [];
  readonly #failures: string[] = [];
  readonly #repeats = { lateJudge: 0, notReady: 0 };
  readonly #used: Record<string, number> = {};
  readonly #children = new Set<ChildProcess>();
  #memory: BenchResults['memory'] = {};
  #total = 0;
  #interrupted = false;

  constructor(lanes: number | undefined) {
    this.#lanes = lanes;
  }

  /** Lanes take their labs down when the channel to us ends, whatever ended it. */
  interrupt(): void {
    console.log('interrupted: taking everything down');
    this.#interrupted = true;
    for (const child of this.#children) if (child.connected) child.disconnect();
  }

  /** @throws LabError when another bench runs */
  async run(rounds: readonly Round[]): Promise<void> {
    await removeLeftovers();
    this.#total = rounds.reduce((sum, round) => sum + round.products.length, 0);
    await this.#lane('0', (before) => (before === undefined ? { type: 'memory' } : undefined));
    for (const advertInt of new Set(rounds.map(({ scenario }) => scenario.advertInt))) {
      const queue = rounds.filter(({ scenario }) => scenario.advertInt === advertInt);
      const lanes = Math.min(this.#lanes ?? usualLanes(advertInt), queue.length);
      this.#used[`${advertInt / 1_000_000}s`] = lanes;
      await Promise.all(
        Array.from({ length: lanes }, async (_, lane) => {
          await sleep(lane * laneStartDistance_ms);
          await this.#lane(String(lane), (before) => {
            const round = takeRound(queue, before?.type === 'round' ? before.round : undefined);
            return round && { type: 'round', round };
          });
        }),
      );
    }
    // What a lane could not take down on a busy machine.
    await removeLeftovers();
  }

  outcome(): Pick<BenchResults, 'complete' | 'lanes' | 'memory' | 'repeats' | 'failures' | 'runs'> {
    return {
      complete: !this.#interrupted,
      lanes: this.#used,
      memory: this.#memory,
      repeats: this.#repeats,
      failures: this.#failures,
      runs: this.#runs,
    };
  }

  /** One lane's life: it gets work until there is none, and ends. */
  async #lane(name: string, next: (before: ToLane | undefined) => ToLane | undefined): Promise<void> {
    if (this.#interrupted) return;
    const child = fork(new URL('./lane.js', import.meta.url), [`${prefix}-${name}`]);
    this.#children.add(child);
    let work: ToLane | undefined;
    child.on('message', (message: FromLane) => {
      if (message.type !== 'idle') {
        this.#hear(message);
        return;
      }
      work = this.#interrupted ? undefined : next(work);
      if (work !== undefined) child.send(work);
      else if (child.connected) child.disconnect();
    });
    await new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.#children.delete(child);
  }

  #hear(message: Exclude<FromLane, { type: 'idle' }>): void {
    switch (message.type) {
      case 'run': {
        this.#runs.push(message.result);
        console.log(this.#progress(message.result));
        return;
      }
      case 'repeat': {
        this.#repeats[message.why]++;
        console.log(`repeated: ${message.text.split('\n')[0]}`);
        return;
      }
      case 'failed': {
        this.#failures.push(message.text);
        console.log(`failed: ${message.text}`);
        return;
      }
      case 'memory':
        this.#memory = message.memory;
    }
  }

  #progress({ scenario, product, noOwner_us, twoOwners_us }: RunResult): string {
    const ms = (value_us: number): string => `${Math.round(value_us / 1_000)} ms`;
    const done = `[${this.#runs.length}/${this.#total}]`;
    const seen = `no owner ${ms(noOwner_us)}, two owners ${ms(twoOwners_us)}`;
    return `${done} ${scenarioLabel(scenario)} ${product}: ${seen}`;
  }
}

/**
 * The next round for a lane, taken out of the queue: one with the pair that the lane has up, else of the arrangement
 * with most work left.
 */
function takeRound(queue: Round[], before: Round | undefined): Round | undefined {
  const left = new Map<string, number>();
  for (const { scenario } of queue) {
    const label = arrangementLabel(scenario);
    left.set(label, (left.get(label) ?? 0) + faults[scenario.fault].window(scenario.advertInt));
  }
  const own = before === undefined ? undefined : arrangementLabel(before.scenario);
  const [most] = [...left].sort((a, b) => b[1] - a[1]);
  const wanted = own !== undefined && left.has(own) ? own : most?.[0];
  const at = queue.findIndex(({ scenario }) => arrangementLabel(scenario) === wanted);
  return at < 0 ? undefined : queue.splice(at, 1)[0];
}

/** What lanes left that are no more, as when an earlier bench was killed together with them. */
async function removeLeftovers(): Promise<void> {
  for (const found of recordedPrefixes()) {
    if (!found.startsWith(`${prefix}-`)) continue;
    const record = readRecord(found);
    if (record !== undefined && ownerLives(record))
      throw new LabError(`another bench is running (lab ${found}, process ${record.owner.pid})`);
    await Lab.attach(found).down();
  }
  rmSync(filesDirectory, { recursive: true, force: true });
}
