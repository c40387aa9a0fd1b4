/**
 * The vrrp process's loop: packets, interface events and deadlines go to the instances, in this order on every wake:
 *
 *   1. a gap in our own running as long as a lease means that what we believe is old: every router learns it first;
 *   2. sockets are drained, so that an advertisement that waited in the queue wins over a timer that ran out meanwhile;
 *   3. only then deadlines come.
 */
import { after, earlier, type Micros, milliseconds } from '../base/time.ts';
import type { ShutdownReason } from './events.ts';
import type { Claims } from './holdings.ts';
import { type InstanceHost, InstanceRunner } from './instance-runner.ts';
import { Lateness } from './lateness.ts';
import type { InterfaceFacts, VrrpLink } from './link.ts';
import { Pace } from './pace.ts';
import { type DiscardCounters, receive, type ReceivedPacket } from './receive.ts';
import { OtherRouters } from './other-routers.ts';
import { RunnerGroups } from './runner-groups.ts';
import { SharedSockets } from './shared-sockets.ts';
import type { VrrpStatus } from './status.ts';
import type { TrackerDefinition, TrackerReport } from './track-board.ts';
import { Trackers } from './trackers.ts';
import { type InstanceConfig, voice } from './types.ts';
import { Waits } from './waits.ts';

/** The loop comes by at least this often: a beat for the parent, and the grain in which a gap is measured. */
export const beatInterval = milliseconds(100);

export interface RunnerHost extends InstanceHost {
  /** Every beatInterval, when the loop really runs. */
  beat(now: Micros): void;
  /** Delivers what waits of the trackers' reports, to tracked(): before their silence is believed. */
  drainTrackers(): void;
  /** Trackers have changed what an instance may do, in words: "priority 150 → 120: script web is down". */
  weighed(name: string, words: string): void;
}

export class VrrpRunner {
  readonly #link: VrrpLink;
  readonly #host: RunnerHost;
  readonly #instances = new Map<string, InstanceRunner>();
  readonly #claims: Claims = new Map();
  /** Of announcements, by interface. */
  readonly #paces = new Map<string, Pace>();
  readonly #sockets: SharedSockets;
  readonly #others = new OtherRouters();
  readonly #lateness = new Lateness();
  readonly #trackers = new Trackers();
  readonly #groups: RunnerGroups;
  #held: ShutdownReason | undefined;
  readonly #waits = new Waits();
  /** No instance takes part before it; undefined once it has passed. */
  #startAt: Micros | undefined;
  #lastRunAt: Micros;
  /** A shorter gap in our own running means nothing to anybody. */
  #shortestLease = Infinity;
  #beatAt: Micros;
  #realtime = 0;

  constructor(link: VrrpLink, host: RunnerHost) {
    this.#link = link;
    // An answer of the kernel may move a router too, between two turns: its group looks at it at once.
    this.#host = {
      ...host,
      transition: (name, from, to, reason, now) => {
        host.transition(name, from, to, reason, now);
        if (from === 'initialize') this.#waits.started(name, now);
        this.#wait(name, now);
        link.wakeAt(link.now());
      },
    };
    this.#sockets = new SharedSockets(link, {
      heard: (packet, facts, discarded) => this.#heard(packet, facts, discarded),
      failed: () => this.interfacesChanged(),
    });
    this.#groups = new RunnerGroups((name) => this.#instances.get(name));
    this.#lastRunAt = link.now();
    this.#beatAt = this.#lastRunAt;
  }

  /** Takes a whole new set of instances: those that keep their voice keep their state. */
  configure(
    configs: readonly InstanceConfig[],
    realtime: number,
    trackers: readonly TrackerDefinition[] = [],
    startAt?: Micros,
  ): void {
    this.#realtime = realtime;
    this.#startAt = startAt;
    const now = this.#enter();
    this.#trackers.configure(trackers, now);
    this.#trackers.look((name) => this.#link.interface(name), now);
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, runner] of this.#instances) {
      const config = wanted.get(name);
      // What a reload does not touch keeps its timers too, and 200 routers do not advertise at once for nothing.
      if (config !== undefined && JSON.stringify(config) === JSON.stringify(runner.config)) continue;
      if (config !== undefined && voice(config) === voice(runner.config))
        runner.reconfigure(config, this.#trackers.weigh(config, now).effectivePriority, now);
      else {
        runner.instance.handle({ type: 'shutdown', reason: 'deconfigured', resign: true }, now);
        this.#instances.delete(name);
        this.#trackers.forget(name);
      }
    }
    for (const [name, config] of wanted) if (!this.#instances.has(name)) this.#add(name, config);
    this.#groups.configure(configs);
    this.#shortestLease = Math.min(...configs.map(({ lease }) => lease.gate_lifetime));
    this.#weigh(now);
    this.#consider(now);
    this.#rest(now);
  }

  #add(name: string, config: InstanceConfig): void {
    const pace = this.#paces.get(config.interface) ?? new Pace();
    this.#paces.set(config.interface, pace);
    const slot = this.#instances.size;
    this.#instances.set(name, new InstanceRunner(config, this.#link, this.#host, this.#claims, pace, slot));
  }

  /** What a tracker says; one that is not configured changes nothing. */
  tracked(report: TrackerReport): void {
    const now = this.#enter();
    if (this.#trackers.hear(report, now)) {
      this.#weigh(now);
      this.#consider(now);
    }
    this.#rest(now);
  }

  /** What holds preemptions back. @param ready as Waits takes it */
  checksReady(ready: boolean): void {
    const now = this.#enter();
    this.#waits.checks(ready, now);
    for (const name of this.#instances.keys()) this.#wait(name, now);
    this.#rest(now);
  }

  #wait(name: string, now: Micros): void {
    const { instance, config } = this.#instances.get(name) ?? {};
    const until = config && this.#waits.until(config, this.#trackers.weigh(config, now));
    instance?.handle({ type: 'wait', until }, now);
  }

  /** Every instance leaves, and none starts, until release(). */
  hold(reason: ShutdownReason): void {
    this.#held = reason;
    this.interfacesChanged();
  }

  release(): void {
    if (this.#held === undefined) return;
    this.#held = undefined;
    this.interfacesChanged();
  }

  interfacesChanged(): void {
    const now = this.#enter();
    if (this.#trackers.look((name) => this.#link.interface(name), now)) this.#weigh(now);
    this.#consider(now);
    this.#rest(now);
  }

  /** The timer, or anything else that should make the loop look around. */
  wake(): void {
    const now = this.#enter();
    this.#sockets.drain();
    if (this.#startAt !== undefined && this.#startAt <= now) {
      this.#startAt = undefined;
      this.#consider(now);
    }
    if ((this.#trackers.deadline ?? Infinity) <= now) {
      this.#host.drainTrackers();
      if (this.#trackers.expire(now)) {
        this.#weigh(now);
        this.#consider(now);
      }
    }
    const due = [...this.#instances.values()].filter(
      ({ deadline }) => deadline !== undefined && deadline <= now,
    );
    // Who has to advertise comes first: announcements and whatever else is due can wait for that.
    const speaks = ({ instance }: InstanceRunner): boolean => (instance.router.deadline ?? Infinity) <= now;
    for (const runner of due.sort((a, b) => Number(speaks(b)) - Number(speaks(a)))) {
      // Not the instant of waking: the last of 200 that are due together speaks 10 ms after the first.
      const acting = this.#link.now();
      this.#lateness.add((acting - (runner.deadline ?? acting)) as Micros, acting);
      const { router } = runner.instance;
      const served = router.state === 'active';
      runner.instance.expire(acting);
      // Whoever just advertised has nothing to consider, and the next one waits.
      if (!served || router.state !== 'active') this.#considerOne(runner, acting);
    }
    if (this.#beatAt <= now) {
      this.#beatAt = after(now, beatInterval);
      this.#host.beat(now);
    }
    this.#rest(now);
  }

  /** A gap is noticed before anything else is done with what came in. */
  #enter(): Micros {
    const now = this.#link.now();
    const gap = now - this.#lastRunAt;
    this.#lastRunAt = now;
    if (gap >= this.#shortestLease)
      for (const { instance, config } of this.#instances.values())
        if (gap >= config.lease.gate_lifetime) instance.handle({ type: 'paused' }, now);
    if (gap >= 2 * beatInterval) this.#trackers.paused(now);
    return now;
  }

  #rest(now: Micros): void {
    this.#groups.settle((member) => this.#considerOne(member, now), now);
    const others = earlier(this.#trackers.deadline, this.#groups.deadline);
    let at = earlier(this.#startAt, earlier(this.#beatAt, others)) ?? this.#beatAt;
    for (const { deadline } of this.#instances.values()) at = earlier(at, deadline) ?? at;
    this.#link.wakeAt(at > now ? at : now);
  }

  #weigh(now: Micros): void {
    for (const { instance } of this.#instances.values()) {
      const { config } = instance.router;
      const { tracking, words } = this.#trackers.reweigh(config, now);
      if (words !== undefined) this.#host.weighed(config.name, words);
      if (tracking.effectivePriority !== instance.router.priority)
        instance.handle({ type: 'priority', priority: tracking.effectivePriority }, now);
      this.#wait(config.name, now);
    }
  }

  #consider(now: Micros): void {
    const seen = new Set<InstanceRunner>();
    for (const runner of this.#instances.values())
      if (!seen.has(runner)) for (const member of this.#considerOne(runner, now)) seen.add(member);
    this.#sockets.closeUnused((index, family) =>
      [...this.#instances.values()].some(
        (runner) => runner.interfaceIndex === index && runner.config.families.includes(family),
      ),
    );
  }

  /** With the others of its sync group. @returns them all */
  #considerOne(runner: InstanceRunner, now: Micros): readonly InstanceRunner[] {
    const members = this.#groups.membersWith(runner);
    for (const member of members)
      member.look(this.#link.interface(member.config.interface), this.#heldBack(member, now), now);
    // Who is refused something by the kernel takes the others with it.
    for (let able = members.every((member) => member.able); ; able = false) {
      for (const member of members)
        member.follow(able, (facts, family) => this.#sockets.on(facts, family), now);
      if (!able || members.every((member) => member.able)) return members;
    }
  }

  #heldBack(runner: InstanceRunner, now: Micros): ShutdownReason | undefined {
    const takesPart = runner.instance.router.state !== 'initialize';
    if (this.#held !== undefined) return this.#held;
    if (!takesPart && (this.#startAt ?? now) > now) return 'startup-delay';
    return this.#trackers.keepsOut(runner.config.name, takesPart) ? 'tracker-failed' : undefined;
  }

  #heard(packet: ReceivedPacket, facts: InterfaceFacts, discarded: DiscardCounters): void {
    const now = this.#enter();
    const received = receive(packet, (vrid, family) =>
      [...this.#instances.values()].find(
        ({ config, interfaceIndex: index }) =>
          config.virtual_router_id === vrid && config.families.includes(family) && index === facts.index,
      ),
    );
    if (received.verdict === 'accept') {
      received.listener.heard(received, packet.source, now);
      this.#rest(now);
    } else {
      // It changes nothing, deadlines neither: a flood of them must cost little.
      discarded[received.reason]++;
      if (received.reason === 'vrid') this.#others.note(packet, facts.name, now);
      received.foreign?.listener.disbelieved(received.foreign, now);
    }
  }

  status(): VrrpStatus {
    const { gateUnavailable } = this.#link;
    const at = this.#link.now();
    return {
      at,
      instances: Array.from(this.#instances.values(), (runner) =>
        runner.status(this.#trackers.weigh(runner.config, at)),
      ),
      discarded: this.#sockets.discarded(),
      otherRouters: this.#others.list(),
      syncGroups: this.#groups.status(),
      lateness: this.#lateness.status(),
      gate: gateUnavailable === undefined ? { available: true } : { available: false, why: gateUnavailable },
      realtime: this.#realtime,
    };
  }
}
