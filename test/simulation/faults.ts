import { micros, seconds } from '../../src/base/time.ts';
import { ip } from '../../src/base/ip.ts';
import { vrrpGroup } from '../../src/vrrp/types.ts';
import type { Judge } from './judge.ts';
import type { Paths } from './paths.ts';
import type { Router } from './router.ts';
import type { SimulatedPacket } from './simulated-link.ts';
import { eth0, redraw, type Scenario } from './scenario.ts';
import { wrongAdvertisement } from './wrong-packets.ts';
import type { World } from './world.ts';

export const faultKinds = [
  'loss',
  'duplication',
  'reordering',
  'one-way',
  'partition',
  'pause',
  'crash',
  'restart',
  'stop',
  'machine-pause',
  'clock-step',
  'reload',
  'strip',
  'stall',
  'carrier',
  'wrong-packet',
] as const;
export type FaultKind = (typeof faultKinds)[number];
export type FaultCounts = Record<FaultKind, number>;

/** Drawn from with repetition: what hurts most comes most often. */
const mix: readonly FaultKind[] = [
  ...faultKinds,
  'pause',
  'pause',
  'crash',
  'one-way',
  'partition',
  'reload',
];

/** Everything that goes wrong in one world: what, when, to whom and for how long comes from its seed. */
export class Faults {
  readonly counts: FaultCounts;
  /** Wall clocks stepped by this much, µs; nobody may ever look. */
  wallClockStep = 0;
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #routers: readonly Router[];
  readonly #paths: Paths;
  readonly #judge: Judge;
  #over = false;

  constructor(world: World, scenario: Scenario, routers: readonly Router[], paths: Paths, judge: Judge) {
    this.#world = world;
    this.#scenario = scenario;
    this.#routers = routers;
    this.#paths = paths;
    this.#judge = judge;
    judge.onPromotion = (promoted) => this.#strikeAtPromotion(promoted);
    this.counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;
  }

  /** @param meanPause between two faults, µs */
  schedule(meanPause: number): void {
    this.#after(-Math.log(1 - this.#world.random()) * meanPause, () => {
      if (this.#over) return;
      this.#strike(this.#world.pick(mix));
      this.schedule(meanPause);
    });
  }

  /** Everything that still goes on ends now, everybody runs. */
  cease(): void {
    this.#over = true;
    this.#world.trace(-1, 'every fault is over');
    for (const router of this.#routers) {
      router.stall = 0;
      router.thaw();
      router.resume();
      router.kernel.setCarrier(eth0, true);
      router.start();
      this.#judge.changed(router);
      this.#judge.disturbed(router);
    }
  }

  /** Between the writes of a promotion there must be no moment in which dying leaves something behind. */
  #strikeAtPromotion(router: Router): void {
    if (this.#over || !this.#world.chance(0.15)) return;
    const kind = this.#world.chance(0.5) ? 'pause' : 'crash';
    const window = this.#world.chance(0.5) ? 1_000 : 500_000;
    this.#after(this.#world.integer(0, window), () => {
      if (!this.#over && this.#applies(kind, router)) this.#strike(kind, router);
    });
  }

  #after(delay: number, run: () => void): void {
    this.#world.at(micros(this.#world.now + delay), run);
  }

  /** Ends a fault in its time, or with all others. */
  #for(low: number, high: number, end: () => void): void {
    const duration = micros(1e6 * (low + (high - low) * this.#world.random() ** 2));
    this.#after(duration, end);
  }

  #strike(kind: FaultKind, router = this.#world.pick(this.#routers)): void {
    if (!this.#applies(kind, router)) return;
    this.counts[kind]++;
    this.#world.trace(router.number, `fault: ${kind}`);
    if (kind !== 'wrong-packet' && kind !== 'clock-step') this.#judge.disturbed(router);
    if (isOfPaths(kind)) this.#strikePaths(kind, router);
    else this.#strikeRouter(kind, router);
  }

  #applies(kind: FaultKind, { process, kernel, config }: Router): boolean {
    if (kind === 'strip') return kernel.virtualAddresses.length > 0 && config.priority !== 255;
    if (kind === 'clock-step' || isOfPaths(kind)) return true;
    return process === 'running' && !kernel.frozen;
  }

  #strikePaths(kind: PathFault, { number: struck }: Router): void {
    const world = this.#world;
    const { routers } = this.#scenario;
    const others = Array.from({ length: routers }, (_, at) => at).filter((at) => at !== struck);
    const pairs: (readonly [number, number])[] = [];
    if (kind === 'partition') {
      const side = new Set([struck, ...others.filter(() => world.chance(0.3))]);
      for (const a of side) for (const b of others) if (!side.has(b)) pairs.push([a, b], [b, a]);
    } else {
      const outward = world.chance(0.5);
      const all = world.chance(0.5);
      for (const other of all ? others : [world.pick(others)])
        pairs.push(outward ? [struck, other] : [other, struck]);
    }
    const ailment = { loss: 'loss', duplication: 'duplicate', reordering: 'reorder' } as const;
    const cuts = kind === 'partition' || kind === 'one-way';
    const by = cuts ? 1 : world.pick([5, 20, 30, 60]);
    for (const [from, to] of pairs) this.#paths.change(from, to, cuts ? 'cuts' : ailment[kind], by);
    const heal = (): void => {
      for (const [from, to] of pairs) this.#paths.change(from, to, cuts ? 'cuts' : ailment[kind], -by);
      world.trace(struck, `healed: ${kind}`);
    };
    // Whatever is not healed by then heals when every fault is over.
    this.#heals.add(heal);
    this.#for(0.2, 30, () => {
      if (this.#heals.delete(heal)) heal();
    });
  }

  readonly #heals = new Set<() => void>();

  /** Part of cease(): the ways carry everything again. */
  healPaths(): void {
    for (const heal of this.#heals) heal();
    this.#heals.clear();
  }

  #strikeRouter(kind: Exclude<FaultKind, PathFault>, router: Router): void {
    const world = this.#world;
    const again = (end: () => void) => (): void => {
      end();
      this.#judge.disturbed(router);
    };
    switch (kind) {
      case 'pause':
        router.pause();
        this.#judge.mustFallSilent(router);
        // Half of them end before the lease does: nothing may be noticed, and yet timers have run out.
        if (world.chance(0.5))
          this.#for(
            0.02,
            10,
            again(() => router.resume()),
          );
        else
          this.#after(
            router.config.lease.gate_lifetime * world.random(),
            again(() => router.resume()),
          );
        return;
      case 'crash':
        router.crash();
        this.#judge.mustFallSilent(router);
        this.#for(0.3, 20, () => router.start());
        return;
      case 'stop':
        router.stop();
        this.#for(1, 20, () => router.start());
        return;
      case 'restart':
        router.stop();
        this.#for(0.1, 0.3, () => router.start());
        this.#after(seconds(2), () => router.start());
        return;
      case 'machine-pause':
        router.freeze();
        this.#for(
          0.02,
          12,
          again(() => router.thaw()),
        );
        return;
      case 'clock-step':
        this.wallClockStep += world.integer(-86_400, 86_400) * 1e6;
        return;
      case 'reload':
        router.reload(redraw(world, this.#scenario, router.wanted));
        return;
      case 'strip':
        router.kernel.strip(world.pick(router.kernel.virtualAddresses));
        return;
      case 'stall':
        router.stall = 900_000;
        this.#for(
          0.5,
          10,
          again(() => (router.stall = 0)),
        );
        return;
      case 'carrier':
        router.kernel.setCarrier(eth0, false);
        this.#for(
          0.1,
          10,
          again(() => router.kernel.setCarrier(eth0, true)),
        );
        return;
      case 'wrong-packet':
        this.#inject(router, world.integer(1, 10));
        return;
    }
  }

  #inject(router: Router, count: number): void {
    const { family } = this.#scenario;
    const source = ip(family === 4 ? '10.0.0.250' : 'fe80::250');
    const made = wrongAdvertisement(this.#world, router.config, source);
    const packet: SimulatedPacket = {
      family,
      source,
      destination: vrrpGroup[family],
      ...made,
      from: -1,
      seq: 0,
    };
    router.receive(packet);
    if (count > 1) this.#after(this.#world.integer(100, 400_000), () => this.#inject(router, count - 1));
  }
}

type PathFault = 'loss' | 'duplication' | 'reordering' | 'one-way' | 'partition';

const isOfPaths = (kind: FaultKind): kind is PathFault =>
  ['loss', 'duplication', 'reordering', 'one-way', 'partition'].includes(kind);
