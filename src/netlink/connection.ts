import assert from 'node:assert/strict';
import type { Micros } from '../base/time.ts';
import { formatDuration, seconds } from '../base/time.ts';
import { Errno, NetlinkError } from './error.ts';
import type { Acknowledgement, Message, Request } from './message.ts';
import { Flag, MessageType, readAcknowledgement, readDone, readMessages, writeMessages } from './message.ts';
import type { NetlinkDatagram, NetlinkSocket } from './socket.ts';

/**
 * Messages a send: the kernel writes one answer to each before the next send, and 500 overran a default
 * buffer.
 */
const window = 64;
const dumpAttempts = 5;

/** A run of ready messages with their own sequence numbers, such as an nf_tables transaction. */
export interface Transaction {
  readonly data: Uint8Array;
  /** NLMSG_ERROR answers that the kernel gives to it. */
  readonly answers: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

interface Outcome {
  readonly seq: number;
  readonly acknowledgement: Acknowledgement;
}

/**
 * What one send waits for: a closing answer (ERROR, DONE) `expected` times, to sequence numbers of its
 * range.
 */
interface Exchange {
  readonly operation: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly expected: number;
  readonly messages: Message[];
  readonly outcomes: Outcome[];
  readonly finish: (error?: NetlinkError) => void;
  interrupted: boolean;
}

/**
 * Requests over one socket, one exchange at a time in the order of the calls. Every failure is a
 * NetlinkError; after one the connection is usable again: late answers carry an old sequence number and are
 * passed over.
 */
export class NetlinkConnection {
  /** Datagrams and messages passed over, by reason. */
  readonly discarded = { foreign: 0, malformed: 0, unmatched: 0 };
  readonly #socket: NetlinkSocket;
  readonly #timeLimit: Micros;
  #nextSeq = 1;
  #tail: Promise<unknown> = Promise.resolve();
  #exchange: Exchange | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Something came since the timer was set. */
  #heard = false;
  #closed = false;

  /**
   * @param options.timeLimit longest silence of the kernel at the beginning of an exchange; up to twice as
   * long after it has said something
   */
  constructor(socket: NetlinkSocket, options: { readonly timeLimit?: Micros } = {}) {
    this.#socket = socket;
    this.#timeLimit = options.timeLimit ?? seconds(2);
    socket.receive(
      (datagram) => this.#onDatagram(datagram),
      (errno) => this.#fail(errno, 'answers were lost'),
    );
  }

  /** Sends one message and waits for its acknowledgement. @returns the messages that came before it */
  request(request: Request): Promise<readonly Message[]> {
    return this.#inTurn(async () => {
      const { messages, outcomes } = await this.#send([request], Flag.ack);
      throwFirst(request.operation, outcomes);
      return messages;
    });
  }

  /** Reads a whole table; begins again, up to 5 times in all, when it changed meanwhile (NLM_F_DUMP_INTR). */
  dump(request: Request): Promise<readonly Message[]> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < dumpAttempts; attempt++) {
        const { messages, outcomes, interrupted } = await this.#send([request], Flag.dump);
        throwFirst(request.operation, outcomes);
        if (!interrupted) return messages;
      }
      const text = `the table changed during each of ${dumpAttempts} reads`;
      throw new NetlinkError({ operation: request.operation, errno: Errno.interrupted, text });
    });
  }

  /**
   * Sends many, a window at a time.
   * @returns for each request in order its error, or undefined when it was done
   */
  batch(requests: readonly Request[]): Promise<readonly (NetlinkError | undefined)[]> {
    return this.#inTurn(async () => {
      const errors: (NetlinkError | undefined)[] = [];
      for (let at = 0; at < requests.length; at += window) {
        const part = requests.slice(at, at + window);
        const { outcomes, firstSeq } = await this.#send(part, Flag.ack);
        for (const [index, { operation }] of part.entries()) {
          const outcome = outcomes.find(({ seq }) => seq === firstSeq + index);
          errors.push(outcome === undefined ? undefined : errorOf(operation, outcome));
        }
      }
      return errors;
    });
  }

  /** Sends ready messages, all or nothing: throws the first error among the answers. */
  transact(operation: string, encode: (firstSeq: number) => Transaction): Promise<void> {
    return this.#inTurn(async () => {
      const transaction = encode(this.#nextSeq);
      assert(transaction.firstSeq === this.#nextSeq, 'a transaction takes the sequence number it is given');
      const { outcomes } = await this.#run(operation, transaction);
      throwFirst(operation, outcomes);
    });
  }

  close(): void {
    this.#closed = true;
    this.#fail(Errno.cancelled, 'the connection was closed');
    this.#socket.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #send(requests: readonly Request[], flags: number): Promise<Exchange> {
    const firstSeq = this.#nextSeq;
    const data = writeMessages(requests, firstSeq, Flag.request | flags);
    const lastSeq = firstSeq + requests.length - 1;
    const operation =
      requests.length === 1 ? (requests[0]?.operation ?? '') : `send ${requests.length} requests`;
    return this.#run(operation, { data, answers: requests.length, firstSeq, lastSeq });
  }

  #run(operation: string, { data, answers, firstSeq, lastSeq }: Transaction): Promise<Exchange> {
    // 0 is the number of events; far below 2^32 nothing need wrap within an exchange.
    this.#nextSeq = lastSeq >= 0x7fffffff ? 1 : lastSeq + 1;
    return new Promise((resolve, reject) => {
      const exchange: Exchange = {
        operation,
        firstSeq,
        lastSeq,
        expected: answers,
        messages: [],
        outcomes: [],
        interrupted: false,
        finish: (error) => {
          clearTimeout(this.#timer);
          this.#exchange = undefined;
          if (error === undefined) resolve(exchange);
          else reject(error);
        },
      };
      this.#exchange = exchange;
      this.#armTimer();
      const sent = this.#closed ? -Errno.cancelled : this.#socket.send(data);
      if (sent < 0) this.#fail(-sent, 'sending failed');
    });
  }

  #armTimer(): void {
    clearTimeout(this.#timer);
    this.#heard = false;
    this.#timer = setTimeout(() => this.#onTimer(), Math.ceil(this.#timeLimit / 1_000));
  }

  /** A timer set anew at each message took more of the reading of a large table than all else together. */
  #onTimer(): void {
    if (this.#heard) this.#armTimer();
    else this.#fail(Errno.timedOut, `no answer for ${formatDuration(this.#timeLimit)}`);
  }

  #fail(errno: number, text: string): void {
    const exchange = this.#exchange;
    exchange?.finish(
      new NetlinkError({ operation: exchange.operation, errno, text, seq: exchange.firstSeq }),
    );
  }

  #onDatagram({ data, senderPort }: NetlinkDatagram): void {
    if (senderPort !== 0) {
      this.discarded.foreign++;
      return;
    }
    // The bytes are the receiver's; the messages we keep need their own.
    const messages = readMessages(data.slice());
    if (!messages.ok) {
      this.discarded.malformed++;
      this.#fail(Errno.badMessage, messages.error);
      return;
    }
    for (const message of messages.value) this.#onMessage(message);
  }

  #onMessage(message: Message): void {
    const exchange = this.#exchange;
    if (exchange === undefined || message.seq < exchange.firstSeq || message.seq > exchange.lastSeq) {
      this.discarded.unmatched++;
      return;
    }
    this.#heard = true;
    if ((message.flags & Flag.dumpInterrupted) !== 0 && message.type !== MessageType.error)
      exchange.interrupted = true;
    if (message.type !== MessageType.error && message.type !== MessageType.done) {
      if (message.type !== MessageType.noop) exchange.messages.push(message);
      return;
    }
    const read = message.type === MessageType.error ? readAcknowledgement(message) : readDone(message);
    if (!read.ok) {
      this.discarded.malformed++;
      this.#fail(Errno.badMessage, read.error.text);
      return;
    }
    exchange.outcomes.push({ seq: message.seq, acknowledgement: read.value });
    // A transaction refused as a whole (EPERM, ENOMEM) has one answer only, to its opening message, which
    // asks for none.
    const refusedWhole =
      message.seq === exchange.firstSeq && read.value.errno !== 0 && isTransaction(exchange);
    if (exchange.outcomes.length === exchange.expected || refusedWhole) exchange.finish();
  }
}

/** Its opening and closing messages have sequence numbers and no answers. */
const isTransaction = ({ firstSeq, lastSeq, expected }: Exchange): boolean =>
  expected < lastSeq - firstSeq + 1;

function errorOf(operation: string, { seq, acknowledgement }: Outcome): NetlinkError | undefined {
  const { errno, text } = acknowledgement;
  return errno === 0
    ? undefined
    : new NetlinkError({ operation, errno, seq, ...(text !== undefined && { text }) });
}

function throwFirst(operation: string, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) {
    const error = errorOf(operation, outcome);
    if (error !== undefined) throw error;
  }
}
