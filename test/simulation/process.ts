import type { Micros } from '../../src/base/time.ts';
import { MemoryKernel, type MemoryInterface } from '../../src/kernel/memory.ts';
import type { MemoryLinkOptions } from '../../src/kernel/memory-link.ts';
import type { VrrpRunner } from '../../src/vrrp/runner.ts';
import type { SimulatedLink, SimulatedPacket } from './simulated-link.ts';
import type { World } from './world.ts';

export interface Booted {
  readonly link: SimulatedLink;
  readonly runner: VrrpRunner;
}

/** A machine with, mostly, one vrrp process on it: the ways in which both can live, stand still and die. */
export abstract class SimulatedProcess {
  readonly number: number;
  readonly kernel: MemoryKernel;
  /** The process: absent, running, or stopped by a signal. */
  process: 'absent' | 'running' | 'paused' = 'absent';
  lives = 0;
  /** Longest that the kernel takes for a write now: a stall makes it 0.9 s. */
  stall = 0;
  lastStallAt = -Infinity;
  /** When the hypervisor let the machine go on. */
  thawedAt = -Infinity;
  protected readonly world: World;
  #booted: Booted | undefined;
  #dying: SimulatedLink | undefined;

  constructor(number: number, world: World, interfaces: readonly MemoryInterface[]) {
    this.number = number;
    this.world = world;
    this.kernel = new MemoryKernel(world, interfaces);
    this.kernel.onAnswers = () => this.changed();
  }

  /** The first thing of a life: what is in the kernel is of an earlier one. */
  protected abstract boot(): Booted;
  /** In the first turn of a life. */
  protected abstract configure(runner: VrrpRunner): void;
  /** The loop begins a turn, before the product's code. */
  protected abstract beginTurn(): void;
  /** The kernel's answers, or whether the process runs, have changed. */
  protected abstract changed(): void;

  get now(): Micros {
    return this.kernel.now;
  }

  /** The process runs, and the machine too. */
  get alive(): boolean {
    return this.process === 'running' && !this.kernel.frozen;
  }

  get queued(): readonly SimulatedPacket[] {
    return (this.#booted?.link.queued ?? []) as readonly SimulatedPacket[];
  }

  protected get runner(): VrrpRunner | undefined {
    return this.#booted?.runner;
  }

  /** What comes on an interface. */
  protected deliver(packet: SimulatedPacket, interfaceIndex: number): void {
    // A machine that stands still loses what the hypervisor's ring cannot hold.
    if (this.kernel.frozen && this.world.chance(0.5)) return;
    if (this.kernel.hasCarrier(interfaceIndex)) this.#booted?.link.receive(packet, interfaceIndex);
  }

  /** A turn of the loop for something of the world that is no packet. */
  protected turn(run: (runner: VrrpRunner) => void): void {
    const booted = this.#booted;
    booted?.link.turn(() => {
      this.beginTurn();
      run(booted.runner);
    });
  }

  start(): void {
    if (this.process !== 'absent') return;
    if (this.#dying?.inKernel === true) {
      this.kernel.later((this.now + 10_000) as Micros, () => this.start());
      return;
    }
    this.process = 'running';
    this.lives++;
    this.#booted = this.boot();
    this.beginTurn();
    this.configure(this.#booted.runner);
    this.changed();
  }

  /** Chances of a link: its loop is late, its kernel is slow, what waited comes in any order. */
  protected chances(): Pick<MemoryLinkOptions, 'kernel' | 'lateness' | 'latency' | 'shuffle'> {
    const { world, kernel } = this;
    return {
      kernel,
      lateness: () => (world.chance(0.9) ? world.integer(0, 200) : world.integer(0, 5_000)) as Micros,
      latency: () => this.#latency(),
      shuffle: (turns) => world.shuffle(turns),
    };
  }

  #latency(): Micros {
    const { world } = this;
    if (this.stall > 0 && world.chance(0.2)) {
      this.lastStallAt = world.now;
      return world.integer(100_000, this.stall) as Micros;
    }
    return (world.chance(0.98) ? world.integer(20, 200) : world.integer(200, 4_000)) as Micros;
  }

  /** The hypervisor stops the machine, or lets it go on. */
  freeze(): void {
    this.kernel.freeze();
    this.changed();
  }

  thaw(): void {
    this.kernel.thaw();
    this.thawedAt = this.world.now;
    this.changed();
  }

  /** kill -9 */
  crash(): void {
    this.process = 'absent';
    this.#booted?.link.kill();
    this.#dying = this.#booted?.link;
    this.#booted = undefined;
    this.changed();
  }

  /** SIGSTOP */
  pause(): void {
    if (this.process !== 'running') return;
    this.process = 'paused';
    this.#booted?.link.stop();
    this.changed();
  }

  /** SIGCONT */
  resume(): void {
    if (this.process !== 'paused') return;
    this.process = 'running';
    this.changed();
    this.#booted?.link.resume();
  }

  /** SIGTERM: farewell, then exit when the kernel has answered every write. */
  stop(): void {
    const booted = this.#booted;
    if (this.process !== 'running' || booted === undefined) return;
    this.turn((runner) => {
      runner.hold('stop');
      this.#exitWhenIdle(booted);
    });
  }

  #exitWhenIdle(booted: Booted): void {
    this.kernel.later((this.now + 1_000) as Micros, () => {
      if (this.#booted !== booted) return;
      if (booted.link.idle && this.process === 'running') this.crash();
      else this.#exitWhenIdle(booted);
    });
  }
}
