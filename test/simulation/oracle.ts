import type { Micros } from '../../src/base/time.ts';
import type { State, TransitionReason } from '../../src/vrrp/events.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';

/** An advertisement as the octets say it, read here once more and not by the code under test. */
export interface Heard {
  readonly priority: number;
  readonly interval: number;
}

export const readAdvertisement = (message: Uint8Array): Heard => ({
  priority: message[2]!,
  interval: (((message[4]! & 0x0f) << 8) | message[5]!) * 10_000,
});

/**
 * RFC 9568 §6.1 and §6.4.2 told a second time, as plainly as can be: when a Backup that heard this must take over. The
 * product may neither come before that instant nor stay away long after it.
 */
export class Oracle {
  #config: InstanceConfig;
  /** Of the Active that was heard last; undefined when none was. */
  #learned: number | undefined;
  #due: number | undefined;
  #preemptDue: number | undefined;
  #state: State = 'initialize';

  constructor(config: InstanceConfig) {
    this.#config = config;
  }

  get #interval(): number {
    return this.#learned ?? this.#config.advert_int;
  }

  get due(): number | undefined {
    if (this.#state !== 'backup' || this.#due === undefined) return undefined;
    return Math.min(this.#due, this.#preemptDue ?? Infinity);
  }

  #skew(): number {
    return Math.ceil(((256 - this.#config.priority) * this.#interval) / 256);
  }

  #wait(now: Micros): void {
    this.#due = now + 3 * this.#interval + this.#skew();
  }

  /** Told after the product handled it: an Active that yields to an advertisement learns from it as a Backup. */
  heard({ priority, interval }: Heard, now: Micros): void {
    if (this.#state !== 'backup') return;
    const { preempt, priority: own } = this.#config;
    const weaker = priority < own && (preempt.mode === 'always' || own === 255);
    if (priority === 0) {
      this.#preemptDue = undefined;
      this.#due = now + this.#skew();
    } else if (!weaker || preempt.delay > 0) {
      this.#preemptDue = weaker ? (this.#preemptDue ?? now + preempt.delay) : undefined;
      this.#learned = interval;
      this.#wait(now);
    }
  }

  /** A reload that changes nothing of this router touches nothing of it. */
  reload(config: InstanceConfig, now: Micros): void {
    if (JSON.stringify(config) !== JSON.stringify(this.#config)) this.restart(config, now);
  }

  /** A pause, or a new configuration: listening begins again. */
  restart(config: InstanceConfig, now: Micros): void {
    this.#config = config;
    this.#preemptDue = undefined;
    if (this.#state === 'backup') this.#wait(now);
  }

  /** @returns what is wrong with this transition, or undefined */
  transition(to: State, reason: TransitionReason, now: Micros): string | undefined {
    const { due } = this;
    const fault =
      to !== 'active' || reason === 'address-owner'
        ? undefined
        : due === undefined
          ? `took over as ${reason} without being due at all`
          : now < due
            ? `took over as ${reason} ${due - now} µs too early`
            : undefined;
    this.#state = to;
    if (to === 'backup') {
      // After yielding, the advertisement that did it is told next.
      this.#learned = undefined;
      this.#preemptDue = undefined;
      this.#wait(now);
    }
    return fault;
  }
}
