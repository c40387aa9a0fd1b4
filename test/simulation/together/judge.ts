import type { State, TransitionReason } from '../../../src/vrrp/events.ts';
import type { TrackerReport } from '../../../src/vrrp/track-board.ts';
import type { InstanceConfig } from '../../../src/vrrp/types.ts';
import type { SimulatedPacket } from '../simulated-link.ts';
import type { World } from '../world.ts';
import { Life } from './causes.ts';
import type { Director, Onlooker } from './director.ts';
import { Pairs } from './pairs.ts';
import type { Plan } from './scenario.ts';

/** Members of a group are told one after the other, and some in a turn of their own. */
const oneMove = 150_000;
/** A router that a tracker has taken out, and a loop that is late. */
const oneReaction = 300_000;
/** In one stretch of peace, by one router. */
const mostPromotions = 8;

/** Looks at everything and reports what must not be. The product never sees it. */
export class TogetherJudge implements Onlooker {
  readonly violations: string[] = [];
  readonly pairs: Pairs;
  readonly stats = { promotions: 0, moves: 0, leaves: 0, mostPromotions: 0, slowestSettling: 0 };
  readonly #world: World;
  readonly #plan: Plan;
  readonly #lives = new Map<Director, Life>();
  /** Since when a router is Active for some members and not for others; of its own clock. */
  readonly #splitSince = new Map<Director, number>();
  readonly #promotions = new Map<Director, number>();
  #calm: { readonly since: number; readonly settledAt: number } | undefined;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
    this.pairs = new Pairs(world, plan, (text) => this.report(text));
  }

  report(text: string): void {
    this.#world.trace(-1, `VIOLATION ${text}`);
    if (this.violations.length < 20) this.violations.push(`${(this.#world.now / 1e6).toFixed(6)} ${text}`);
  }

  lifeOf(director: Director): Life {
    return this.#lives.get(director)!;
  }

  /** No fault begins or ends from now on; after `settling` nothing may move any more. */
  calm(settling: number): void {
    const { now } = this.#world;
    this.#promotions.clear();
    this.#calm = { since: now, settledAt: now + settling };
  }

  storm(): void {
    this.#calm = undefined;
  }

  // Onlooker

  born(director: Director): void {
    this.#lives.set(director, new Life(director));
  }

  turn(director: Director): void {
    this.lifeOf(director).turn();
  }

  heard(director: Director, instance: InstanceConfig, packet: SimulatedPacket): void {
    this.lifeOf(director).heard(instance, packet);
  }

  told(director: Director, report: TrackerReport): void {
    this.lifeOf(director).book.told(report);
    this.#watchFault(director);
  }

  changed(director: Director): void {
    this.#world.count(director.number, director.kernel.virtualAddresses.length);
    this.pairs.changed(director);
    // A router that is stopped, or whose machine is, moves nobody.
    if (!director.alive) this.#splitSince.delete(director);
    else this.#watchMembers(director);
  }

  transition(
    director: Director,
    instance: InstanceConfig,
    from: State,
    to: State,
    reason: TransitionReason,
  ): void {
    const where = `r${director.number} ${instance.name}`;
    if (from !== director.stateOf(instance))
      this.report(`${where} leaves ${from} but was ${director.stateOf(instance)}`);
    const own = director.statusOf(instance)?.router.priority ?? instance.priority;
    const objection = this.lifeOf(director).objection(instance, from, to, reason, own);
    if (objection !== undefined) this.report(`${where} ${from} → ${to}: ${reason}, ${objection}`);
    director.states.set(instance.name, to);
    if (reason === 'higher-address') this.pairs.yielded(director, this.lifeOf(director).speaker);
    this.#count(director, to, reason);
    if (this.#calm !== undefined && this.#world.now >= this.#calm.settledAt)
      this.report(`${where} ${from} → ${to} in the deepest peace: ${reason}`);
    this.#watchMembers(director);
    this.pairs.changed(director);
  }

  #count(director: Director, to: State, reason: TransitionReason): void {
    this.stats.moves++;
    if (reason === 'sync-group') this.stats.leaves++;
    const calm = this.#calm;
    if (calm !== undefined)
      this.stats.slowestSettling = Math.max(this.stats.slowestSettling, this.#world.now - calm.since);
    if (to !== 'active') return;
    this.stats.promotions++;
    if (calm === undefined) return;
    const count = (this.#promotions.get(director) ?? 0) + 1;
    this.#promotions.set(director, count);
    const members = director.station.configs.length;
    this.stats.mostPromotions = Math.max(this.stats.mostPromotions, count / members);
    if (count === mostPromotions * members + 1)
      this.report(`r${director.number} flaps: no fault, and no end`);
  }

  /** Active for all members, or for none. */
  #watchMembers(director: Director): void {
    const { configs } = director.station;
    const active = configs.filter((config) => director.stateOf(config) === 'active').length;
    if (active === 0 || active === configs.length) this.#splitSince.delete(director);
    else if (!this.#splitSince.has(director)) this.#split(director);
  }

  #split(director: Director): void {
    const since = director.now;
    const { lives } = director;
    this.#splitSince.set(director, since);
    director.kernel.later((since + oneMove) as typeof director.now, () => {
      if (this.#splitSince.get(director) !== since || !director.alive || director.lives !== lives) return;
      const states = director.station.configs.map((config) => `${config.name} ${director.stateOf(config)}`);
      this.report(`r${director.number} is Active for a part of its group: ${states.join(', ')}`);
    });
  }

  /** Who has a fault is not Active beyond a moment. */
  #watchFault(director: Director): void {
    if (this.#plan.row !== 'trackers') return;
    const { lives } = director;
    const { ranSince } = this.lifeOf(director).book;
    const { fault } = this.lifeOf(director).book.worth(0);
    if (!fault) return;
    director.kernel.later((director.now + oneReaction) as typeof director.now, () => {
      if (director.lives !== lives || !director.alive) return;
      const { book } = this.lifeOf(director);
      // A stop of the process, or better news, in between.
      if (book.ranSince === ranSince && book.worth(0).fault && !this.#recovered(director))
        this.report(`r${director.number} is Active, and a tracker says it must not`);
    });
  }

  #recovered(director: Director): boolean {
    const [config] = director.station.configs;
    return config === undefined || director.stateOf(config) !== 'active';
  }
}
