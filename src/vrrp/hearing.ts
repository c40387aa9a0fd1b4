/** What an instance hears, for people to see: nothing is decided by it. PURE */
import { familyOf, type Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import { FamilySilence } from './family-silence.ts';
import { HeardRouters } from './heard.ts';
import { MismatchingSpeakers } from './mismatch.ts';
import type { ForeignSpeaker, Listener, Received } from './receive.ts';
import type { InstanceStatus } from './status.ts';
import type { InstanceConfig } from './types.ts';

export class Hearing {
  readonly #routers = new HeardRouters();
  readonly #mismatching = new MismatchingSpeakers();
  readonly #silence = new FamilySilence();

  /** @returns a sentence worth telling, when a family has fallen silent or is heard again */
  accepted(
    received: Extract<Received<Listener>, { verdict: 'accept' }>,
    source: Ip,
    { families }: Pick<InstanceConfig, 'families'>,
    activeDownInterval: Micros,
    now: Micros,
  ): string | undefined {
    this.#routers.note(received, source, now);
    const change = this.#silence.heard(familyOf(source), families, activeDownInterval, now);
    if (change === undefined) return undefined;
    return change.silent
      ? `nobody is heard over IPv${change.family}, ${source} is: the election goes on, with that way broken`
      : `IPv${change.family} is heard again`;
  }

  /** It speaks for this virtual router, and was discarded. @returns as accepted(), the first time */
  disbelieved(speaker: ForeignSpeaker<Listener>, now: Micros): string | undefined {
    return this.#mismatching.note(speaker, now);
  }

  /** Whether another router was heard since this instant. */
  since(instant: Micros): boolean {
    return this.#routers.since(instant);
  }

  status(now: Micros): Pick<InstanceStatus, 'heard' | 'mismatching' | 'silentFamilies'> {
    return {
      heard: this.#routers.list(),
      mismatching: this.#mismatching.list(),
      silentFamilies: this.#silence.silentAt(now),
    };
  }
}
