import type { InstanceStatus, VrrpStatus } from '../../../src/vrrp/status.ts';
import type { State, TransitionReason } from '../../../src/vrrp/events.ts';
import type { TrackerReport } from '../../../src/vrrp/track-board.ts';
import { VrrpRunner } from '../../../src/vrrp/runner.ts';
import type { InstanceConfig } from '../../../src/vrrp/types.ts';
import { type Booted, SimulatedProcess } from '../process.ts';
import { SimulatedLink, type SimulatedPacket } from '../simulated-link.ts';
import type { World } from '../world.ts';
import { interfaceIndex, type Station } from './scenario.ts';

/** Who looks on while a router runs: the judge. */
export interface Onlooker {
  /** A life begins. */
  born(director: Director): void;
  /** The loop begins a turn, before the product's code. */
  turn(director: Director): void;
  /** Before the product handles a packet that came over this family. */
  heard(director: Director, instance: InstanceConfig, packet: SimulatedPacket): void;
  /** What a tracker says is given to the product now. */
  told(director: Director, report: TrackerReport): void;
  transition(
    director: Director,
    instance: InstanceConfig,
    from: State,
    to: State,
    reason: TransitionReason,
  ): void;
  /** The kernel's answers, or whether the process runs, have changed. */
  changed(director: Director): void;
}

export type Send = (link: number, packet: SimulatedPacket) => void;

/** A router with several interfaces, several instances or trackers: the real loop over the made-up kernel. */
export class Director extends SimulatedProcess {
  readonly station: Station;
  /** By name of the instance, as the product told. */
  readonly states = new Map<string, State>();
  readonly #onlooker: Onlooker;
  readonly #send: Send;
  #sent = 0;
  /** Waiting in the socket of the trackers. */
  readonly #words: TrackerReport[] = [];

  constructor(number: number, station: Station, world: World, onlooker: Onlooker, send: Send) {
    super(number, world, station.interfaces);
    this.station = station;
    this.#onlooker = onlooker;
    this.#send = send;
  }

  stateOf({ name }: InstanceConfig): State {
    return this.states.get(name) ?? 'initialize';
  }

  statusOf({ name }: InstanceConfig): InstanceStatus | undefined {
    return this.status?.instances.find(({ config }) => config.name === name);
  }

  get status(): VrrpStatus | undefined {
    return this.runner?.status();
  }

  /** It has an address on eth0 to speak from over IPv6. */
  get speaksSix(): boolean {
    const own = this.kernel.facts('eth0')?.addresses.filter(({ ours, tentative }) => !ours && !tentative);
    return own?.some(({ address }) => address.includes(':')) === true;
  }

  receive(link: number, packet: SimulatedPacket): void {
    this.deliver(packet, interfaceIndex(link));
  }

  /** A tracker's word arrives at the socket of the process. */
  tell(report: TrackerReport): void {
    if (this.process === 'absent') return;
    this.#words.push(report);
    this.turn((runner) => this.#drainWords(runner));
  }

  #drainWords(runner: VrrpRunner): void {
    for (let word = this.#words.shift(); word !== undefined; word = this.#words.shift()) {
      this.#onlooker.told(this, word);
      runner.tracked(word);
    }
  }

  protected override boot(): Booted {
    this.states.clear();
    this.#words.length = 0;
    this.kernel.removeLeftovers();
    this.#onlooker.born(this);
    const link = this.#link();
    const runner: VrrpRunner = new VrrpRunner(link, {
      transition: (name, from, to, reason) => this.#transition(name, from, to, reason),
      promoted: () => undefined,
      demoted: () => undefined,
      trouble: (name, text) => this.world.trace(this.number, `${name}: ${text}`),
      beat: () => undefined,
      drainTrackers: () => this.#drainWords(runner),
      weighed: (name, words) => this.world.trace(this.number, `${name}: ${words}`),
    });
    link.run({
      wake: () => {
        this.#onlooker.turn(this);
        runner.wake();
      },
      interfacesChanged: () => {
        this.#onlooker.turn(this);
        runner.interfacesChanged();
      },
    });
    return { link, runner };
  }

  #link(): SimulatedLink {
    const options = {
      ...this.chances(),
      send: (packet: Omit<SimulatedPacket, 'from' | 'seq'>, index: number) =>
        this.#send(index - interfaceIndex(0), { ...packet, from: this.number, seq: ++this.#sent }),
      frame: () => undefined,
    };
    const before = (packet: SimulatedPacket): void => {
      this.#onlooker.turn(this);
      // In these worlds a VRID is of one instance, whatever the link.
      const instance = this.station.configs.find(({ virtual_router_id: vrid }) => vrid === packet.data[1]);
      if (instance !== undefined) this.#onlooker.heard(this, instance, packet);
    };
    return new SimulatedLink(options, { before, after: () => undefined }, {});
  }

  #transition(name: string, from: State, to: State, reason: TransitionReason): void {
    this.world.trace(this.number, `${name} ${from} → ${to}: ${reason}`);
    const instance = this.station.configs.find((config) => config.name === name)!;
    this.#onlooker.transition(this, instance, from, to, reason);
  }

  protected override configure(runner: VrrpRunner): void {
    runner.configure(this.station.configs, 0, this.station.trackers);
  }

  protected override beginTurn(): void {
    this.#onlooker.turn(this);
  }

  protected override changed(): void {
    this.#onlooker.changed(this);
  }

  override crash(): void {
    this.states.clear();
    super.crash();
  }
}
