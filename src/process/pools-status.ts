/** What status shows of virtual servers: plain JSON, so no bigint. PURE */
import type { Micros } from '../base/time.ts';
import type { PoolStatus } from '../director/pool.ts';
import type { ServerStatus } from '../director/rows.ts';
import type { DirectorStatus } from '../director/runner.ts';
import type { PoolsConfig, VirtualServer } from '../director/types.ts';
import type { CheckReport } from '../healthcheck/types.ts';
import { type ActualDestination, endpoint, serviceName, type Statistics } from '../ipvs/types.ts';

export interface Rates {
  readonly connectionsPerSecond: number;
  readonly inBytesPerSecond: number;
  readonly outBytesPerSecond: number;
}

export interface RealServerStatus extends ServerStatus {
  readonly forward: ActualDestination['forward'];
  /** Over all services of the pool. With DR and TUN the kernel sees only what comes in. */
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly checks: readonly CheckReport[];
}

export interface VirtualServerStatus extends Omit<PoolStatus, 'servers'> {
  readonly services: readonly { readonly name: string; readonly scheduler: string; readonly rates?: Rates }[];
  readonly quorum: number;
  readonly servers: readonly RealServerStatus[];
}

export interface PoolsStatus {
  readonly at: Micros;
  readonly dataPlane: PoolsConfig['data_plane'];
  /** Why there is no data plane; absent when there is. */
  readonly unavailable?: string;
  readonly unreadable?: string;
  readonly readAt?: Micros;
  /** Every check has spoken. */
  readonly ready: boolean;
  readonly virtualServers: readonly VirtualServerStatus[];
  /** In the kernel, and not ours. */
  readonly foreign: readonly string[];
  readonly failures: DirectorStatus['failures'];
  readonly drift: DirectorStatus['drift'];
  readonly sysctlFaults: readonly string[];
}

export function poolsStatus({
  at,
  director,
  reports,
  config,
  unavailable,
  ready,
  sysctlFaults,
}: {
  readonly at: Micros;
  readonly director: DirectorStatus;
  readonly reports: ReadonlyMap<string, CheckReport>;
  readonly config: PoolsConfig;
  readonly unavailable: string | undefined;
  readonly ready: boolean;
  readonly sysctlFaults: readonly string[];
}): PoolsStatus {
  const table = new Map(director.table.map((one) => [serviceName(one.service.key), one]));
  const configs = new Map(config.virtual_server.map((one) => [one.name, one]));
  const rowsOf = ({ servers, ...pool }: PoolStatus): VirtualServerStatus => {
    const virtual = configs.get(pool.name);
    const found = (virtual?.services ?? []).flatMap(({ key }) => table.get(serviceName(key)) ?? []);
    return {
      ...pool,
      quorum: virtual?.quorum ?? 0,
      services: (virtual?.services ?? []).map(({ key, scheduler }) => {
        const statistics = table.get(serviceName(key))?.statistics;
        return { name: serviceName(key), scheduler, ...(statistics && { rates: ratesOf(statistics) }) };
      }),
      servers: serverRows(
        servers,
        virtual,
        found.flatMap(({ destinations }) => destinations),
        reports,
      ),
    };
  };
  return {
    at,
    dataPlane: config.data_plane,
    ...(unavailable !== undefined && { unavailable }),
    ...(director.unreadable !== undefined && { unreadable: director.unreadable }),
    ...(director.readAt !== undefined && { readAt: director.readAt }),
    ready,
    virtualServers: director.pools.map(rowsOf),
    foreign: director.foreign,
    failures: director.failures,
    drift: director.drift,
    sysctlFaults,
  };
}

/** By name and not by looking through: a pool may have thousands. */
function serverRows(
  servers: readonly ServerStatus[],
  virtual: VirtualServer | undefined,
  destinations: readonly ActualDestination[],
  reports: ReadonlyMap<string, CheckReport>,
): readonly RealServerStatus[] {
  const all = [...(virtual?.sorry_server ? [virtual.sorry_server] : []), ...(virtual?.real_server ?? [])];
  const configs = new Map(all.map((one) => [endpoint(one.destination), one] as const));
  const owns = new Map<string, ActualDestination[]>();
  for (const one of destinations)
    // A real server without a port is there under the port of each service.
    for (const name of new Set([endpoint(one), endpoint({ ...one, port: 0 })])) {
      const own = owns.get(name) ?? [];
      owns.set(name, own);
      own.push(one);
    }
  return servers.map((server) => {
    const config = configs.get(server.name);
    const own = owns.get(server.name) ?? [];
    return {
      ...server,
      forward: config?.destination.forward ?? own[0]?.forward ?? 'masq',
      activeConnections: own.reduce((sum, { activeConnections }) => sum + activeConnections, 0),
      inactiveConnections: own.reduce((sum, { inactiveConnections }) => sum + inactiveConnections, 0),
      checks: (config?.checks ?? []).flatMap(({ id }) => reports.get(id) ?? []),
    };
  });
}

const ratesOf = ({ connectionsPerSecond, inBytesPerSecond, outBytesPerSecond }: Statistics): Rates => ({
  connectionsPerSecond: Number(connectionsPerSecond),
  inBytesPerSecond: Number(inBytesPerSecond),
  outBytesPerSecond: Number(outBytesPerSecond),
});
