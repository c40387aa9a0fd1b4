/** The raw sockets of the vrrp process: one for an interface and a family, shared by the instances on it. */
import type { Family } from '../base/ip.ts';
import type { InterfaceFacts, VrrpLink, VrrpSocket } from './link.ts';
import { type DiscardCounters, discardCounters, type ReceivedPacket } from './receive.ts';

/** @returns a sentence when the socket cannot be had */
export type SocketOn = (facts: InterfaceFacts, family: Family) => VrrpSocket | string;

interface SharedSocket {
  readonly socket: VrrpSocket;
  readonly interfaceIndex: number;
  readonly family: Family;
}

export interface SocketEvents {
  /** `discarded`: where the packet is counted if it is not believed. */
  heard(packet: ReceivedPacket, facts: InterfaceFacts, discarded: DiscardCounters): void;
  failed(): void;
}

export class SharedSockets {
  readonly #link: VrrpLink;
  readonly #events: SocketEvents;
  readonly #sockets = new Map<string, SharedSocket>();
  /** By name of the interface: they outlive it. */
  readonly #discarded = new Map<string, DiscardCounters>();

  constructor(link: VrrpLink, events: SocketEvents) {
    this.#link = link;
    this.#events = events;
  }

  on(...[facts, family]: Parameters<SocketOn>): VrrpSocket | string {
    const key = `${facts.index}/${family}`;
    const open = this.#sockets.get(key);
    if (open !== undefined) return open.socket;
    const label = `${facts.name}/${family}`;
    const discarded = this.#discarded.get(label) ?? discardCounters();
    this.#discarded.set(label, discarded);
    const socket = this.#link.open(facts, family, {
      onPacket: (packet) => this.#events.heard(packet, facts, discarded),
      onError: () => this.#events.failed(),
    });
    if (typeof socket !== 'string') this.#sockets.set(key, { socket, interfaceIndex: facts.index, family });
    return socket;
  }

  drain(): void {
    for (const { socket } of this.#sockets.values()) socket.drain();
  }

  closeUnused(isUsed: (interfaceIndex: number, family: Family) => boolean): void {
    for (const [key, { socket, interfaceIndex, family }] of this.#sockets) {
      if (isUsed(interfaceIndex, family)) continue;
      socket.close();
      this.#sockets.delete(key);
    }
  }

  discarded(): Readonly<Record<string, DiscardCounters>> {
    return Object.fromEntries(this.#discarded);
  }
}
