import assert from 'node:assert/strict';
import type { Ip } from '../base/ip.ts';
import { familyOf } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { Micros } from '../base/time.ts';
import { after } from '../base/time.ts';
import type { Receiver } from '../kernel/native.ts';
import type { Station } from '../vrrp/frames.ts';
import { arpRequest, decodeFrame, echoRequest, neighbourSolicitation } from '../vrrp/frames.ts';
import type { ClockPort, Ticks } from './clock.ts';
import { readClock, startTicks } from './clock.ts';
import type { LinkEnd, PacketPort } from './packet-socket.ts';
import { filterDestination, frameReceiveOptions, openPacketSocket } from './packet-socket.ts';
import type { Track } from './timeline.ts';
import { defaultHold, mergeTracks, probeSent } from './timeline.ts';

/**
 * `resolution`: answers ARP or ND for the address. `echo`: takes a packet for it that is handed to its MAC.
 */
export const waysOfAsking = ['resolution', 'echo'] as const;
export type WayOfAsking = (typeof waysOfAsking)[number];

export interface OwnerSamplerOptions extends LinkEnd {
  /**
   * A MAC and addresses on the link that are nobody else's. The namespace's own stack drops what is sent to
   * them, so sampling never refreshes the neighbour cache of a client whose view is measured beside it.
   */
  readonly judge: { readonly mac: Mac; readonly address: Ip; readonly linkLocal: Ip };
  readonly addresses: readonly Ip[];
  /** At most 7; results name them by index. Their MACs on this link. */
  readonly directors: readonly Mac[];
  /**
   * 2 ms finds short overlaps; 5 ms is enough at adverts of 1 s and costs less when many labs run in one
   * process.
   */
  readonly period: Micros;
}

/** Initial room for 10 s at 2 ms. */
const firstSlots = 5_000;

interface Recording {
  readonly address: Ip;
  readonly way: WayOfAsking;
  slots: Uint8Array;
  /** Latest answer of each director. */
  readonly answeredAt: (Micros | undefined)[];
}

/**
 * Asks, once a period and from the client's side, who owns each address, and records which director answered.
 *
 * Frames are built once and sent in one call. Answers say nothing of the probe they belong to, so the socket
 * is emptied before each probe: what is read belongs to the probe before. An answer held up for longer than a
 * period by a busy machine counts in a later slot.
 */
export class OwnerSampler {
  readonly #port: PacketPort & ClockPort;
  readonly #options: OwnerSamplerOptions;
  readonly #fd: number;
  readonly #receiver: Receiver;
  readonly #frames: readonly Uint8Array[];
  readonly #recordings: readonly Recording[];
  readonly #ticks: Ticks;
  #slot = -1;
  #sendErrors = 0;

  /** Starts at once. @throws InstrumentError */
  constructor(port: PacketPort & ClockPort, options: OwnerSamplerOptions) {
    assert(options.directors.length <= 7);
    this.#port = port;
    this.#options = options;
    this.#frames = options.addresses.flatMap((address) => probesFor(address, options));
    this.#recordings = options.addresses.flatMap((address) =>
      waysOfAsking.map((way) => ({ address, way, slots: new Uint8Array(firstSlots), answeredAt: [] })),
    );
    this.#fd = openPacketSocket(port, options, filterDestination(options.judge.mac));
    // While the link is down nobody answers, which is what is to be recorded.
    this.#receiver = port.receive(
      this.#fd,
      frameReceiveOptions,
      ({ data }) => this.#onFrame(data),
      () => undefined,
    );
    this.#ticks = startTicks(port, options.period, (slot) => this.#onTick(slot));
  }

  /** Probes that could not be sent: their slots count as not asked. */
  get sendErrors(): number {
    return this.#sendErrors;
  }

  /** Directors that own the address now, by index: for showing, where the timeline is for judging. */
  owners(address: Ip): number[] {
    const since = readClock(this.#port) - this.#options.period * (defaultHold + 1);
    return [...this.#options.directors.keys()].filter((director) =>
      this.#recordings.some(
        (recording) =>
          recording.address === address && (recording.answeredAt[director] ?? -Infinity) >= since,
      ),
    );
  }

  /** What was recorded so far; both ways together when none is named. */
  track(address: Ip, way?: WayOfAsking): Track {
    const wanted = this.#recordings.filter(
      (recording) => recording.address === address && (way === undefined || recording.way === way),
    );
    assert(wanted.length > 0, `${address} is not sampled`);
    const { period } = this.#options;
    const { startedAt } = this.#ticks;
    return mergeTracks(
      wanted.map(({ slots }) => ({ startedAt, period, slots: slots.slice(0, this.#slot + 1) })),
    );
  }

  /** Ends the sampling; what was recorded stays readable. */
  stop(): void {
    this.#ticks.stop();
    this.#receiver.drain();
    this.#port.close(this.#fd);
  }

  #onTick(slot: number): void {
    this.#receiver.drain();
    this.#slot = slot;
    const sent = this.#port.sendMany(this.#fd, this.#frames);
    const complete = sent === this.#frames.length;
    if (!complete) this.#sendErrors++;
    for (const recording of this.#recordings) {
      if (slot >= recording.slots.length) recording.slots = enlarged(recording.slots, slot);
      if (complete) recording.slots[slot] = probeSent;
    }
  }

  #onFrame(frame: Uint8Array): void {
    const answer = readAnswer(frame);
    if (answer === undefined || this.#slot < 0) return;
    const director = this.#options.directors.indexOf(answer.mac);
    const recording = this.#recordings.find(
      ({ address, way }) => address === answer.address && way === answer.way,
    );
    if (director < 0 || recording === undefined) return;
    recording.slots[this.#slot] = (recording.slots[this.#slot] ?? 0) | (1 << director);
    recording.answeredAt[director] = after(
      this.#ticks.startedAt,
      (this.#slot * this.#options.period) as Micros,
    );
  }
}

function enlarged(slots: Uint8Array, slot: number): Uint8Array {
  const larger = new Uint8Array(Math.max(slots.length * 2, slot + 1));
  larger.set(slots);
  return larger;
}

/** One question to everyone, and one packet for the address to each director's own MAC. */
function probesFor(address: Ip, { judge, directors }: OwnerSamplerOptions): Uint8Array[] {
  const source: Station = { mac: judge.mac, ip: familyOf(address) === 4 ? judge.address : judge.linkLocal };
  const question =
    familyOf(address) === 4 ? arpRequest(address, source) : neighbourSolicitation(address, source);
  return [question, ...directors.map((mac) => echoRequest(source, { mac, ip: address }, 1, 1))];
}

function readAnswer(frame: Uint8Array): { mac: Mac; address: Ip; way: WayOfAsking } | undefined {
  const heard = decodeFrame(frame);
  switch (heard?.kind) {
    case 'arp-reply':
      return { mac: heard.sourceMac, address: heard.sender.ip, way: 'resolution' };
    case 'neighbour-advertisement':
      return { mac: heard.sourceMac, address: heard.target, way: 'resolution' };
    case 'echo-reply':
      return { mac: heard.sourceMac, address: heard.source, way: 'echo' };
    case 'arp-request':
    case undefined:
      return undefined;
  }
}
