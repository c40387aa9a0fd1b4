/**
 * One vrrp_instance at work: the router decides, the announcer and the keeper follow, the lease is kept, and every
 * action goes through one port in order. No I/O here: the runner gives a port over the kernel, the simulation one over
 * a fake kernel, so that both run the same code.
 */
import type { Ip } from '../base/ip.ts';
import { after, earlier, type Micros } from '../base/time.ts';
import { expire } from '../machine.ts';
import { AddressKeeper } from './address-keeper.ts';
import { type AnnounceAction, type AnnounceEvent, Announcer } from './announce.ts';
import { type GateWrite, Lease, type LeaseState } from './lease.ts';
import type { AnnounceTimings, InstanceConfig, VirtualAddress } from './types.ts';
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
  readonly #keeper = new AddressKeeper();
  readonly #port: InstancePort;
  /**
   * Writes of `add` not yet answered. `announce` waits for the last of them: caches must not learn an address that is
   * not there yet, and the answer to an earlier promotion says nothing of this one.
   */
  #adding = 0;
  #advertLeft = false;

  constructor(config: InstanceConfig, reason: ShutdownReason, port: InstancePort, now: Micros) {
    this.router = new VirtualRouter(config, reason, now);
    this.#announcer = new Announcer(config.announce, config.family);
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
    for (const { address } of expire(this.#keeper, now)) this.#restore(address, now);
  }

  /** The kernel said that one of our addresses is gone, and it was not us. */
  addressLost(address: VirtualAddress, now: Micros): void {
    if (this.router.state !== 'active') return;
    for (const restore of this.#keeper.handle({ type: 'lost', address }, now))
      this.#restore(restore.address, now);
  }

  /** The outcome of writeGate. A renewal that is acknowledged renews the addresses too. */
  gateWritten(operation: 'open' | 'renew', write: GateWrite, outcome: GateOutcome, now: Micros): void {
    if (!this.lease.isCurrent(write)) return;
    const { config } = this.router;
    if (outcome === 'done') {
      this.lease.acknowledged(write);
      if (operation === 'open') return;
      // An acknowledged gate proves that the addresses, which outlive it, are still there to be refreshed.
      const { virtual_ipaddress: addresses, lease } = config;
      this.#port.writeAddresses(config, 'refresh', addresses, lease.address_lifetime_s, write.notAfter);
    } else if (outcome === 'lapsed' || outcome === 'too-late') this.handle({ type: 'lease-lapsed' }, now);
    // Not acknowledged is not renewed: the next advertisement tries again, and a gate that closed meanwhile says so.
    // To go on as `weak` here would advertise a VIP that our own kernel refuses to answer for.
    else if (operation === 'renew') return;
    else if (config.lease.mode === 'required')
      this.handle({ type: 'shutdown', reason: 'lease-unavailable', resign: true }, now);
    else {
      this.lease.weaken(outcome.failed);
      // Nothing will renew the lifetime that the addresses were added with.
      this.#port.writeAddresses(config, 'refresh', config.virtual_ipaddress, undefined, undefined);
    }
  }

  /** The outcome of one writeAddresses `add`, exactly one for each: no address at all could be added, or some. */
  addressesWritten(outcome: AddressOutcome, now: Micros): void {
    this.#adding--;
    if (this.router.state !== 'active' || this.#adding > 0) return;
    if (outcome === 'done') this.#announceAll(now);
    else this.handle({ type: 'shutdown', reason: 'addresses-refused', resign: true }, now);
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
        if (write !== undefined) this.#port.writeGate(config, 'renew', config.virtual_ipaddress, write);
        return;
      }
      case 'open-gate':
        this.#port.writeGate(config, 'open', action.addresses, this.lease.open(config.lease, now));
        return;
      case 'close-gate':
        // A reload may take single addresses from a router that stays Active: its lease goes on.
        if (this.router.state !== 'active' || config.lease.mode === 'off') this.lease.close();
        this.#port.writeGate(config, 'close', action.addresses);
        return;
      case 'add-addresses': {
        this.#adding++;
        const leased = config.lease.mode !== 'off';
        this.#port.writeAddresses(
          config,
          'add',
          action.addresses,
          leased ? config.lease.address_lifetime_s : undefined,
          leased ? after(now, config.lease.gate_lifetime) : undefined,
        );
        return;
      }
      case 'remove-addresses':
        this.#keeper.handle({ type: 'forget', addresses: action.addresses }, now);
        this.#announce({ type: 'remove', addresses: action.addresses.map(({ address }) => address) }, now);
        this.#port.writeAddresses(config, 'remove', action.addresses, undefined, undefined);
        return;
      case 'announce':
        if (this.#adding === 0) this.#announceAll(now);
        return;
      case 'announce-again':
        if (this.#adding === 0) this.#announce({ type: 'conflict' }, now);
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
    const addresses = this.router.config.virtual_ipaddress.map(({ address }) => address);
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
    const { announce, family } = this.router.config;
    if (JSON.stringify(announce) === JSON.stringify(old)) return;
    this.#announcer = new Announcer(announce, family);
    if (this.router.state === 'active' && this.#adding === 0) this.#announceAll(now);
  }

  #restore(address: VirtualAddress, now: Micros): void {
    const { config } = this.router;
    const { kind } = this.lease.state;
    const leased = kind === 'held' || kind === 'opening' ? config.lease.address_lifetime_s : undefined;
    this.#adding++;
    this.#port.writeAddresses(config, 'add', [address], leased, after(now, config.lease.gate_lifetime));
  }
}
