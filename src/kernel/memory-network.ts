/** A made-up link between made-up kernels: every packet of one reaches every other, as `carry` decides. */
import { after, type Micros } from '../base/time.ts';
import type { ReceivedPacket } from '../vrrp/receive.ts';
import type { MemoryWorld } from './memory.ts';

/** @returns the delay of every copy that arrives: none when the packet is lost, two when it is doubled */
export type Carry = (from: number, to: number, packet: ReceivedPacket) => readonly Micros[];

export class MemoryNetwork {
  readonly #world: MemoryWorld;
  readonly #carry: Carry;
  readonly #stations: ((packet: ReceivedPacket, from: number) => void)[] = [];

  constructor(world: MemoryWorld, carry: Carry) {
    this.#world = world;
    this.#carry = carry;
  }

  /** @returns the number of the station */
  attach(receive: (packet: ReceivedPacket, from: number) => void): number {
    return this.#stations.push(receive) - 1;
  }

  send(from: number, packet: ReceivedPacket): void {
    for (const [to, receive] of this.#stations.entries()) {
      if (to === from) continue;
      for (const delay of this.#carry(from, to, packet))
        this.#world.at(after(this.#world.now, delay), () => receive(packet, from));
    }
  }
}
