/**
 * A made-up kernel: the same behaviour as the Linux one where the lease depends on it, in the time of a made-up world.
 * The simulation runs the real vrrp loop on it, and it needs neither root nor namespaces.
 *
 * What was measured on Linux and is copied here:
 *   - a gate element dies a little before its time (600 ms: 584–594), never after; its time counts from the instant the
 *     kernel took the write, and renewing one that is dead is refused;
 *   - an address whose valid_lft is over goes late (2 s: 2.0–5 s), and a refresh of one that is gone brings it back;
 *   - a machine that its hypervisor stops stops with its clock; a process that is stopped or killed does not stop either.
 */
import type { Ip, Prefix } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { type Micros, micros, milliseconds, seconds } from '../base/time.ts';
import type { AddressOutcome, GateOutcome } from '../vrrp/instance.ts';
import type { AddressWrite, InterfaceAddress, InterfaceFacts } from '../vrrp/link.ts';

/** Time and chance. A world with the same seed must give the same numbers in the same order. */
export interface MemoryWorld {
  readonly now: Micros;
  /** Calls in the order of their instants; of one instant, in the order of asking. */
  at(instant: Micros, run: () => void): void;
  /** In [0, 1). */
  random(): number;
}

export interface MemoryInterface {
  readonly name: string;
  readonly index: number;
  readonly mac: Mac;
  /** Its own addresses, in the order in which the kernel lists them. */
  readonly primaries: readonly Prefix[];
}

interface Expiring {
  /** Undefined: never. */
  until: Micros | undefined;
  watched: boolean;
}

interface Virtual extends Expiring {
  readonly interfaceIndex: number;
  readonly length: number;
}

interface Gated {
  /** The element of the lease set; undefined when there is none. */
  lease: Expiring | undefined;
}

const gateShortfall = milliseconds(16);
const addressOvertime = seconds(3.4);

/** One machine: its interfaces, their addresses, the gate. It outlives the processes that run on it. */
export class MemoryKernel {
  readonly #world: MemoryWorld;
  readonly #interfaces: readonly MemoryInterface[];
  readonly #virtual = new Map<Ip, Virtual>();
  readonly #gate = new Map<Ip, Gated>();
  readonly #listeners = new Set<() => void>();
  readonly #whenThawed: (() => void)[] = [];
  /** By name of the interface, until something changes. */
  readonly #facts = new Map<string, InterfaceFacts>();
  /** Indexes of the interfaces without a carrier. */
  readonly #unplugged = new Set<number>();
  readonly #tentative = new Set<Ip>();
  /** World time minus ours: what the hypervisor kept from us. */
  #lostTime = 0;
  #frozenAt: Micros | undefined;
  /** A rule that `--break` of the simulation turns off: a dead element cannot be renewed. */
  refusesLapsed = true;
  /** What the gate was asked last. */
  lastGateOperation: 'open' | 'renew' | 'close' | 'forget' = 'close';

  constructor(world: MemoryWorld, interfaces: readonly MemoryInterface[]) {
    this.#world = world;
    this.#interfaces = interfaces;
  }

  /** CLOCK_BOOTTIME */
  get now(): Micros {
    return ((this.#frozenAt ?? this.#world.now) - this.#lostTime) as Micros;
  }

  get frozen(): boolean {
    return this.#frozenAt !== undefined;
  }

  /** Runs at an instant of this machine's own clock. */
  later(instant: Micros, run: () => void): void {
    this.#world.at(micros(instant + this.#lostTime), () => {
      if (this.#frozenAt !== undefined) this.#whenThawed.push(() => this.later(instant, run));
      else if (this.now < instant) this.later(instant, run);
      else run();
    });
  }

  /** The hypervisor stops the machine: clock, kernel, processes. */
  freeze(): void {
    this.#frozenAt ??= this.#world.now;
  }

  thaw(): void {
    if (this.#frozenAt === undefined) return;
    this.#lostTime += this.#world.now - this.#frozenAt;
    this.#frozenAt = undefined;
    for (const again of this.#whenThawed.splice(0)) again();
  }

  hasCarrier(index: number): boolean {
    return !this.#unplugged.has(index);
  }

  setCarrier(index: number, carrier: boolean): void {
    if (carrier) this.#unplugged.delete(index);
    else this.#unplugged.add(index);
    this.#changed();
  }

  /** Duplicate address detection of one of the machine's own addresses begins, or ends. */
  setTentative(address: Ip, tentative: boolean): void {
    if (tentative) this.#tentative.add(address);
    else this.#tentative.delete(address);
    this.#changed();
  }

  facts(name: string): InterfaceFacts | undefined {
    const known = this.#facts.get(name);
    const found = known === undefined ? this.#interfaces.find((one) => one.name === name) : undefined;
    if (found === undefined) return known;
    const { index, mac, primaries } = found;
    const own: readonly InterfaceAddress[] = primaries.map((primary) => ({
      ...primary,
      ours: false,
      tentative: this.#tentative.has(primary.address),
    }));
    const virtual = Array.from(this.#virtual)
      .filter(([, { interfaceIndex }]) => interfaceIndex === index)
      .map(([address, { length }]) => ({ address, length, ours: true, tentative: false }));
    const addresses = [...own, ...virtual];
    const running = this.hasCarrier(index);
    const facts = { name, index, up: true, running, mac, router: true, addresses };
    this.#facts.set(name, facts);
    return facts;
  }

  /** RTM_NEWADDR, RTM_DELADDR and carrier, as a process that listens sees them: that something changed. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether the machine answers for an address: it is there, and no gate keeps it silent. */
  answers(address: Ip): boolean {
    if (!this.#virtual.has(address)) return false;
    const gated = this.#gate.get(address);
    return gated === undefined || this.#alive(gated.lease);
  }

  /** Whether packets for this address are taken. */
  isOurs(address: Ip): boolean {
    const own = this.#interfaces.some(({ primaries }) =>
      primaries.some((primary) => primary.address === address),
    );
    return own || this.#virtual.has(address);
  }

  has(address: Ip): boolean {
    return this.#virtual.has(address);
  }

  get virtualAddresses(): readonly Ip[] {
    return [...this.#virtual.keys()];
  }

  /** When the last live element of the gate dies; undefined when none lives. */
  get gateOpenUntil(): Micros | undefined {
    let last: Micros | undefined;
    for (const { lease } of this.#gate.values())
      if (this.#alive(lease) && lease?.until !== undefined && lease.until > (last ?? 0)) last = lease.until;
    return last;
  }

  #alive(element: Expiring | undefined): boolean {
    return element?.until !== undefined && element.until > this.now;
  }

  /** Another program takes an address away. */
  strip(address: Ip): void {
    if (this.#virtual.delete(address)) this.#changed();
  }

  /** What a starting daemon does first: addresses and gate of an earlier life go. */
  removeLeftovers(): void {
    this.#gate.clear();
    this.#virtual.clear();
    this.#changed();
  }

  writeAddress(write: AddressWrite): AddressOutcome {
    const { operation, interfaceIndex, lifetime_s } = write;
    const { address, length } = write.address;
    const present = this.#virtual.get(address);
    if (operation === 'remove') {
      this.#virtual.delete(address);
      this.#changed();
      return 'done';
    }
    const overtime = micros(this.#world.random() * addressOvertime);
    const until = lifetime_s === undefined ? undefined : micros(this.now + lifetime_s * 1_000_000 + overtime);
    const entry = present ?? { interfaceIndex, length, until, watched: false };
    entry.until = until;
    this.#virtual.set(address, entry);
    this.#expireAddress(address, entry);
    if (present === undefined) this.#changed();
    return 'done';
  }

  #expireAddress(address: Ip, entry: Expiring): void {
    this.#watch(entry, () => {
      if (this.#virtual.get(address) !== entry) return;
      this.#virtual.delete(address);
      this.#changed();
    });
  }

  /** One batch: all addresses, or none. @param lifetime of the elements, counted from now */
  writeGate(
    operation: 'open' | 'renew' | 'close' | 'forget',
    addresses: readonly Ip[],
    lifetime: Micros,
  ): GateOutcome {
    if (operation === 'renew' && this.refusesLapsed)
      if (addresses.some((address) => !this.#alive(this.#gate.get(address)?.lease))) return 'lapsed';
    this.lastGateOperation = operation;
    for (const address of addresses) this.#gateOne(operation, address, lifetime);
    this.#notice();
    return 'done';
  }

  #gateOne(operation: 'open' | 'renew' | 'close' | 'forget', address: Ip, lifetime: Micros): void {
    if (operation === 'forget') {
      this.#gate.delete(address);
      return;
    }
    const gated = this.#gate.get(address) ?? { lease: undefined };
    this.#gate.set(address, gated);
    if (operation === 'close') {
      gated.lease = undefined;
      return;
    }
    const shortfall = Math.min(lifetime - 1, this.#world.random() * gateShortfall);
    gated.lease ??= { until: undefined, watched: false };
    gated.lease.until = micros(this.now + lifetime - shortfall);
    this.#watch(gated.lease, () => this.#notice());
  }

  /** One look at a time per thing that can expire, however often it is renewed. */
  #watch(entry: Expiring, expired: () => void): void {
    if (entry.watched || entry.until === undefined) return;
    entry.watched = true;
    this.later(entry.until, () => {
      entry.watched = false;
      if (entry.until !== undefined && entry.until <= this.now) expired();
      else this.#watch(entry, expired);
    });
  }

  /** Called after every change of what the machine answers for; the world looks, no process hears of it. */
  onAnswers: () => void = () => undefined;

  #notice(): void {
    this.onAnswers();
  }

  #changed(): void {
    this.#facts.clear();
    this.#notice();
    for (const listener of this.#listeners) listener();
  }
}

/** After `latency` of a write, what is left of a lease that ends at `until`; the kernel counts in milliseconds. */
export const remainingAt = (until: Micros, now: Micros): Micros =>
  milliseconds(Math.max(1, Math.floor((until - now) / 1_000)));
