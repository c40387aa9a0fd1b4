import type { Micros } from '../../src/base/time.ts';
import { micros, milliseconds } from '../../src/base/time.ts';
import type { World } from './world.ts';

/** What is wrong with the way from one router to another: percentages, and the number of cuts that lie on it. */
interface Path {
  cuts: number;
  loss: number;
  duplicate: number;
  reorder: number;
}

export type Ailment = keyof Path;

export interface PacketCounts {
  lost: number;
  duplicated: number;
  reordered: number;
}

/** A packet that takes longer than this was not carried, as the invariants see it. */
const tolerableDelay = milliseconds(20);

export class Paths {
  readonly counts: PacketCounts = { lost: 0, duplicated: 0, reordered: 0 };
  readonly #world: World;
  readonly #paths: readonly (readonly Path[])[];
  readonly #failed: (from: number, to: number) => void;

  /** @param failed is told whenever a path did not carry a packet as it should */
  constructor(world: World, routers: number, failed: (from: number, to: number) => void) {
    this.#world = world;
    this.#failed = failed;
    this.#paths = Array.from({ length: routers }, () =>
      Array.from({ length: routers }, () => ({ cuts: 0, loss: 0, duplicate: 0, reorder: 0 })),
    );
  }

  change(from: number, to: number, ailment: Ailment, by: number): void {
    this.#paths[from]![to]![ailment] += by;
  }

  isCut(from: number, to: number): boolean {
    return this.#paths[from]![to]!.cuts > 0;
  }

  /** @returns delays of the copies that arrive */
  carry(from: number, to: number): readonly Micros[] {
    const world = this.#world;
    const path = this.#paths[from]![to]!;
    if (path.cuts > 0 || (path.loss > 0 && world.integer(1, 100) <= path.loss)) {
      this.counts.lost++;
      this.#failed(from, to);
      return [];
    }
    let delay = micros(50 + world.random() * 450);
    if (path.reorder > 0 && world.integer(1, 100) <= path.reorder) {
      delay = micros(delay + world.random() * 300_000);
      this.counts.reordered++;
      this.#late(from, to, delay);
    }
    if (path.duplicate === 0 || world.integer(1, 100) > path.duplicate) return [delay];
    this.counts.duplicated++;
    const second = micros(delay + world.random() * 50_000);
    this.#late(from, to, second);
    return [delay, second];
  }

  #late(from: number, to: number, delay: Micros): void {
    if (delay <= tolerableDelay) return;
    this.#failed(from, to);
    // What arrives so late is old news, and may upset again what was settled.
    this.#world.at(micros(this.#world.now + delay), () => this.#failed(from, to));
  }
}
