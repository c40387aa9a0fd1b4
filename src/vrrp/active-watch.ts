/**
 * What a Backup knows of the Active: the interval learned from it, the Active_Down_Timer, and how far a preemption has
 * come. RFC 9568 §6.1 and §6.2. PURE
 *
 * The instants are the state: a timer that is not set cannot fire. A member of a sync group does not act when its timer
 * runs out, it *wants* to, until the group agrees or the Active is heard again.
 */
import { after, between, earlier, type Micros } from '../base/time.ts';
import type { TransitionReason } from './events.ts';
import { type Timers, timersOf } from './timers.ts';
import { type InstanceConfig, isOwner, type Priority } from './types.ts';

/** The words of a configuration that count here, with the priority in force. */
export type Self = Pick<InstanceConfig, 'version' | 'advert_int' | 'preempt'> & {
  readonly priority: Priority;
  readonly owner: boolean;
};

export const selfOf = (config: InstanceConfig, priority: Priority): Self => ({
  ...config,
  priority,
  owner: isOwner(config),
});

export class ActiveWatch {
  /** Active_Adver_Interval learned from the Active; undefined until one was heard. RFC 9568 §6.1 */
  #learned: Micros | undefined;
  #downAt: Micros | undefined;
  #preemptAt: Micros | undefined;
  /** Since when the Active is heard to be the weaker one, while this router waits before it preempts. */
  #weakerSince: Micros | undefined;
  /** Not before it is any living Active preempted: our pools are not ready to serve. */
  #waitUntil: Micros | undefined;
  /** Why the Active_Down_Timer, when it expires, expired. */
  #downReason: TransitionReason = 'active-silent';
  /** Why this router would be Active now, if its group agreed. */
  #wants: TransitionReason | undefined;

  get activeDownAt(): Micros | undefined {
    return this.#downAt;
  }

  get preemptAt(): Micros | undefined {
    return this.#preemptAt;
  }

  get wants(): TransitionReason | undefined {
    return this.#wants;
  }

  get deadline(): Micros | undefined {
    return earlier(this.#downAt, this.#preemptAt);
  }

  timers(self: Self): Timers {
    return timersOf(self, this.#learned);
  }

  /** Listens anew: what was heard before says nothing of who lives now. */
  listen(self: Self, now: Micros): void {
    this.#arm(self, 'active-silent', now);
  }

  /** With a new configuration the same wait begins again. */
  again(self: Self, now: Micros): void {
    this.#arm(self, this.#downReason, now);
  }

  /** The interval of an Active that this router yields to, or of none. */
  learn(interval: Micros | undefined): void {
    this.#learned = interval;
  }

  stop(): void {
    this.#downAt = this.#preemptAt = this.#weakerSince = this.#wants = undefined;
  }

  /** @param until undefined: what was waited for is there */
  wait(self: Self, until: Micros | undefined): void {
    this.#waitUntil = until;
    if (this.#weakerSince !== undefined) this.#preemptAt = this.#preemption(self, this.#weakerSince);
  }

  /** When a router that has heard a weaker Active since this instant takes over from it. */
  #preemption({ preempt }: Self, since: Micros): Micros {
    return Math.max(after(since, preempt.delay), this.#waitUntil ?? 0) as Micros;
  }

  /** A Backup never compares addresses: that is the Active's part. RFC 9568 §6.4.2 */
  hears(self: Self, advert: { readonly priority: number; readonly interval: Micros }, now: Micros): void {
    const { preempt, owner } = self;
    if (advert.priority === 0) {
      // The Active leaves. Skew_Time of the interval learned before, not of the one in its farewell.
      this.#preemptAt = this.#weakerSince = this.#wants = undefined;
      this.#downReason = 'active-resigned';
      this.#downAt = after(now, this.timers(self).skewTime);
      return;
    }
    // The address owner preempts at once, whatever Preempt_Mode says. RFC 9568 §6.1
    const preempts = advert.priority < self.priority && (owner || preempt.mode === 'always');
    const held = preempt.delay > 0 || (this.#waitUntil !== undefined && now < this.#waitUntil);
    const waits = preempts && !owner && held;
    if (preempts && !waits) {
      this.#downReason = 'preempting';
      if (this.#wants !== undefined) this.#wants = 'preempting';
      return;
    }
    // A wait holds back preemption only: the weaker Active's adverts keep the timer armed, its silence ends the wait.
    const weakerSince = waits ? (this.#weakerSince ?? now) : undefined;
    // Who has waited, and waits only for the group, has not to wait again.
    if (waits && this.#wants === 'preempting') return;
    this.#learned = advert.interval;
    this.#arm(self, 'active-silent', now);
    if (weakerSince === undefined) return;
    this.#weakerSince = weakerSince;
    this.#preemptAt = this.#preemption(self, weakerSince);
  }

  /** The Active_Down_Timer goes on from where it began, with the new Skew_Time in it. */
  reprioritise(old: Self, self: Self, now: Micros): void {
    const preempting =
      this.#preemptAt !== undefined || this.#downReason === 'preempting' || this.#wants === 'preempting';
    // The Active that was about to be replaced may be the better one now: its next advertisement says so.
    if (self.priority < old.priority && preempting) this.listen(self, now);
    else if (this.#downAt !== undefined)
      this.#downAt = after(this.#downAt, between(this.timers(old).skewTime, this.timers(self).skewTime));
  }

  /** @returns why this router must be Active now, or undefined */
  due(now: Micros): TransitionReason | undefined {
    if (reached(this.#downAt, now)) return this.#downReason;
    return reached(this.#preemptAt, now) ? 'preempting' : undefined;
  }

  /** The timer has run out, and the group is asked. */
  want(reason: TransitionReason): void {
    this.stop();
    this.#wants = reason;
  }

  #arm(self: Self, reason: TransitionReason, now: Micros): void {
    this.#preemptAt = this.#weakerSince = this.#wants = undefined;
    this.#downReason = reason;
    this.#downAt = after(now, this.timers(self).activeDownInterval);
  }
}

export const reached = (instant: Micros | undefined, now: Micros): boolean =>
  instant !== undefined && instant <= now;
