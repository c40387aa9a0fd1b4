import type { Family } from '../../src/base/ip.ts';
import { MemoryLink, type MemoryLinkOptions } from '../../src/kernel/memory-link.ts';
import type { InterfaceFacts, VrrpSocket, VrrpSocketEvents } from '../../src/vrrp/link.ts';
import type { ReceivedPacket } from '../../src/vrrp/receive.ts';

/** A packet of the simulated link; `wrong` ones must be discarded. */
export interface SimulatedPacket extends ReceivedPacket {
  readonly from: number;
  readonly seq: number;
  readonly wrong?: string;
}

/** Rules of the world that `--break` turns off, besides those of the product. */
export interface Broken {
  readonly keepsLeftovers?: boolean;
  readonly packetsLast?: boolean;
  readonly renewsWhilePaused?: boolean;
  readonly trustsTtl?: boolean;
}

export interface PacketHandlers {
  before(packet: SimulatedPacket): void;
  after(packet: SimulatedPacket): void;
}

/** The link, with the judge between the socket and the loop. */
export class SimulatedLink extends MemoryLink {
  readonly #handlers: PacketHandlers;
  readonly #broken: Broken;

  constructor(options: MemoryLinkOptions, handlers: PacketHandlers, broken: Broken) {
    super(options);
    this.#handlers = handlers;
    this.#broken = broken;
  }

  override open(facts: InterfaceFacts, family: Family, events: VrrpSocketEvents): VrrpSocket {
    const socket = super.open(facts, family, {
      onPacket: (packet) => {
        this.#handlers.before(packet as SimulatedPacket);
        events.onPacket(this.#broken.trustsTtl === true ? { ...packet, ttl: 255 } : packet);
        this.#handlers.after(packet as SimulatedPacket);
      },
      onError: (errno) => events.onError(errno),
    });
    return this.#broken.packetsLast === true ? { ...socket, drain: () => undefined } : socket;
  }
}
