import type { Family } from '../../../src/base/ip.ts';
import type { Micros } from '../../../src/base/time.ts';
import type { Paths } from '../paths.ts';
import type { World } from '../world.ts';
import type { Director } from './director.ts';
import { interfaceIndex, type Plan, type Row } from './scenario.ts';
import type { Tellers } from './tellers.ts';

export const stormKinds = [
  'loss',
  'reordering',
  'one-way',
  'partition',
  'filter',
  'carrier',
  'pause',
  'machine-pause',
  'crash',
  'stop',
  'stall',
  'late-family',
  'word',
  'silence',
] as const;
export type StormKind = (typeof stormKinds)[number];
export type StormCounts = Record<StormKind, number>;

const always = [
  'loss',
  'reordering',
  'one-way',
  'partition',
  'pause',
  'machine-pause',
  'crash',
  'stop',
  'stall',
] as const;
/** What hurts most in a row comes most often. */
const mix: Readonly<Record<Row, readonly StormKind[]>> = {
  'dual-stack': [...always, 'carrier', 'filter', 'filter', 'filter', 'late-family', 'crash'],
  'sync-group': [...always, 'carrier', 'carrier', 'filter', 'filter', 'partition', 'one-way', 'crash'],
  trackers: [...always, 'carrier', ...Array<'word'>(8).fill('word'), 'silence', 'silence', 'silence'],
};

type Cut = readonly [paths: Paths, from: number, to: number];

/** What goes wrong, and what stays wrong when the storm is over. */
export class Storms {
  readonly counts: StormCounts;
  readonly #world: World;
  readonly #plan: Plan;
  readonly #directors: readonly Director[];
  /** By link and family. */
  readonly #paths: (link: number, family: Family) => Paths;
  readonly #tellers: Tellers;
  readonly #ends = new Set<() => void>();
  #raging = false;
  #standing: (() => void) | undefined;

  constructor(
    world: World,
    plan: Plan,
    directors: readonly Director[],
    paths: (link: number, family: Family) => Paths,
    tellers: Tellers,
  ) {
    this.#world = world;
    this.#plan = plan;
    this.#directors = directors;
    this.#paths = paths;
    this.#tellers = tellers;
    this.counts = Object.fromEntries(stormKinds.map((kind) => [kind, 0])) as StormCounts;
  }

  begin(): void {
    this.#raging = true;
    this.#next();
  }

  #next(): void {
    this.#after(-Math.log(1 - this.#world.random()) * 2_500_000, () => {
      if (!this.#raging) return;
      this.#strike(this.#world.pick(mix[this.#plan.row]));
      this.#next();
    });
  }

  /** Everything heals and everybody runs, but for what stands: one family or one link that is broken for long. */
  cease(): void {
    this.#raging = false;
    this.#world.trace(-1, 'the storm is over');
    for (const end of this.#ends) end();
    this.#ends.clear();
    // Who was leaving just now may come back when it has gone.
    for (const wait of [50_000, 500_000, 2_000_000])
      this.#after(wait, () => {
        for (const director of this.#directors) director.start();
      });
  }

  /** Draws what stays broken in the peace that begins now. */
  stand(): void {
    const world = this.#world;
    if (this.#standing !== undefined && world.chance(0.4)) return;
    this.heal();
    if (world.chance(0.25) || this.#plan.row === 'trackers') return;
    if (this.#plan.row === 'sync-group' && world.chance(0.3))
      this.#standing = this.#unplug(world.pick(this.#directors));
    else if (this.#plan.links > 1 || this.#speaksBoth()) this.#standing = this.#cut(this.#filter());
  }

  /** Without one of the families every two routers still hear of each other. */
  #speaksBoth(): boolean {
    const spoken = this.#plan.stations[0]!.configs.map(({ families }) => families);
    return ([4, 6] as const).every((family) => spoken.some((families) => families.includes(family)));
  }

  /** Of what stands. */
  heal(): void {
    if (this.#standing !== undefined) this.#world.trace(-1, 'healed: what stood');
    this.#standing?.();
    this.#standing = undefined;
  }

  #after(delay: number, run: () => void): void {
    this.#world.at((this.#world.now + delay) as Micros, run);
  }

  /** Ends a fault in its time, or with the storm. */
  #for(low: number, high: number, end: () => void): void {
    this.#ends.add(end);
    this.#after(1e6 * (low + (high - low) * this.#world.random() ** 2), () => {
      if (this.#ends.delete(end)) end();
    });
  }

  #strike(kind: StormKind): void {
    const world = this.#world;
    const director = world.pick(this.#directors);
    if (!director.alive && !['word', 'silence'].includes(kind)) return;
    this.counts[kind]++;
    world.trace(director.number, `fault: ${kind}`);
    switch (kind) {
      case 'loss':
      case 'reordering':
        this.#for(0.5, 15, this.#ail(director, kind === 'loss' ? 'loss' : 'reorder'));
        return;
      case 'one-way':
      case 'partition':
        this.#for(0.3, 20, this.#cut(this.#around(director, kind === 'partition')));
        return;
      case 'filter':
        this.#for(0.5, 30, this.#cut(this.#filter()));
        return;
      case 'carrier':
        this.#for(0.1, 15, this.#unplug(director));
        return;
      case 'late-family':
        this.#for(1, 30, this.#restartWithoutSix(director));
        return;
      case 'word':
        this.#tellers.change();
        return;
      case 'silence':
        this.#tellers.hush();
        return;
      default:
        this.#strikeProcess(kind, director);
    }
  }

  #strikeProcess(kind: 'pause' | 'machine-pause' | 'crash' | 'stop' | 'stall', director: Director): void {
    switch (kind) {
      case 'pause':
        director.pause();
        this.#for(0.02, this.#world.chance(0.5) ? 0.5 : 10, () => director.resume());
        return;
      case 'machine-pause':
        director.freeze();
        this.#for(0.02, 10, () => director.thaw());
        return;
      case 'crash':
        director.crash();
        this.#for(0.3, 20, () => director.start());
        return;
      case 'stop':
        director.stop();
        this.#for(0.3, 20, () => director.start());
        return;
      case 'stall':
        director.stall = 900_000;
        this.#for(0.5, 10, () => (director.stall = 0));
        return;
    }
  }

  /** Its link-local addresses are new: duplicate address detection lasts for a while. */
  #restartWithoutSix(director: Director): () => void {
    const six = director.station.interfaces.flatMap(({ primaries }) =>
      primaries.map(({ address }) => address).filter((address) => address.includes(':')),
    );
    director.crash();
    for (const address of six) director.kernel.setTentative(address, true);
    this.#after(300_000, () => director.start());
    return () => {
      director.start();
      for (const address of six) director.kernel.setTentative(address, false);
    };
  }

  #unplug(director: Director): () => void {
    const index = interfaceIndex(this.#world.integer(0, this.#plan.links - 1));
    this.#world.trace(director.number, `no carrier on interface ${index}`);
    director.kernel.setCarrier(index, false);
    return () => director.kernel.setCarrier(index, true);
  }

  /** Some ways of a router on one link, or all of one, for both families. */
  #around({ number: struck }: Director, bothWays: boolean): readonly Cut[] {
    const world = this.#world;
    const link = world.integer(0, this.#plan.links - 1);
    const others = this.#directors.map(({ number }) => number).filter((number) => number !== struck);
    const peers = world.chance(0.6) ? others : [world.pick(others)];
    const outward = world.chance(0.5);
    return peers.flatMap((peer) =>
      ([4, 6] as const).flatMap((family): readonly Cut[] => {
        const paths = this.#paths(link, family);
        const out: Cut = [paths, struck, peer];
        const back: Cut = [paths, peer, struck];
        return bothWays ? [out, back] : [outward ? out : back];
      }),
    );
  }

  /** One of several links, or one family of the only one; in one direction, or both. */
  #filter(): readonly Cut[] {
    const world = this.#world;
    const director = world.pick(this.#directors);
    const bothWays = world.chance(0.5);
    if (this.#plan.links > 1) return this.#around(director, bothWays);
    const family = world.pick<Family>([4, 6]);
    const paths = this.#paths(0, family);
    if (world.chance(0.7)) return this.#around(director, bothWays).filter(([of]) => of === paths);
    return this.#directors.flatMap(({ number: from }) =>
      this.#directors.filter(({ number: to }) => to !== from).map(({ number: to }): Cut => [paths, from, to]),
    );
  }

  #cut(cuts: readonly Cut[]): () => void {
    for (const [paths, from, to] of cuts) paths.change(from, to, 'cuts', 1);
    this.#world.trace(-1, `cut: ${cuts.map(([, from, to]) => `${from}→${to}`).join(' ')}`);
    return () => {
      for (const [paths, from, to] of cuts) paths.change(from, to, 'cuts', -1);
    };
  }

  #ail({ number: struck }: Director, ailment: 'loss' | 'reorder'): () => void {
    const by = this.#world.pick([10, 30, 60]);
    const link = this.#world.integer(0, this.#plan.links - 1);
    const change = (sign: number): void => {
      for (const { number: peer } of this.#directors)
        for (const family of [4, 6] as const)
          if (peer !== struck) this.#paths(link, family).change(struck, peer, ailment, sign * by);
    };
    change(1);
    return () => change(-1);
  }
}
