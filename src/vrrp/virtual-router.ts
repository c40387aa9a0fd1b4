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
import type { Ip } from '../base/ip.ts';
import { after, earlier, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import { ActiveWatch, reached, type Self, selfOf } from './active-watch.ts';
import { type Actions, changeAddresses, serve, withdraw } from './address-actions.ts';
import { TieBreak } from './tie-break.ts';
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
const resignation = { type: 'send-advertisement', priority: 0 } as const;

export class VirtualRouter implements Machine<VirtualRouterEvent, VirtualRouterAction> {
  #config: InstanceConfig;
  /** The configured priority as trackers have made it. Who is the address owner is a matter of the configured one. */
  #priority: Priority;
  #state: State = 'initialize';
  #since: Micros;
  #reason: TransitionReason;
  /** Our sources, one of each family that has one. */
  #primaries: readonly Ip[] = [];
  /** Adver_Timer of RFC 9568 §6.2, as an instant; the Active_Down_Timer is in the watch. */
  #advertAt: Micros | undefined;
  readonly #watch = new ActiveWatch();
  readonly #tie = new TieBreak();

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
    return earlier(this.#advertAt, this.#watch.deadline);
  }

  snapshot(): VirtualRouterSnapshot {
    const { activeDownAt, preemptAt, wants } = this.#watch;
    return {
      state: this.#state,
      since: this.#since,
      reason: this.#reason,
      priority: this.#priority,
      ...this.#watch.timers(this.#self),
      ...(activeDownAt !== undefined && { activeDownAt }),
      ...(this.#advertAt !== undefined && { advertAt: this.#advertAt }),
      ...(preemptAt !== undefined && { preemptAt }),
      ...(wants !== undefined && { wants }),
    };
  }

  handle(event: VirtualRouterEvent | undefined, now: Micros): Actions {
    if (event?.type === 'primaries') {
      this.#primaries = event.addresses;
      return none;
    }
    if (event?.type === 'wait') {
      this.#watch.wait(this.#self, event.until);
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
        this.#primaries = event.primaries;
        this.#watch.learn(undefined);
        if (isOwner(this.#config)) return this.#becomeActive('address-owner', now);
        this.#watch.listen(this.#self, now);
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
        this.#watch.hears(this.#self, event, now);
        return none;
      case 'reconfigure':
        this.#take(event);
        if (isOwner(event.config)) return this.#becomeActive('address-owner', now);
        this.#watch.again(this.#self, now);
        return none;
      case 'priority': {
        const old = this.#self;
        this.#priority = event.priority;
        this.#watch.reprioritise(old, this.#self, now);
        return none;
      }
      case 'paused':
        // The adverts of the pause are lost or queued: listen anew before believing in silence or in a weaker Active.
        this.#watch.listen(this.#self, now);
        return none;
      case 'group-agrees':
        return this.#watch.wants === undefined ? none : this.#becomeActive(this.#watch.wants, now);
      default:
        return none;
    }
  }

  #backupDeadline(now: Micros): Actions {
    const reason = this.#watch.due(now);
    if (reason === undefined) return none;
    if (this.#config.sync_group === undefined) return this.#becomeActive(reason, now);
    this.#watch.want(reason);
    return none;
  }

  /** RFC 9568 §6.4.3 */
  #inActive(event: VirtualRouterEvent | undefined, now: Micros): Actions {
    if (event === undefined) {
      return reached(this.#advertAt, now) ? [this.#advertise(now), { type: 'renew-lease' }] : none;
    }
    switch (event.type) {
      case 'shutdown':
        return [
          ...(event.resign ? [resignation] : none),
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
      case 'group-leaves':
        // With a farewell: nobody better speaks here, and the group that takes over needs this address too.
        return [resignation, ...this.#yield('sync-group', now)];
      default:
        return none;
    }
  }

  #activeHears(advert: Advertisement, now: Micros): Actions {
    if (advert.priority === 0) {
      // A conflict ended, so caches may point at it. The Adver_Timer starts anew: farewells must not starve the lease.
      return [this.#advertise(now), { type: 'renew-lease' }, { type: 'announce-again' }];
    }
    const higher = advert.priority > this.#priority;
    const lower = advert.priority < this.#priority;
    if (higher || (!lower && this.#losesTie(advert.source, now))) {
      return this.#yield(higher ? 'higher-priority' : 'higher-address', now, advert.interval);
    }
    // RFC 9568 answers a losing advertisement at once, without touching the Adver_Timer; RFC 3768 is silent.
    // With two families a rival of our priority may think that it wins, too: answers to answers would have no end.
    const silent = this.#config.version === 2 || (!lower && this.#primaries.length > 1);
    const answer = silent ? none : [this.#advertisement()];
    return [...answer, { type: 'announce-again' }];
  }

  #losesTie(source: Ip, now: Micros): boolean {
    return this.#tie.loses(source, this.#primaries, this.#watch.timers(this.#self).activeDownInterval, now);
  }

  #becomeActive(reason: TransitionReason, now: Micros): Actions {
    this.#watch.stop();
    this.#tie.reset();
    return [this.#advertise(now), ...serve(this.#config), this.#enter('active', reason, now)];
  }

  /** Active → Backup without a farewell: somebody better speaks, or we may not speak. */
  #yield(reason: TransitionReason, now: Micros, learned?: Micros): Actions {
    const actions = withdraw(this.#config);
    this.#advertAt = undefined;
    this.#watch.learn(learned);
    this.#watch.listen(this.#self, now);
    return [...actions, this.#enter('backup', reason, now)];
  }

  #leave(reason: ShutdownReason, now: Micros): VirtualRouterAction {
    this.#advertAt = undefined;
    this.#watch.stop();
    this.#watch.learn(undefined);
    return this.#enter('initialize', reason, now);
  }

  #enter(to: State, reason: TransitionReason, now: Micros): VirtualRouterAction {
    const from = this.#state;
    this.#state = to;
    this.#reason = reason;
    this.#since = now;
    return { type: 'transition', from, to, reason };
  }

  get #self(): Self {
    return selfOf(this.#config, this.#priority);
  }

  #take({ config, priority }: Reconfigure): void {
    this.#config = config;
    this.#priority = priority ?? config.priority;
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
