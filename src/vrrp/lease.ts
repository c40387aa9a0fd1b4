/**
 * The lease of one instance: until when its kernel may answer for the VIPs. PURE.
 *
 * Two layers, both renewed only by an entitled, on-time router. The *gate* (an nft element with a timeout) is the bound;
 * the address's valid_lft is clean-up. An address is re-written only after the gate's renewal was acknowledged: the gate
 * lives shorter than the address, so an address that had expired is never brought back by a renewal.
 */
import { after, type Micros } from '../base/time.ts';
import type { LeaseConfig } from './types.ts';

export type LeaseState =
  /** not Active, or `lease: off` */
  | { readonly kind: 'none' }
  | { readonly kind: 'opening'; readonly until: Micros }
  | { readonly kind: 'held'; readonly until: Micros }
  /** `preferred` on a kernel that has no gate: the VIP is served, and nothing bounds it. */
  | { readonly kind: 'weak'; readonly why: string };

/** A write to the gate: it must not be sent after `notAfter`, and the element dies at `until`. */
export interface GateWrite {
  readonly until: Micros;
  readonly notAfter: Micros;
}

export class Lease {
  #state: LeaseState = { kind: 'none' };

  get state(): LeaseState {
    return this.#state;
  }

  open(config: LeaseConfig, now: Micros): GateWrite {
    const until = after(now, config.gate_lifetime);
    this.#state = { kind: 'opening', until };
    return { until, notAfter: until };
  }

  /** Undefined when there is no gate to renew. */
  renew(config: LeaseConfig, now: Micros): GateWrite | undefined {
    if (this.#state.kind !== 'held' && this.#state.kind !== 'opening') return undefined;
    return { until: after(now, config.gate_lifetime), notAfter: this.#state.until };
  }

  /** The kernel took a write whose element dies at `until`. @returns false when the lease is no longer ours to hold */
  acknowledged(until: Micros): boolean {
    if (this.#state.kind !== 'held' && this.#state.kind !== 'opening') return false;
    if (this.#state.kind === 'opening' || until > this.#state.until) this.#state = { kind: 'held', until };
    return true;
  }

  weaken(why: string): void {
    this.#state = { kind: 'weak', why };
  }

  close(): void {
    this.#state = { kind: 'none' };
  }
}
