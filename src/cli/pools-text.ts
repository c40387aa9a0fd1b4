/** Virtual servers for people. PURE */
import { between, formatDuration, type Micros } from '../base/time.ts';
import type { PoolsStatus, RealServerStatus, VirtualServerStatus } from '../process/pools-status.ts';

/** Above so many servers the director's own bandwidth is what ends first. */
const manyForNat = 20;

export function renderPools(pools: PoolsStatus, at: Micros): readonly string[] {
  const { virtualServers, dataPlane, unavailable, unreadable, foreign, failures, drift, sysctlFaults } =
    pools;
  const forwarder = dataPlane === 'nftables';
  if (virtualServers.length === 0 && foreign.length === 0) return [];
  return [
    '',
    `virtual servers${pools.ready ? '' : ', not every check has spoken yet'}`,
    ...(forwarder
      ? ['  by nftables: NAT only, servers take turns by weight, connections are not counted']
      : []),
    ...(unavailable === undefined ? [] : [`  NO ${forwarder ? 'FORWARDER' : 'IPVS'}: ${unavailable}`]),
    ...(unreadable === undefined ? [] : [`  the table CANNOT BE READ: ${unreadable}`]),
    ...(drift.count === 0
      ? []
      : [
          `  drift: another hand changed the table ${drift.count} times` +
            (drift.lastAt === undefined ? '' : `, last ${formatDuration(between(drift.lastAt, at))} ago`) +
            '; it was put right',
        ]),
    ...failures.map(
      ({ service, destination, why }) =>
        `  REFUSED by the kernel: ${service}${destination === undefined ? '' : ` → ${destination}`}: ${why}`,
    ),
    ...sysctlFaults.map((fault) => `  ${fault}`),
    ...(foreign.length === 0 ? [] : [`  not ours, left alone: ${foreign.join(', ')}`]),
    ...virtualServers.flatMap((pool) => renderPool(pool, !forwarder)),
  ];
}

function renderPool(pool: VirtualServerStatus, counted: boolean): readonly string[] {
  const { name, up, livingWeight, quorum, panic, services, servers } = pool;
  const masq = servers.filter(({ forward }) => forward === 'masq').length;
  return [
    '',
    `${name}: ${up ? 'up' : 'DOWN'}, weight ${livingWeight} of a quorum of ${quorum}` +
      (panic ? ', PANIC: so few pass their checks that all are used' : ''),
    ...services.map(({ name: service, scheduler, rates }) => {
      const rate = rates === undefined ? '' : `, ${rates.connectionsPerSecond} connections/s`;
      return `  ${service} ${scheduler}${rate}`;
    }),
    ...servers.flatMap((server) => renderServer(server, counted)),
    ...(masq > manyForNat
      ? ['  all answers of these go through this director too: above 20 servers DR is the better choice']
      : []),
  ];
}

function renderServer(server: RealServerStatus, counted: boolean): readonly string[] {
  const { name, role, alive, configuredWeight, effectiveWeight, words, forward } = server;
  const weight = effectiveWeight === undefined ? 'out' : `weight ${effectiveWeight}`;
  const configured = effectiveWeight === configuredWeight ? '' : ` (configured ${configuredWeight})`;
  const kind = role === 'real' ? '' : `, ${role === 'sorry' ? 'sorry server' : 'leaving'}`;
  const seen = forward === 'masq' ? '' : ', as seen in one direction only';
  return [
    `  ${name} ${forward} ${alive ? 'up' : 'DOWN'}, ${weight}${configured}${kind}: ${words}`,
    ...(counted
      ? [`    ${server.activeConnections} active, ${server.inactiveConnections} inactive connections${seen}`]
      : []),
  ];
}
