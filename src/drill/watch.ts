import type { Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import { micros, milliseconds } from '../base/time.ts';
import type { Native } from '../kernel/native.ts';
import { ClientProber } from './client-prober.ts';
import type { ClientSummary } from './client-view.ts';
import { clientView } from './client-view.ts';
import { readClock } from './clock.ts';
import type { HttpProber, HttpSummary } from './http-prober.ts';
import type { JudgeSeat, SeenDirector } from './judge-seat.ts';
import { OwnerSampler } from './owner-sampler.ts';
import type { OwnershipSummary, Track, Window } from './timeline.ts';
import { ownership, summarise } from './timeline.ts';

/** What was seen of one address during a window, from outside. */
export interface Seen {
  readonly window: Window;
  /** Of pings. */
  readonly client: ClientSummary;
  /** Undefined when nobody asks for pages. */
  readonly http: HttpSummary | undefined;
  readonly ownership: OwnershipSummary;
}

const samplerPeriod = milliseconds(5);
const lookBack = milliseconds(500);

/** The instruments on one address: who answers for it, and what clients of ICMP and HTTP get. */
export class Watch {
  readonly address: Ip;
  readonly #clock: Native;
  readonly #seat: JudgeSeat;
  readonly #sampler: OwnerSampler;
  readonly #prober: ClientProber;
  readonly #http: HttpProber | undefined;

  /** Starts at once. @param http ended with the others @throws InstrumentError */
  constructor(port: Native, seat: JudgeSeat, address: Ip, http?: HttpProber) {
    this.address = address;
    this.#http = http;
    this.#clock = port;
    this.#seat = seat;
    this.#sampler = new OwnerSampler(port, {
      ...seat.client,
      judge: seat.judge,
      addresses: [address],
      directors: seat.directors.map(({ mac }) => mac),
      period: samplerPeriod,
    });
    this.#prober = new ClientProber(port, { ...seat.client, address });
  }

  now(): Micros {
    return readClock(this.#clock);
  }

  /** Directors that answer for the address now. */
  owners(): readonly SeenDirector[] {
    return this.#sampler.owners(this.address).flatMap((index) => this.#seat.directors[index] ?? []);
  }

  seen(window: Window): Seen {
    const intervals = ownership(cut(this.#sampler.track(this.address), window));
    const client = clientView(this.#prober.probes, window);
    return { window, client, http: this.#http?.seen(window), ownership: summarise(intervals, window) };
  }

  stop(): void {
    this.#sampler.stop();
    this.#prober.stop();
    this.#http?.stop();
  }
}

/**
 * Hours of watching are recorded; a look at the last seconds need not read them all. It begins before the
 * window: who owned the address then tells how slots without a probe at its beginning are read.
 */
function cut(track: Track, { from, to }: Window): Track {
  const first = Math.max(0, Math.floor((from - lookBack - track.startedAt) / track.period));
  const last = Math.max(first, Math.ceil((to - track.startedAt) / track.period));
  return {
    startedAt: micros(track.startedAt + first * track.period),
    period: track.period,
    slots: track.slots.subarray(first, last),
  };
}
