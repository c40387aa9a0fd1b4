import type { Family, Ip } from '../base/ip.ts';
import { familyOf } from '../base/ip.ts';
import type { Result } from '../base/result.ts';
import type { Micros } from '../base/time.ts';
import type { DecodeFault, Message, Request } from '../netlink/message.ts';
import type { Expression } from './expression.ts';
import { MetaKey, PayloadBase, drop, equals, isIn, isNotIn, loadMeta, loadPayload } from './expression.ts';
import type { AddressSet, Batch, Chain, Element, NftRequest, Table } from './message.ts';
import {
  TableFamily,
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  decodeElements,
  deleteElements,
  deleteTable,
  dumpElements,
  encodeBatch,
  flushChain,
} from './message.ts';

/**
 * The lease as the kernel enforces it, with or without us: an address in set `vip…` is gated, and passes only
 * while it also is in set `lease…`, whose elements expire. A gated address with no live lease is neither
 * answered for (ARP, neighbour discovery) nor reachable.
 *
 * Promotion: setup, open. Every advertisement: renew. Demotion: close, take the address off its interface,
 * and only then forget: forgetting first would leave an address that answers with no lease behind it.
 *
 * `ips` is never empty; 1,000 addresses of a family at most (a netlink attribute ends at 64 KiB).
 *
 * Frames of packet sockets, our own gratuitous ARP and NA among them, never meet these hooks.
 */
const inet: Table = { family: TableFamily.inet, name: 'vipkeeper' };
const arp: Table = { family: TableFamily.arp, name: 'vipkeeper' };

const vipSet = (family: Family): string => `vip${family}`;
const leaseSet = (family: Family): string => `lease${family}`;

/** Of an element that is deleted in the same batch. */
const passingMs = 60_000;

/** NF_INET_PRE_ROUTING 0, NF_INET_LOCAL_OUT 3; −300 is before connection tracking and IPVS. */
const gateChain: Chain = { name: 'gate', hook: 0, priority: -300 };
const outputChain: Chain = { name: 'output', hook: 3, priority: -300 };
/** NF_ARP_IN 0, NF_ARP_OUT 1 */
const arpInputChain: Chain = { name: 'input', hook: 0, priority: 0 };
const arpOutputChain: Chain = { name: 'gate', hook: 1, priority: 0 };

const neighbourSolicitation = 135;
const neighbourAdvertisement = 136;

/**
 * Tables, sets, chains and rules. Run again it changes nothing: what exists is kept, elements and all, and
 * the rules are replaced in one instant. Run it before every open: `nft flush ruleset` of another program
 * takes our tables too.
 */
export function setup(firstSeq: number): Batch {
  const rules: readonly (readonly [Table, Chain, readonly Expression[]])[] = [
    [inet, gateChain, [...ipIs(4), ...gated(4, PayloadBase.network, 16)]],
    [inet, gateChain, [...ipIs(6), ...gated(6, PayloadBase.network, 24)]],
    // Solicitations go to a multicast group of their own: the target stands in the message (RFC 4861 §4.3).
    [inet, gateChain, [...icmp6Is(neighbourSolicitation), ...gated(6, PayloadBase.transport, 8)]],
    [inet, outputChain, [...icmp6Is(neighbourAdvertisement), ...gated(6, PayloadBase.transport, 8)]],
    // RFC 826 with 6-octet hardware addresses: sender protocol address at 14, target's at 24.
    [arp, arpInputChain, [...arpIsEthernetIpv4, ...gated(4, PayloadBase.network, 24)]],
    [arp, arpOutputChain, [...arpIsEthernetIpv4, ...gated(4, PayloadBase.network, 14)]],
  ];
  const chains: readonly (readonly [Table, Chain])[] = [
    [inet, gateChain],
    [inet, outputChain],
    [arp, arpInputChain],
    [arp, arpOutputChain],
  ];
  const sets: readonly (readonly [Table, AddressSet])[] = [
    ...setsOf(4).map((set) => [inet, set] as const),
    ...setsOf(6).map((set) => [inet, set] as const),
    ...setsOf(4).map((set) => [arp, set] as const),
  ];
  return encodeBatch(
    [
      addTable(inet),
      addTable(arp),
      ...sets.map(([table, set], index) => addSet(table, set, index + 1)),
      ...chains.flatMap(([table, chain]) => [addChain(table, chain), flushChain(table, chain.name)]),
      ...rules.map(([table, chain, expressions]) => addRule(table, chain.name, expressions)),
    ],
    firstSeq,
  );
}

/**
 * Gates the addresses and gives them a lease, whatever was left of an earlier life. ENOENT without setup.
 * @param lifetime from the moment the kernel reads it; whole milliseconds, rounded down
 */
export const open = (ips: readonly Ip[], firstSeq: number, lifetime: Micros): Batch =>
  inAllSets(ips, firstSeq, (table, family, members) => [
    addElements(table, vipSet(family), members),
    ...removeIfPresent(table, leaseSet(family), members),
    addElements(table, leaseSet(family), members, wholeMs(lifetime)),
  ]);

/**
 * A new lifetime for every lease. ENOENT, and nothing is changed, when a single one has lapsed or is not
 * there.
 */
export const renew = (ips: readonly Ip[], firstSeq: number, lifetime: Micros): Batch =>
  inAllSets(ips, firstSeq, (table, family, members) => [
    deleteElements(table, leaseSet(family), members),
    addElements(table, leaseSet(family), members, wholeMs(lifetime)),
  ]);

/** Ends the leases, lapsed ones too: the addresses are gated from now on. ENOENT without setup. */
export const close = (ips: readonly Ip[], firstSeq: number): Batch =>
  inAllSets(ips, firstSeq, (table, family, members) => [
    addElements(table, vipSet(family), members),
    ...removeIfPresent(table, leaseSet(family), members),
  ]);

/**
 * Ends gate and lease: the addresses are none of ours any more. After they are off the interface. ENOENT
 * without setup.
 */
export const forget = (ips: readonly Ip[], firstSeq: number): Batch =>
  inAllSets(ips, firstSeq, (table, family, members) => [
    ...removeIfPresent(table, leaseSet(family), members),
    ...removeIfPresent(table, vipSet(family), members),
  ]);

/** Takes both tables away, if they are there. */
export const teardown = (firstSeq: number): Batch =>
  encodeBatch(
    [inet, arp].flatMap((table) => [addTable(table), deleteTable(table)]),
    firstSeq,
  );

/** The live leases of one family; ENOENT without setup. Each answer goes through decodeLeases. */
export const dumpLeases = (family: Family): Request => dumpElements(inet, leaseSet(family));
/** The gated addresses, with or without a lease: after a crash, what an earlier life left. */
export const dumpGated = (family: Family): Request => dumpElements(inet, vipSet(family));
export const decodeLeases = (message: Pick<Message, 'payload'>): Result<readonly Element[], DecodeFault> =>
  decodeElements(message);

const setsOf = (family: Family): readonly AddressSet[] => {
  const keyLength = family === 4 ? 4 : 16;
  return [
    { name: vipSet(family), timeout: false, keyLength },
    { name: leaseSet(family), timeout: true, keyLength },
  ];
};

function inAllSets(
  ips: readonly Ip[],
  firstSeq: number,
  make: (table: Table, family: Family, members: readonly Ip[]) => readonly NftRequest[],
): Batch {
  const of = (family: Family): readonly Ip[] => [...new Set(ips)].filter((ip) => familyOf(ip) === family);
  const places: readonly (readonly [Table, Family])[] = [
    [inet, 4],
    [arp, 4],
    [inet, 6],
  ];
  const requests = places.flatMap(([table, family]) => {
    const members = of(family);
    return members.length === 0 ? [] : make(table, family, members);
  });
  return encodeBatch(requests, firstSeq);
}

/**
 * Deleting an absent or expired element is ENOENT and would undo the whole batch (NFT_MSG_DESTROYSETELEM is
 * there from Linux 6.3 only); adding one that exists is not. An element that expires between the two steps
 * cannot be hit from 6.8 on, where a batch has one instant; before, the caller sends again.
 */
const removeIfPresent = (table: Table, set: string, ips: readonly Ip[]): readonly NftRequest[] => [
  // No lifetime to keep true: this element never comes into force.
  { ...addElements(table, set, ips, set.startsWith('lease') ? passingMs : undefined), timeoutOffsets: [] },
  deleteElements(table, set, ips),
];

const ipIs = (family: Family): readonly Expression[] => [
  loadMeta(MetaKey.nfproto),
  equals(family === 4 ? 2 : 10),
];

const icmp6Is = (type: number): readonly Expression[] => [
  ...ipIs(6),
  loadMeta(MetaKey.l4proto),
  equals(58),
  loadPayload(PayloadBase.transport, 0, 1),
  equals(type),
];

/** Hardware type 1, protocol type 0x0800, lengths 6 and 4: only then the addresses stand where we look. */
const arpIsEthernetIpv4: readonly Expression[] = [
  loadPayload(PayloadBase.network, 0, 6),
  equals(0, 1, 8, 0, 6, 4),
];

const gated = (family: Family, base: number, offset: number): readonly Expression[] => {
  const load = loadPayload(base, offset, family === 4 ? 4 : 16);
  return [load, isIn(vipSet(family)), isNotIn(leaseSet(family)), drop];
};

const wholeMs = (lifetime: Micros): number => Math.max(1, Math.floor(lifetime / 1_000));
