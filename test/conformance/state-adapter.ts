import { ip, type Family, type Ip } from '../../src/base/ip.ts';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import type {
  State,
  VirtualRouterAction,
  VirtualRouterEvent,
  VirtualRouterSnapshot,
} from '../../src/vrrp/events.ts';
import type { InstanceConfig, Priority, Vrid } from '../../src/vrrp/types.ts';
import { VirtualRouter } from '../../src/vrrp/virtual-router.ts';

/** The parts of vrrp-state-cases.json that are used here. */
export interface CaseConfig {
  readonly version: number;
  readonly family: Family;
  readonly priority: number;
  readonly preempt: boolean;
  readonly preempt_delay_ms: number;
  readonly adver_int_ms: number;
  readonly local_ip: string;
  readonly vips: readonly string[];
}

interface CaseAdvert {
  readonly priority: number;
  readonly src: string;
  readonly adver_int_ms: number;
}

type TimerName = 'adver_timer' | 'master_down_timer' | 'preempt_delay_timer';
type CaseEvent =
  | 'startup'
  | 'shutdown'
  | TimerName
  | { readonly advert: CaseAdvert }
  | { readonly config: CaseConfig }
  | { readonly add_vip: string }
  | { readonly del_vip: string }
  | { readonly interface: { readonly up: false } }
  | Readonly<Partial<Record<TimerName, { readonly stale: true }>>>;

export type CaseAction = string | Readonly<Record<string, unknown>>;

export interface StateCase {
  readonly id: string;
  readonly tags?: readonly string[];
  readonly config: CaseConfig;
  readonly given: {
    readonly state: 'Initialize' | 'Backup' | 'Master';
    readonly learned_adver_int_ms?: number | null;
    readonly preempt_delay_armed?: boolean;
  };
  readonly event: CaseEvent;
  readonly expect: {
    readonly actions: readonly CaseAction[];
    readonly actions_are?: 'contained' | 'unspecified';
    readonly state: 'Initialize' | 'Backup' | 'Master';
    readonly learned_adver_int_ms?: number;
    readonly must_precede?: readonly (readonly [string, string])[];
    readonly forbid?: readonly string[];
  };
}

export const stateNames: Readonly<Record<State, string>> = {
  initialize: 'Initialize',
  backup: 'Backup',
  active: 'Master',
};

/** The lease is our own and not in the cases: it is off. */
export const configOf = (config: CaseConfig): InstanceConfig => ({
  name: 'case',
  interface: 'eth0',
  families: [config.family],
  virtual_router_id: 1 as Vrid,
  priority: config.priority as Priority,
  advert_int: milliseconds(config.adver_int_ms),
  preempt: { mode: config.preempt ? 'always' : 'never', delay: milliseconds(config.preempt_delay_ms) },
  virtual_ipaddress: config.vips.map((address) => ({ address: ip(address), length: 32 })),
  checksum: 'pseudo_header',
  first_linklocal: 'warn',
  announce: {
    garp_master_repeat: 1,
    garp_master_delay: seconds(0),
    garp_master_refresh: seconds(0),
    garp_master_refresh_repeat: 1,
    garp_lower_prio_repeat: 1,
    garp_lower_prio_delay: seconds(0),
    garp_interval: seconds(0),
    gna_interval: seconds(0),
  },
  lease: { mode: 'off', gate_lifetime: seconds(1), address_lifetime_s: 2 },
  version: config.version === 2 ? 2 : 3,
});

const advertOf = ({ priority, src, adver_int_ms }: CaseAdvert): VirtualRouterEvent => ({
  type: 'advertisement',
  source: ip(src),
  priority,
  interval: milliseconds(adver_int_ms),
});

/** Of a router that nobody in the cases is. */
const stranger = (family: Family): Ip => ip(family === 4 ? '192.0.2.250' : 'fe80::250');

/** A router in the given state, and the time it has come to. */
function given({
  config,
  given: { state, learned_adver_int_ms: learned, preempt_delay_armed: armed },
  event,
}: StateCase): {
  router: VirtualRouter;
  now: number;
} {
  const router = new VirtualRouter(configOf(config), 'interface-absent', 0 as Micros);
  if (state === 'Initialize') return { router, now: 1 };
  const primary = ip(config.local_ip);
  router.handle({ type: 'startup', primaries: [primary] }, 0 as Micros);
  if (state === 'Master') {
    const promoted = router.deadline ?? 0;
    router.handle(undefined, promoted as Micros);
    return { router, now: promoted + 250_000 };
  }
  const hears = (priority: number, interval: number, at: number): void =>
    void router.handle(
      advertOf({ priority, src: stranger(config.family), adver_int_ms: interval }),
      at as Micros,
    );
  if (learned !== undefined && learned !== null) hears(254, learned, 0);
  if (armed !== true) return { router, now: 250_000 };
  hears(config.priority - 1, config.adver_int_ms, 0);
  // The weaker Active goes on advertising, or its silence would end the wait before the delay does.
  if (event === 'preempt_delay_timer')
    for (let at = 1; at < config.preempt_delay_ms / 1_000; at++)
      hears(config.priority - 1, config.adver_int_ms, at * 1e6);
  return { router, now: 250_000 };
}

const instants = (snapshot: VirtualRouterSnapshot): Readonly<Record<TimerName, Micros | undefined>> => ({
  adver_timer: snapshot.advertAt,
  master_down_timer: snapshot.activeDownAt,
  preempt_delay_timer: snapshot.preemptAt,
});

function eventOf(
  { event, config }: StateCase,
  snapshot: VirtualRouterSnapshot,
  now: number,
): { event: VirtualRouterEvent | undefined; now: number } {
  if (typeof event === 'string') {
    if (event === 'startup') return { event: { type: 'startup', primaries: [ip(config.local_ip)] }, now };
    if (event === 'shutdown') return { event: { type: 'shutdown', reason: 'stop', resign: true }, now };
    // A timer that does not run cannot fire here: the machine is called all the same, and must do nothing.
    return { event: undefined, now: instants(snapshot)[event] ?? now };
  }
  if ('advert' in event) return { event: advertOf(event.advert), now };
  const reconfigured = (change: CaseConfig): { event: VirtualRouterEvent; now: number } => ({
    event: { type: 'reconfigure', config: configOf(change) },
    now,
  });
  if ('config' in event) return reconfigured(event.config);
  if ('add_vip' in event) return reconfigured({ ...config, vips: [...config.vips, event.add_vip] });
  if ('del_vip' in event)
    return reconfigured({ ...config, vips: config.vips.filter((vip) => vip !== event.del_vip) });
  if ('interface' in event) return { event: { type: 'shutdown', reason: 'no-carrier', resign: false }, now };
  return { event: undefined, now };
}

/** One action of ours in the words of the cases; undefined for what they do not speak of. */
function wordOf(action: VirtualRouterAction, config: InstanceConfig): CaseAction | undefined {
  const addresses = 'addresses' in action ? action.addresses.map(({ address }) => address) : [];
  switch (action.type) {
    case 'send-advertisement':
      return { send_advert: { priority: action.priority, adver_int_ms: config.advert_int / 1_000 } };
    case 'add-addresses':
      return { install_vips: addresses };
    case 'remove-addresses':
      return { remove_vips: addresses };
    case 'announce':
      return 'announce';
    default:
      return undefined;
  }
}

/** What became of the timers, in the words of the cases. */
function timerWords(before: VirtualRouterSnapshot, after: VirtualRouterSnapshot, now: number): CaseAction[] {
  const words: CaseAction[] = [];
  const [old, fresh] = [instants(before), instants(after)];
  for (const [timer, action] of [
    ['adver_timer', 'start_adver_timer'],
    ['master_down_timer', 'start_master_down_timer'],
    ['preempt_delay_timer', 'start_preempt_delay'],
  ] as const) {
    const at = fresh[timer];
    const armed = at !== undefined && at !== old[timer];
    if (armed)
      words.push(
        action === 'start_preempt_delay' ? { [action]: { us: at - now } } : { [action]: { us: at - now } },
      );
  }
  if (
    after.state === 'backup' &&
    old.preempt_delay_timer !== undefined &&
    fresh.preempt_delay_timer === undefined
  )
    words.push('stop_preempt_delay');
  const left = before.state !== after.state && after.state !== 'active' && before.state !== 'initialize';
  const running = Object.keys(old).filter((timer) => old[timer as TimerName] !== undefined);
  if (left && running.every((timer) => fresh[timer as TimerName] !== old[timer as TimerName]))
    words.push('stop_timers');
  return words;
}

export interface Outcome {
  readonly actions: readonly CaseAction[];
  readonly state: string;
  readonly learned_adver_int_ms: number;
}

/** Plays a case on a fake clock. */
export function playCase(stateCase: StateCase): Outcome {
  const { router, now: ready } = given(stateCase);
  const before = router.snapshot();
  const { event, now } = eventOf(stateCase, before, ready);
  const done = router.handle(event, now as Micros);
  const after = router.snapshot();
  const words = done.map((action) => wordOf(action, router.config)).filter((word) => word !== undefined);
  return {
    actions: [...words, ...timerWords(before, after, now)],
    state: stateNames[after.state],
    learned_adver_int_ms: after.activeAdverInterval / 1_000,
  };
}

export const nameOf = (action: CaseAction): string =>
  typeof action === 'string' ? action.split(':')[0]! : Object.keys(action)[0]!;
