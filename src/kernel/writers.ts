/**
 * Everything the vrrp process writes to the kernel. Two threads of the addon do the waiting, one for addresses and one
 * for the gate, because a write of microseconds was seen to take 0.9 s while the kernel was busy elsewhere, and the
 * heartbeat must not know. Answers come back as events.
 */
import { familyOf, ip, type Ip } from '../base/ip.ts';
import { AddressFlag, deleteAddress, type InterfaceAddress, replaceAddress } from '../netlink/address.ts';
import { Flag, type Request, writeMessages } from '../netlink/message.ts';
import * as gate from '../nft/gate.ts';
import { type Batch, renumber } from '../nft/message.ts';
import type { AddressOutcome, GateOutcome } from '../vrrp/instance.ts';
import type { GateWrite } from '../vrrp/lease.ts';
import type { AddressWrite } from '../vrrp/link.ts';
import { errnoText } from './errno.ts';
import { ownProtocol } from './interfaces.ts';
import { native, type Writer, type WriteRequest, type WriteResult } from './native.ts';
import { NetlinkProtocol, openNetlinkDescriptor } from './netlink-socket.ts';

const EPERM = 1;
const ENOENT = 2;
const ENODEV = 19;
const EADDRNOTAVAIL = 99;
const ETIMEDOUT = 110;
const ECANCELED = 125;

type Answer = (result: WriteResult) => void;
const unheard = { answer: (): void => undefined, key: undefined };

/** A writer thread and who waits for which of its answers. */
class AnsweredWriter {
  readonly #writer: Writer;
  readonly #waiting = new Map<number, { readonly answer: Answer; readonly key: string | undefined }>();
  /** Of those that wait, the last one of each key. */
  readonly #newest = new Map<string, number>();
  #nextId = 1;
  nextSeq = 1;

  constructor(protocol: number) {
    this.#writer = native.writer(openNetlinkDescriptor(protocol), (result) => {
      const waiting = this.#waiting.get(result.id);
      this.#waiting.delete(result.id);
      if (waiting?.key !== undefined) this.#newest.delete(waiting.key);
      waiting?.answer(result);
    });
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  /** A queued request with the same key is replaced, and nobody hears of it again: the newer answer counts. */
  post(request: Omit<WriteRequest, 'id'>, answer: Answer): void {
    const id = this.#nextId++;
    // Room for the longest batch; far below 2^32, where sequence numbers would wrap inside one.
    this.nextSeq = this.nextSeq > 0x7fffff00 ? 1 : this.nextSeq + 64;
    if (request.key !== undefined) {
      const older = this.#newest.get(request.key);
      if (older !== undefined) this.#waiting.set(older, unheard);
      this.#newest.set(request.key, id);
    }
    this.#waiting.set(id, { answer, key: request.key });
    const refused = this.#writer.post({ ...request, id });
    if (refused === 0) return;
    this.#waiting.delete(id);
    if (request.key !== undefined) this.#newest.delete(request.key);
    queueMicrotask(() =>
      answer({ id, errno: -refused, seq: 0, text: 'the queue is full', sentAt: 0, doneAt: 0 }),
    );
  }

  schedule(policy: number, priority: number): void {
    this.#writer.schedule(policy, priority);
  }

  close(): void {
    this.#writer.close();
  }
}

export class Writers {
  readonly #addresses = new AnsweredWriter(NetlinkProtocol.route);
  readonly #gate = new AnsweredWriter(NetlinkProtocol.netfilter);
  /** As they were written last, by key. */
  readonly #renewals = new Map<string, Batch>();
  #settingUp = false;

  /** Writes whose answer has not come. */
  get inFlight(): number {
    return this.#addresses.inFlight + this.#gate.inFlight;
  }

  /**
   * The class of the loop that they serve: a renewal that waits behind ordinary work is a lease that lapses. But one
   * below it: on a machine of two CPUs two threads of its own priority could keep it from its deadlines.
   */
  schedule(policy: number, priority: number): void {
    const below = Math.max(priority - 1, Math.min(priority, 1));
    this.#addresses.schedule(policy, below);
    this.#gate.schedule(policy, below);
  }

  close(): void {
    this.#addresses.close();
    this.#gate.close();
  }

  writeAddress(write: AddressWrite, done: (outcome: AddressOutcome) => void): void {
    const { operation, notAfter } = write;
    const address = kernelAddress(write);
    const request = operation === 'remove' ? deleteAddress(address) : replaceAddress(address);
    this.#postAddress(
      request,
      operation === 'refresh' ? `${address.index} ${address.local}` : undefined,
      notAfter,
      (result) => done(addressOutcome(operation, result)),
    );
  }

  /** Takes a leftover of an earlier life away; a kernel that has none is content too. */
  removeAddress(address: InterfaceAddress, done: () => void): void {
    this.#postAddress(deleteAddress(address), undefined, undefined, done);
  }

  /**
   * Asks for what changes nothing: the kernel looks at the right to write before it looks for the interface.
   * rtnetlink(7)
   * @param done why no address can be written, or undefined
   */
  mayWrite(done: (refused: string | undefined) => void): void {
    this.#postAddress(deleteAddress(nowhere), undefined, undefined, ({ errno, text }) =>
      done(errno === EPERM ? sentence(errno, text) : undefined),
    );
  }

  #postAddress(
    request: Request,
    key: string | undefined,
    notAfter: number | undefined,
    answer: Answer,
  ): void {
    const data = writeMessages([request], this.#addresses.nextSeq, Flag.request | Flag.ack);
    const limits = { ...(key !== undefined && { key }), ...(notAfter !== undefined && { notAfter }) };
    this.#addresses.post({ data, answers: 1, ...limits }, answer);
  }

  /** Makes tables and rules, elements untouched. @param done undefined, or why there is no gate */
  prepareGate(done: (unavailable: string | undefined) => void): void {
    this.#postGate(gate.setup, {}, ({ errno, text }) =>
      done(errno === 0 ? undefined : `nf_tables gate: ${sentence(errno, text)}`),
    );
  }

  teardownGate(done: () => void): void {
    this.#postGate(gate.teardown, {}, done);
  }

  writeGate(
    operation: 'open' | 'renew' | 'close' | 'forget',
    addresses: readonly Ip[],
    write: GateWrite | undefined,
    done: (outcome: GateOutcome) => void,
  ): void {
    const until = write?.until ?? 0;
    const key = operation === 'renew' ? [...addresses].sort().join(' ') : undefined;
    if (operation === 'open') this.#ensureGate();
    // What is closed is not renewed any more.
    else if (key === undefined) this.#renewals.clear();
    this.#postGate(
      (seq) => {
        if (key !== undefined) return this.#renewal(key, addresses, seq);
        if (operation === 'open') return gate.open(addresses, seq, placeholderLifetime);
        return operation === 'close' ? gate.close(addresses, seq) : gate.forget(addresses, seq);
      },
      {
        ...(key !== undefined && { key }),
        ...(write !== undefined && { notAfter: write.notAfter }),
      },
      (result) => {
        // Unacknowledged is not renewed: the lease runs on to the end it had.
        if (result.errno === ETIMEDOUT && operation === 'renew') return;
        done(gateOutcome(operation, result));
      },
      until,
    );
  }

  /** With every advertisement the same again: to encode it anew took longer than to send the advertisement. */
  #renewal(key: string, addresses: readonly Ip[], seq: number): Batch {
    const known = this.#renewals.get(key);
    const batch =
      known === undefined ? gate.renew(addresses, seq, placeholderLifetime) : renumber(known, seq);
    this.#renewals.set(key, batch);
    return batch;
  }

  /**
   * Another program's `flush ruleset` takes our tables too: a promotion starts from known rules. One that waits to be
   * written serves all that are posted after it: 200 routers may be promoted at once.
   */
  #ensureGate(): void {
    if (this.#settingUp) return;
    this.#settingUp = true;
    this.#postGate(gate.setup, {}, () => {
      this.#settingUp = false;
    });
  }

  #postGate(
    encode: (firstSeq: number) => Batch,
    limits: Pick<WriteRequest, 'key' | 'notAfter'>,
    answer: Answer,
    until = 0,
  ): void {
    const { data, answers, timeoutOffsets } = encode(this.#gate.nextSeq);
    const remaining = until > 0 ? { remaining: { until, offsets: timeoutOffsets } } : {};
    this.#gate.post({ data, answers, ...limits, ...remaining }, answer);
  }
}

const nowhere: InterfaceAddress = { index: 0, local: ip('0.0.0.0'), prefixLength: 32, flags: 0, scope: 0 };

/** The writer thread puts in what is left of the lease just before it sends. */
const placeholderLifetime = 1_000_000 as Parameters<typeof gate.open>[2];

function kernelAddress({ interfaceIndex, address, lifetime_s }: AddressWrite): InterfaceAddress {
  const six = familyOf(address.address) === 6;
  return {
    index: interfaceIndex,
    local: address.address,
    prefixLength: address.length,
    // Without NODAD an IPv6 VIP would stay silent for more than a second, and lose to the dead Active's memory.
    flags: six ? AddressFlag.noDad : 0,
    scope: address.scope ?? 0,
    protocol: ownProtocol,
    ...(address.label !== undefined && { label: address.label }),
    ...(address.brd !== undefined && { broadcast: address.brd }),
    ...(lifetime_s !== undefined && { lifetimes: { preferred: lifetime_s, valid: lifetime_s } }),
  };
}

function addressOutcome(operation: AddressWrite['operation'], { errno, text }: WriteResult): AddressOutcome {
  const gone = errno === EADDRNOTAVAIL || errno === ENODEV;
  if (errno === 0 || (operation === 'remove' && gone)) return 'done';
  return { failed: errno === ECANCELED ? 'too late to be sent' : sentence(errno, text) };
}

function gateOutcome(operation: string, { errno, text }: WriteResult): GateOutcome {
  if (errno === 0) return 'done';
  if (errno === ECANCELED) return 'too-late';
  if (errno === ENOENT && operation === 'renew') return 'lapsed';
  return { failed: sentence(errno, text) };
}

function sentence(errno: number, text: string): string {
  const why = text === '' ? errnoText(errno) : `${text}, ${errnoText(errno)}`;
  return errno === EPERM ? `${why}; CAP_NET_ADMIN is needed` : why;
}
