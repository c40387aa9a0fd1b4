/**
 * When an Active tells its neighbours where the virtual addresses live now: gratuitous ARP for IPv4,
 * unsolicited Neighbor Advertisements for IPv6. RFC 9568 §6.4.1 and §6.4.2 ask for one per address on
 * promotion; the timings are keepalived's.
 *
 *   start     garp_master_repeat copies now, the same again after garp_master_delay,
 *             then garp_master_refresh_repeat copies every garp_master_refresh (0 turns either off)
 *   add       the first two of these for the new addresses only
 *   conflict  another router advertised our VRID while we are Active, so it may have told the neighbours
 *             something else: garp_lower_prio_repeat copies now, and again garp_lower_prio_delay later.
 *             Conflict rounds start at least 1 s apart; one that comes sooner is answered at the end of that
 *             second. So every conflict is followed by a round that begins within 1 s, and a peer that never
 *             falls silent costs one round a second at most.
 *
 * A round goes round-robin over the addresses, so every one is announced once before any is announced twice.
 * What an address is still owed is a number, not a queue: overlapping rounds merge and the backlog is
 * bounded.
 *
 * Pace: with garp_interval / gna_interval one frame per interval; else bursts of at most 20 frames (four addresses
 * with the default of five copies), at the pace of 20 frames a millisecond that all instances of an interface share:
 * 5,000 frames take 0.25 s, and a heartbeat never waits for more than one burst.
 */
import { familyOf, type Ip } from '../base/ip.ts';
import { after, earlier, micros, milliseconds, seconds, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import { frameTime, type Pace } from './pace.ts';
import type { AnnounceTimings } from './types.ts';

export type AnnounceEvent =
  /** We became Active; the addresses are on the interface. */
  | { readonly type: 'start'; readonly addresses: readonly Ip[] }
  | { readonly type: 'stop' }
  | { readonly type: 'conflict' }
  /** While Active: addresses that are new, or were put back; and some that must not be announced any more. */
  | { readonly type: 'add' | 'remove'; readonly addresses: readonly Ip[] };

/** One frame (or one of each form, if so configured) for one address, to be sent now and in this order. */
export interface AnnounceAction {
  readonly type: 'announce';
  readonly address: Ip;
}

export const burstFrames = 20;
/** A promise of the pace that is older has lapsed: a loop that was held up does not catch up in one rush. */
const latest = milliseconds(1);
export const conflictPause = seconds(1);

export class Announcer implements Machine<AnnounceEvent, AnnounceAction> {
  readonly #timings: AnnounceTimings;
  readonly #pace: Pace;
  #active = false;
  /** What we announce, and when an address's second round comes; undefined when that was, or is off. */
  readonly #secondAt = new Map<Ip, Micros | undefined>();
  /** Copies still to send per address; the next one is first. */
  readonly #owed = new Map<Ip, number>();
  /** Not before then do we ask the pace for more. */
  #nextFrameAt: Micros | undefined;
  /** What the pace has promised us. */
  #burst: { readonly at: Micros; readonly frames: number } | undefined;
  #refreshAt: Micros | undefined;
  #conflictAt: Micros | undefined;
  #conflictSecondAt: Micros | undefined;
  #conflictQuietUntil: Micros | undefined;

  constructor(timings: AnnounceTimings, pace: Pace) {
    this.#timings = timings;
    this.#pace = pace;
  }

  get deadline(): Micros | undefined {
    if (!this.#active) return undefined;
    const frame = this.#owed.size > 0 ? (this.#burst?.at ?? this.#nextFrameAt) : undefined;
    const conflict = earlier(this.#conflictAt, this.#conflictSecondAt);
    let first = earlier(frame, earlier(this.#refreshAt, conflict));
    for (const second of this.#secondAt.values()) first = earlier(first, second);
    return first;
  }

  handle(event: AnnounceEvent | undefined, now: Micros): readonly AnnounceAction[] {
    if (event?.type === 'start' || event?.type === 'stop') this.#reset();
    if (event?.type === 'start') this.#start(event.addresses, now);
    else if (event !== undefined && this.#active) this.#apply(event, now);
    this.#startDueRounds(now);
    return this.#send(now);
  }

  #reset(): void {
    this.#active = false;
    this.#secondAt.clear();
    this.#owed.clear();
    this.#burst = undefined;
    this.#nextFrameAt = this.#refreshAt = undefined;
    this.#conflictAt = this.#conflictSecondAt = this.#conflictQuietUntil = undefined;
  }

  #start(addresses: readonly Ip[], now: Micros): void {
    this.#active = true;
    this.#add(addresses, now);
    this.#refreshAt = laterBy(now, this.#timings.garp_master_refresh);
  }

  #apply(event: AnnounceEvent, now: Micros): void {
    if (event.type === 'add') this.#add(event.addresses, now);
    else if (event.type === 'conflict') {
      const quietUntil = this.#conflictQuietUntil ?? now;
      this.#conflictAt ??= quietUntil > now ? quietUntil : now;
    } else if (event.type === 'remove') {
      for (const address of event.addresses) {
        this.#secondAt.delete(address);
        this.#owed.delete(address);
      }
    }
  }

  #add(addresses: readonly Ip[], now: Micros): void {
    const secondAt = laterBy(now, this.#timings.garp_master_delay);
    for (const address of addresses) this.#secondAt.set(address, secondAt);
    this.#owe(addresses, this.#timings.garp_master_repeat);
  }

  /** However late the call is, a round that has come due starts once. */
  #startDueRounds(now: Micros): void {
    const timings = this.#timings;
    const second = [...this.#secondAt].filter(([, at]) => isDue(at, now)).map(([address]) => address);
    for (const address of second) this.#secondAt.set(address, undefined);
    this.#owe(second, timings.garp_master_repeat);
    if (isDue(this.#refreshAt, now)) {
      this.#refreshAt = laterBy(now, timings.garp_master_refresh);
      this.#owe(this.#secondAt.keys(), timings.garp_master_refresh_repeat);
    }
    if (isDue(this.#conflictAt, now)) {
      this.#conflictAt = undefined;
      this.#conflictQuietUntil = after(now, conflictPause);
      this.#conflictSecondAt = laterBy(now, timings.garp_lower_prio_delay);
      this.#owe(this.#secondAt.keys(), timings.garp_lower_prio_repeat);
    } else if (isDue(this.#conflictSecondAt, now)) {
      this.#conflictSecondAt = undefined;
      this.#owe(this.#secondAt.keys(), timings.garp_lower_prio_repeat);
    }
  }

  #owe(addresses: Iterable<Ip>, copies: number): void {
    if (copies === 0) return;
    for (const address of addresses) this.#owed.set(address, Math.max(copies, this.#owed.get(address) ?? 0));
  }

  #send(now: Micros): AnnounceAction[] {
    const actions: AnnounceAction[] = [];
    if (this.#owed.size === 0 || (this.#nextFrameAt !== undefined && now < this.#nextFrameAt)) return actions;
    if (this.#burst === undefined || this.#burst.at + latest < now) this.#burst = this.#askPace(now);
    if (now < this.#burst.at) return actions;
    let pause = micros(0);
    while (actions.length < this.#burst.frames && pause === 0) {
      const [next] = this.#owed;
      if (next === undefined) break;
      const [address, copies] = next;
      this.#owed.delete(address);
      if (copies > 1) this.#owed.set(address, copies - 1);
      actions.push({ type: 'announce', address });
      pause = this.#pauseAfter(address);
    }
    this.#burst = undefined;
    this.#nextFrameAt = after(now, pause > 0 ? pause : micros(actions.length * frameTime));
    return actions;
  }

  #askPace(now: Micros): { readonly at: Micros; readonly frames: number } {
    const owed = [...this.#owed.values()].reduce((sum, copies) => sum + copies, 0);
    const [next] = this.#owed.keys();
    const frames = Math.min(owed, next !== undefined && this.#pauseAfter(next) > 0 ? 1 : burstFrames);
    return { at: this.#pace.reserve(frames, now), frames };
  }

  /** 0: as the pace allows. */
  #pauseAfter(address: Ip): Micros {
    return familyOf(address) === 4 ? this.#timings.garp_interval : this.#timings.gna_interval;
  }
}

const isDue = (at: Micros | undefined, now: Micros): boolean => at !== undefined && at <= now;

/** keepalived's 0 turns a round off. */
const laterBy = (now: Micros, delay: Micros): Micros | undefined =>
  delay > 0 ? after(now, delay) : undefined;
