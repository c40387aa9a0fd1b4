import type { Ip } from '../base/ip.ts';
import { centiseconds, type Micros } from '../base/time.ts';
import type { Listener, Received } from './receive.ts';
import type { HeardRouter } from './status.ts';

/** Other routers remembered per instance; a link with more of them is being flooded. */
const mostHeard = 16;

/** Who else speaks for our VRID, for people to see: nothing is decided by it. */
export class HeardRouters {
  readonly #routers = new Map<Ip, HeardRouter>();

  note(received: Extract<Received<Listener>, { verdict: 'accept' }>, source: Ip, now: Micros): void {
    const known = this.#routers.get(source);
    if (known === undefined && this.#routers.size >= mostHeard) return;
    const { advertisement, remarks } = received;
    this.#routers.set(source, {
      address: source,
      priority: advertisement.priority,
      advert_int: centiseconds(advertisement.maxAdvertiseIntervalCs),
      checksumForms: advertisement.checksumForms,
      remarks,
      advertisements: (known?.advertisements ?? 0) + 1,
      lastHeardAt: now,
    });
  }

  /** Whether a router was heard since this instant. */
  since(instant: Micros): boolean {
    return [...this.#routers.values()].some(({ lastHeardAt }) => lastHeardAt >= instant);
  }

  list(): readonly HeardRouter[] {
    return [...this.#routers.values()];
  }
}
