import { ip } from '../../src/base/ip.ts';
import { type Micros, seconds } from '../../src/base/time.ts';
import type {
  ShutdownReason,
  State,
  TransitionReason,
  VirtualRouterAction,
  VirtualRouterEvent,
} from '../../src/vrrp/events.ts';
import type { InstanceConfig, Priority, VirtualAddress, Vrid } from '../../src/vrrp/types.ts';
import { VirtualRouter } from '../../src/vrrp/virtual-router.ts';

/** Virtual addresses of the table; rows call them A, B, C. */
const addresses = {
  A: { address: ip('10.0.0.100'), length: 32 },
  B: { address: ip('10.0.0.101'), length: 32 },
  C: { address: ip('10.0.0.102'), length: 32 },
} as const satisfies Record<string, VirtualAddress>;

export const { A, B, C } = addresses;
/** Our own primary address, and ones below and above it. */
export const own = ip('10.0.0.11');
export const below = ip('10.0.0.9');
export const above = ip('10.0.0.200');

export const base: InstanceConfig = {
  name: 'web',
  interface: 'eth0',
  families: [4],
  virtual_router_id: 51 as Vrid,
  priority: 100 as Priority,
  advert_int: seconds(1),
  preempt: { mode: 'always', delay: seconds(0) },
  virtual_ipaddress: [A, B],
  checksum: 'pseudo_header',
  first_linklocal: 'warn',
  announce: {
    garp_master_repeat: 5,
    garp_master_delay: seconds(5),
    garp_master_refresh: seconds(0),
    garp_master_refresh_repeat: 1,
    garp_lower_prio_repeat: 5,
    garp_lower_prio_delay: seconds(5),
    garp_interval: seconds(0),
    gna_interval: seconds(0),
  },
  lease: { mode: 'required', gate_lifetime: seconds(2.5), address_lifetime_s: 4 },
};

export const owner = { priority: 255 as Priority, lease: { ...base.lease, mode: 'off' as const } };
export const unleased = { lease: { ...base.lease, mode: 'off' as const } };
export const nopreempt = { preempt: { mode: 'never' as const, delay: seconds(0) } };
export const delayed = { preempt: { mode: 'always' as const, delay: seconds(10) } };
export const configured = (change: Partial<InstanceConfig>): InstanceConfig => ({ ...base, ...change });

/** 3 × 1 s + 156/256 s, and 156/256 s: priority 100 at the interval of the table. */
export const down = 3_609_375;
export const skew = 609_375;

export const advert = (priority: number, source = below, interval = 1): VirtualRouterEvent => ({
  type: 'advertisement',
  source,
  priority,
  interval: seconds(interval),
});
export const startup: VirtualRouterEvent = { type: 'startup', primaries: [own] };
export const shutdown = (resign: boolean, reason: ShutdownReason = 'stop'): VirtualRouterEvent => ({
  type: 'shutdown',
  reason,
  resign,
});
export const reload = (change: Partial<InstanceConfig>, priority?: number): VirtualRouterEvent => ({
  type: 'reconfigure',
  config: configured(change),
  ...(priority !== undefined && { priority: priority as Priority }),
});

export const weighed = (priority: number): VirtualRouterEvent => ({
  type: 'priority',
  priority: priority as Priority,
});

/** One cell of the state machine, or one case of it. Times are µs after the event. */
export interface Row {
  /** state/event, and what is special about the case; docs/rfc9568.md cites it. */
  readonly id: `${State}/${VirtualRouterEvent['type'] | 'deadline'}${string}`;
  readonly config?: Partial<InstanceConfig>;
  /** What came before, with the time since the state was entered, s. */
  readonly before?: readonly (readonly [number, VirtualRouterEvent | undefined])[];
  /** Time from entering the state to the event, s. */
  readonly at?: number;
  /** Undefined: a deadline, or a spurious call. */
  readonly event: VirtualRouterEvent | undefined;
  /** Every action in its order, as `say` says it. */
  readonly does: readonly string[];
  readonly state: State;
  readonly advertIn?: number;
  readonly downIn?: number;
  readonly preemptIn?: number;
  readonly wants?: TransitionReason;
  /** Active_Adver_Interval afterwards, s; 1 where not said. */
  readonly interval?: number;
}

const names = new Map(Object.entries(addresses).map(([name, { address }]) => [address as string, name]));

/** An action in the words of the table. */
export function say(action: VirtualRouterAction): string {
  switch (action.type) {
    case 'send-advertisement':
      return `send ${action.priority}`;
    case 'transition':
      return `${action.from} → ${action.to}: ${action.reason}`;
    case 'open-gate':
    case 'close-gate':
    case 'add-addresses':
    case 'remove-addresses':
      return [action.type.split('-')[0], ...action.addresses.map(({ address }) => names.get(address))].join(
        ' ',
      );
    default:
      return action.type;
  }
}

export interface Played {
  readonly router: VirtualRouter;
  readonly actions: readonly VirtualRouterAction[];
  readonly now: number;
}

/** Brings a router into the state of the row, with what came before, and hands it the event. */
export function play({ id, config, before = [], at = 0.4, event }: Omit<Row, 'does' | 'state'>): Played {
  const router = new VirtualRouter(configured(config ?? {}), 'interface-absent', 0 as Micros);
  const state = id.slice(0, id.indexOf('/')) as State;
  let entered = 0;
  if (state !== 'initialize') router.handle(startup, 0 as Micros);
  if (state === 'active' && router.state === 'backup') {
    entered = router.deadline ?? 0;
    router.handle(undefined, entered as Micros);
    router.handle({ type: 'group-agrees' }, entered as Micros);
  }
  for (const [then, earlier] of before) router.handle(earlier, (entered + then * 1e6) as Micros);
  if (router.state !== state) throw new Error(`${id}: the table cannot bring a router to ${state}`);
  const now = entered + at * 1e6;
  return { router, actions: router.handle(event, now as Micros), now };
}
