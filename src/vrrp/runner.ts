/**
 * The vrrp process's loop: packets, interface events and deadlines go to the instances, in this order on every wake:
 *
 *   1. a gap in our own running as long as a lease means that what we believe is old: every router learns it first;
 *   2. sockets are drained, so that an advertisement that waited in the queue wins over a timer that ran out meanwhile;
 *   3. only then deadlines come.
 */
import type { Family } from '../base/ip.ts';
import { after, earlier, type Micros, milliseconds } from '../base/time.ts';
import type { ShutdownReason } from './events.ts';
import type { Claims } from './holdings.ts';
import { type InstanceHost, InstanceRunner } from './instance-runner.ts';
import { Lateness } from './lateness.ts';
import type { InterfaceFacts, VrrpLink, VrrpSocket } from './link.ts';
import { type DiscardCounters, discardCounters, receive, type ReceivedPacket } from './receive.ts';
import { Sightings } from './sightings.ts';
import type { OtherRouter, VrrpStatus } from './status.ts';
import type { TrackerDefinition, TrackerReport } from './track-board.ts';
import { Trackers } from './trackers.ts';
import type { InstanceConfig } from './types.ts';

/** The loop comes by at least this often: a beat for the parent, and the grain in which a gap is measured. */
export const beatInterval = milliseconds(100);

/** Other virtual routers on our links that status names. */
const mostOthers = 64;

export interface RunnerHost extends InstanceHost {
  /** Every beatInterval, when the loop really runs. */
  beat(now: Micros): void;
  /** Delivers what waits of the trackers' reports, to tracked(): before their silence is believed. */
  drainTrackers(): void;
  /** Trackers have changed what an instance may do, in words: "priority 150 → 120: script web is down". */
  weighed(name: string, words: string): void;
}

interface SharedSocket {
  readonly socket: VrrpSocket;
  readonly interfaceIndex: number;
  readonly family: Family;
  readonly discarded: DiscardCounters;
}

export class VrrpRunner {
  readonly #link: VrrpLink;
  readonly #host: RunnerHost;
  readonly #instances = new Map<string, InstanceRunner>();
  readonly #claims: Claims = new Map();
  readonly #sockets = new Map<string, SharedSocket>();
  readonly #discarded = new Map<string, DiscardCounters>();
  readonly #others = new Sightings<OtherRouter>(mostOthers);
  readonly #lateness = new Lateness();
  readonly #trackers = new Trackers();
  #held: ShutdownReason | undefined;
  /** No instance takes part before it; undefined once it has passed. */
  #startAt: Micros | undefined;
  #lastRunAt: Micros;
  #beatAt: Micros;
  #realtime = 0;

  constructor(link: VrrpLink, host: RunnerHost) {
    this.#link = link;
    this.#host = host;
    this.#lastRunAt = link.now();
    this.#beatAt = this.#lastRunAt;
  }

  /** Takes a whole new set of instances: those that keep their identity keep their state. */
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
      if (config !== undefined && identity(config) === identity(runner.config)) {
        // What a reload does not touch keeps its timers too, and 200 routers do not advertise at once for nothing.
        if (JSON.stringify(config) !== JSON.stringify(runner.config))
          runner.reconfigure(config, this.#trackers.weigh(config, now).effectivePriority, now);
      } else {
        runner.instance.handle({ type: 'shutdown', reason: 'deconfigured', resign: true }, now);
        this.#instances.delete(name);
        this.#trackers.forget(name);
      }
    }
    for (const [name, config] of wanted)
      if (!this.#instances.has(name))
        this.#instances.set(name, new InstanceRunner(config, this.#link, this.#host, this.#claims));
    this.#weigh(now);
    this.#consider(now);
    this.#rest(now);
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
    for (const { socket } of this.#sockets.values()) socket.drain();
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
    for (const runner of due) {
      // Not the instant of waking: the last of 200 that are due together speaks 10 ms after the first.
      const acting = this.#link.now();
      this.#lateness.add((acting - (runner.deadline ?? acting)) as Micros);
      runner.instance.expire(acting);
      this.#considerOne(runner, acting);
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
    for (const { instance, config } of this.#instances.values())
      if (gap >= config.lease.gate_lifetime) instance.handle({ type: 'paused' }, now);
    if (gap >= 2 * beatInterval) this.#trackers.paused(now);
    return now;
  }

  #rest(now: Micros): void {
    let at = earlier(this.#startAt, earlier(this.#beatAt, this.#trackers.deadline)) ?? this.#beatAt;
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
    }
  }

  #consider(now: Micros): void {
    for (const runner of this.#instances.values()) this.#considerOne(runner, now);
    this.#closeUnused();
  }

  #considerOne(runner: InstanceRunner, now: Micros): void {
    const { config } = runner;
    const facts = this.#link.interface(config.interface);
    const takesPart = runner.instance.router.state !== 'initialize';
    const failed = this.#trackers.keepsOut(config.name, takesPart) ? 'tracker-failed' : undefined;
    const delayed = !takesPart && (this.#startAt ?? now) > now ? 'startup-delay' : undefined;
    runner.consider(
      facts,
      this.#held ?? delayed ?? failed,
      (ready) => this.#socketOn(ready, config.family),
      now,
    );
  }

  #socketOn(facts: InterfaceFacts, family: Family): VrrpSocket | string {
    const key = `${facts.index}/${family}`;
    const open = this.#sockets.get(key);
    if (open !== undefined) return open.socket;
    const label = `${facts.name}/${family}`;
    const discarded = this.#discarded.get(label) ?? discardCounters();
    this.#discarded.set(label, discarded);
    const socket = this.#link.open(facts, family, {
      onPacket: (packet) => this.#heard(packet, facts, discarded),
      onError: () => this.interfacesChanged(),
    });
    if (typeof socket !== 'string')
      this.#sockets.set(key, { socket, interfaceIndex: facts.index, family, discarded });
    return socket;
  }

  #closeUnused(): void {
    for (const [key, { socket, interfaceIndex, family }] of this.#sockets) {
      const used = [...this.#instances.values()].some(
        (runner) => runner.interfaceIndex === interfaceIndex && runner.config.family === family,
      );
      if (used) continue;
      socket.close();
      this.#sockets.delete(key);
    }
  }

  #heard(packet: ReceivedPacket, facts: InterfaceFacts, discarded: DiscardCounters): void {
    const now = this.#enter();
    const received = receive(packet, (vrid, family) =>
      [...this.#instances.values()].find(
        ({ config, interfaceIndex: index }) =>
          config.virtual_router_id === vrid && config.family === family && index === facts.index,
      ),
    );
    if (received.verdict === 'accept') received.listener.heard(received, packet.source, now);
    else {
      discarded[received.reason]++;
      if (received.reason === 'vrid') this.#noteOther(packet, facts.name, now);
      received.foreign?.listener.disbelieved(received.foreign, now);
    }
    this.#rest(now);
  }

  #noteOther({ family, source, data }: ReceivedPacket, name: string, now: Micros): void {
    const [first = 0, vrid = 0] = data;
    const other = { interface: name, family, source, vrid, version: first >> 4 };
    this.#others.note(Object.values(other).join(' '), other, now);
  }

  status(): VrrpStatus {
    const { gateUnavailable } = this.#link;
    const at = this.#link.now();
    return {
      at,
      instances: Array.from(this.#instances.values(), (runner) =>
        runner.status(this.#trackers.weigh(runner.config, at)),
      ),
      discarded: Object.fromEntries(this.#discarded),
      otherRouters: this.#others.list(),
      lateness: this.#lateness.status(),
      gate: gateUnavailable === undefined ? { available: true } : { available: false, why: gateUnavailable },
      realtime: this.#realtime,
    };
  }
}

/** What cannot change without leaving: another VRID, version, interface or source is another voice on the wire. */
const identity = ({ unicast, version = 3, ...config }: InstanceConfig): string =>
  JSON.stringify([
    ...[config.interface, config.family, config.virtual_router_id, version, config.mcast_src_ip ?? ''],
    ...[unicast !== undefined, unicast?.source ?? ''],
  ]);
