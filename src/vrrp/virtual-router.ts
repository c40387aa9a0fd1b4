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
import { after, between, earlier, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import { type Actions, changeAddresses, serve, withdraw } from './address-actions.ts';
import { type Timers, timersOf } from './timers.ts';
import type {
  ShutdownReason,
  State,
  TransitionReason,
  VirtualRouterAction,
  VirtualRouterEvent,
  VirtualRouterSnapshot,
} from './events.ts';
import { isOwner, type InstanceConfig, type Priority } from './types.ts';

const none: Actions = [];

export class VirtualRouter implements Machine<VirtualRouterEvent, VirtualRouterAction> {
  #config: InstanceConfig;
  /** The configured priority as trackers have made it. Who is the address owner is a matter of the configured one. */
  #priority: Priority;
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
    this.#priority = config.priority;
    this.#reason = reason;
    this.#since = now;
  }

  get state(): State {
    return this.#state;
  }

  get priority(): Priority {
    return this.#priority;
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
      priority: this.#priority,
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
        this.#take(event);
        return none;
      case 'priority':
        this.#priority = event.priority;
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
        this.#take(event);
        this.#preemptAt = undefined;
        if (isOwner(event.config)) return this.#becomeActive('address-owner', now);
        this.#armActiveDown(this.#downReason, now);
        return none;
      case 'priority':
        this.#backupReprioritise(event.priority, now);
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

  /** The Active_Down_Timer goes on from where it began, with the new Skew_Time in it. */
  #backupReprioritise(priority: Priority, now: Micros): void {
    const lowered = priority < this.#priority;
    const { skewTime } = this.#timers;
    this.#priority = priority;
    if (lowered && (this.#preemptAt !== undefined || this.#downReason === 'preempting')) {
      // The Active that was about to be replaced may be the better one now: its next advertisement says so.
      this.#preemptAt = undefined;
      this.#armActiveDown('active-silent', now);
    } else if (this.#activeDownAt !== undefined)
      this.#activeDownAt = after(this.#activeDownAt, between(skewTime, this.#timers.skewTime));
  }

  #backupDeadline(now: Micros): Actions {
    if (reached(this.#activeDownAt, now)) return this.#becomeActive(this.#downReason, now);
    if (reached(this.#preemptAt, now)) return this.#becomeActive('preempting', now);
    return none;
  }

  /** A Backup never compares addresses: that is the Active's part. */
  #backupHears(advert: Advertisement, now: Micros): void {
    const { preempt } = this.#config;
    if (advert.priority === 0) {
      // The Active leaves. Skew_Time of the interval learned before, not of the one in its farewell.
      this.#preemptAt = undefined;
      this.#downReason = 'active-resigned';
      this.#activeDownAt = after(now, this.#timers.skewTime);
      return;
    }
    // The address owner preempts at once, whatever Preempt_Mode says. RFC 9568 §6.1
    const owner = isOwner(this.#config);
    const preempts = advert.priority < this.#priority && (owner || preempt.mode === 'always');
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
          ...withdraw(this.#config),
          this.#leave(event.reason, now),
        ];
      case 'advertisement':
        return this.#activeHears(event, now);
      case 'reconfigure': {
        const old = this.#config;
        this.#take(event);
        return [this.#advertise(now), ...changeAddresses(old, event.config)];
      }
      case 'priority':
        this.#priority = event.priority;
        return [this.#advertise(now), { type: 'renew-lease' }];
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
    const order = advert.priority - this.#priority;
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

  #becomeActive(reason: TransitionReason, now: Micros): Actions {
    this.#activeDownAt = this.#preemptAt = undefined;
    return [this.#advertise(now), ...serve(this.#config), this.#enter('active', reason, now)];
  }

  /** Active → Backup without a farewell: somebody better speaks, or we may not speak. */
  #yield(reason: TransitionReason, now: Micros): Actions {
    const actions = withdraw(this.#config);
    this.#advertAt = undefined;
    if (reason !== 'higher-priority' && reason !== 'higher-address') this.#learned = undefined;
    this.#armActiveDown('active-silent', now);
    return [...actions, this.#enter('backup', reason, now)];
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
    return timersOf({ ...this.#config, priority: this.#priority }, this.#learned);
  }

  #take({ config, priority }: Reconfigure): void {
    this.#config = config;
    this.#priority = priority ?? config.priority;
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
    return { type: 'send-advertisement', priority: this.#priority };
  }
}

type Advertisement = Extract<VirtualRouterEvent, { type: 'advertisement' }>;
type Reconfigure = Extract<VirtualRouterEvent, { type: 'reconfigure' }>;

const reached = (instant: Micros | undefined, now: Micros): boolean =>
  instant !== undefined && instant <= now;
