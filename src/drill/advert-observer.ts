import type { Family, Ip } from '../base/ip.ts';
import { ipFromBytes } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import { macFromBytes } from '../base/mac.ts';
import type { Micros } from '../base/time.ts';
import type { ReceivedPacket } from '../vrrp/receive.ts';
import { splitIp4 } from '../vrrp/receive.ts';
import { decodeAdvertisement, vrrpProtocol } from '../vrrp/packet.ts';
import type { ClockPort } from './clock.ts';
import { readClock } from './clock.ts';
import type { LinkEnd, PacketPort } from './packet-socket.ts';
import { filterProtocol, frameReceiveOptions, openPacketSocket } from './packet-socket.ts';

/** One VRRPv3 advertisement as a bystander on the link hears it. */
export interface HeardAdvert {
  readonly at: Micros;
  readonly family: Family;
  readonly sourceMac: Mac;
  readonly source: Ip;
  readonly vrid: number;
  /** 0: the sender is leaving. */
  readonly priority: number;
  readonly intervalCs: number;
}

/** Hears the advertisements on a link, so that a fault can be timed relative to one. It sends nothing. */
export class AdvertObserver {
  readonly #port: PacketPort & ClockPort;
  readonly #fd: number;
  readonly #listeners = new Set<(advert: HeardAdvert) => void>();

  /** @throws InstrumentError */
  constructor(port: PacketPort & ClockPort, link: LinkEnd) {
    this.#port = port;
    this.#fd = openPacketSocket(port, link, filterProtocol(vrrpProtocol));
    // A lost frame or a link that is down is silence to a bystander too.
    port.receive(
      this.#fd,
      frameReceiveOptions,
      ({ data }) => this.#onFrame(data),
      () => undefined,
    );
  }

  /** @returns a function that ends the listening */
  listen(onAdvert: (advert: HeardAdvert) => void): () => void {
    this.#listeners.add(onAdvert);
    return () => this.#listeners.delete(onAdvert);
  }

  /**
   * The next advertisement that satisfies `wanted`.
   * @throws Error when none came within `timeLimit`
   */
  async next(wanted: (advert: HeardAdvert) => boolean, timeLimit: Micros): Promise<HeardAdvert> {
    return new Promise((resolve, reject) => {
      const timer = this.#port.timer(() => {
        finish();
        reject(new Error(`no such advertisement within ${timeLimit / 1_000} ms`));
      });
      const forget = this.listen((advert) => {
        if (!wanted(advert)) return;
        finish();
        resolve(advert);
      });
      const finish = (): void => {
        timer.stop();
        forget();
      };
      timer.set(this.#port.now() + timeLimit);
    });
  }

  close(): void {
    this.#port.close(this.#fd);
  }

  #onFrame(frame: Uint8Array): void {
    const advert = readAdvertFrame(frame, readClock(this.#port));
    if (advert !== undefined) for (const listener of [...this.#listeners]) listener(advert);
  }
}

/** @param frame from its Ethernet header on @returns undefined for all that is no valid advertisement */
export function readAdvertFrame(frame: Uint8Array, at: Micros): HeardAdvert | undefined {
  const packet = frame[12] === 0x08 ? splitIp4(frame.subarray(14)) : splitIp6(frame.subarray(14));
  if (packet === undefined || ('ok' in packet && !packet.ok)) return undefined;
  const carrier: ReceivedPacket = 'ok' in packet ? packet.value : packet;
  const decoded = decodeAdvertisement(carrier.data, carrier);
  if (!decoded.ok) return undefined;
  const { vrid, priority, maxAdvertiseIntervalCs: intervalCs } = decoded.value;
  const { family, source } = carrier;
  return { at, family, sourceMac: macFromBytes(frame.subarray(6, 12)), source, vrid, priority, intervalCs };
}

/** Advertisements have no extension headers. RFC 8200 §3 */
function splitIp6(packet: Uint8Array): ReceivedPacket | undefined {
  const end = 40 + (((packet[4] ?? 0) << 8) | (packet[5] ?? 0));
  if ((packet[0] ?? 0) >> 4 !== 6 || end > packet.length) return undefined;
  return {
    family: 6,
    ttl: packet[7],
    source: ipFromBytes(packet.subarray(8, 24)),
    destination: ipFromBytes(packet.subarray(24, 40)),
    data: packet.subarray(40, end),
  };
}
