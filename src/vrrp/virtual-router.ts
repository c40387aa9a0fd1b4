/**
 * One virtual router of RFC 9568 §6: the only place in the program that decides who is Active.
 *
 * Theory of operation. Events come in (a validated advertisement, the interface's fate, a verdict of the lease, a new
 * configuration, or nothing but the time), ordered actions come out, and the state holds its own deadlines: a timer
 * that was cleared cannot fire, so no stale timers exist. Two rules hold everywhere:
 *
 *   promotion  advertise, open the gate, add the addresses, announce        (peers must fall silent before clients come)
 *   demotion   resign if leaving, stop announcing, close the gate, remove   (clients must be gone before a peer opens)
 *
 * The lease is renewed with every periodic advertisement and by nothing else: a router that does not advertise on time
 * loses the VIP in its own kernel before a peer can win it.
 */
import { compareIp, type Ip } from '../base/ip.ts';
import { after, earlier, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import { type Timers, timersOf } from './timers.ts';
import type {
  ShutdownReason,
  State,
  TransitionReason,
  VirtualRouterAction,
  VirtualRouterEvent,
  VirtualRouterSnapshot,
} from './events.ts';
import { isOwner, type InstanceConfig, missingFrom, type Priority, type VirtualAddress } from './types.ts';
type Actions = readonly VirtualRouterAction[];
const none: Actions = [];

export class VirtualRouter implements Machine<VirtualRouterEvent, VirtualRouterAction> {
  #config: InstanceConfig;
  #state: State = 'initialize';
  #since: Micros;
  #reason: TransitionReason;
  #primary: Ip | undefined;
  /** Active_Adver_Interval learned from the Active; undefined until one was heard. RFC 9568 §6.1 */
  #learned: Micros | undefined;
  /** Adver_Timer and Active_Down_Timer of RFC 9568 §6.2, as instants. */
  #advertAt: Micros | undefined;
  #activeDownAt: Micros | undefined;
  #preemptAt: Micros | undefined;
  /** Why the Active_Down_Timer, when it expires, expired. */
  #downReason: TransitionReason = 'active-silent';

  constructor(config: InstanceConfig, reason: ShutdownReason, now: Micros) {
    this.#config = config;
    this.#reason = reason;
    this.#since = now;
  }

  get state(): State {
    return this.#state;
  }

  get config(): InstanceConfig {
    return this.#config;
  }

  get deadline(): Micros | undefined {
    return earlier(this.#advertAt, earlier(this.#activeDownAt, this.#preemptAt));
  }

  snapshot(): VirtualRouterSnapshot {
    return {
      state: this.#state,
      since: this.#since,
      reason: this.#reason,
      ...this.#timers,
      ...(this.#activeDownAt !== undefined && { activeDownAt: this.#activeDownAt }),
      ...(this.#advertAt !== undefined && { advertAt: this.#advertAt }),
      ...(this.#preemptAt !== undefined && { preemptAt: this.#preemptAt }),
    };
  }

  handle(event: VirtualRouterEvent | undefined, now: Micros): Actions {
    if (event?.type === 'primary') {
      this.#primary = event.address;
      return none;
    }
    switch (this.#state) {
      case 'initialize':
        return this.#inInitialize(event, now);
      case 'backup':
        return this.#inBackup(event, now);
      case 'active':
        return this.#inActive(event, now);
    }
  }

  /** RFC 9568 §6.4.1 */
  #inInitialize(event: VirtualRouterEvent | undefined, now: Micros): Actions {
    switch (event?.type) {
      case 'startup':
        this.#primary = event.primary;
        this.#learned = undefined;
        if (isOwner(this.#config)) return this.#becomeActive('address-owner', now);
        this.#armActiveDown('active-silent', now);
        return [this.#enter('backup', 'startup', now)];
      case 'shutdown':
        this.#reason = event.reason;
        return none;
      case 'reconfigure':
        this.#config = event.config;
        return none;
      default:
        return none;
    }
  }

  /** RFC 9568 §6.4.2 */
  #inBackup(event: VirtualRouterEvent | undefined, now: Micros): Actions {
    if (event === undefined) return this.#backupDeadline(now);
    switch (event.type) {
      case 'shutdown':
        return [this.#leave(event.reason, now)];
      case 'advertisement':
        this.#backupHears(event, now);
        return none;
      case 'reconfigure':
        this.#config = event.config;
        this.#preemptAt = undefined;
        if (isOwner(event.config)) return this.#becomeActive('address-owner', now);
        this.#armActiveDown(this.#downReason, now);
        return none;
      case 'paused':
        // The adverts of the pause are lost or queued: listen anew before believing in silence or in a weaker Active.
        this.#preemptAt = undefined;
        this.#armActiveDown('active-silent', now);
        return none;
      default:
        return none;
    }
  }

  #backupDeadline(now: Micros): Actions {
    if (reached(this.#activeDownAt, now)) return this.#becomeActive(this.#downReason, now);
    if (reached(this.#preemptAt, now)) return this.#becomeActive('preempting', now);
    return none;
  }

  /** A Backup never compares addresses: that is the Active's part. */
  #backupHears(advert: Advertisement, now: Micros): void {
    const { priority, preempt } = this.#config;
    if (advert.priority === 0) {
      // The Active leaves. Skew_Time of the interval learned before, not of the one in its farewell.
      this.#preemptAt = undefined;
      this.#downReason = 'active-resigned';
      this.#activeDownAt = after(now, this.#timers.skewTime);
      return;
    }
    // The address owner preempts at once, whatever Preempt_Mode says. RFC 9568 §6.1
    const owner = isOwner(this.#config);
    const preempts = advert.priority < priority && (owner || preempt.mode === 'always');
    const waits = preempts && !owner && preempt.delay > 0;
    if (preempts && !waits) {
      this.#downReason = 'preempting';
      return;
    }
    // A wait holds back preemption only: the weaker Active's adverts keep the timer armed, its silence ends the wait.
    this.#preemptAt = waits ? (this.#preemptAt ?? after(now, preempt.delay)) : undefined;
    this.#learned = advert.interval;
    this.#armActiveDown('active-silent', now);
  }

  /** RFC 9568 §6.4.3 */
  #inActive(event: VirtualRouterEvent | undefined, now: Micros): Actions {
    if (event === undefined) {
      return reached(this.#advertAt, now) ? [this.#advertise(now), { type: 'renew-lease' }] : none;
    }
    switch (event.type) {
      case 'shutdown':
        return [
          ...(event.resign ? [{ type: 'send-advertisement', priority: 0 } as const] : none),
          ...this.#withdraw(),
          this.#leave(event.reason, now),
        ];
      case 'advertisement':
        return this.#activeHears(event, now);
      case 'reconfigure':
        return this.#activeReconfigure(event.config, now);
      case 'lease-lapsed':
      case 'paused':
        // No farewell: after a pause another router may rule, and what we would say is old.
        return isOwner(this.#config) ? none : this.#yield(event.type, now);
      default:
        return none;
    }
  }

  #activeHears(advert: Advertisement, now: Micros): Actions {
    if (advert.priority === 0) {
      // A conflict ended, so caches may point at it. The Adver_Timer starts anew: farewells must not starve the lease.
      return [this.#advertise(now), { type: 'renew-lease' }, { type: 'announce-again' }];
    }
    const order = advert.priority - this.#config.priority;
    const higherAddress =
      order === 0 && this.#primary !== undefined && compareIp(advert.source, this.#primary) > 0;
    if (order > 0 || higherAddress) {
      this.#learned = advert.interval;
      return this.#yield(order > 0 ? 'higher-priority' : 'higher-address', now);
    }
    // RFC 9568 answers a losing advertisement at once, without touching the Adver_Timer; RFC 3768 is silent.
    const answer = this.#config.version === 2 ? none : [this.#advertisement()];
    return [...answer, { type: 'announce-again' }];
  }

  #activeReconfigure(config: InstanceConfig, now: Micros): Actions {
    const old = this.#config;
    this.#config = config;
    const added = missingFrom(old.virtual_ipaddress, config.virtual_ipaddress);
    const removed = missingFrom(config.virtual_ipaddress, old.virtual_ipaddress);
    const leaseBegan = old.lease.mode === 'off' && config.lease.mode !== 'off';
    const leaseEnded = old.lease.mode !== 'off' && config.lease.mode === 'off';
    const opened = leaseBegan ? config.virtual_ipaddress : config.lease.mode === 'off' ? [] : added;
    const closed = leaseEnded ? old.virtual_ipaddress : old.lease.mode === 'off' ? [] : removed;
    // Nothing renews a lifetime any more: what is kept is written again without one.
    const written = leaseEnded ? config.virtual_ipaddress : added;
    return [
      this.#advertise(now),
      ...onAddresses('close-gate', closed),
      ...onAddresses('remove-addresses', removed),
      ...onAddresses('open-gate', opened),
      ...onAddresses('add-addresses', written),
      { type: 'renew-lease' },
      ...(written.length > 0 ? [{ type: 'announce' } as const] : none),
    ];
  }

  #becomeActive(reason: TransitionReason, now: Micros): Actions {
    const { virtual_ipaddress: addresses, lease } = this.#config;
    this.#activeDownAt = this.#preemptAt = undefined;
    return [
      this.#advertise(now),
      ...(lease.mode === 'off' ? none : onAddresses('open-gate', addresses)),
      { type: 'add-addresses', addresses },
      { type: 'announce' },
      this.#enter('active', reason, now),
    ];
  }

  /** Active → Backup without a farewell: somebody better speaks, or we may not speak. */
  #yield(reason: TransitionReason, now: Micros): Actions {
    const actions = this.#withdraw();
    this.#advertAt = undefined;
    if (reason !== 'higher-priority' && reason !== 'higher-address') this.#learned = undefined;
    this.#armActiveDown('active-silent', now);
    return [...actions, this.#enter('backup', reason, now)];
  }

  #withdraw(): Actions {
    const { virtual_ipaddress: addresses, lease } = this.#config;
    return [
      { type: 'stop-announcing' },
      ...(lease.mode === 'off' ? none : onAddresses('close-gate', addresses)),
      { type: 'remove-addresses', addresses },
    ];
  }

  #leave(reason: ShutdownReason, now: Micros): VirtualRouterAction {
    this.#advertAt = this.#activeDownAt = this.#preemptAt = this.#learned = undefined;
    return this.#enter('initialize', reason, now);
  }

  #enter(to: State, reason: TransitionReason, now: Micros): VirtualRouterAction {
    const from = this.#state;
    this.#state = to;
    this.#reason = reason;
    this.#since = now;
    return { type: 'transition', from, to, reason };
  }

  get #timers(): Timers {
    return timersOf(this.#config, this.#learned);
  }

  #armActiveDown(reason: TransitionReason, now: Micros): void {
    this.#downReason = reason;
    this.#activeDownAt = after(now, this.#timers.activeDownInterval);
  }

  /** Our own interval rules once we are Active, whatever the old Active used. RFC 9568 §6.4.2 (330) */
  #advertise(now: Micros): VirtualRouterAction {
    this.#advertAt = after(now, this.#config.advert_int);
    return this.#advertisement();
  }

  #advertisement(): VirtualRouterAction {
    return { type: 'send-advertisement', priority: this.#config.priority satisfies Priority };
  }
}

type Advertisement = Extract<VirtualRouterEvent, { type: 'advertisement' }>;
type AddressAction = Extract<VirtualRouterAction, { readonly addresses: unknown }>;

const reached = (instant: Micros | undefined, now: Micros): boolean =>
  instant !== undefined && instant <= now;

const onAddresses = (type: AddressAction['type'], addresses: readonly VirtualAddress[]): Actions =>
  addresses.length > 0 ? [{ type, addresses }] : none;
