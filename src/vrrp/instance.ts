/**
 * One vrrp_instance at work: the router decides, the announcer and the keeper follow, the lease is kept, and every
 * action goes through one port in order. No I/O here: the runner gives a port over the kernel, the simulation one over
 * a fake kernel, so that both run the same code.
 */
import type { Ip } from '../base/ip.ts';
import { earlier, type Micros } from '../base/time.ts';
import { expire } from '../machine.ts';
import { AddressKeeper } from './address-keeper.ts';
import { type AnnounceAction, type AnnounceEvent, Announcer } from './announce.ts';
import { type GateWrite, Lease, type LeaseState } from './lease.ts';
import { Pace } from './pace.ts';
import {
  type AnnounceTimings,
  heldAddresses,
  type InstanceConfig,
  missingFrom,
  type VirtualAddress,
} from './types.ts';
import type {
  ShutdownReason,
  State,
  TransitionReason,
  VirtualRouterAction,
  VirtualRouterEvent,
} from './events.ts';
import { VirtualRouter } from './virtual-router.ts';

/** Writes return at once; their outcome comes back through Instance.gateWritten and Instance.addressesWritten. */
export interface InstancePort {
  /** @returns whether the advertisement left this host */
  sendAdvertisement(config: InstanceConfig, priority: number): boolean;
  /** `refresh` rewrites the lifetime of addresses that are there, and creates none. */
  writeAddresses(
    config: InstanceConfig,
    operation: 'add' | 'refresh' | 'remove',
    addresses: readonly VirtualAddress[],
    lifetime_s: number | undefined,
    notAfter: Micros | undefined,
  ): void;
  writeGate(
    config: InstanceConfig,
    operation: 'open' | 'renew' | 'close',
    addresses: readonly VirtualAddress[],
    write?: GateWrite,
  ): void;
  /** One gratuitous ARP or unsolicited NA. */
  announce(config: InstanceConfig, address: Ip): void;
  transition(from: State, to: State, reason: TransitionReason, now: Micros): void;
}

export type GateOutcome = 'done' | 'lapsed' | 'too-late' | { readonly failed: string };
export type AddressOutcome = 'done' | { readonly failed: string };

export class Instance {
  readonly router: VirtualRouter;
  readonly lease = new Lease();
  #announcer: Announcer;
  readonly #pace: Pace;
  readonly #keeper = new AddressKeeper();
  readonly #port: InstancePort;
  /**
   * Writes of `add` not yet answered, in their order. `announce` waits for the last of them: caches must not learn an
   * address that is not there yet, and the answer to an earlier promotion says nothing of this one.
   */
  readonly #adding: ('install' | 'restore')[] = [];
  /**
   * Addresses that wait for the gate: one that came first would answer with no lease behind it, and go on if we were
   * killed just then.
   */
  #ungated: readonly VirtualAddress[] = [];
  /** The lease that is being opened extends one that was held: its addresses are there, and guarded. */
  #extends = false;
  #advertLeft = false;

  /** @param pace of its interface, which it shares with others */
  constructor(
    config: InstanceConfig,
    reason: ShutdownReason,
    port: InstancePort,
    now: Micros,
    pace = new Pace(),
  ) {
    this.router = new VirtualRouter(config, reason, now);
    this.#pace = pace;
    this.#announcer = new Announcer(config.announce, pace);
    this.#port = port;
  }

  get deadline(): Micros | undefined {
    return earlier(this.router.deadline, earlier(this.#announcer.deadline, this.#keeper.deadline));
  }

  get leaseState(): LeaseState {
    return this.lease.state;
  }

  handle(event: VirtualRouterEvent, now: Micros): void {
    const { announce } = this.router.config;
    this.#perform(this.router.handle(event, now), now);
    if (event.type === 'reconfigure') this.#retime(announce, now);
  }

  /** Lets whatever is due come. */
  expire(now: Micros): void {
    this.#perform(expire(this.router, now), now);
    this.#send(expire(this.#announcer, now));
    for (const { address } of expire(this.#keeper, now)) this.#add('restore', [address]);
  }

  /** The kernel said that one of our addresses is gone, and it was not us. */
  addressLost(address: VirtualAddress, now: Micros): void {
    if (this.router.state !== 'active') return;
    for (const restore of this.#keeper.handle({ type: 'lost', address }, now))
      this.#add('restore', [restore.address]);
  }

  /** The outcome of writeGate. A renewal that is acknowledged renews the addresses too. */
  gateWritten(operation: 'open' | 'renew', write: GateWrite, outcome: GateOutcome, now: Micros): void {
    if (!this.lease.isCurrent(write)) return;
    const { config } = this.router;
    if (outcome === 'done') {
      this.lease.acknowledged(write);
      if (operation === 'open') {
        this.#install();
        return;
      }
      // An acknowledged gate proves that the addresses, which outlive it, are still there to be refreshed.
      const lifetime_s = config.lease.address_lifetime_s;
      this.#port.writeAddresses(config, 'refresh', heldAddresses(config), lifetime_s, write.notAfter);
    } else if (outcome === 'lapsed' || outcome === 'too-late') this.handle({ type: 'lease-lapsed' }, now);
    // Not acknowledged is not renewed: the next advertisement tries again, and a gate that closed meanwhile says so.
    // To go on as `weak` here would advertise a VIP that our own kernel refuses to answer for.
    else if (operation === 'renew') return;
    else if (this.#extends) this.handle({ type: 'lease-lapsed' }, now);
    else if (config.lease.mode === 'required')
      this.handle({ type: 'shutdown', reason: 'lease-unavailable', resign: true }, now);
    else {
      this.lease.weaken(outcome.failed);
      this.#install();
    }
  }

  /** The outcome of one writeAddresses `add`, exactly one for each: no address at all could be added, or some. */
  addressesWritten(outcome: AddressOutcome, now: Micros): void {
    const answered = this.#adding.shift();
    if (this.router.state !== 'active') return;
    // An address that cannot be put back is no reason to leave the others; of an earlier promotion nothing counts.
    const refused = outcome !== 'done' && answered === 'install' && !this.#adding.includes('install');
    if (!refused) {
      if (!this.#installing) this.#announceAll(now);
    } else if (this.lease.isOver(now)) {
      // Not the kernel's refusal but our own pause: a farewell would be old.
      this.handle({ type: 'lease-lapsed' }, now);
    } else this.handle({ type: 'shutdown', reason: 'addresses-refused', resign: true }, now);
  }

  #perform(actions: readonly VirtualRouterAction[], now: Micros): void {
    for (const action of actions) this.#performOne(action, now);
  }

  #performOne(action: VirtualRouterAction, now: Micros): void {
    const { config } = this.router;
    switch (action.type) {
      case 'send-advertisement':
        this.#advertLeft = this.#port.sendAdvertisement(config, action.priority);
        return;
      case 'renew-lease': {
        const write = this.#advertLeft ? this.lease.renew(config.lease, now) : undefined;
        if (write !== undefined) this.#port.writeGate(config, 'renew', heldAddresses(config), write);
        return;
      }
      case 'open-gate':
        this.#extends =
          this.lease.state.kind === 'held' || (this.#extends && this.lease.state.kind === 'opening');
        this.#port.writeGate(config, 'open', action.addresses, this.lease.open(config.lease, now));
        return;
      case 'close-gate':
        // A reload may take single addresses from a router that stays Active: its lease goes on.
        if (this.router.state !== 'active' || config.lease.mode === 'off') this.lease.close();
        this.#port.writeGate(config, 'close', action.addresses);
        return;
      case 'add-addresses':
        this.#ungated = [...this.#ungated, ...action.addresses];
        if (this.lease.state.kind !== 'opening') this.#install();
        return;
      case 'remove-addresses':
        this.#ungated = missingFrom(action.addresses, this.#ungated);
        this.#keeper.handle({ type: 'forget', addresses: action.addresses }, now);
        this.#announce({ type: 'remove', addresses: action.addresses.map(({ address }) => address) }, now);
        this.#port.writeAddresses(config, 'remove', action.addresses, undefined, undefined);
        return;
      case 'announce':
        if (!this.#installing) this.#announceAll(now);
        return;
      case 'announce-again':
        if (!this.#installing) this.#announce({ type: 'conflict' }, now);
        return;
      case 'stop-announcing':
        this.#announce({ type: 'stop' }, now);
        return;
      case 'transition':
        this.#port.transition(action.from, action.to, action.reason, now);
        return;
    }
  }

  #announceAll(now: Micros): void {
    const addresses = heldAddresses(this.router.config).map(({ address }) => address);
    this.#announce({ type: 'start', addresses }, now);
  }

  #announce(event: AnnounceEvent, now: Micros): void {
    this.#send(this.#announcer.handle(event, now));
  }

  #send(frames: readonly AnnounceAction[]): void {
    const { config } = this.router;
    for (const { address } of frames) this.#port.announce(config, address);
  }

  /** New timings begin with a new round: what the old ones still owed is in it. */
  #retime(old: AnnounceTimings, now: Micros): void {
    const { announce } = this.router.config;
    if (JSON.stringify(announce) === JSON.stringify(old)) return;
    this.#announcer = new Announcer(announce, this.#pace);
    if (this.router.state === 'active' && !this.#installing) this.#announceAll(now);
  }

  get #installing(): boolean {
    return this.#adding.length > 0 || this.#ungated.length > 0;
  }

  /** The gate has decided: what waited for it is added. */
  #install(): void {
    const waiting = this.#ungated;
    this.#ungated = [];
    if (waiting.length > 0) this.#add('install', waiting);
  }

  #add(why: 'install' | 'restore', addresses: readonly VirtualAddress[]): void {
    const { config } = this.router;
    const { state } = this.lease;
    const until = state.kind === 'held' || state.kind === 'opening' ? state.until : undefined;
    const lifetime_s = until === undefined ? undefined : config.lease.address_lifetime_s;
    this.#adding.push(why);
    this.#port.writeAddresses(config, 'add', addresses, lifetime_s, until);
  }
}
