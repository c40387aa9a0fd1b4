/** One instance on a real link: the port of its Instance, and the facts that status shows of it. */
import { familyOf, type Ip } from '../base/ip.ts';
import { earlier, type Micros } from '../base/time.ts';
import { advertisements, Advertiser } from './advertise.ts';
import { Attendance } from './attendance.ts';
import { Carriers } from './carriers.ts';
import type { ShutdownReason, State, TransitionReason } from './events.ts';
import { announcement } from './frames.ts';
import { type AddressOutcome, Instance, type InstancePort } from './instance.ts';
import { Hearing } from './hearing.ts';
import { type Claims, Holdings } from './holdings.ts';
import type { GateWrite } from './lease.ts';
import type { InterfaceFacts, VrrpLink } from './link.ts';
import type { Pace } from './pace.ts';
import type { Promotion } from './promotion.ts';
import { readiness } from './readiness.ts';
import type { ForeignSpeaker, Listener, Received } from './receive.ts';
import type { SocketOn } from './shared-sockets.ts';
import { instanceCounters, type InstanceStatus } from './status.ts';
import type { Tracking } from './track.ts';
import {
  heldAddresses,
  type InstanceConfig,
  type Priority,
  type VirtualAddress,
  withoutSecrets,
} from './types.ts';

export interface InstanceHost {
  transition(name: string, from: State, to: State, reason: TransitionReason, now: Micros): void;
  promoted(promotion: Promotion): void;
  demoted(instance: string): void;
  trouble(name: string, text: string, now: Micros): void;
}

export class InstanceRunner implements InstancePort, Listener {
  readonly instance: Instance;
  readonly #link: VrrpLink;
  readonly #host: InstanceHost;
  readonly #holdings: Holdings;
  readonly #hearing = new Hearing();
  readonly #seen = new Set<Ip>();
  readonly #counters = instanceCounters();
  readonly #advertiser = new Advertiser(this.#counters, (text) => this.#say(text, this.#link.now()));
  #facts: InterfaceFacts | undefined;
  readonly #carriers = new Carriers();
  readonly #attendance: Attendance;
  #trouble: { readonly text: string; readonly at: Micros } | undefined;

  /** @param slot how many others may start before it at the same time */
  constructor(
    config: InstanceConfig,
    link: VrrpLink,
    host: InstanceHost,
    claims: Claims,
    pace?: Pace,
    slot = 0,
  ) {
    this.#attendance = new Attendance(slot);
    this.#link = link;
    this.#host = host;
    this.#holdings = new Holdings(link, claims, (text) => this.#say(text, link.now()));
    this.instance = new Instance(config, 'interface-absent', this, link.now(), pace);
  }

  get config(): InstanceConfig {
    return this.instance.router.config;
  }

  get ownAddresses(): readonly Ip[] {
    return (this.#facts?.addresses ?? []).filter(({ ours }) => !ours).map(({ address }) => address);
  }

  get deadline(): Micros | undefined {
    return earlier(this.instance.deadline, this.#attendance.deadline);
  }

  get interfaceIndex(): number | undefined {
    return this.#facts?.index;
  }

  /** Looks at the interface again. */
  look(facts: InterfaceFacts | undefined, held: ShutdownReason | undefined, now: Micros): void {
    if (this.#facts !== undefined && facts !== undefined && facts.index !== this.#facts.index)
      this.#stop('interface-absent', false, now);
    this.#facts = facts;
    const state = readiness(this.config, facts);
    this.#attendance.look(state, held, now);
    if (state.ready && this.#carriers.take(state.primaries)) {
      this.instance.handle({ type: 'primaries', addresses: state.primaries }, now);
      for (const family of this.config.families)
        if (!state.primaries.some((ip) => familyOf(ip) === family))
          this.#say(`no IPv${family} source address: no advertisement over IPv${family}`, now);
    }
  }

  /** It could take part. */
  get able(): boolean {
    return this.#attendance.able;
  }

  /**
   * After look(): starts, stops, and puts back what was taken.
   * @param together every member of its sync group is able
   */
  follow(together: boolean, socketOn: SocketOn, now: Micros): void {
    const { obstacle, able } = this.#attendance;
    if (obstacle !== undefined) this.#stop(obstacle.reason, obstacle.resign, now);
    else if (this.#facts !== undefined && able) {
      if (!together) this.#stop('sync-group', true, now);
      else if (this.instance.router.state === 'initialize') this.#start(this.#facts, socketOn, now);
      else this.#openCarriers(this.#facts, socketOn, now);
    }
    this.#compareAddresses(now);
  }

  #start(facts: InterfaceFacts, socketOn: SocketOn, now: Micros): void {
    const { gateUnavailable } = this.#link;
    if (this.config.lease.mode === 'required' && gateUnavailable !== undefined) {
      this.#say(`lease: required, but ${gateUnavailable}`, now);
      this.#standAside('lease-unavailable', now);
      return;
    }
    this.#carriers.close();
    this.#openCarriers(facts, socketOn, now);
    if (this.#carriers.isOpen)
      this.instance.handle({ type: 'startup', primaries: this.#carriers.primaries }, now);
    else this.#standAside('socket-failed', now);
  }

  /** A family may come later than the other: the link-local address of a new link is tentative for a second. */
  #openCarriers(facts: InterfaceFacts, socketOn: SocketOn, now: Micros): void {
    for (const refused of this.#carriers.open((family) => socketOn(facts, family))) this.#say(refused, now);
  }

  #standAside(reason: ShutdownReason, now: Micros): void {
    this.#attendance.standAside(now);
    this.instance.handle({ type: 'shutdown', reason, resign: true }, now);
  }

  #stop(reason: ShutdownReason, resign: boolean, now: Micros): void {
    const { state, reason: known } = this.instance.router.snapshot();
    if (state !== 'initialize' || known !== reason)
      this.instance.handle({ type: 'shutdown', reason, resign }, now);
  }

  /** Sees which virtual addresses the kernel has; one that was there and is gone while Active was taken by another hand. */
  #compareAddresses(now: Micros): void {
    if (this.instance.router.state !== 'active') return;
    for (const address of heldAddresses(this.config)) {
      const facts = this.#holdings.factsOf(this.config, address);
      if (facts?.addresses.some((present) => present.address === address.address) === true)
        this.#seen.add(address.address);
      else if (this.#seen.delete(address.address)) {
        this.#counters.addressesRestored++;
        this.instance.addressLost(address, now);
      }
    }
  }

  heard(received: Extract<Received<Listener>, { verdict: 'accept' }>, source: Ip, now: Micros): void {
    const { advertisement } = received;
    this.#counters.advertisementsReceived++;
    if (advertisement.priority === 0) this.#counters.priorityZeroReceived++;
    const interval = (advertisement.maxAdvertiseIntervalCs * 10_000) as Micros;
    const { activeDownInterval } = this.instance.router.snapshot();
    const notice = this.#hearing.accepted(received, source, this.config, activeDownInterval, now);
    if (notice !== undefined) this.#say(notice, now);
    this.instance.handle({ type: 'advertisement', source, priority: advertisement.priority, interval }, now);
  }

  /** It speaks for this virtual router, and was discarded. */
  disbelieved(speaker: ForeignSpeaker<Listener>, now: Micros): void {
    const notice = this.#hearing.disbelieved(speaker, now);
    if (notice !== undefined) this.#host.trouble(this.config.name, notice, now);
  }

  reconfigure(config: InstanceConfig, priority: Priority, now: Micros): void {
    this.instance.handle({ type: 'reconfigure', config, priority }, now);
    if (this.instance.router.state === 'active') this.#handOver();
  }

  // InstancePort: what the machines ask for

  sendAdvertisement(config: InstanceConfig, priority: number): boolean {
    const { activeDownInterval } = this.instance.router.snapshot();
    const alone = (): boolean => !this.#hearing.since((this.#link.now() - activeDownInterval) as Micros);
    const datagrams = this.#carriers.primaries.flatMap((source) => advertisements(config, priority, source));
    return this.#advertiser.send(datagrams, (datagram) => this.#carriers.send(datagram), alone);
  }

  writeAddresses(
    config: InstanceConfig,
    operation: 'add' | 'refresh' | 'remove',
    addresses: readonly VirtualAddress[],
    lifetime_s: number | undefined,
    notAfter: Micros | undefined,
  ): void {
    if (operation === 'remove') for (const { address } of addresses) this.#seen.delete(address);
    this.#holdings.writeAddresses(
      config,
      operation,
      addresses,
      { lifetime_s, notAfter },
      (outcomes, gone, refused) => {
        if (operation === 'add') this.#added(outcomes, refused);
        // Only now that the addresses are gone may the gate forget them.
        else if (operation === 'remove' && config.lease.mode !== 'off')
          this.#holdings.closeGate(config, 'forget', this.#unheld(gone));
      },
    );
  }

  /** One address that the kernel takes is worth serving; with none this director is no use. */
  #added(outcomes: readonly AddressOutcome[], refused: readonly VirtualAddress[]): void {
    const now = this.#link.now();
    const refusal = outcomes.includes('done') ? undefined : outcomes[0];
    this.instance.addressesWritten(refusal ?? 'done', now);
    if (refusal !== undefined && this.instance.router.state === 'initialize')
      this.#attendance.standAside(now);
    // The keeper tries again, and nothing else would: an Active looks at its addresses when the interface changes.
    for (const address of refused) this.instance.addressLost(address, now);
  }

  #unheld(addresses: readonly VirtualAddress[]): readonly VirtualAddress[] {
    const { state, config } = this.instance.router;
    const held = new Set(state === 'active' ? heldAddresses(config).map(({ address }) => address) : []);
    return addresses.filter(({ address }) => !held.has(address));
  }

  writeGate(
    config: InstanceConfig,
    operation: 'open' | 'renew' | 'close',
    addresses: readonly VirtualAddress[],
    write?: GateWrite,
  ): void {
    // A reload that turns the lease off keeps the addresses: the gate must not guard them any more.
    if (operation === 'close')
      this.#holdings.closeGate(config, config.lease.mode === 'off' ? 'forget' : 'close', addresses);
    else if (write !== undefined)
      this.#holdings.openGate(config, operation, addresses, write, (outcome) => {
        if (outcome === 'done' && operation === 'renew') this.#counters.leaseRenewals++;
        // A kernel that did not answer in time may have opened it all the same, and nobody would renew that.
        if (operation === 'open' && typeof outcome === 'object')
          this.#holdings.closeGate(config, 'forget', addresses);
        this.instance.gateWritten(operation, write, outcome, this.#link.now());
      });
  }

  announce(config: InstanceConfig, address: Ip): void {
    const virtual = heldAddresses(config).find((candidate) => candidate.address === address);
    const facts = virtual === undefined ? this.#facts : this.#holdings.factsOf(config, virtual);
    if (facts?.mac === undefined) return;
    const frame = announcement(address, facts.mac, facts.router);
    if (this.#link.sendFrame(facts.index, frame) === 0) this.#counters.announcementsSent++;
  }

  transition(from: State, to: State, reason: TransitionReason, now: Micros): void {
    this.#host.transition(this.config.name, from, to, reason, now);
    if (to === 'active') {
      this.#counters.becameActive++;
      this.#handOver();
    }
    if (from === 'active') this.#host.demoted(this.config.name);
  }

  /** Gives the parent what it needs should we die. */
  #handOver(): void {
    if (this.#facts === undefined) return;
    this.#host.promoted({
      instance: this.config.name,
      interface: { name: this.#facts.name, index: this.#facts.index },
      farewells: this.#carriers.primaries.map((source) => ({
        family: familyOf(source),
        datagrams: advertisements(this.config, 0, source),
      })),
      gated: this.config.lease.mode !== 'off',
      addresses: this.#holdings.own(this.config),
    });
  }

  #say(text: string, at: Micros): void {
    this.#trouble = { text, at };
    this.#host.trouble(this.config.name, text, at);
  }

  status(tracking: Tracking): InstanceStatus {
    return {
      config: withoutSecrets(this.config),
      router: this.instance.router.snapshot(),
      lease: this.instance.leaseState,
      tracking,
      primaries: this.#carriers.primaries,
      counters: { ...this.#counters },
      foreignAddresses: [...this.#holdings.foreign(this.config)],
      ...this.#hearing.status(this.#link.now()),
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    };
  }
}
