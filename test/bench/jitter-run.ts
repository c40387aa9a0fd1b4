/** Lives of daemons, one after another on one lab: nothing but the disturbance is meant to disturb. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { micros, milliseconds, seconds } from '../../src/base/time.ts';
import { Lab } from '../../src/lab/lab.ts';
import { portName, switchNode } from '../../src/lab/topology.ts';
import { JitterDirector, jitterFiles } from './jitter-director.ts';
import type { Figures } from './jitter-figures.ts';
import { gained, peakWithin, stoodStill, wireFigures } from './jitter-figures.ts';
import { disturb } from './jitter-load.ts';
import type { Life, Situation } from './jitter-plan.ts';
import { directorNode, labFile, lifeLabel } from './jitter-plan.ts';
import type { JitterCell, JitterStart } from './jitter-report.ts';
import { cellText, startText } from './jitter-report.ts';
import { JitterWire, stampClock } from './jitter-wire.ts';
import { Witness } from './jitter-witness.ts';

// Not "bench-…": the failover bench removes what it takes for its own.
const prefix = 'jitter';
const startLimit_ms = 60_000;
/** After the promotion: the second set of announcements comes after 5 s, and takes a moment. */
const settled = seconds(6);
/** So that a disturbance is there when the watch begins. */
const disturbanceLead_ms = 300;

/** Where the daemons live, and who watches. */
interface Instruments {
  readonly lab: Lab;
  readonly wire: JitterWire;
  readonly witness: Witness;
}

export class JitterBench {
  readonly cells: JitterCell[] = [];
  readonly starts: JitterStart[] = [];
  readonly failures: string[] = [];
  readonly #stop = new AbortController();

  /** What was measured stays; everything is taken down. */
  interrupt(): void {
    this.#stop.abort();
  }

  get interrupted(): boolean {
    return this.#stop.signal.aborted;
  }

  /** @throws LabError, InstrumentError */
  async run(lives: readonly Life[]): Promise<void> {
    const lab = await Lab.up(labFile, { prefix });
    let [wire, witness]: [JitterWire?, Witness?] = [];
    try {
      // The far end of the director's own cable: beyond the bridge a frame waits for the kernel to forward it.
      const interfaceIndex = await lab.interfaceIndex(switchNode, portName(directorNode, 'eth0'));
      witness = await Witness.start();
      wire = new JitterWire({ netns: lab.netns(switchNode), interfaceIndex });
      for (const [at, life] of lives.entries()) {
        console.log(`[${at + 1}/${lives.length}] ${lifeLabel(life)}`);
        await this.#live({ lab, wire, witness }, life);
      }
    } catch (error) {
      if (!this.interrupted) throw error;
    } finally {
      wire?.close();
      witness?.close();
      await lab.down();
      rmSync(jitterFiles, { recursive: true, force: true });
    }
  }

  async #live(instruments: Instruments, life: Life): Promise<void> {
    this.#stop.signal.throwIfAborted();
    const { lab, wire, witness } = instruments;
    const director = new JitterDirector(lab, life);
    wire.forget();
    witness.forget();
    director.start();
    try {
      await this.#started(wire, director, life);
      if (life.situations.length === 0) await this.#watchStart(instruments, life);
      for (const situation of life.situations) await this.#watch(instruments, director, life, situation);
    } catch (error) {
      if (this.interrupted) throw error;
      const text = `${lifeLabel(life)}: ${(error as Error).message}\n${director.logTail()}`;
      this.failures.push(text);
      console.log(`failed: ${text}`);
    } finally {
      await director.stop();
    }
  }

  /** Every router has advertised, and the first one long enough ago. */
  async #started(wire: JitterWire, director: JitterDirector, life: Life): Promise<void> {
    const began = Date.now();
    for (;;) {
      const heard = [...wire.arrivals.values()];
      const spoken = stampClock() - Math.min(...heard.map(([first]) => first ?? Infinity));
      const wanted = life.situations.length === 0 ? 0 : settled;
      if (heard.length === life.crowd.routers && spoken >= wanted) break;
      if (Date.now() - began > startLimit_ms)
        throw new Error(`${heard.length} of ${life.crowd.routers} virtual routers were heard`);
      if (!director.lives) throw new Error('it ended');
      await this.#pause(50);
    }
    const status = await director.status();
    if (status !== undefined && status.realtime !== life.realtime)
      throw new Error(`SCHED_RR priority ${status.realtime} instead of ${life.realtime}`);
  }

  async #watch(
    { lab, wire, witness }: Instruments,
    director: JitterDirector,
    life: Life,
    situation: Situation,
  ): Promise<void> {
    const { crowd, product, realtime, watch } = life;
    const end = disturb(lab, director, situation);
    try {
      await this.#pause(disturbanceLead_ms);
      // Answering takes a moment too: asked when routers that speak together have just spoken.
      await wire.nextAdvert(1_000);
      const before = await director.status();
      wire.takeLost();
      const from = stampClock();
      await this.#pause(watch / 1_000);
      const to = stampClock();
      await wire.nextAdvert(1_000);
      const after = await director.status();
      const { boot, real } = await witness.stalls();
      const loop: Figures | undefined = before && after && gained(before.lateness, after.lateness);
      const loopNet: Figures | undefined = before && after && gained(before.lateness, after.lateness, boot);
      const lost = wire.takeLost();
      if (lost > 0) throw new Error(`${lost} frames did not fit into the observer's buffer`);
      const seen = wireFigures(wire.arrivals.values(), crowd.advertInt, from, to, real);
      const farewells = wire.farewells.length;
      const cell = {
        crowd,
        product,
        realtime,
        situation,
        ...seen,
        ...(loop && loopNet && { loop, loopNet }),
        stoodStill_us: stoodStill(real, from, to),
        farewells,
      };
      this.cells.push(cell);
      console.log(`  ${cellText(cell)}`);
    } finally {
      await end();
    }
  }

  /** From the first advertisement on: promotions of all routers at once, and both sets of announcements. */
  async #watchStart(
    { wire, witness }: Instruments,
    { crowd, product, realtime, watch }: Life,
  ): Promise<void> {
    await this.#pause(watch / 1_000);
    const lost = wire.takeLost();
    if (lost > 0) throw new Error(`${lost} frames did not fit into the observer's buffer`);
    const firsts = [...wire.arrivals.values()].map(([first]) => first ?? NaN);
    const from = micros(Math.min(...firsts));
    const { real } = await witness.stalls();
    const until = stampClock();
    const { late, net } = wireFigures(wire.arrivals.values(), crowd.advertInt, from, until, real);
    const { announcements } = wire;
    const start = {
      crowd,
      product,
      realtime,
      late,
      net,
      stoodStill_us: stoodStill(real, from, until),
      firstAdverts_us: Math.max(...firsts) - from,
      announcements: announcements.length,
      peakPerMs: peakWithin(announcements, milliseconds(1)),
      peakPer10Ms: peakWithin(announcements, milliseconds(10)),
      farewells: wire.farewells.length,
    };
    this.starts.push(start);
    console.log(`  ${startText(start)}`);
  }

  async #pause(pause_ms: number): Promise<void> {
    await sleep(pause_ms, undefined, { signal: this.#stop.signal });
  }
}
