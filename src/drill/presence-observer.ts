import type { Ip } from '../base/ip.ts';
import { dumpAddresses } from '../netlink/address.ts';
import { NetlinkConnection } from '../netlink/connection.ts';
import type { Message } from '../netlink/message.ts';
import { decodeRouteEvent, RouteGroup } from '../netlink/route-event.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { NetlinkSubscription } from '../netlink/subscription.ts';
import type { ClockPort } from './clock.ts';
import { readClock } from './clock.ts';
import type { PresenceEvent } from './timeline.ts';

/** Opens a route netlink socket inside a network namespace. */
export type OpenRouteSocket = (netns: string) => NetlinkSocket;

/**
 * Records when watched addresses come and go on each director, from the kernel's own events. An instant is
 * when the event was read, so it is late by as much as this process was busy.
 */
export class PresenceObserver {
  readonly #clock: ClockPort;
  readonly #addresses: readonly Ip[];
  readonly #events = new Map<Ip, PresenceEvent[]>();
  readonly #sockets: { close(): void }[] = [];

  private constructor(clock: ClockPort, addresses: readonly Ip[]) {
    this.#clock = clock;
    this.#addresses = addresses;
  }

  /**
   * @param directors network namespaces; events name them by index
   * @returns after the first reading of each
   * @throws NetlinkError
   */
  static async start(
    port: { readonly clock: ClockPort; readonly open: OpenRouteSocket },
    directors: readonly string[],
    addresses: readonly Ip[],
  ): Promise<PresenceObserver> {
    const observer = new PresenceObserver(port.clock, addresses);
    try {
      await Promise.all(
        directors.map(async (netns, director) => observer.#watch(port.open, netns, director)),
      );
    } catch (error) {
      observer.close();
      throw error;
    }
    return observer;
  }

  events(address: Ip): readonly PresenceEvent[] {
    return this.#events.get(address) ?? [];
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async #watch(open: OpenRouteSocket, netns: string, director: number): Promise<void> {
    const requests = new NetlinkConnection(open(netns));
    this.#sockets.push(requests);
    const readAll = async (): Promise<void> => {
      const present = new Set(
        (await requests.dump(dumpAddresses())).map((message) => addressOf(message)?.address),
      );
      for (const address of this.#addresses) this.#record(address, director, present.has(address));
    };
    const subscription = new NetlinkSubscription(
      open(netns),
      [RouteGroup.ipv4Address, RouteGroup.ipv6Address],
      {
        onMessage: (message) => {
          const change = addressOf(message);
          if (change !== undefined) this.#record(change.address, director, !change.gone);
        },
        // The connection may have been closed meanwhile: then nobody wants to know any more.
        onOverrun: () => void readAll().catch(() => undefined),
      },
    );
    this.#sockets.push(subscription);
    await readAll();
  }

  #record(address: Ip, director: number, present: boolean): void {
    if (!this.#addresses.includes(address)) return;
    const events = this.#events.get(address) ?? [];
    this.#events.set(address, events);
    const known = events.findLast((event) => event.director === director)?.present ?? false;
    // A refreshed lifetime is reported as another NEWADDR.
    if (known !== present) events.push({ at: readClock(this.#clock), director, present });
  }
}

function addressOf(message: Message): { readonly address: Ip; readonly gone: boolean } | undefined {
  const event = decodeRouteEvent(message);
  if (event?.ok !== true || event.value.kind !== 'address') return undefined;
  return { address: event.value.address.local, gone: event.value.gone };
}
