/**
 * Two Actives of the same priority: the higher address stays. RFC 9568 §6.4.3
 *
 * An instance with two families has two addresses, and the one order may contradict the other: both routers would
 * yield, or none. So the IPv4 addresses decide. A rival that is heard for an Active_Down_Interval has not yielded to
 * them: one of the two does not hear the other over IPv4, and from then on the IPv6 addresses decide as well. PURE
 */
import { compareIp, familyOf, type Ip } from '../base/ip.ts';
import { after, type Micros } from '../base/time.ts';

export class TieBreak {
  /** Since when a router of our priority is heard as Active, without a break as long as an Active_Down_Interval. */
  #rivalSince: Micros | undefined;
  #rivalAt: Micros | undefined;

  reset(): void {
    this.#rivalSince = this.#rivalAt = undefined;
  }

  /**
   * @param source of an advertisement with our own priority
   * @param primaries ours, at most one of each family
   * @returns whether the router that sent it stays, and we go
   */
  loses(source: Ip, primaries: readonly Ip[], activeDownInterval: Micros, now: Micros): boolean {
    const family = familyOf(source);
    const own = primaries.find((address) => familyOf(address) === family);
    if (own === undefined) return false;
    const isNew = this.#rivalAt === undefined || now > after(this.#rivalAt, activeDownInterval);
    const since = isNew ? now : (this.#rivalSince ?? now);
    this.#rivalSince = since;
    this.#rivalAt = now;
    if (family === 6 && primaries.length > 1 && now < after(since, activeDownInterval)) return false;
    return compareIp(source, own) > 0;
  }
}
