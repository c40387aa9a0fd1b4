import type { Family } from '../../../src/base/ip.ts';
import type { State, TransitionReason } from '../../../src/vrrp/events.ts';
import type { InstanceConfig } from '../../../src/vrrp/types.ts';
import { readAdvertisement } from '../oracle.ts';
import type { SimulatedPacket } from '../simulated-link.ts';
import type { Director } from './director.ts';
import { interfaceIndex } from './scenario.ts';
import { TrackerBook } from './tracker-book.ts';

/** Every transition that may be, and why. */
const causes: Readonly<Record<string, readonly TransitionReason[]>> = {
  'initialize backup': ['startup'],
  'backup initialize': ['stop', 'no-carrier', 'tracker-failed', 'sync-group'],
  'backup active': ['active-silent', 'active-resigned', 'preempting'],
  'active backup': ['higher-priority', 'higher-address', 'lease-lapsed', 'paused', 'sync-group'],
  'active initialize': [
    ...(['stop', 'no-carrier', 'tracker-failed', 'sync-group'] as const),
    ...(['addresses-refused', 'lease-unavailable'] as const),
  ],
};

interface LastWord {
  readonly priority: number;
  readonly at: number;
  readonly family: Family;
  readonly from: number;
}

/** One life of a process, as the judge remembers it: what each instance heard, and what the trackers said. */
export class Life {
  readonly book: TrackerBook;
  readonly #director: Director;
  readonly #heard = new Map<string, LastWord>();
  /** The packet being handled. */
  #packet: LastWord | undefined;
  #lastTurnAt: number;
  #gap = 0;

  constructor(director: Director) {
    this.#director = director;
    this.book = new TrackerBook(director);
    this.#lastTurnAt = director.now;
  }

  turn(): void {
    const { now } = this.#director;
    this.#gap = now - this.#lastTurnAt;
    if (this.#gap >= 200_000) this.book.paused(this.#lastTurnAt, now);
    this.#lastTurnAt = now;
    this.#packet = undefined;
  }

  /** Who sent the packet that is being handled. */
  get speaker(): number | undefined {
    return this.#packet?.from;
  }

  heard({ name }: InstanceConfig, { data, family, from }: SimulatedPacket): void {
    const { priority } = readAdvertisement(data);
    this.#packet = { priority, at: this.#director.now, family, from };
    this.#heard.set(name, this.#packet);
  }

  /** @returns why this must not be, or undefined */
  objection(
    config: InstanceConfig,
    from: State,
    to: State,
    reason: TransitionReason,
    own: number,
  ): string | undefined {
    if (causes[`${from} ${to}`]?.includes(reason) !== true) return 'which has no such cause';
    const last = this.#heard.get(config.name);
    const age = this.#director.now - (last?.at ?? -Infinity);
    const heard = `heard ${last?.priority ?? 'nobody'} ${age / 1_000} ms ago over IPv${last?.family ?? '?'}`;
    switch (reason) {
      case 'active-silent': {
        const waiting = this.#director.queued.some(({ data }) => data[1] === config.virtual_router_id);
        if (waiting) return 'and an advertisement waits in its queue';
        return last !== undefined && last.priority > 0 && age < 3 * config.advert_int ? heard : undefined;
      }
      case 'active-resigned':
        return last?.priority === 0 ? undefined : heard;
      case 'preempting':
        return last !== undefined && last.priority < own && config.preempt.mode === 'always'
          ? undefined
          : heard;
      case 'higher-priority':
        return (this.#packet?.priority ?? 0) > own ? undefined : heard;
      case 'higher-address':
        return this.#packet?.priority === own ? undefined : heard;
      default:
        return this.#ofItself(config, reason);
    }
  }

  #ofItself(config: InstanceConfig, reason: TransitionReason): string | undefined {
    const director = this.#director;
    const linkOf = (one: InstanceConfig): boolean => director.kernel.hasCarrier(indexOf(one));
    switch (reason) {
      case 'paused':
        return this.#gap >= config.lease.gate_lifetime ? undefined : `after a gap of ${this.#gap / 1_000} ms`;
      case 'no-carrier':
        return linkOf(config) ? 'and it has one' : undefined;
      case 'tracker-failed':
        return this.book.worth(-5_000).fault ? undefined : 'and every tracker is well';
      case 'sync-group': {
        const others = director.station.configs.filter(({ name }) => name !== config.name);
        const reasoned = others.some((one) => director.stateOf(one) !== 'active' || !linkOf(one));
        return reasoned ? undefined : 'and every other member is Active';
      }
      default:
        return undefined;
    }
  }
}

export const indexOf = ({ interface: name }: InstanceConfig): number =>
  interfaceIndex(Number(name.slice('eth'.length)));
