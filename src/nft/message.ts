import assert from 'node:assert/strict';
import type { Ip } from '../base/ip.ts';
import { ipFromBytes } from '../base/ip.ts';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { AttributeReader, AttributeWriter } from '../netlink/attribute.ts';
import type { Transaction } from '../netlink/connection.ts';
import type { DecodeFault, Message, Request } from '../netlink/message.ts';
import { Flag, fault, headerLength, writeMessages } from '../netlink/message.ts';
import type { Expression } from './expression.ts';

/** NFPROTO_* */
export const TableFamily = { inet: 1, arp: 3 } as const;
export type TableFamily = (typeof TableFamily)[keyof typeof TableFamily];

export interface Table {
  readonly family: TableFamily;
  readonly name: string;
}

/** NFNL_SUBSYS_NFTABLES in the high octet, NFT_MSG_* in the low one. */
const subsystem = 10;
const type = (message: number): number => (subsystem << 8) | message;
export const MessageNumber = {
  newTable: 0,
  deleteTable: 2,
  newChain: 3,
  newRule: 6,
  deleteRule: 8,
  newSet: 9,
  newElement: 12,
  getElement: 13,
  deleteElement: 14,
} as const;
const batchBegin = 0x10;
const batchEnd = 0x11;

/** struct nfgenmsg: family u8, version u8, resource be16. */
export const fixedHeader = 4;

export interface NftRequest extends Request {
  /** Offsets within the payload of lifetimes (u64, big-endian, milliseconds). */
  readonly timeoutOffsets: readonly number[];
}

/** One atomic nf_tables transaction, ready to send: all of it comes into force at one instant, or nothing. */
export interface Batch extends Transaction {
  /** Offsets in `data` of every NFTA_SET_ELEM_TIMEOUT to keep true (u64, big-endian, milliseconds). */
  readonly timeoutOffsets: readonly number[];
}

/**
 * Kernel facts (6.18, live tests beside this file hold them): every message between begin and end asks for an
 * answer and gets exactly one, whether the batch is done or refused; a refusal does not stop at its first
 * error, the messages that were right answer 0 all the same. Begin and end do not ask (kernels ≥ 6.10 would
 * answer them, older ones would not). A batch refused as a whole (EPERM, ENOMEM) has one answer: to begin.
 */
export function encodeBatch(requests: readonly NftRequest[], firstSeq: number): Batch {
  assert(requests.length > 0, 'an empty batch would never be answered');
  const edge = (number: number): NftRequest => ({
    operation: 'nf_tables batch',
    type: number,
    flags: 0,
    // The resource names the subsystem the batch is for; big-endian.
    payload: Uint8Array.from([0, 0, 0, subsystem]),
    timeoutOffsets: [],
  });
  const all = [edge(batchBegin), ...requests, edge(batchEnd)];
  const timeoutOffsets: number[] = [];
  let at = 0;
  for (const { payload, timeoutOffsets: offsets } of all) {
    for (const offset of offsets) timeoutOffsets.push(at + headerLength + offset);
    at += headerLength + payload.length;
  }
  return {
    data: writeMessages(all, firstSeq, Flag.request),
    answers: requests.length,
    firstSeq,
    lastSeq: firstSeq + all.length - 1,
    timeoutOffsets,
  };
}

/** The same batch again, in place, with other sequence numbers: much cheaper than to make it anew. */
export function renumber(batch: Batch, firstSeq: number): Batch {
  const view = new DataView(batch.data.buffer, batch.data.byteOffset, batch.data.byteLength);
  let seq = firstSeq;
  // struct nlmsghdr: length u32, type u16, flags u16, sequence number u32. All lengths are multiples of 4 here.
  for (let at = 0; at < batch.data.length; at += view.getUint32(at, true))
    view.setUint32(at + 8, seq++, true);
  return { ...batch, firstSeq, lastSeq: seq - 1 };
}

/** Without EXCL: one that exists is left as it is. */
export const addTable = (table: Table): NftRequest =>
  request(`add table ${table.name}`, MessageNumber.newTable, table.family, Flag.create, (writer) =>
    writer.string(1, table.name),
  );

/** Takes everything in it along. */
export const deleteTable = (table: Table): NftRequest =>
  request(`delete table ${table.name}`, MessageNumber.deleteTable, table.family, 0, (writer) =>
    writer.string(1, table.name),
  );

export interface AddressSet {
  readonly name: string;
  /** Elements may carry a lifetime. */
  readonly timeout: boolean;
  readonly keyLength: 4 | 16;
}

/** @param id any number unlike that of the other sets of this batch: the kernel insists on one */
export const addSet = (table: Table, set: AddressSet, id: number): NftRequest =>
  request(`add set ${set.name}`, MessageNumber.newSet, table.family, Flag.create, (writer) =>
    writer
      .string(1, table.name)
      .string(2, set.name)
      .be32(3, set.timeout ? 0x10 : 0)
      // What `nft list` shows: ipv4_addr 7, ipv6_addr 8; nothing to the kernel.
      .be32(4, set.keyLength === 4 ? 7 : 8)
      .be32(5, set.keyLength)
      .be32(10, id),
  );

export interface Chain {
  /** `filter` when absent. A chain of `nat` sees the first packet of each connection only. */
  readonly type?: 'filter' | 'nat';
  readonly name: string;
  readonly hook: number;
  readonly priority: number;
}

/** A base chain that accepts what no rule drops. */
export const addChain = (table: Table, { name, hook, priority, type: kind = 'filter' }: Chain): NftRequest =>
  request(`add chain ${name}`, MessageNumber.newChain, table.family, Flag.create, (writer) =>
    writer
      .string(1, table.name)
      .string(3, name)
      .nested(4, (nest) => nest.be32(1, hook).be32(2, priority >>> 0))
      .be32(5, 1)
      .string(7, kind),
  );

export const flushChain = (table: Table, chain: string): NftRequest =>
  request(`flush chain ${chain}`, MessageNumber.deleteRule, table.family, 0, (writer) =>
    writer.string(1, table.name).string(2, chain),
  );

export const addRule = (table: Table, chain: string, expressions: readonly Expression[]): NftRequest =>
  request(`add rule to ${chain}`, MessageNumber.newRule, table.family, Flag.create | Flag.append, (writer) =>
    writer
      .string(1, table.name)
      .string(2, chain)
      .nested(4, (list) => {
        for (const { name, write } of expressions)
          list.nested(1, (expression) => expression.string(1, name).nested(2, write));
      }),
  );

/** Without EXCL: an element that exists is no error. Before Linux 6.12 it also keeps its old lifetime. */
export const addElements = (table: Table, set: string, ips: readonly Ip[], lifetimeMs?: number): NftRequest =>
  elements('add', MessageNumber.newElement, Flag.create, table, set, ips, lifetimeMs);

/** ENOENT when one is absent or has expired. */
export const deleteElements = (table: Table, set: string, ips: readonly Ip[]): NftRequest =>
  elements('delete', MessageNumber.deleteElement, 0, table, set, ips);

export const dumpElements = (table: Table, set: string): Request => ({
  operation: `list set ${set} of table ${table.name}`,
  type: type(MessageNumber.getElement),
  flags: Flag.dump,
  payload: new AttributeWriter(header(table.family)).string(1, table.name).string(2, set).bytes(),
});

export interface Element {
  readonly address: Ip;
  /** Milliseconds until it expires; absent when it never does. */
  readonly remainingMs?: number;
}

/** One message of the answers to dumpElements. */
export function decodeElements({
  payload,
}: Pick<Message, 'payload'>): Result<readonly Element[], DecodeFault> {
  if (payload.length < fixedHeader)
    return fault('fixed-header', `nf_tables message of ${payload.length} octets`);
  const found: Element[] = [];
  const reader = new AttributeReader(payload.subarray(fixedHeader));
  while (reader.next())
    if (reader.type === 3)
      reader.nested((list) => {
        while (list.next()) list.nested((element) => readElement(element, found));
      });
  return reader.fault === undefined ? ok(found) : err(reader.fault);
}

function readElement(reader: AttributeReader, found: Element[]): void {
  let key = new Uint8Array();
  let remainingMs: number | undefined;
  while (reader.next()) {
    if (reader.type === 1)
      reader.nested((data) => {
        while (data.next()) if (data.type === 1) key = data.raw().slice();
      });
    else if (reader.type === 5) remainingMs = Number(reader.be64());
  }
  if (key.length !== 4 && key.length !== 16) return;
  found.push({ address: ipFromBytes(key), ...(remainingMs !== undefined && { remainingMs }) });
}

function elements(
  verb: string,
  number: number,
  flags: number,
  table: Table,
  set: string,
  ips: readonly Ip[],
  lifetimeMs?: number,
): NftRequest {
  const timeoutOffsets: number[] = [];
  const encoded = request(`${verb} elements of set ${set}`, number, table.family, flags, (writer) =>
    writer
      .string(1, table.name)
      .string(2, set)
      .nested(3, (list) => {
        for (const ip of ips)
          list.nested(1, (element) => {
            element.nested(1, (key) => key.ip(1, ip));
            if (lifetimeMs === undefined) return;
            element.be64(4, BigInt(lifetimeMs));
            timeoutOffsets.push(element.length - 8);
          });
      }),
  );
  return { ...encoded, timeoutOffsets };
}

const header = (family: number): Uint8Array => Uint8Array.from([family, 0, 0, 0]);

/** One message of a batch, which asks for an answer. */
export function request(
  operation: string,
  number: number,
  family: number,
  flags: number,
  write: (writer: AttributeWriter) => void,
): NftRequest {
  const writer = new AttributeWriter(header(family));
  write(writer);
  return {
    operation,
    type: type(number),
    flags: flags | Flag.ack,
    payload: writer.bytes(),
    timeoutOffsets: [],
  };
}
