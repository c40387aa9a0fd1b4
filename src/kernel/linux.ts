/** The vrrp process's port over Linux. */
import type { Family, Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type { AddressOutcome, GateOutcome } from '../vrrp/instance.ts';
import type { GateWrite } from '../vrrp/lease.ts';
import type { AddressWrite, InterfaceFacts, VrrpLink, VrrpSocket, VrrpSocketEvents } from '../vrrp/link.ts';
import { Interfaces } from './interfaces.ts';
import { native } from './native.ts';
import * as so from './sockaddr.ts';
import { openVrrpSocket } from './vrrp-socket.ts';
import { Writers } from './writers.ts';

const SCHED_RR = 2;

export interface LinuxEvents {
  interfacesChanged(): void;
  wake(): void;
}

export class LinuxLink implements VrrpLink {
  readonly #interfaces: Interfaces;
  readonly #writers = new Writers();
  readonly #timer: ReturnType<typeof native.timer>;
  /** Protocol 0: it sends frames and never receives any. */
  readonly #packetSocket = native.socket(so.AF_PACKET, so.SOCK_RAW, 0);
  #wakeAt: Micros | undefined;
  #addressesRefused: string | undefined;
  #gateUnavailable: string | undefined = 'it was not prepared';

  constructor(events: LinuxEvents) {
    this.#interfaces = new Interfaces(() => events.interfacesChanged());
    this.#timer = native.timer(() => {
      this.#wakeAt = undefined;
      events.wake();
    });
  }

  /** Reads the interfaces, removes what an earlier life left behind, and makes the gate. Before the first advertisement. */
  async prepare(): Promise<void> {
    await this.#interfaces.read();
    const leftovers = this.#interfaces.own();
    await Promise.all(
      leftovers.map((address) => new Promise<void>((done) => this.#writers.removeAddress(address, done))),
    );
    this.#addressesRefused = await new Promise((done) => this.#writers.mayWrite(done));
    // Only when its addresses are gone may a gate of an earlier life stop guarding them.
    await new Promise<void>((done) => this.#writers.teardownGate(done));
    this.#gateUnavailable = await new Promise((done) => this.#writers.prepareGate(done));
  }

  get gateUnavailable(): string | undefined {
    return this.#gateUnavailable;
  }

  get writesInFlight(): number {
    return this.#writers.inFlight;
  }

  /** Puts this loop and the threads that write for it into the real-time class, or back. @returns 0 or -errno */
  schedule(priority: number): number {
    const policy = priority > 0 ? SCHED_RR : 0;
    const result = native.schedule(policy, priority);
    if (result === 0) this.#writers.schedule(policy, priority);
    return result;
  }

  now(): Micros {
    return native.now() as Micros;
  }

  wakeAt(at: Micros): void {
    if (at === this.#wakeAt) return;
    this.#wakeAt = at;
    this.#timer.set(at);
  }

  interface(name: string): InterfaceFacts | undefined {
    return this.#interfaces.facts(name);
  }

  open(facts: InterfaceFacts, family: Family, events: VrrpSocketEvents): VrrpSocket | string {
    // Who may not own the addresses must not win them from a peer that does.
    if (this.#addressesRefused !== undefined) return `addresses cannot be written: ${this.#addressesRefused}`;
    return openVrrpSocket(facts, family, events);
  }

  sendFrame(interfaceIndex: number, frame: Uint8Array): number {
    const sent = native.send(this.#packetSocket, frame, so.packetAddress(interfaceIndex, 0));
    return sent < 0 ? -sent : 0;
  }

  writeAddress(write: AddressWrite, done: (outcome: AddressOutcome) => void): void {
    if (write.operation === 'add') this.#interfaces.noteAdded(write.interfaceIndex, write.address.address);
    this.#writers.writeAddress(write, done);
  }

  writeGate(
    operation: 'open' | 'renew' | 'close' | 'forget',
    addresses: readonly Ip[],
    write: GateWrite | undefined,
    done: (outcome: GateOutcome) => void,
  ): void {
    this.#writers.writeGate(operation, addresses, write, done);
  }

  close(): void {
    this.#timer.stop();
    this.#interfaces.close();
    this.#writers.close();
    native.close(this.#packetSocket);
  }
}
