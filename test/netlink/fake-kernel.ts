import assert from 'node:assert/strict';
import type { Message, Request } from '../../src/netlink/message.ts';
import { Flag, MessageType, readMessages, writeMessages } from '../../src/netlink/message.ts';
import type { NetlinkDatagram, NetlinkSocket } from '../../src/netlink/socket.ts';

export interface Answer {
  readonly type: number;
  readonly flags?: number;
  readonly seq: number;
  readonly payload: Uint8Array;
}

/** A kernel that answers each send with what the script returns, inside the send, as real ones mostly do. */
export class FakeKernel implements NetlinkSocket {
  readonly sent: (readonly Message[])[] = [];
  readonly groups: number[] = [];
  closed = false;
  /** Datagrams to answer with; undefined leaves the sender waiting. A number is the errno of send. */
  script: (messages: readonly Message[]) => readonly (readonly Answer[])[] | number = () => [];
  #onDatagram: ((datagram: NetlinkDatagram) => void) | undefined;
  #onError: ((errno: number) => void) | undefined;

  send(bytes: Uint8Array): number {
    const messages = readMessages(bytes.slice());
    assert(messages.ok);
    this.sent.push(messages.value);
    const answers = this.script(messages.value);
    if (typeof answers === 'number') return -answers;
    for (const datagram of answers) this.deliver(datagram);
    return bytes.length;
  }
  receive(onDatagram: (datagram: NetlinkDatagram) => void, onError: (errno: number) => void): void {
    this.#onDatagram = onDatagram;
    this.#onError = onError;
  }
  join(group: number): number {
    if (group > 32) return -22;
    this.groups.push(group);
    return 0;
  }
  close(): void {
    this.closed = true;
  }

  deliver(answers: readonly Answer[], senderPort = 0): void {
    const parts = answers.map(({ type, flags = 0, seq, payload }) =>
      writeMessages([{ operation: '', type, flags, payload } satisfies Request], seq, 0),
    );
    this.deliverBytes(Uint8Array.from(parts.flatMap((part) => [...part])), senderPort);
  }
  /** The bytes are wiped afterwards, as a receiver's slab is used again. */
  deliverBytes(data: Uint8Array, senderPort = 0): void {
    this.#onDatagram?.({ data, senderPort });
    data.fill(0xff);
  }
  fail(errno: number): void {
    this.#onError?.(errno);
  }
}

/** An ERROR answer; errno 0 acknowledges. */
export function acknowledge(seq: number, errno = 0, text?: string): Answer {
  const message = text === undefined ? new Uint8Array() : textAttribute(text);
  const payload = new Uint8Array(20 + message.length);
  const view = new DataView(payload.buffer);
  view.setInt32(0, -errno, true);
  view.setUint32(4, 16, true);
  view.setUint32(12, seq, true);
  payload.set(message, 20);
  return {
    type: MessageType.error,
    flags: Flag.capped | (text === undefined ? 0 : Flag.ackAttributes),
    seq,
    payload,
  };
}

export const done = (seq: number, flags = 0): Answer => ({
  type: MessageType.done,
  flags: Flag.multi | flags,
  seq,
  payload: new Uint8Array(4),
});

function textAttribute(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\0`);
  const attribute = new Uint8Array(4 + Math.ceil(bytes.length / 4) * 4);
  new DataView(attribute.buffer).setUint16(0, 4 + bytes.length, true);
  new DataView(attribute.buffer).setUint16(2, 1, true);
  attribute.set(bytes, 4);
  return attribute;
}
