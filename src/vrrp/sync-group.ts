/**
 * Instances that must be Active together: the two sides of a gateway, say. keepalived's rule, with a way out of quarrels:
 *
 *   agree   when every member wants to be Active: one alone would own one side of a path that leads nowhere
 *   leave   as soon as one member is not Active any more, with farewells, so that a peer's group has not to wait
 *   out     while one member cannot take part the others do not either (runner-group.ts)
 *
 * Directors that are each better on one side would take over and yield in turn for ever. So a group that an election
 * has undone within three advertisements holds itself down: for an Active_Down_Interval of its first member, whose skew
 * sets the two directors apart, and for twice as long each time. Once a peer is seen to serve, all is forgiven. PURE
 */
import { after, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import type { State, TransitionReason } from './events.ts';

export interface Member {
  readonly state: State;
  /** Why it came into this state. */
  readonly reason: TransitionReason;
  /** It is Backup, and its time to be Active has come. */
  readonly wants: boolean;
  readonly advert_int: Micros;
  readonly activeDownInterval: Micros;
}

export interface SyncGroupEvent {
  readonly type: 'members';
  /** All of them as they are now, in the order of the file. */
  readonly members: readonly [Member, ...Member[]];
}

/** For every member. */
export interface SyncGroupAction {
  readonly type: 'agree' | 'leave';
}

/** Hold-downs grow to this many times the first one. */
const longestHold = 16;

export class SyncGroup implements Machine<SyncGroupEvent, SyncGroupAction> {
  #activeSince: Micros | undefined;
  #leftAt: Micros | undefined;
  #heldUntil: Micros | undefined;
  /** Moves undone in a row. */
  #undone = 0;

  /** Until when the group takes nothing over; undefined when it may. */
  get heldUntil(): Micros | undefined {
    return this.#heldUntil;
  }

  get undone(): number {
    return this.#undone;
  }

  get deadline(): Micros | undefined {
    return this.#heldUntil;
  }

  handle(event: SyncGroupEvent | undefined, now: Micros): readonly SyncGroupAction[] {
    if (this.#heldUntil !== undefined && this.#heldUntil <= now) this.#heldUntil = undefined;
    if (event === undefined) return [];
    const { members } = event;
    const active = members.filter(({ state }) => state === 'active');
    if (active.length === members.length) {
      this.#activeSince ??= now;
      return [];
    }
    if (this.#activeSince !== undefined) this.#left(members, this.#activeSince, now);
    if (active.length > 0) return [{ type: 'leave' }];
    const all = members.every(({ wants }) => wants);
    if (!all) this.#forgive(members, now);
    if (!all || this.#heldUntil !== undefined) return [];
    this.#activeSince = now;
    return [{ type: 'agree' }];
  }

  #left(members: SyncGroupEvent['members'], activeSince: Micros, now: Micros): void {
    const [first] = members;
    const three = 3 * Math.max(...members.map(({ advert_int }) => advert_int));
    const lost = members.some(({ reason }) => reason === 'higher-priority' || reason === 'higher-address');
    this.#activeSince = undefined;
    this.#leftAt = now;
    this.#undone = lost && now - activeSince < three ? this.#undone + 1 : 0;
    if (this.#undone === 0) return;
    const times = Math.min(2 ** (this.#undone - 1), longestHold);
    this.#heldUntil = after(now, (times * first.activeDownInterval) as Micros);
  }

  /** In a quarrel all are silent, and by now every member would want: somebody serves, and the hold-down has done its work. */
  #forgive(members: SyncGroupEvent['members'], now: Micros): void {
    const longest = Math.max(...members.map(({ activeDownInterval }) => activeDownInterval));
    if (this.#leftAt === undefined || now - this.#leftAt < 2 * longest) return;
    this.#undone = 0;
    this.#heldUntil = undefined;
    this.#leftAt = undefined;
  }
}
