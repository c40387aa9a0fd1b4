/**
 * (configuration, health, operators) → what the kernel's table should be: one Pool per virtual_server, and what they have
 * in common. Levels: it can be asked at any time, and says the same for the same state. PURE
 */
import { earlier, type Micros } from '../base/time.ts';
import type { CheckDefinition, CheckReport } from '../healthcheck/types.ts';
import type { Declared } from '../ipvs/guard.ts';
import { type ActualService, endpoint, serviceName, type VirtualService } from '../ipvs/types.ts';
import type { Machine } from '../machine.ts';
import { type Load, Pool, type PoolStatus, type Settled } from './pool.ts';
import type { Override, PoolsConfig, VirtualServer } from './types.ts';

export type DirectorEvent =
  | { readonly type: 'configure'; readonly config: Pick<PoolsConfig, 'virtual_server'> }
  | { readonly type: 'reports'; readonly reports: readonly CheckReport[] }
  | { readonly type: 'override'; readonly override: Override }
  /** Takes back every word about this real server. */
  | { readonly type: 'release'; readonly real_server: string; readonly virtual_server?: string }
  /** Names of the files in maintenance_dir. */
  | { readonly type: 'maintenance'; readonly names: readonly string[] }
  /** The table as it was just read. */
  | { readonly type: 'table'; readonly actual: readonly ActualService[] }
  /** The daemon stops. */
  | { readonly type: 'stop' };

export type DirectorAction =
  /** The table may have to be another one: compare desired. */
  | { readonly type: 'settle' }
  | {
      readonly type: 'quorum';
      readonly pool: string;
      readonly up: boolean;
      readonly script?: readonly string[];
    };

const settle: DirectorAction = { type: 'settle' };

export class Director implements Machine<DirectorEvent, DirectorAction> {
  readonly #pools = new Map<string, Pool>();
  readonly #reports = new Map<string, CheckReport>();
  /** By the id of a check, the names of pools that it speaks of. */
  #poolsOf: ReadonlyMap<string, readonly string[]> = new Map();
  #overrides: readonly Override[] = [];
  #maintenance: ReadonlySet<string> = new Set();
  /** By serviceName(). */
  #table: ReadonlyMap<string, ActualService> | undefined;
  #reads = 0;
  /** By the name of the pool, in the order of #pools. */
  readonly #settled = new Map<string, Settled>();
  #deadline: Micros | undefined;

  get deadline(): Micros | undefined {
    return this.#deadline;
  }

  /** As of the last event. */
  get desired(): readonly VirtualService[] {
    return [...this.#settled.values()].flatMap(({ services }) => services);
  }

  get status(): readonly PoolStatus[] {
    return Array.from(this.#settled.values(), ({ status }) => status);
  }

  get overrides(): readonly Override[] {
    return this.#overrides;
  }

  /** Another one that was told the same, to see what an event would do. */
  copy(): Director {
    const copy = new Director();
    for (const [name, pool] of this.#pools) copy.#pools.set(name, pool.copy());
    for (const [id, report] of this.#reports) copy.#reports.set(id, report);
    copy.#overrides = this.#overrides;
    copy.#maintenance = this.#maintenance;
    copy.#table = this.#table;
    copy.#reads = this.#reads;
    return copy;
  }

  handle(event: DirectorEvent | undefined, now: Micros): readonly DirectorAction[] {
    if (event?.type === 'stop') return this.#stop();
    if (event !== undefined) this.#take(event, now);
    return this.#settle(this.#concerns(event, now), now);
  }

  /** What says nothing of a pool leaves it as it is until its own deadline: there may be thousands. */
  #concerns(event: DirectorEvent | undefined, now: Micros): (pool: string) => boolean {
    if (event !== undefined && event.type !== 'reports' && event.type !== 'table') return () => true;
    if (this.#overrides.some(({ until }) => until !== undefined && until <= now)) return () => true;
    const reports = event?.type === 'reports' ? event.reports : [];
    const named = new Set(reports.flatMap(({ id }) => this.#poolsOf.get(id) ?? []));
    return (pool) => {
      const { deadline = Infinity } = this.#settled.get(pool) ?? {};
      const watches = event?.type === 'table' && this.#pools.get(pool)?.watchesTable === true;
      return named.has(pool) || watches || deadline <= now;
    };
  }

  #take(event: Exclude<DirectorEvent, { type: 'stop' }>, now: Micros): void {
    switch (event.type) {
      case 'configure':
        this.#configure(event.config.virtual_server, now);
        return;
      case 'reports':
        for (const report of event.reports)
          // A checks process that was born again knows nothing yet: what the old one said last still holds.
          if (report.verdict !== 'unknown' || !this.#reports.has(report.id))
            this.#reports.set(report.id, report);
        return;
      case 'override':
        this.#overrides = [
          ...this.#overrides.filter((other) => !isSame(other, event.override)),
          event.override,
        ];
        return;
      case 'release':
        this.#overrides = this.#overrides.filter((other) => !isSame(other, event));
        return;
      case 'maintenance':
        this.#maintenance = new Set(event.names);
        return;
      case 'table':
        this.#table = new Map(event.actual.map((one) => [serviceName(one.service.key), one]));
        this.#reads++;
    }
  }

  #configure(virtualServers: readonly VirtualServer[], now: Micros): void {
    const wanted = new Map(virtualServers.map((one) => [one.name, one]));
    for (const [name, pool] of this.#pools) if (!wanted.has(name)) pool.remove(now);
    for (const [name, config] of wanted) {
      const pool = this.#pools.get(name);
      if (pool === undefined) this.#pools.set(name, new Pool(config));
      else pool.configure(config, now);
    }
    const poolsOf = new Map<string, string[]>();
    for (const one of virtualServers)
      for (const { id } of checksOf(one)) poolsOf.set(id, [...(poolsOf.get(id) ?? []), one.name]);
    this.#poolsOf = poolsOf;
    for (const id of this.#reports.keys()) if (!poolsOf.has(id)) this.#reports.delete(id);
  }

  #settle(isConcerned: (pool: string) => boolean, now: Micros): readonly DirectorAction[] {
    this.#overrides = this.#overrides.filter(({ until }) => until === undefined || now < until);
    const actions: DirectorAction[] = [settle];
    for (const [name, pool] of this.#pools) {
      if (!isConcerned(name)) continue;
      const loads = this.#table && pool.watchesTable ? loadsOf(pool, this.#table) : undefined;
      const [reports, overrides, maintenance] = [this.#reports, this.#overrides, this.#maintenance];
      const one = pool.settle({ reports, overrides, maintenance, loads, reads: this.#reads }, now);
      this.#settled.set(name, one);
      if (pool.isGone) {
        this.#pools.delete(name);
        this.#settled.delete(name);
      }
      if (one.change !== undefined) actions.push(quorumAction(pool, one.change === 'up'));
    }
    this.#deadline = undefined;
    for (const { deadline } of this.#settled.values()) this.#deadline = earlier(this.#deadline, deadline);
    for (const { until } of this.#overrides) this.#deadline = earlier(this.#deadline, until);
    return actions;
  }

  #stop(): readonly DirectorAction[] {
    return [...this.#pools.values()]
      .filter(({ config, up }) => config.omega && up)
      .map((pool) => quorumAction(pool, false));
  }
}

export const checksOf = ({ real_server, sorry_server }: VirtualServer): readonly CheckDefinition[] =>
  [...real_server, ...(sorry_server === undefined ? [] : [sorry_server])].flatMap(({ checks }) => checks);

/** For the guard: what a file names. */
export const declaredBy = ({ virtual_server }: Pick<PoolsConfig, 'virtual_server'>): readonly Declared[] =>
  virtual_server.flatMap(({ services, real_server }) =>
    services.map(({ key }) => ({ key, destinations: real_server.map(({ destination }) => destination) })),
  );

function quorumAction({ config: { name, quorum_up, quorum_down } }: Pool, up: boolean): DirectorAction {
  const script = up ? quorum_up : quorum_down;
  return { type: 'quorum', pool: name, up, ...(script !== undefined && { script }) };
}

const isSame = (
  a: Pick<Override, 'real_server' | 'virtual_server'>,
  b: Pick<Override, 'real_server' | 'virtual_server'>,
): boolean => a.real_server === b.real_server && a.virtual_server === b.virtual_server;

/** By endpoint, over the services of the pool; of a port 0, which is every port, under that name too. */
function loadsOf(
  { config: { services } }: Pool,
  table: ReadonlyMap<string, ActualService>,
): ReadonlyMap<string, Load> {
  const loads = new Map<string, Load>();
  for (const { key } of services)
    for (const one of table.get(serviceName(key))?.destinations ?? [])
      for (const port of new Set([one.port, 0])) {
        const name = endpoint({ address: one.address, port });
        const { connections, weight } = loads.get(name) ?? { connections: 0, weight: 0 };
        loads.set(name, {
          connections: connections + one.activeConnections + one.inactiveConnections,
          weight: Math.max(weight, one.weight),
        });
      }
  return loads;
}
