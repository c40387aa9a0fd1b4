import { earlier, type Micros } from '../../src/base/time.ts';
import { Announcer } from '../../src/vrrp/announce.ts';
import type { VirtualRouterEvent } from '../../src/vrrp/events.ts';
import { VirtualRouter } from '../../src/vrrp/virtual-router.ts';
import type { Broken } from './simulated-link.ts';

/**
 * Rules that a run can turn off, to prove that the judge would notice. A rule of the product is turned off in its
 * prototype for the length of a run; one of the world is a flag.
 */
export const breakableRules = {
  'priority-zero': 'a farewell is heeded: takeover after Skew_Time',
  'skew-time': 'backups wait for Skew_Time, so that they do not all take over',
  yielding: 'an Active yields to a better one',
  'pause-notice': 'after a gap as long as the lease every router listens first',
  announcing: 'a new Active announces its addresses',
  'packets-first': 'the socket is drained before the Active is declared dead',
  'renewal-stops': 'a paused process renews nothing',
  'lapsed-is-lapsed': 'a gate that closed is not opened again by a renewal',
  leftovers: 'addresses of an earlier life go before the first advertisement',
  'receive-checks': 'a packet that crossed a router is discarded',
} as const;
export type BreakableRule = keyof typeof breakableRules;

export const isBreakableRule = (text: string): text is BreakableRule => Object.hasOwn(breakableRules, text);

export interface Sabotage {
  readonly broken: Broken & { readonly revivesLapsed?: boolean };
  /** Puts the product's code back. */
  undo(): void;
}

type Handle = VirtualRouter['handle'];

export function sabotage(rule: BreakableRule | undefined): Sabotage {
  const nothing = (): void => undefined;
  switch (rule) {
    case undefined:
      return { broken: {}, undo: nothing };
    case 'packets-first':
      return { broken: { packetsLast: true }, undo: nothing };
    case 'renewal-stops':
      return { broken: { renewsWhilePaused: true }, undo: nothing };
    case 'lapsed-is-lapsed':
      return { broken: { revivesLapsed: true }, undo: nothing };
    case 'leftovers':
      return { broken: { keepsLeftovers: true }, undo: nothing };
    case 'receive-checks':
      return { broken: { trustsTtl: true }, undo: nothing };
    case 'announcing':
      return { broken: {}, undo: replace(Announcer.prototype, 'handle', () => () => []) };
    case 'skew-time':
      return { broken: {}, undo: withoutSkew() };
    default:
      return { broken: {}, undo: replace(VirtualRouter.prototype, 'handle', deafTo(rule)) };
  }
}

/** @returns what puts the old one back */
export function replace<T extends object, K extends keyof T>(
  target: T,
  key: K,
  change: (old: T[K]) => T[K],
): () => void {
  const old = target[key];
  target[key] = change(old);
  return () => {
    target[key] = old;
  };
}

const deafTo =
  (rule: 'priority-zero' | 'yielding' | 'pause-notice') =>
  (handle: Handle): Handle =>
    function (this: VirtualRouter, event, now) {
      return event !== undefined && isUnheard(rule, this, event) ? [] : handle.call(this, event, now);
    };

function isUnheard(rule: BreakableRule, router: VirtualRouter, event: VirtualRouterEvent): boolean {
  if (rule === 'pause-notice') return event.type === 'paused';
  if (event.type !== 'advertisement') return false;
  return rule === 'priority-zero'
    ? event.priority === 0
    : router.state === 'active' && event.priority >= router.config.priority;
}

/** Active_Down_Interval is three intervals and nothing more. */
function withoutSkew(): () => void {
  const early = (router: VirtualRouter): number =>
    router.state === 'backup' ? router.snapshot().skewTime : 0;
  const undoHandle = replace(
    VirtualRouter.prototype,
    'handle',
    (handle) =>
      function (this: VirtualRouter, event, now) {
        return handle.call(this, event, event === undefined ? ((now + early(this)) as Micros) : now);
      },
  );
  const deadline = Object.getOwnPropertyDescriptor(VirtualRouter.prototype, 'deadline')!;
  Object.defineProperty(VirtualRouter.prototype, 'deadline', {
    configurable: true,
    get(this: VirtualRouter) {
      const at = deadline.get!.call(this) as Micros | undefined;
      return at === undefined ? undefined : earlier((at - early(this)) as Micros, undefined);
    },
  });
  return () => {
    undoHandle();
    Object.defineProperty(VirtualRouter.prototype, 'deadline', deadline);
  };
}
