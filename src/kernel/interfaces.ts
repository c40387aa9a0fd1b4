/** The machine's interfaces and addresses as rtnetlink tells them: one dump, then events; after lost events a new dump. */
import { readFileSync } from 'node:fs';
import type { Ip } from '../base/ip.ts';
import {
  AddressFlag,
  AddressMessage,
  decodeAddress,
  dumpAddresses,
  type InterfaceAddress,
} from '../netlink/address.ts';
import { NetlinkConnection } from '../netlink/connection.ts';
import { decodeLink, dumpLinks, isOperational, type Link, LinkFlag, LinkMessage } from '../netlink/link.ts';
import type { Message } from '../netlink/message.ts';
import { NetlinkSubscription } from '../netlink/subscription.ts';
import type { InterfaceFacts } from '../vrrp/link.ts';
import { NetlinkProtocol, openNetlinkSocket } from './netlink-socket.ts';

/** IFA_PROTO of every address that vipkeeper adds (Linux ≥ 5.18): how a later life knows its leftovers. */
export const ownProtocol = 118;

/** RTNLGRP_LINK, _IPV4_IFADDR, _IPV6_IFADDR */
const groups = [1, 5, 9];

export class Interfaces {
  readonly #connection = new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.route));
  readonly #subscription: NetlinkSubscription;
  readonly #onChange: () => void;
  #links = new Map<number, Link>();
  #addresses = new Map<string, InterfaceAddress>();
  /** Addresses added by this process: before 5.18 the kernel does not say whose they are. */
  readonly #added = new Set<string>();
  /** What facts() gave out, good until the next change. */
  #facts = new Map<string, InterfaceFacts>();
  #closed = false;
  #telling = false;
  #reading = false;
  #changedWhileReading = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#subscription = new NetlinkSubscription(openNetlinkSocket(NetlinkProtocol.route), groups, {
      onMessage: (message) => this.#onMessage(message),
      onOverrun: () => this.#readAgain(),
    });
  }

  /** Reads everything anew. */
  async read(): Promise<void> {
    this.#changedWhileReading = this.#reading;
    if (this.#reading) return;
    this.#reading = true;
    try {
      do {
        this.#changedWhileReading = false;
        const links = await this.#connection.dump(dumpLinks());
        const addresses = await this.#connection.dump(dumpAddresses());
        this.#links = new Map();
        this.#addresses = new Map();
        for (const message of [...links, ...addresses]) this.#take(message);
      } while (this.#changedWhileReading);
    } finally {
      this.#reading = false;
    }
    this.#changed();
  }

  /** Until it has worked: what we know is old. */
  #readAgain(): void {
    this.read().catch(() => {
      if (!this.#closed) setTimeout(() => this.#readAgain(), 100);
    });
  }

  close(): void {
    this.#closed = true;
    this.#subscription.close();
    this.#connection.close();
  }

  facts(name: string): InterfaceFacts | undefined {
    const known = this.#facts.get(name);
    if (known !== undefined) return known;
    const link = [...this.#links.values()].find((candidate) => candidate.name === name);
    if (link === undefined) return undefined;
    const facts = this.#factsOf(link);
    this.#facts.set(name, facts);
    return facts;
  }

  /** Every address that vipkeeper added and that is still there. */
  own(): readonly InterfaceAddress[] {
    return [...this.#addresses.values()].filter((address) => this.#isOwn(address));
  }

  noteAdded(index: number, address: Ip): void {
    this.#added.add(`${index} ${address}`);
  }

  #factsOf(link: Link): InterfaceFacts {
    const addresses = [...this.#addresses.values()].filter(({ index }) => index === link.index);
    return {
      name: link.name,
      index: link.index,
      up: (link.flags & LinkFlag.up) !== 0,
      running: isOperational(link),
      mac: link.mac,
      router: forwards(link.name),
      addresses: addresses.map((address) => ({
        address: address.local,
        length: address.prefixLength,
        ours: this.#isOwn(address),
        tentative: (address.flags & AddressFlag.tentative) !== 0,
      })),
    };
  }

  #isOwn({ index, local, protocol }: InterfaceAddress): boolean {
    return protocol === ownProtocol || (protocol === undefined && this.#added.has(`${index} ${local}`));
  }

  #onMessage(message: Message): void {
    if (this.#reading) this.#changedWhileReading = true;
    else if (this.#take(message)) this.#changed();
  }

  /** Once for all that one turn of the loop reads: 200 addresses come at once, and each is a look at 200 instances. */
  #changed(): void {
    this.#facts.clear();
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.#onChange();
    });
  }

  /** @returns whether the picture changed in a way that matters: a renewed lifetime does not. */
  #take(message: Message): boolean {
    if (message.type === LinkMessage.add || message.type === LinkMessage.delete) {
      const link = decodeLink(message);
      if (!link.ok) return false;
      if (message.type === LinkMessage.delete) this.#forget(link.value.index);
      else this.#links.set(link.value.index, link.value);
      return true;
    }
    if (message.type !== AddressMessage.add && message.type !== AddressMessage.delete) return false;
    const address = decodeAddress(message);
    if (!address.ok) return false;
    const key = `${address.value.index} ${address.value.local}/${address.value.prefixLength}`;
    if (message.type === AddressMessage.delete) return this.#addresses.delete(key);
    const known = this.#addresses.get(key);
    this.#addresses.set(key, address.value);
    return known?.flags !== address.value.flags || known.protocol !== address.value.protocol;
  }

  #forget(index: number): void {
    this.#links.delete(index);
    for (const [key, address] of this.#addresses) if (address.index === index) this.#addresses.delete(key);
  }
}

/** A Neighbor Advertisement must not say Router for a host that does not forward. RFC 4861 §4.4 */
function forwards(name: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${name}/forwarding`, 'latin1').startsWith('1');
  } catch {
    return false;
  }
}
