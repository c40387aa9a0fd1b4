/**
 * What one instance holds in the kernel, addresses and gate: splits its wishes into writes, leaves alone what another
 * hand put there, and gathers the answers.
 */
import type { Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type { AddressOutcome, GateOutcome } from './instance.ts';
import type { GateWrite } from './lease.ts';
import type { InterfaceFacts, VrrpLink } from './link.ts';
import type { InstanceConfig, VirtualAddress } from './types.ts';

export class Holdings {
  readonly #link: VrrpLink;
  readonly #trouble: (text: string) => void;
  /** Removals without an answer, and what they and those before them took away. */
  #removals = 0;
  #removed: readonly VirtualAddress[] = [];

  constructor(link: VrrpLink, trouble: (text: string) => void) {
    this.#link = link;
    this.#trouble = trouble;
  }

  factsOf(config: InstanceConfig, address: VirtualAddress): InterfaceFacts | undefined {
    return this.#link.interface(address.dev ?? config.interface);
  }

  /** Virtual addresses that somebody else added: neither leased nor removed by us. */
  foreign(config: InstanceConfig): ReadonlySet<Ip> {
    const foreign = config.virtual_ipaddress.filter((virtual) =>
      this.factsOf(config, virtual)?.addresses.some(
        ({ address, ours }) => address === virtual.address && !ours,
      ),
    );
    return new Set(foreign.map(({ address }) => address));
  }

  /**
   * @param done one outcome per address that is ours to write, when all have come; and, after the last of the removals
   *   under way, every address that they took: an earlier answer may be older than an address that came back meanwhile
   */
  writeAddresses(
    config: InstanceConfig,
    operation: 'add' | 'refresh' | 'remove',
    addresses: readonly VirtualAddress[],
    limits: { readonly lifetime_s?: number | undefined; readonly notAfter?: Micros | undefined },
    done: (outcomes: readonly AddressOutcome[], gone: readonly VirtualAddress[]) => void,
  ): void {
    if (operation === 'remove') {
      this.#removals++;
      this.#removed = [...this.#removed, ...addresses];
    }
    const foreign = this.foreign(config);
    const own = addresses.filter(({ address }) => !foreign.has(address));
    const outcomes: AddressOutcome[] = [];
    const answered = (): void => {
      if (operation === 'remove') this.#removals--;
      const gone = operation === 'remove' && this.#removals === 0 ? this.#removed : [];
      if (gone.length > 0) this.#removed = [];
      done(outcomes, gone);
    };
    if (own.length === 0) queueMicrotask(answered);
    for (const address of own) {
      const interfaceIndex = this.factsOf(config, address)?.index ?? 0;
      this.#link.writeAddress({ operation, interfaceIndex, address, ...limits }, (outcome) => {
        if (outcome !== 'done') this.#trouble(`${operation} ${address.address}: ${outcome.failed}`);
        if (outcomes.push(outcome) === own.length) answered();
      });
    }
  }

  openGate(
    config: InstanceConfig,
    operation: 'open' | 'renew',
    addresses: readonly VirtualAddress[],
    write: GateWrite,
    done: (outcome: GateOutcome) => void,
  ): void {
    const { gateUnavailable } = this.#link;
    const gated = this.#gated(config, addresses);
    if (gateUnavailable !== undefined) queueMicrotask(() => done({ failed: gateUnavailable }));
    else if (gated.length === 0) queueMicrotask(() => done('done'));
    else
      this.#link.writeGate(operation, gated, write, (outcome) => {
        if (typeof outcome === 'object') this.#trouble(`${operation} gate: ${outcome.failed}`);
        done(outcome);
      });
  }

  /** `close` ends the answers at once; `forget` is for when the addresses are gone. */
  closeGate(
    config: InstanceConfig,
    operation: 'close' | 'forget',
    addresses: readonly VirtualAddress[],
  ): void {
    const gated = this.#gated(config, addresses);
    if (this.#link.gateUnavailable !== undefined || gated.length === 0) return;
    this.#link.writeGate(operation, gated, undefined, (outcome) => {
      if (typeof outcome === 'object') this.#trouble(`${operation} gate: ${outcome.failed}`);
    });
  }

  #gated(config: InstanceConfig, addresses: readonly VirtualAddress[]): readonly Ip[] {
    const foreign = this.foreign(config);
    return addresses.map(({ address }) => address).filter((address) => !foreign.has(address));
  }
}
