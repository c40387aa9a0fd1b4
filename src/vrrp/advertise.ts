/** What a router puts on the wire, for each of its families: one message for the group, or one for every peer. */
import { familyOf, type Ip, isMulticast } from '../base/ip.ts';
import type { VrrpDatagram } from './link.ts';
import { encodeAdvertisement } from './packet.ts';
import type { InstanceCounters } from './status.ts';
import { advertisedAddresses, type InstanceConfig, type Priority, vrrpGroup } from './types.ts';

/** @param priority of this advertisement; 0 is the farewell. @param source our primary address: it says the family */
export function advertisements(
  config: InstanceConfig,
  priority: number,
  source: Ip,
): readonly VrrpDatagram[] {
  const { unicast } = config;
  const family = familyOf(source);
  // A file that names every router as a peer serves each of them: we are not our own peer.
  const destinations =
    unicast === undefined
      ? [vrrpGroup[family]]
      : unicast.peers
          .map(({ address }) => address)
          .filter((address) => familyOf(address) === family && address !== source);
  const fields = {
    version: config.version ?? 3,
    vrid: config.virtual_router_id,
    priority: priority as Priority,
    maxAdvertiseIntervalCs: Math.round(config.advert_int / 10_000),
    addresses: advertisedAddresses(config, family),
    family,
  } as const;
  const { checksum, authentication } = config;
  // The pseudo-header has the destination in it, so every peer has a message of its own. RFC 8200 §8.1
  return destinations.map((destination) => ({
    source,
    destination,
    ttl: unicast?.ttl ?? 255,
    message: encodeAdvertisement(fields, {
      source,
      destination,
      checksum,
      auth_pass: authentication?.auth_pass,
    }),
  }));
}

/** Sends, counts, and tells what could not be sent. */
export class Advertiser {
  readonly #counters: InstanceCounters;
  readonly #say: (text: string) => void;
  /** Whom the last advertisement did not reach, and why. */
  #unsent = '';

  constructor(counters: InstanceCounters, say: (text: string) => void) {
    this.#counters = counters;
    this.#say = say;
  }

  /**
   * @param send returns 0 or a positive errno
   * @param alone whether no other router was heard of late
   * @returns whether the advertisement counts as sent. One family is enough, and in unicast one peer; and where no peer
   *   lives nobody else serves: that none can be reached is no reason to stop.
   */
  send(
    datagrams: readonly VrrpDatagram[],
    send: (datagram: VrrpDatagram) => number,
    alone: () => boolean,
  ): boolean {
    const sent = datagrams.map((datagram) => ({ to: datagram.destination, errno: send(datagram) }));
    const failed = sent.filter(({ errno }) => errno !== 0);
    this.#counters.sendErrors += failed.length;
    this.#tell(failed.map(({ to, errno }) => `to ${to}: errno ${errno}`).join(', '));
    if (failed.length > 0 && failed.length === sent.length)
      return failed.every(({ to, errno }) => !isMulticast(to) && errnosOfPeer.has(errno)) && alone();
    this.#counters.advertisementsSent++;
    if (datagrams[0]?.message[2] === 0) this.#counters.priorityZeroSent++;
    return true;
  }

  /** Once for each set of them: a dead peer fails at every advertisement. */
  #tell(unsent: string): void {
    if (unsent !== '' && unsent !== this.#unsent) this.#say(`an advertisement could not be sent ${unsent}`);
    this.#unsent = unsent;
  }
}

/** ENETUNREACH, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH: they speak of the way to one peer, not of our interface. */
const errnosOfPeer: ReadonlySet<number> = new Set([101, 111, 112, 113]);
