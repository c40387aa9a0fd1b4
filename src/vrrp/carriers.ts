/** The families that carry one election: the sources and sockets that we speak with. */
import { type Family, familyOf, type Ip } from '../base/ip.ts';
import type { VrrpDatagram, VrrpSocket } from './link.ts';

/** There is no socket of this family. */
const ENOTCONN = 107;

export class Carriers {
  readonly #sockets = new Map<Family, VrrpSocket>();
  #primaries: readonly Ip[] = [];

  get primaries(): readonly Ip[] {
    return this.#primaries;
  }

  /** @returns whether the sources have changed */
  take(primaries: readonly Ip[]): boolean {
    const same = primaries.join() === this.#primaries.join();
    this.#primaries = primaries;
    return !same;
  }

  get isOpen(): boolean {
    return this.#sockets.size > 0;
  }

  /** Opens what has a source and no socket. @returns what was refused, in words */
  open(socketOn: (family: Family) => VrrpSocket | string): readonly string[] {
    return this.#primaries.map(familyOf).flatMap((family) => {
      if (this.#sockets.has(family)) return [];
      const socket = socketOn(family);
      if (typeof socket === 'string') return [socket];
      this.#sockets.set(family, socket);
      return [];
    });
  }

  /** The sockets are the runner's, which shares them: they are let go of. */
  close(): void {
    this.#sockets.clear();
  }

  /** @returns 0 or a positive errno */
  send(datagram: VrrpDatagram): number {
    return this.#sockets.get(familyOf(datagram.source))?.send(datagram) ?? ENOTCONN;
  }
}
