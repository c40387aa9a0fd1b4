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
  /** Which lease of this instance's life it belongs to: the answer may come when that one is over. */
  readonly term: number;
}

export class Lease {
  #state: LeaseState = { kind: 'none' };
  #term = 0;

  get state(): LeaseState {
    return this.#state;
  }

  open(config: LeaseConfig, now: Micros): GateWrite {
    const until = after(now, config.gate_lifetime);
    this.#state = { kind: 'opening', until };
    this.#term++;
    return { until, notAfter: until, term: this.#term };
  }

  /** Undefined when there is no gate to renew. */
  renew(config: LeaseConfig, now: Micros): GateWrite | undefined {
    if (this.#state.kind !== 'held' && this.#state.kind !== 'opening') return undefined;
    return { until: after(now, config.gate_lifetime), notAfter: this.#state.until, term: this.#term };
  }

  isCurrent(write: GateWrite): boolean {
    return write.term === this.#term && (this.#state.kind === 'held' || this.#state.kind === 'opening');
  }

  /** Its time has passed, whatever the kernel has still to say. */
  isOver(now: Micros): boolean {
    return (this.#state.kind === 'held' || this.#state.kind === 'opening') && this.#state.until <= now;
  }

  /** The kernel took a current write. */
  acknowledged({ until }: GateWrite): void {
    if (this.#state.kind !== 'held' || until > this.#state.until) this.#state = { kind: 'held', until };
  }

  /** `preferred` goes on without a gate. */
  weaken(why: string): void {
    this.#state = { kind: 'weak', why };
  }

  close(): void {
    this.#state = { kind: 'none' };
  }
}
