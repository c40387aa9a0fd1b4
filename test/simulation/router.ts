import { type Ip, ipFromBytes } from '../../src/base/ip.ts';
import type { Micros } from '../../src/base/time.ts';
import type { MemoryLinkOptions } from '../../src/kernel/memory-link.ts';
import { VrrpRunner } from '../../src/vrrp/runner.ts';
import type { State, TransitionReason } from '../../src/vrrp/events.ts';
import type { InstanceStatus } from '../../src/vrrp/status.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { type Booted, SimulatedProcess } from './process.ts';
import { eth0, interfaceOf } from './scenario.ts';
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

/** A router with one instance on one interface: the real loop over the made-up kernel. */
export class Router extends SimulatedProcess {
  config: InstanceConfig;
  /** What the file says; the process reads it at start and on reload. */
  wanted: InstanceConfig;
  /** Advertisements sent in all lives. */
  sent = 0;
  state: State = 'initialize';
  lastSentAt = -Infinity;
  readonly #watcher: Watcher;
  readonly #broken: Broken;
  readonly #send: (packet: SimulatedPacket) => void;

  constructor(
    number: number,
    config: InstanceConfig,
    world: World,
    watcher: Watcher,
    broken: Broken,
    send: (packet: SimulatedPacket) => void,
  ) {
    super(number, world, [interfaceOf(config.families[0]!, number)]);
    this.config = this.wanted = config;
    this.#watcher = watcher;
    this.#broken = broken;
    this.#send = send;
  }

  get hasCarrier(): boolean {
    return this.kernel.hasCarrier(eth0);
  }

  get status(): InstanceStatus | undefined {
    return this.runner?.status().instances[0];
  }

  receive(packet: SimulatedPacket): void {
    this.deliver(packet, eth0);
  }

  protected override beginTurn(): void {
    this.#watcher.turn(this);
  }

  protected override changed(): void {
    this.#watcher.changed(this);
  }

  protected override boot(): Booted {
    this.state = 'initialize';
    this.config = this.wanted;
    if (this.#broken.keepsLeftovers !== true) this.kernel.removeLeftovers();
    const link = new SimulatedLink(this.#linkOptions(), this.#handlers(), this.#broken);
    const runner = new VrrpRunner(link, {
      transition: (_name, from, to, reason, now) => this.#watcher.transition(this, from, to, reason, now),
      promoted: () => undefined,
      demoted: () => undefined,
      trouble: (_name, text) => this.world.trace(this.number, `trouble: ${text}`),
      beat: () => undefined,
      drainTrackers: () => undefined,
      weighed: (_name, words) => this.world.trace(this.number, words),
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
    return { link, runner };
  }

  protected override configure(runner: VrrpRunner): void {
    runner.configure([this.config], 0);
  }

  #linkOptions(): MemoryLinkOptions {
    return {
      ...this.chances(),
      send: (packet) => {
        this.sent++;
        this.lastSentAt = this.world.now;
        const marked = { ...packet, from: this.number, seq: this.sent };
        this.#watcher.sent(this, marked);
        this.#send(marked);
      },
      frame: (frame) => this.#watcher.announced(this, announcedAddress(frame)),
    };
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

  override crash(): void {
    this.state = 'initialize';
    super.crash();
  }

  override pause(): void {
    const { process } = this;
    super.pause();
    if (process === 'running' && this.#broken.renewsWhilePaused === true) this.#renewAnyway();
  }

  #renewAnyway(): void {
    this.kernel.later((this.now + this.config.advert_int / 2) as Micros, () => {
      if (this.process !== 'paused') return;
      this.kernel.writeGate('renew', this.kernel.virtualAddresses, this.config.lease.gate_lifetime);
      this.#renewAnyway();
    });
  }

  /** SIGHUP with another configuration. */
  reload(config: InstanceConfig): void {
    this.wanted = config;
    this.turn((runner) => {
      this.config = this.wanted;
      this.world.trace(this.number, `reloads: ${describe(this.config)}`);
      this.#watcher.reloaded(this);
      runner.configure([this.config], 0);
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
