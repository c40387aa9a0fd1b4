import type { Micros } from '../../src/base/time.ts';
import { micros } from '../../src/base/time.ts';
import { readAdvertFrame } from '../../src/drill/advert-observer.ts';
import { readClock } from '../../src/drill/clock.ts';
import type { LinkEnd } from '../../src/drill/packet-socket.ts';
import { expectDone, filterProtocol, openPacketSocket } from '../../src/drill/packet-socket.ts';
import { readControl } from '../../src/kernel/control-message.ts';
import { native } from '../../src/kernel/native.ts';
import { ETH_P_ARP, SO_RCVBUFFORCE, SOL_PACKET, SOL_SOCKET } from '../../src/kernel/sockaddr.ts';
import { vrrpProtocol } from '../../src/vrrp/packet.ts';
import type { Arrivals } from './jitter-figures.ts';
import { microsOfTimespec } from './jitter-figures.ts';

/** The same number for the option and for its control message. */
const SO_TIMESTAMPNS = 35;
const PACKET_STATISTICS = 6;
/** This process may be kept from running for a second while frames wait. */
const receiveBuffer_octets = 16 << 20;
const receiveOptions = { slots: 64, slotSize: 2048, controlSize: 64, budget: 1_024 };

/** Classic BPF: load the EtherType, ARP passes. linux/filter.h */
const filterArp = Uint8Array.from(
  [
    [0x28, 0, 0, 0, 12, 0, 0, 0],
    [0x15, 0, 0, 1, ETH_P_ARP & 0xff, ETH_P_ARP >> 8, 0, 0],
    [0x06, 0, 0, 0, 0xff, 0xff, 0, 0],
    [0x06, 0, 0, 0, 0, 0, 0, 0],
  ].flat(),
);

/**
 * What a bystander's network card sees of one director: instants of its advertisements and announcements,
 * as the kernel stamps them on arrival (CLOCK_REALTIME): when this process gets to read them does not matter.
 */
export class JitterWire {
  readonly #adverts: number;
  readonly #arp: number;
  readonly #arrivals = new Map<number, Micros[]>();
  readonly #announcements: Micros[] = [];
  readonly #farewells: number[] = [];
  #waiting: (() => void) | undefined;

  /** @throws InstrumentError */
  constructor(link: LinkEnd) {
    this.#adverts = this.#open(link, filterProtocol(vrrpProtocol), (frame, at) => this.#onAdvert(frame, at));
    this.#arp = this.#open(link, filterArp, (frame, at) => {
      if (isAnnouncement(frame)) this.#announcements.push(at);
    });
  }

  /** By VRID. */
  get arrivals(): ReadonlyMap<number, Arrivals> {
    return this.#arrivals;
  }

  /** Gratuitous ARP frames. */
  get announcements(): Arrivals {
    return this.#announcements;
  }

  /** VRIDs that said farewell, which nobody asked them to. */
  get farewells(): readonly number[] {
    return this.#farewells;
  }

  /** Everything heard so far is of an earlier daemon. */
  forget(): void {
    this.#arrivals.clear();
    this.#announcements.length = this.#farewells.length = 0;
  }

  /** The moment after an advertisement, when a daemon whose routers speak together has nothing to do. */
  async nextAdvert(limit_ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limit_ms);
      this.#waiting = () => {
        clearTimeout(limit);
        resolve();
      };
    });
    this.#waiting = undefined;
  }

  /** Frames that did not fit into the receive buffers since the last call. */
  takeLost(): number {
    return [this.#adverts, this.#arp].reduce((sum, fd) => {
      // struct tpacket_stats: tp_packets, tp_drops; reading resets them. packet(7)
      const stats = native.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, 8);
      if (typeof stats === 'number') throw new Error(`PACKET_STATISTICS: errno ${-stats}`);
      return sum + new DataView(stats.buffer, stats.byteOffset).getUint32(4, true);
    }, 0);
  }

  close(): void {
    native.close(this.#adverts);
    native.close(this.#arp);
  }

  #open(link: LinkEnd, filter: Uint8Array, onFrame: (frame: Uint8Array, at: Micros) => void): number {
    const fd = openPacketSocket(native, link, filter);
    expectDone(native.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBuffer_octets), 'SO_RCVBUFFORCE');
    expectDone(native.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1), 'SO_TIMESTAMPNS');
    native.receive(
      fd,
      receiveOptions,
      ({ data, control }) => {
        const stamp = readControl(control).find(
          ({ level, type }) => level === SOL_SOCKET && type === SO_TIMESTAMPNS,
        );
        // Frames that came before the option was set have none.
        if (stamp !== undefined) onFrame(data, microsOfTimespec(stamp.data));
      },
      () => undefined,
    );
    return fd;
  }

  #onAdvert(frame: Uint8Array, at: Micros): void {
    const advert = readAdvertFrame(frame, readClock(native));
    if (advert === undefined) return;
    const { vrid, priority } = advert;
    if (priority === 0) this.#farewells.push(vrid);
    const arrivals = this.#arrivals.get(vrid) ?? [];
    this.#arrivals.set(vrid, arrivals);
    arrivals.push(at);
    this.#waiting?.();
  }
}

/** Sender and target address are the same. RFC 5227 §3 */
const isAnnouncement = (frame: Uint8Array): boolean =>
  frame.length >= 42 && [0, 1, 2, 3].every((at) => frame[28 + at] === frame[38 + at]);

/** The clock of the stamps. */
export const stampClock = (): Micros => micros(Date.now() * 1_000);
