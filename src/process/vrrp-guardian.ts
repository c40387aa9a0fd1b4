/**
 * What the parent does when the vrrp process dies or freezes: it closes the gate, says the farewell that vrrp left with
 * it at promotion, and takes the addresses away, so that the peer takes over in its skew time instead of waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Family } from '../base/ip.ts';
import { openVrrpSocket } from '../kernel/vrrp-socket.ts';
import { Writers } from '../kernel/writers.ts';
import type { Promotion } from '../vrrp/promotion.ts';
import type { VrrpSocket } from '../vrrp/link.ts';

/** The gate closes in a tenth of a millisecond; a kernel that needs longer must not keep the peer waiting. */
const closeLimit_ms = 100;

export class VrrpGuardian {
  readonly #promotions = new Map<
    string,
    { readonly promotion: Promotion; readonly sockets: ReadonlyMap<Family, VrrpSocket> }
  >();
  /** The threads that wait for the kernel are made once: a death is no time to begin. */
  readonly #writers = new Writers();

  /** @returns why no farewell could be said for this instance, if so */
  promoted(promotion: Promotion): string | undefined {
    this.demoted(promotion.instance);
    const sockets = new Map<Family, VrrpSocket>();
    let refused: string | undefined;
    for (const { family } of promotion.farewells) {
      const socket = openVrrpSocket(promotion.interface, family, undefined);
      if (typeof socket === 'string') refused = socket;
      else sockets.set(family, socket);
    }
    this.#promotions.set(promotion.instance, { promotion, sockets });
    return refused;
  }

  demoted(instance: string): void {
    for (const socket of this.#promotions.get(instance)?.sockets.values() ?? []) socket.close();
    this.#promotions.delete(instance);
  }

  /** Finishes every instance that the dead process was Active for. @returns their names */
  finish(): readonly string[] {
    const held = [...this.#promotions.values()];
    this.#promotions.clear();
    for (const { promotion, sockets } of held) this.#withdraw(promotion, sockets);
    return held.map(({ promotion }) => promotion.instance);
  }

  /**
   * The farewell waits for the gate: a standby of priority 254 takes over 8 ms after it, and on a busy machine we, who
   * are in no real-time class, were seen to need 60 ms to close. But it does not wait for ever.
   */
  #withdraw({ addresses, gated, farewells }: Promotion, sockets: ReadonlyMap<Family, VrrpSocket>): void {
    const ips = addresses.map(({ address }) => address.address);
    let said = false;
    const sayFarewell = (): void => {
      clearTimeout(limit);
      if (said) return;
      said = true;
      for (const { family, datagrams } of farewells)
        for (const datagram of datagrams) sockets.get(family)?.send(datagram);
      for (const socket of sockets.values()) socket.close();
    };
    const limit = setTimeout(sayFarewell, closeLimit_ms);
    if (gated && ips.length > 0) this.#writers.writeGate('close', ips, undefined, sayFarewell);
    else sayFarewell();
    for (const { interfaceIndex, address } of addresses)
      this.#writers.writeAddress({ operation: 'remove', interfaceIndex, address }, () => undefined);
  }

  /** Ends when the kernel has answered what was asked of it, or after the limit. */
  async close(limit_ms: number): Promise<void> {
    for (const instance of [...this.#promotions.keys()]) this.demoted(instance);
    for (let waited_ms = 0; this.#writers.inFlight > 0 && waited_ms < limit_ms; waited_ms += 2)
      await sleep(2);
    this.#writers.close();
  }
}
