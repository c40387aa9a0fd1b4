/**
 * A load balancer made of nf_tables rules: the first packet of a connection to a service is sent to one of its servers,
 * in turn and by weight, and connection tracking sends the others after it. For kernels without IPVS.
 *
 * The table is ours alone and is replaced as a whole. Connections live in connection tracking, so they outlive it: a
 * server of weight 0, or one that is gone, keeps those that it has.
 */
import assert from 'node:assert/strict';
import { type Ip, familyOf, ipBytes } from '../base/ip.ts';
import type { Result } from '../base/result.ts';
import type { DecodeFault, Message, Request } from '../netlink/message.ts';
import {
  type Expression,
  equals,
  isLocal,
  loadMeta,
  loadPayload,
  mappedBy,
  MetaKey,
  nextOf,
  PayloadBase,
  rejectPort,
  rejectWithReset,
  translateDestination,
} from './expression.ts';
import {
  addEndpointMap,
  addEndpoints,
  addNotes,
  addNoteSet,
  decodeNotes,
  type Endpoint,
  type Note,
} from './map.ts';
import {
  addChain,
  addRule,
  addTable,
  type Batch,
  type Chain,
  deleteTable,
  dumpElements,
  encodeBatch,
  type NftRequest,
  type Table,
  TableFamily,
} from './message.ts';

export interface WeightedServer extends Endpoint {
  /** 0 takes no new connections. */
  readonly weight: number;
}

export interface ForwardedService extends Endpoint {
  readonly protocol: 'TCP' | 'UDP';
  /** Of the service's family. */
  readonly servers: readonly WeightedServer[];
}

/** Unless there are more servers than that. */
export const mostSlots = 64;

const forwardTable: Table = { family: TableFamily.inet, name: 'vipkeeper_forward' };
/** NF_INET_PRE_ROUTING; NF_IP_PRI_NAT_DST is behind the lease's gate and behind connection tracking. */
const chain: Chain = { type: 'nat', name: 'services', hook: 0, priority: -100 };
const noteSet = 'notes';

/**
 * Replaces whatever was there, in one instant.
 * @param notes what a later life of ours wants to read back, longestNote octets each at most
 */
export const replace = (
  services: readonly ForwardedService[],
  notes: readonly string[],
  firstSeq: number,
): Batch => encodeBatch(replacing(forwardTable, services, notes), firstSeq);

/** Makes the kernel look at everything that replace() may need, and leaves nothing behind. */
export function rehearse(sample: readonly ForwardedService[], firstSeq: number): Batch {
  const table: Table = { ...forwardTable, name: 'vipkeeper_rehearsal' };
  return encodeBatch([...replacing(table, sample, ['']), deleteTable(table)], firstSeq);
}

/** The notes; ENOENT when there is no table. Each answer goes through decodeNotes. */
export const dumpNotes = (): Request => dumpElements(forwardTable, noteSet);
export const readNotes = (message: Pick<Message, 'payload'>): Result<readonly Note[], DecodeFault> =>
  decodeNotes(message);

function replacing(
  table: Table,
  services: readonly ForwardedService[],
  notes: readonly string[],
): readonly NftRequest[] {
  return [
    addTable(table),
    deleteTable(table),
    addTable(table),
    addChain(table, chain),
    addNoteSet(table, noteSet, 1),
    ...addNotes(table, noteSet, notes),
    ...services.flatMap((service, at) => forwarding(table, service, at)),
  ];
}

function forwarding(table: Table, service: ForwardedService, at: number): readonly NftRequest[] {
  const family = familyOf(service.address);
  assert(service.servers.every(({ address }) => familyOf(address) === family));
  const matches = matching(service);
  const dealt = deal(service.servers);
  // IPVS says "port unreachable" to all; the kernel sends only one such message a second to a client.
  const reject = service.protocol === 'TCP' ? rejectWithReset : rejectPort;
  if (dealt.length === 0) return [addRule(table, chain.name, [...matches, reject])];
  const map = `servers${at}`;
  return [
    addEndpointMap(table, map, family, at + 2),
    ...addEndpoints(table, map, dealt),
    addRule(table, chain.name, [
      ...matches,
      nextOf(dealt.length),
      mappedBy(map),
      translateDestination(family),
    ]),
  ];
}

/** Offset of the destination address in the IP header; the destination port is 2 octets into TCP and UDP alike. */
const destinationAt = { 4: 16, 6: 24 } as const;
const protocolNumber = { TCP: 6, UDP: 17 } as const;

function matching({ address, port, protocol }: ForwardedService): readonly Expression[] {
  const family = familyOf(address);
  const octets = ipBytes(address);
  return [
    loadMeta(MetaKey.nfproto),
    equals(family === 4 ? 2 : 10),
    loadPayload(PayloadBase.network, destinationAt[family], octets.length),
    equals(...octets),
    loadMeta(MetaKey.l4proto),
    equals(protocolNumber[protocol]),
    loadPayload(PayloadBase.transport, 2, 2),
    equals(port >> 8, port & 0xff),
    // As with IPVS, which sees what is for this host: a director that gave the address up forwards nothing new for it.
    ...isLocal,
  ];
}

/**
 * Who gets which turn: each server as often as its share says, and its turns spread over the round.
 * @returns nothing when all weights are 0
 */
export function deal(servers: readonly WeightedServer[]): readonly Endpoint[] {
  const turns = shares(servers.map(({ weight }) => weight));
  const round = turns.reduce((sum, n) => sum + n, 0);
  const due = turns.map(() => 0);
  return Array.from({ length: round }, () => {
    for (const [at, n] of turns.entries()) due[at] = (due[at] ?? 0) + n;
    const next = due.indexOf(Math.max(...due));
    due[next] = (due[next] ?? 0) - round;
    const { address, port } = servers[next] as { readonly address: Ip; readonly port: number };
    return { address, port };
  });
}

/**
 * Turns in a round for these weights: exactly in proportion when a round is short enough; else as nearly as
 * Webster's method gets, where every weight above 0 has one turn at least.
 */
export function shares(weights: readonly number[]): readonly number[] {
  const positive = weights.filter((weight) => weight > 0);
  const most = Math.max(mostSlots, positive.length);
  const divisor = positive.reduce(greatestCommonDivisor, 0);
  const sum = positive.reduce((total, weight) => total + weight, 0);
  if (sum <= most * divisor) return weights.map((weight) => (weight === 0 ? 0 : weight / divisor));
  const turns: number[] = weights.map((weight) => (weight > 0 ? 1 : 0));
  for (let left = most - positive.length; left > 0; left--) {
    const claims = weights.map((weight, at) => weight / (2 * (turns[at] ?? 0) + 1));
    const next = claims.indexOf(Math.max(...claims));
    turns[next] = (turns[next] ?? 0) + 1;
  }
  return turns;
}

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);
