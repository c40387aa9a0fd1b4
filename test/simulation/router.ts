import { type Ip, ipFromBytes } from '../../src/base/ip.ts';
import type { Micros } from '../../src/base/time.ts';
import { MemoryKernel } from '../../src/kernel/memory.ts';
import type { MemoryLinkOptions } from '../../src/kernel/memory-link.ts';
import { VrrpRunner } from '../../src/vrrp/runner.ts';
import type { State, TransitionReason } from '../../src/vrrp/events.ts';
import type { InstanceStatus } from '../../src/vrrp/status.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { interfaceOf } from './scenario.ts';
import { type Broken, type PacketHandlers, SimulatedLink, type SimulatedPacket } from './simulated-link.ts';
import type { World } from './world.ts';

/** Who looks on while a router runs: the judge. */
export interface Watcher {
  /** The loop begins a turn, before the product's code. */
  turn(router: Router): void;
  /** After a turn in which every deadline that had come was due. */
  woken(router: Router): void;
  /** Around the handling of one packet. */
  packet(router: Router, packet: SimulatedPacket): void;
  packetHandled(router: Router, packet: SimulatedPacket): void;
  transition(router: Router, from: State, to: State, reason: TransitionReason, now: Micros): void;
  /** Its new configuration is about to be handed to it. */
  reloaded(router: Router): void;
  sent(router: Router, packet: SimulatedPacket): void;
  announced(router: Router, address: Ip): void;
  /** The kernel's answers, or whether the process runs, have changed. */
  changed(router: Router): void;
}

/** One machine with, mostly, one vrrp process on it: the real loop over the made-up kernel. */
export class Router {
  readonly number: number;
  readonly kernel: MemoryKernel;
  config: InstanceConfig;
  /** What the file says; the process reads it at start and on reload. */
  wanted: InstanceConfig;
  /** The process: absent, running, or stopped by a signal. */
  process: 'absent' | 'running' | 'paused' = 'absent';
  lives = 0;
  /** Advertisements sent in all lives. */
  sent = 0;
  state: State = 'initialize';
  /** Longest that the kernel takes for a write now: a stall makes it 0.9 s. */
  stall = 0;
  lastStallAt = -Infinity;
  lastSentAt = -Infinity;
  /** When the hypervisor let the machine go on. */
  thawedAt = -Infinity;
  readonly #world: World;
  readonly #watcher: Watcher;
  readonly #broken: Broken;
  readonly #send: (packet: SimulatedPacket) => void;
  #link: SimulatedLink | undefined;
  #runner: VrrpRunner | undefined;
  #dying: SimulatedLink | undefined;

  constructor(
    number: number,
    config: InstanceConfig,
    world: World,
    watcher: Watcher,
    broken: Broken,
    send: (packet: SimulatedPacket) => void,
  ) {
    this.number = number;
    this.config = this.wanted = config;
    this.#world = world;
    this.#watcher = watcher;
    this.#broken = broken;
    this.#send = send;
    this.kernel = new MemoryKernel(world, interfaceOf(config.families[0]!, number));
    this.kernel.onAnswers = () => watcher.changed(this);
  }

  get now(): Micros {
    return this.kernel.now;
  }

  /** The process runs, and the machine too. */
  get alive(): boolean {
    return this.process === 'running' && !this.kernel.frozen;
  }

  get status(): InstanceStatus | undefined {
    return this.#runner?.status().instances[0];
  }

  get queued(): readonly SimulatedPacket[] {
    return (this.#link?.queued ?? []) as readonly SimulatedPacket[];
  }

  receive(packet: SimulatedPacket): void {
    // A machine that stands still loses what the hypervisor's ring cannot hold.
    if (this.kernel.frozen && this.#world.chance(0.5)) return;
    if (this.kernel.running) this.#link?.receive(packet);
  }

  start(): void {
    if (this.process !== 'absent') return;
    if (this.#dying?.inKernel === true) {
      this.kernel.later((this.now + 10_000) as Micros, () => this.start());
      return;
    }
    this.process = 'running';
    this.lives++;
    this.state = 'initialize';
    this.config = this.wanted;
    if (this.#broken.keepsLeftovers !== true) this.kernel.removeLeftovers();
    const link = new SimulatedLink(this.#linkOptions(), this.#handlers(), this.#broken);
    const runner = new VrrpRunner(link, {
      transition: (_name, from, to, reason, now) => this.#watcher.transition(this, from, to, reason, now),
      promoted: () => undefined,
      demoted: () => undefined,
      trouble: (_name, text) => this.#world.trace(this.number, `trouble: ${text}`),
      beat: () => undefined,
      drainTrackers: () => undefined,
      weighed: (_name, words) => this.#world.trace(this.number, words),
    });
    link.run({
      wake: () => {
        this.#watcher.turn(this);
        runner.wake();
        this.#watcher.woken(this);
      },
      interfacesChanged: () => {
        this.#watcher.turn(this);
        runner.interfacesChanged();
      },
    });
    this.#link = link;
    this.#runner = runner;
    this.#watcher.turn(this);
    runner.configure([this.config], 0);
    this.#watcher.changed(this);
  }

  #linkOptions(): MemoryLinkOptions {
    const world = this.#world;
    return {
      kernel: this.kernel,
      lateness: () => (world.chance(0.9) ? world.integer(0, 200) : world.integer(0, 5_000)) as Micros,
      latency: () => this.#latency(),
      shuffle: (turns) => world.shuffle(turns),
      send: (packet) => {
        this.sent++;
        this.lastSentAt = world.now;
        const marked = { ...packet, from: this.number, seq: this.sent };
        this.#watcher.sent(this, marked);
        this.#send(marked);
      },
      frame: (frame) => this.#watcher.announced(this, announcedAddress(frame)),
    };
  }

  #latency(): Micros {
    const world = this.#world;
    if (this.stall > 0 && world.chance(0.2)) {
      this.lastStallAt = world.now;
      return world.integer(100_000, this.stall) as Micros;
    }
    return (world.chance(0.98) ? world.integer(20, 200) : world.integer(200, 4_000)) as Micros;
  }

  #handlers(): PacketHandlers {
    return {
      before: (packet) => {
        this.#watcher.turn(this);
        this.#watcher.packet(this, packet);
      },
      after: (packet) => this.#watcher.packetHandled(this, packet),
    };
  }

  /** The hypervisor stops the machine, or lets it go on. */
  freeze(): void {
    this.kernel.freeze();
    this.#watcher.changed(this);
  }

  thaw(): void {
    this.kernel.thaw();
    this.thawedAt = this.#world.now;
    this.#watcher.changed(this);
  }

  /** kill -9 */
  crash(): void {
    this.process = 'absent';
    this.state = 'initialize';
    this.#link?.kill();
    this.#dying = this.#link;
    this.#link = undefined;
    this.#runner = undefined;
    this.#watcher.changed(this);
  }

  /** SIGSTOP */
  pause(): void {
    if (this.process !== 'running') return;
    this.process = 'paused';
    this.#link?.stop();
    this.#watcher.changed(this);
    if (this.#broken.renewsWhilePaused === true) this.#renewAnyway();
  }

  /** SIGCONT */
  resume(): void {
    if (this.process !== 'paused') return;
    this.process = 'running';
    this.#watcher.changed(this);
    this.#link?.resume();
  }

  #renewAnyway(): void {
    this.kernel.later((this.now + this.config.advert_int / 2) as Micros, () => {
      if (this.process !== 'paused') return;
      this.kernel.writeGate('renew', this.kernel.virtualAddresses, this.config.lease.gate_lifetime);
      this.#renewAnyway();
    });
  }

  /** SIGTERM: farewell, then exit when the kernel has answered every write. */
  stop(): void {
    const [link, runner] = [this.#link, this.#runner];
    if (this.process !== 'running' || link === undefined) return;
    link.turn(() => {
      this.#watcher.turn(this);
      runner?.hold('stop');
      this.#exitWhenIdle(link);
    });
  }

  #exitWhenIdle(link: SimulatedLink): void {
    this.kernel.later((this.now + 1_000) as Micros, () => {
      if (this.#link !== link) return;
      if (link.idle && this.process === 'running') this.crash();
      else this.#exitWhenIdle(link);
    });
  }

  /** SIGHUP with another configuration. */
  reload(config: InstanceConfig): void {
    this.wanted = config;
    const runner = this.#runner;
    this.#link?.turn(() => {
      this.#watcher.turn(this);
      this.config = this.wanted;
      this.#world.trace(this.number, `reloads: ${describe(this.config)}`);
      this.#watcher.reloaded(this);
      runner?.configure([this.config], 0);
    });
  }
}

/** What differs between routers, in one line of the trace. */
export const describe = ({
  priority,
  advert_int,
  preempt,
  lease,
  virtual_ipaddress,
}: InstanceConfig): string =>
  `priority ${priority}, advert_int ${advert_int / 1_000} ms, preempt ${preempt.mode} after ${preempt.delay / 1_000} ms, ` +
  `lease ${lease.mode} ${lease.gate_lifetime / 1_000} ms, ${virtual_ipaddress.length} addresses`;

/** Sender protocol address of an ARP frame, target of a Neighbor Advertisement. */
const announcedAddress = (frame: Uint8Array): Ip =>
  ipFromBytes(frame[12] === 0x08 ? frame.subarray(28, 32) : frame.subarray(62, 78));
