import type { Ip } from '../../src/base/ip.ts';
import type { Router } from './router.ts';
import type { SimulatedPacket } from './simulated-link.ts';
import type { World } from './world.ts';

/** Loop lateness twice, the way, the kernel's writes. */
const slack = 25_000;

/** Two routers that answer for the contested address at once. */
interface Pair {
  readonly a: Router;
  readonly b: Router;
  /** Since when both have. */
  since: number | undefined;
  /** Since when the ways between them carried everything and both could act on it. */
  cleanSince: number;
}

/**
 * Who holds the VIP, when two do, and whether that may be. An overlap is judged only by the part of it in which both
 * routers ran and the way between them carried everything in both directions; the rest is reported as a figure.
 */
export class Overlaps {
  /** World time with two holders, and what the judged part of it was at worst, as a multiple of the limit. */
  readonly stats = { overlaps: 0, total: 0, worstShare: 0, silentSuccessions: 0 };
  readonly #world: World;
  readonly #contested: Ip;
  readonly #report: (text: string) => void;
  readonly #routers: Router[] = [];
  readonly #pairs: Pair[] = [];
  readonly #holding = new Set<Router>();
  /** Of a router that fell silent: who took over, having heard its last word. */
  readonly #successors = new Map<Router, Router>();
  #settledAt: number | undefined;
  #unsettledSince: number | undefined;

  constructor(world: World, contested: Ip, report: (text: string) => void) {
    this.#world = world;
    this.#contested = contested;
    this.#report = report;
  }

  add(router: Router): void {
    for (const other of this.#routers)
      this.#pairs.push({ a: other, b: router, since: undefined, cleanSince: 0 });
    this.#routers.push(router);
  }

  get holders(): readonly Router[] {
    return [...this.#holding];
  }

  /** The way from one to the other did not carry a packet. */
  pathFailed(from: number, to: number): void {
    for (const pair of this.#pairs)
      if (
        (pair.a.number === from && pair.b.number === to) ||
        (pair.a.number === to && pair.b.number === from)
      )
        this.#interrupt(pair);
  }

  /** Ends the part of an overlap that can be judged, and judges it. */
  #interrupt(pair: Pair): void {
    this.#judge(pair);
    pair.cleanSince = pair.a.alive && pair.b.alive ? this.#world.now : Infinity;
  }

  #judge(pair: Pair): void {
    const { a, b, since } = pair;
    if (since === undefined) return;
    const clean = this.#world.now - Math.max(since, pair.cleanSince);
    // A kernel that holds up the closing of the gate cannot keep it open: there the lease is the limit. Without a lease
    // nothing is.
    const stalled = [a, b].filter(({ lastStallAt }) => this.#world.now - lastStallAt < 5e6);
    if (stalled.some(({ config }) => config.lease.mode === 'off')) return;
    const lease = Math.max(0, ...stalled.map(({ config }) => config.lease.gate_lifetime));
    const limit = 2 * Math.max(a.config.advert_int, b.config.advert_int) + lease + slack;
    this.stats.worstShare = Math.max(this.stats.worstShare, clean / limit);
    if (clean > limit)
      this.#report(
        `r${a.number} and r${b.number} both held the VIP for ${clean} µs with a clean way between them`,
      );
  }

  /** A router took over because the Active was silent. */
  succeeded(router: Router, lastHeard: SimulatedPacket | undefined): void {
    const silent = this.#routers.find(({ number }) => number === lastHeard?.from);
    if (silent === undefined || silent.alive || silent.kernel.frozen || silent.config.lease.mode === 'off')
      return;
    if (lastHeard?.seq !== silent.sent || silent.process === 'running') return;
    // While its machine stood still its gate did, too: that is outside the lease.
    if (silent.thawedAt > silent.lastSentAt) return;
    this.stats.silentSuccessions++;
    this.#successors.set(silent, router);
  }

  changed(router: Router): void {
    if (router.alive || router.kernel.frozen) this.#successors.delete(router);
    // A machine that stands still answers nobody.
    const holds = !router.kernel.frozen && router.kernel.answers(this.#contested);
    if (holds) this.#holding.add(router);
    else this.#holding.delete(router);
    for (const pair of this.#pairs) {
      if (pair.a !== router && pair.b !== router) continue;
      if (!pair.a.alive || !pair.b.alive || pair.cleanSince === Infinity) this.#interrupt(pair);
      const both = this.#holding.has(pair.a) && this.#holding.has(pair.b);
      if (both && pair.since === undefined) this.#begin(pair);
      else if (!both && pair.since !== undefined) this.#end(pair);
    }
    this.#watchSettled();
  }

  #begin(pair: Pair): void {
    pair.since = this.#world.now;
    this.stats.overlaps++;
    for (const [silent, successor] of [
      [pair.a, pair.b],
      [pair.b, pair.a],
    ] as const) {
      if (this.#successors.get(silent) !== successor || silent.alive) continue;
      // A write that the kernel itself held up for longer than the margin of the lease moves its end.
      if (silent.lastStallAt > this.#world.now - 10_000_000) continue;
      this.#report(
        `r${successor.number} succeeded r${silent.number}, which is dead or frozen and still holds the VIP`,
      );
    }
  }

  #end(pair: Pair): void {
    this.#judge(pair);
    this.stats.total += this.#world.now - (pair.since ?? 0);
    pair.since = undefined;
  }

  /** From now on exactly one holds, but for the moments of a hand-over. */
  settle(): void {
    this.#settledAt = this.#world.now;
    this.#watchSettled();
  }

  #watchSettled(): void {
    if (this.#settledAt === undefined) return;
    const count = this.#holding.size;
    if (count !== 1) this.#unsettledSince ??= this.#world.now;
    else if (this.#unsettledSince !== undefined) {
      const lasted = this.#world.now - this.#unsettledSince;
      if (lasted > 100_000)
        this.#report(`the VIP had no or two holders for ${lasted} µs after every fault was over`);
      this.#unsettledSince = undefined;
    }
  }

  finish(): void {
    for (const pair of this.#pairs) if (pair.since !== undefined) this.#end(pair);
    const active = this.#routers.filter(({ state, process }) => state === 'active' && process === 'running');
    const [holder] = this.#holding;
    if (active.length !== 1 || this.#holding.size !== 1 || active[0] !== holder)
      this.#report(
        `after every fault was over ${active.length} routers are Active and ${this.#holding.size} hold the VIP`,
      );
  }
}
