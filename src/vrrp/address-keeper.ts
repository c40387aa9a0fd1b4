import { after, type Micros, milliseconds, seconds } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import type { VirtualAddress } from './types.ts';

export type KeeperEvent =
  | { readonly type: 'lost'; readonly address: VirtualAddress }
  /** We take them away ourselves. */
  | { readonly type: 'forget'; readonly addresses: readonly VirtualAddress[] };
export interface KeeperAction {
  readonly type: 'restore';
  readonly address: VirtualAddress;
}

/**
 * Puts addresses back that somebody else removed (a network manager that cleans up, a hand). The first time at once;
 * a rival that removes them again and again is answered at a growing distance, so that two programs do not burn the
 * machine with a quarrel. A quiet minute forgives.
 */
export class AddressKeeper implements Machine<KeeperEvent, KeeperAction> {
  readonly #lost = new Map<string, VirtualAddress>();
  #pause: Micros = shortest;
  #quietUntil: Micros | undefined;
  #lastAt: Micros | undefined;

  get deadline(): Micros | undefined {
    return this.#lost.size > 0 ? this.#quietUntil : undefined;
  }

  handle(event: KeeperEvent | undefined, now: Micros): readonly KeeperAction[] {
    if (event?.type === 'forget') {
      for (const { address } of event.addresses) this.#lost.delete(address);
      return [];
    }
    if (event?.type === 'lost') this.#lost.set(event.address.address, event.address);
    if (this.#lost.size === 0 || (this.#quietUntil !== undefined && now < this.#quietUntil)) return [];
    const forgiven = this.#lastAt === undefined || now - this.#lastAt > forgiveAfter;
    this.#pause = forgiven ? shortest : (Math.min(this.#pause * 2, longest) as Micros);
    this.#lastAt = now;
    this.#quietUntil = after(now, this.#pause);
    const restored = Array.from(this.#lost.values(), (address) => ({ type: 'restore', address }) as const);
    this.#lost.clear();
    return restored;
  }
}

const shortest = milliseconds(100);
const longest = seconds(30);
const forgiveAfter = seconds(60);
