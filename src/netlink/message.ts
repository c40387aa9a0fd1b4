import assert from 'node:assert/strict';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { AttributeFault } from './attribute.ts';
import { AttributeReader, align4 } from './attribute.ts';

/** struct nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32. */
export const headerLength = 16;

export const MessageType = { noop: 1, error: 2, done: 3, overrun: 4, min: 16 } as const;

/** NLM_F_*: the meaning of 0x100… depends on what the message is. */
export const Flag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  dumpInterrupted: 0x10,
  /** GET: NLM_F_ROOT | NLM_F_MATCH */
  dump: 0x300,
  /** NEW */
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** ERROR: the request's payload was left out; extended-ack attributes follow. */
  capped: 0x100,
  ackAttributes: 0x200,
} as const;

/** What is asked of the kernel, without the numbers that only the connection knows. */
export interface Request {
  /** "add address 192.0.2.7/32 on interface 3": the words of a NetlinkError. */
  readonly operation: string;
  readonly type: number;
  /** Flags beyond REQUEST and ACK, which every request carries; a dump carries no ACK. */
  readonly flags: number;
  /** Fixed header and attributes. */
  readonly payload: Uint8Array;
}

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly portId: number;
  /** A view of the datagram. */
  readonly payload: Uint8Array;
}

export type MessageFault = 'message-truncated' | 'message-length';
/** A closed set: it doubles as a metric label. */
export type DecodeReason = MessageFault | 'fixed-header' | 'family' | AttributeFault['reason'];
export interface DecodeFault {
  readonly reason: DecodeReason;
  readonly text: string;
}

/**
 * Messages of one datagram. Every step takes at least a header, so that the work is bounded by the length.
 */
export function readMessages(datagram: Uint8Array): Result<readonly Message[], MessageFault> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at < datagram.length;) {
    const left = datagram.length - at;
    if (left < headerLength) return err('message-truncated');
    const length = view.getUint32(at, true);
    if (length < headerLength) return err('message-length');
    if (length > left) return err('message-truncated');
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      payload: datagram.subarray(at + headerLength, at + length),
    });
    at += align4(length);
  }
  return ok(messages);
}

/**
 * Messages back to back with rising sequence numbers from `firstSeq`; `flags` are added to each one's own.
 */
export function writeMessages(requests: readonly Request[], firstSeq: number, flags: number): Uint8Array {
  const total = requests.reduce((sum, { payload }) => sum + headerLength + align4(payload.length), 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [index, request] of requests.entries()) {
    const length = headerLength + request.payload.length;
    assert((request.type & 0xffff) === request.type, `message type ${request.type}`);
    view.setUint32(at, length, true);
    view.setUint16(at + 4, request.type, true);
    view.setUint16(at + 6, request.flags | flags, true);
    view.setUint32(at + 8, (firstSeq + index) >>> 0, true);
    bytes.set(request.payload, at + headerLength);
    at += align4(length);
  }
  return bytes;
}

export interface Acknowledgement {
  /** 0, or a positive errno. */
  readonly errno: number;
  /** The kernel's own words (NLMSGERR_ATTR_MSG). */
  readonly text?: string;
  /** Octet of the request, from its header on, that was at fault (NLMSGERR_ATTR_OFFS). */
  readonly offset?: number;
}

/**
 * Reads an ERROR message, which is also the plain acknowledgement; the request's own header is not needed.
 */
export function readAcknowledgement(message: Message): Result<Acknowledgement, DecodeFault> {
  const { payload, flags } = message;
  if (payload.length < 4 + headerLength) return fault('fixed-header', `error of ${payload.length} octets`);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  // CAPPED: only the header of the request is repeated, whatever length it names.
  const repeated = (flags & Flag.capped) !== 0 ? headerLength : view.getUint32(4, true);
  const attributes = 4 + align4(repeated);
  if ((flags & Flag.ackAttributes) !== 0 && (repeated < headerLength || attributes > payload.length))
    return fault('fixed-header', `error repeats a request of ${repeated} octets in ${payload.length}`);
  return acknowledgement(
    view.getInt32(0, true),
    (flags & Flag.ackAttributes) !== 0 ? payload.subarray(attributes) : new Uint8Array(),
  );
}

/** Reads the DONE that ends a dump: i32 0 or −errno, absent in old kernels, then extended-ack attributes. */
export function readDone(message: Message): Result<Acknowledgement, DecodeFault> {
  const { payload, flags } = message;
  if (payload.length < 4) return ok({ errno: 0 });
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return acknowledgement(
    view.getInt32(0, true),
    (flags & Flag.ackAttributes) !== 0 ? payload.subarray(4) : new Uint8Array(),
  );
}

function acknowledgement(code: number, attributes: Uint8Array): Result<Acknowledgement, DecodeFault> {
  const reader = new AttributeReader(attributes);
  let text: string | undefined;
  let offset: number | undefined;
  while (reader.next()) {
    if (reader.type === 1) text = reader.string();
    else if (reader.type === 2) offset = reader.u32();
  }
  if (reader.fault !== undefined) return err(reader.fault);
  return ok({
    // DONE of a dump can carry a positive remainder, which is no error.
    errno: Math.max(0, -code),
    ...(text !== undefined && { text }),
    ...(offset !== undefined && { offset }),
  });
}

export const fault = (
  reason: DecodeReason,
  text: string,
): { readonly ok: false; readonly error: DecodeFault } => err({ reason, text });
