/** What holds back the preemption of a living Active, by instance: pools that are not ready, or empty. PURE */
import { after, type Micros } from '../base/time.ts';
import type { Tracking } from './track.ts';
import type { InstanceConfig } from './types.ts';

/** An Active that is heard serves at least as well as who has nothing to serve with. */
const whileItIsHeard = Infinity as Micros;

export class Waits {
  #checksReady = false;
  #notReadySince: Micros | undefined;
  readonly #startedAt = new Map<string, Micros>();

  /** It takes part from now on. */
  started(instance: string, now: Micros): void {
    this.#startedAt.set(instance, now);
  }

  /** @param ready every check has spoken and no pool is down, or nobody is left to run the checks */
  checks(ready: boolean, now: Micros): void {
    this.#checksReady = ready;
    this.#notReadySince = ready ? undefined : now;
  }

  /** @returns not before it may a weaker Active be preempted that is heard; undefined: at any time */
  until({ name, preempt }: InstanceConfig, { contributions }: Tracking): Micros | undefined {
    const isEmpty = contributions.some(
      ({ kind, reverse, verdict }) => kind === 'virtual_server' && !reverse && verdict === 'down',
    );
    if (isEmpty) return whileItIsHeard;
    const since = Math.max(this.#startedAt.get(name) ?? 0, this.#notReadySince ?? 0) as Micros;
    const { wait_for_checks: wait } = preempt;
    return wait === undefined || this.#checksReady ? undefined : after(since, wait.at_most);
  }
}
