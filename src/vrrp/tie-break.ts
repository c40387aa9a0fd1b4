/**
 * Two Actives of the same priority: the higher address stays. RFC 9568 §6.4.3
 *
 * An instance with two families has two addresses, and the one order may contradict the other: both routers would
 * yield, or none. So the IPv4 addresses decide, and the IPv6 ones only where the other router is heard over IPv6 and
 * has not been over IPv4 for an Active_Down_Interval. PURE
 */
import { compareIp, familyOf, type Ip } from '../base/ip.ts';
import { after, type Micros } from '../base/time.ts';

export class TieBreak {
  /** Since when a router of our priority is heard over IPv6 and not over IPv4. */
  #onlySixSince: Micros | undefined;

  reset(): void {
    this.#onlySixSince = undefined;
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
    if (family === 4) this.#onlySixSince = undefined;
    else if (primaries.length > 1) {
      this.#onlySixSince ??= now;
      if (now < after(this.#onlySixSince, activeDownInterval)) return false;
    }
    return compareIp(source, own) > 0;
  }
}
