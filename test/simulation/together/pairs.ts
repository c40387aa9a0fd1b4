import type { Family } from '../../../src/base/ip.ts';
import type { World } from '../world.ts';
import type { Director } from './director.ts';
import type { Plan } from './scenario.ts';

/** Loop lateness twice, the way, the kernel's writes. */
const slack = 25_000;

/** Two that meet as Actives both hear it within this. */
const oneMeeting = 100_000;

interface Pair {
  readonly a: Director;
  readonly b: Director;
  /** Who gave way to the other's address last. */
  yielded: { readonly who: Director; readonly at: number } | undefined;
  /** Since when both are Active. */
  since: number | undefined;
  /** Since when both run. */
  aliveSince: number;
  /** Since when the ways of this family carry everything, in both directions. */
  readonly cleanSince: Map<Family, number>;
}

/**
 * Two routers that are Active for one instance. While one family carries everything between them, whatever the other
 * does, one of them must go: at once, or after an Active_Down_Interval where only IPv6 addresses can decide.
 */
export class Pairs {
  readonly stats = { twoActives: 0, worstShare: 0 };
  readonly #world: World;
  readonly #plan: Plan;
  readonly #report: (text: string) => void;
  readonly #directors: Director[] = [];
  readonly #pairs: Pair[] = [];
  /** Who has an IPv6 address to speak from. */
  readonly #speakSix = new Set<Director>();

  constructor(world: World, plan: Plan, report: (text: string) => void) {
    this.#world = world;
    this.#plan = plan;
    this.#report = report;
  }

  add(director: Director): void {
    if (this.#plan.row !== 'dual-stack') return;
    for (const other of this.#directors)
      this.#pairs.push({
        ...{ a: other, b: director, since: undefined, yielded: undefined, aliveSince: Infinity },
        cleanSince: new Map<Family, number>([
          [4, 0],
          [6, 0],
        ]),
      });
    this.#directors.push(director);
  }

  /** The way from one to the other did not carry a packet of this family. */
  pathFailed(family: Family, from: number, to: number): void {
    for (const pair of this.#pairs) {
      const { a, b } = pair;
      if (![a.number, b.number].includes(from) || ![a.number, b.number].includes(to)) continue;
      this.#judge(pair);
      pair.cleanSince.set(family, this.#world.now);
    }
  }

  changed(director: Director): void {
    this.#followSix(director);
    for (const pair of this.#pairs) {
      if (pair.a !== director && pair.b !== director) continue;
      const alive = [pair.a, pair.b].every((one) => one.alive && one.kernel.hasCarrier(2));
      if (!alive || pair.aliveSince === Infinity) {
        this.#judge(pair);
        pair.aliveSince = alive ? this.#world.now : Infinity;
      }
      const both = [pair.a, pair.b].every(
        (one) => one.process !== 'absent' && one.stateOf(one.station.configs[0]!) === 'active',
      );
      if (both && pair.since === undefined) {
        this.stats.twoActives++;
        pair.since = this.#world.now;
      } else if (!both && pair.since !== undefined) {
        this.#judge(pair);
        pair.since = undefined;
      }
    }
  }

  /** Of two with clean IPv4 between them one gives way, not both. */
  yielded(director: Director, to: number | undefined): void {
    const { now } = this.#world;
    for (const pair of this.#pairs) {
      const { a, b, yielded, aliveSince, cleanSince } = pair;
      if (![a, b].includes(director) || ![a.number, b.number].some((number) => number === to)) continue;
      pair.yielded = { who: director, at: now };
      if (yielded === undefined || yielded.who === director || now - yielded.at > oneMeeting) continue;
      if (yielded.at - Math.max(aliveSince, cleanSince.get(4)!) > 4 * this.#plan.advert_int)
        this.#report(`r${a.number} and r${b.number} gave way to each other`);
    }
  }

  /** A family that comes later was no way before. */
  #followSix(director: Director): void {
    const speaks = director.speaksSix;
    if (speaks === this.#speakSix.has(director)) return;
    for (const other of this.#directors) this.pathFailed(6, director.number, other.number);
    if (speaks) this.#speakSix.add(director);
    else this.#speakSix.delete(director);
  }

  finish(): void {
    for (const pair of this.#pairs) this.#judge(pair);
  }

  #judge({ a, b, since, aliveSince, cleanSince }: Pair): void {
    if (since === undefined) return;
    const { advert_int } = this.#plan;
    const tie = a.station.configs[0]!.priority === b.station.configs[0]!.priority;
    for (const [family, clean] of cleanSince) {
      if (family === 6 && ![a, b].every((one) => this.#speakSix.has(one))) continue;
      const lasted = this.#world.now - Math.max(since, aliveSince, clean);
      const limit = (tie && family === 6 ? 7 : 2) * advert_int + slack;
      this.stats.worstShare = Math.max(this.stats.worstShare, lasted / limit);
      if (lasted > limit)
        this.#report(
          `r${a.number} and r${b.number} were both Active for ${lasted / 1_000} ms with IPv${family} clean between them`,
        );
    }
  }
}
