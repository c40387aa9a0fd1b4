/**
 * What one instance holds in the kernel, addresses and gate: splits its wishes into writes, leaves alone what another
 * hand put there, and gathers the answers.
 */
import type { Ip } from '../base/ip.ts';
import { after, type Micros, micros, milliseconds, seconds } from '../base/time.ts';
import type { AddressOutcome, GateOutcome } from './instance.ts';
import type { GateWrite } from './lease.ts';
import type { InterfaceFacts, VrrpLink } from './link.ts';
import type { Promotion } from './promotion.ts';
import { heldAddresses, type InstanceConfig, type VirtualAddress } from './types.ts';

/**
 * Who of one process has an address now. A reload may move one from an instance to another while both are Active: what the
 * one gives up must not be taken from the other.
 */
export type Claims = Map<Ip, { readonly holder: Holdings; readonly device: string }>;

/** The gate must close before an address expires, and the kernel may take one away 20 ms early (HZ / 50). */
const margin = milliseconds(100);

export class Holdings {
  readonly #link: VrrpLink;
  readonly #claims: Claims;
  readonly #trouble: (text: string) => void;
  /** Addresses that were opened in the gate and not closed since. */
  readonly #opened = new Set<Ip>();
  /** Removals without an answer, and what they and those before them took away. */
  #removals = 0;
  #removed: readonly VirtualAddress[] = [];
  /** No address of ours expires before; 0 when that is not known of them all. */
  #livingUntil = micros(0);

  constructor(link: VrrpLink, claims: Claims, trouble: (text: string) => void) {
    this.#link = link;
    this.#claims = claims;
    this.#trouble = trouble;
  }

  factsOf(config: InstanceConfig, address: VirtualAddress): InterfaceFacts | undefined {
    return this.#link.interface(address.dev ?? config.interface);
  }

  /** Virtual addresses that somebody else added: neither leased nor removed by us. */
  foreign(config: InstanceConfig): ReadonlySet<Ip> {
    const foreign = heldAddresses(config).filter((virtual) =>
      this.factsOf(config, virtual)?.addresses.some(
        ({ address, ours }) => address === virtual.address && !ours,
      ),
    );
    return new Set(foreign.map(({ address }) => address));
  }

  /** The others, and where they are. */
  own(config: InstanceConfig): Promotion['addresses'] {
    const foreign = this.foreign(config);
    const own = heldAddresses(config).filter(({ address }) => !foreign.has(address));
    return own.flatMap((address) => {
      const interfaceIndex = this.factsOf(config, address)?.index;
      return interfaceIndex === undefined ? [] : [{ interfaceIndex, address }];
    });
  }

  /**
   * @param done one outcome per address that is ours to write, when all have come; and, after the last of the removals
   *   under way, every address that they took: an earlier answer may be older than an address that came back meanwhile;
   *   last those that the kernel did not take, or not in time
   */
  writeAddresses(
    config: InstanceConfig,
    operation: 'add' | 'refresh' | 'remove',
    wanted: readonly VirtualAddress[],
    limits: { readonly lifetime_s?: number | undefined; readonly notAfter?: Micros | undefined },
    done: (
      outcomes: readonly AddressOutcome[],
      gone: readonly VirtualAddress[],
      refused: readonly VirtualAddress[],
    ) => void,
  ): void {
    const isRenewal = operation === 'refresh' && limits.lifetime_s !== undefined;
    const began = this.#link.now();
    // A refresh takes a lock of the whole kernel, and comes back as an event: not while all live long enough without.
    if (isRenewal && this.#livingUntil >= after(began, config.lease.gate_lifetime) + margin) {
      queueMicrotask(() => done([], [], []));
      return;
    }
    const addresses = operation === 'remove' ? this.#release(config, wanted) : wanted;
    if (operation === 'add') {
      this.#claim(config, wanted);
      this.#livingUntil = micros(0);
    }
    if (operation === 'remove') {
      this.#removals++;
      this.#removed = [...this.#removed, ...addresses];
    }
    const foreign = this.foreign(config);
    const own = addresses.filter(
      (address) => !foreign.has(address.address) && (!isRenewal || this.#isThere(config, address)),
    );
    const outcomes: AddressOutcome[] = [];
    const refused: VirtualAddress[] = [];
    const answered = (): void => {
      if (operation === 'remove') this.#removals--;
      const gone = operation === 'remove' && this.#removals === 0 ? this.#removed : [];
      if (gone.length > 0) this.#removed = [];
      const all = outcomes.length === wanted.length && outcomes.every((outcome) => outcome === 'done');
      if (isRenewal && all) this.#livingUntil = after(began, seconds(limits.lifetime_s ?? 0));
      done(outcomes, gone, refused);
    };
    if (own.length === 0) queueMicrotask(answered);
    for (const address of own) {
      const interfaceIndex = this.factsOf(config, address)?.index ?? 0;
      this.#link.writeAddress({ operation, interfaceIndex, address, ...limits }, (outcome) => {
        if (outcome !== 'done') {
          refused.push(address);
          this.#trouble(`${operation} ${address.address}: ${outcome.failed}`);
        }
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
    const wanted = this.#gated(config, addresses);
    const gated =
      operation === 'open' || gateUnavailable !== undefined ? wanted : this.#follow(wanted, addresses, write);
    if (operation === 'open') {
      this.#claim(config, addresses);
      for (const address of wanted) this.#opened.add(address);
    }
    if (gateUnavailable !== undefined) queueMicrotask(() => done({ failed: gateUnavailable }));
    else if (gated.length === 0) queueMicrotask(() => done('done'));
    else
      this.#link.writeGate(operation, gated, write, (outcome) => {
        this.#hear(operation, outcome);
        done(outcome);
      });
  }

  /** `close` ends the answers at once; `forget` is for when the addresses are gone. */
  closeGate(
    config: InstanceConfig,
    operation: 'close' | 'forget',
    addresses: readonly VirtualAddress[],
  ): void {
    const gated = this.#gated(config, addresses).filter((address) => !this.#isOthers(address));
    if (this.#link.gateUnavailable !== undefined) return;
    this.#endGate(operation, gated);
    this.#endGate('forget', this.#strayed(gated, addresses));
    for (const { address } of addresses) this.#opened.delete(address);
  }

  #endGate(operation: 'close' | 'forget', gated: readonly Ip[]): void {
    if (gated.length > 0)
      this.#link.writeGate(operation, gated, undefined, (outcome) => this.#hear(operation, outcome));
  }

  /**
   * Before a renewal: an address may have become another hand's since it was opened, or ours since it was another's.
   * @returns those that are open and stay so
   */
  #follow(gated: readonly Ip[], addresses: readonly VirtualAddress[], write: GateWrite): readonly Ip[] {
    const strayed = this.#strayed(gated, addresses);
    this.#endGate('forget', strayed);
    for (const address of strayed) this.#opened.delete(address);
    const open = gated.filter((address) => this.#opened.has(address));
    const come = gated.filter((address) => !this.#opened.has(address));
    if (come.length > 0) this.#link.writeGate('open', come, write, (outcome) => this.#hear('open', outcome));
    for (const address of come) this.#opened.add(address);
    return open;
  }

  /** Guarded by our gate, and not ours any more: a gate that nobody renews would keep it silent. */
  #strayed(gated: readonly Ip[], addresses: readonly VirtualAddress[]): readonly Ip[] {
    const others = addresses.map(({ address }) => address).filter((address) => !gated.includes(address));
    return others.filter((address) => this.#opened.has(address) && !this.#isOthers(address));
  }

  #hear(operation: string, outcome: GateOutcome): void {
    if (typeof outcome === 'object') this.#trouble(`${operation} gate: ${outcome.failed}`);
  }

  /**
   * The kernel makes no difference between "set the lifetime" and "add": a renewal of an address that another hand took
   * away would put it back, past the keeper that paces such quarrels.
   */
  #isThere(config: InstanceConfig, wanted: VirtualAddress): boolean {
    const present = this.factsOf(config, wanted)?.addresses ?? [];
    return present.some(({ address }) => address === wanted.address);
  }

  #claim(config: InstanceConfig, addresses: readonly VirtualAddress[]): void {
    for (const { address, dev } of addresses)
      this.#claims.set(address, { holder: this, device: dev ?? config.interface });
  }

  /** @returns those that are not another instance's on the same interface */
  #release(config: InstanceConfig, addresses: readonly VirtualAddress[]): readonly VirtualAddress[] {
    const given = addresses.filter(
      ({ address, dev }) =>
        !this.#isOthers(address) || this.#claims.get(address)?.device !== (dev ?? config.interface),
    );
    for (const { address } of addresses) if (!this.#isOthers(address)) this.#claims.delete(address);
    return given;
  }

  #isOthers(address: Ip): boolean {
    const claim = this.#claims.get(address);
    return claim !== undefined && claim.holder !== this;
  }

  #gated(config: InstanceConfig, addresses: readonly VirtualAddress[]): readonly Ip[] {
    const foreign = this.foreign(config);
    return addresses.map(({ address }) => address).filter((address) => !foreign.has(address));
  }
}
