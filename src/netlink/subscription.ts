import { NetlinkError } from './error.ts';
import type { Message } from './message.ts';
import { readMessages } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

export interface SubscriptionHandlers {
  /** One event; its payload is valid only during the call. */
  readonly onMessage: (message: Message) => void;
  /**
   * Events were lost: what was read before is no longer known to be true. Dump again; the subscription lives
   * on.
   */
  readonly onOverrun: () => void;
}

/**
 * Kernel events of the given multicast groups, on a socket of their own so that a flood of them cannot push
 * out the answers to requests. Subscribe first, dump then: nothing that changes in between is missed.
 */
export class NetlinkSubscription {
  readonly discarded = { foreign: 0, malformed: 0 };
  readonly #socket: NetlinkSocket;
  readonly #handlers: SubscriptionHandlers;

  constructor(socket: NetlinkSocket, groups: readonly number[], handlers: SubscriptionHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    for (const group of groups) {
      const result = socket.join(group);
      if (result < 0) throw new NetlinkError({ operation: `join netlink group ${group}`, errno: -result });
    }
    socket.receive(
      ({ data, senderPort }) => this.#onDatagram(data, senderPort),
      // ENOBUFS, or EMSGSIZE when a datagram was cut: whatever the error, events are missing.
      () => this.#handlers.onOverrun(),
    );
  }

  close(): void {
    this.#socket.close();
  }

  #onDatagram(data: Uint8Array, senderPort: number): void {
    if (senderPort !== 0) {
      this.discarded.foreign++;
      return;
    }
    const messages = readMessages(data);
    if (!messages.ok) {
      this.discarded.malformed++;
      this.#handlers.onOverrun();
      return;
    }
    for (const message of messages.value) this.#handlers.onMessage(message);
  }
}
