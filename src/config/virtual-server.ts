/** One virtual_server from words that passed the schema. */
import { familyOf } from '../base/ip.ts';
import type { RealServer, VirtualServer } from '../director/types.ts';
import type { CheckDefinition } from '../healthcheck/types.ts';
import type { Destination, Service, ServiceKey } from '../ipvs/types.ts';
import { endpoint, familyOfKey, serviceName } from '../ipvs/types.ts';
import type { CheckPlan, CheckWords } from './checkers.ts';
import { checkersOf, defineCheck, planCheck } from './checkers.ts';
import { commonWords } from './checkers-schema.ts';
import { duration } from './duration.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointOf } from './endpoint.ts';
import { remarkServers, remarkService } from './pool-remarks.ts';
import type { RawPools, RawRealServer, RawVirtualServer } from './pools-raw.ts';
import type { PoolWords } from './real-servers.ts';
import { buildDestination, buildSorryServer, checkFamilies, poolWords } from './real-servers.ts';
import type { Path } from './report.ts';
import { buildPersistence, buildScheduling, serviceKeys } from './services.ts';
import { checkCommand } from './track-definitions.ts';

/** @returns undefined when it has no usable service, which has been reported */
export function buildVirtualServer(
  words: CheckWords,
  path: Path,
  raw: RawVirtualServer,
  groups: RawPools['virtual_server_group'],
): VirtualServer | undefined {
  const { view, remarks } = words;
  const written = raw.real_server.map((server) =>
    endpointOf(typeof server === 'string' ? server : server.address),
  );
  const keys = serviceKeys(view, path, raw, groups, written);
  const [first, ...others] = buildServices(words, path, raw, keys);
  if (first === undefined) return undefined;
  const pool = poolWords(view, path, raw, keys);
  const name = nameOf(raw, first.key);
  const real_server = buildRealServers(words, pool, { name, key: first.key }, written);
  const sorry_server = buildSorry(pool, real_server);
  for (const word of ['quorum_up', 'quorum_down'] as const)
    checkCommand(view, [...path, word], raw[word] ?? ['/']);
  checkQuorum(pool, real_server);
  remarkService(view, remarks, path, raw, first);
  remarkServers(view, remarks, path, raw, first, real_server);
  const { quorum, hysteresis, quorum_up, quorum_down, alpha = false, omega, panic_threshold } = raw;
  return {
    name,
    services: [first, ...others],
    real_server,
    ...(sorry_server !== undefined && { sorry_server }),
    quorum,
    hysteresis,
    ...(quorum_up !== undefined && { quorum_up }),
    ...(quorum_down !== undefined && { quorum_down }),
    alpha,
    omega,
    panic_threshold,
    slow_start: duration(raw.slow_start),
    drain_timeout: duration(raw.drain_timeout),
  };
}

/** A group serves once for each protocol, so its name alone is that of TCP. */
function nameOf({ group, protocol = 'TCP' }: RawVirtualServer, key: ServiceKey): string {
  if (group === undefined) return serviceName(key);
  return protocol.toUpperCase() === 'TCP' ? group : `${protocol.toUpperCase()} ${group}`;
}

function buildServices(
  { view }: CheckWords,
  path: Path,
  raw: RawVirtualServer,
  keys: readonly ServiceKey[],
): readonly Service[] {
  const scheduling = buildScheduling(view, path, raw);
  const persistence = buildPersistence(view, path, raw, keys);
  const open = keys.find((key) => key.kind === 'address' && key.port === 0);
  if (open !== undefined && raw.persistence_timeout === undefined)
    view.error([...path, raw.group === undefined ? 'address' : 'group'], {
      message: `${serviceName(open).replace(/:0$/, '')} has no port, and no persistence_timeout`,
      expected: `a port${open.kind === 'address' && familyOf(open.address) === 6 ? ' behind brackets, as "[fd00:1::100]:80"' : ''}, or persistence_timeout`,
      why: 'the kernel schedules a service of all ports only with persistence: no connection would be taken',
    });
  return keys.map((key) => ({
    key,
    ...scheduling,
    ...(persistence !== undefined && { persistence: persistence(familyOfKey(key)) }),
  }));
}

function buildRealServers(
  words: CheckWords,
  pool: PoolWords,
  service: { readonly name: string; readonly key: ServiceKey },
  written: readonly Endpoint[],
): readonly RealServer[] {
  const { view, path, raw } = pool;
  const shared = (checkersOf(view, path, raw) ?? []).map((one) => planCheck(words, one, [pool]));
  const seen = new Map<string, number>();
  const servers = raw.real_server.map((entry, at) => {
    const own: RawRealServer = typeof entry === 'string' ? { address: entry } : entry;
    const here = [...path, 'real_server', at];
    const destination = buildDestination(pool, here, placeOf(pool, at), own, written[at] as Endpoint);
    const key = endpoint(destination);
    const twice = seen.get(key);
    if (twice !== undefined)
      view.error(placeOf(pool, at), {
        message: `${key} is twice in ${view.describe(path)}, first as entry ${twice + 1}`,
        expected: 'every real server once',
        why: 'the kernel has it once, with the words of one of the two',
      });
    seen.set(key, at);
    const plans = ownPlans(words, pool, here, own) ?? shared;
    return {
      destination,
      inhibit_on_failure: own.inhibit_on_failure ?? raw.inhibit_on_failure,
      checks: defineChecks(words, plans, service, destination),
    };
  });
  const destinations = servers.map(({ destination }) => destination);
  checkFamilies(pool, destinations, (at) => placeOf(pool, at));
  return servers;
}

/** Where the address of a real server is written. */
function placeOf({ path, raw }: PoolWords, at: number): Path {
  const here = [...path, 'real_server', at];
  return typeof raw.real_server[at] === 'string' ? here : [...here, 'address'];
}

/** @returns undefined when the server says nothing of its own about its checks */
function ownPlans(
  words: CheckWords,
  pool: PoolWords,
  here: Path,
  raw: RawRealServer,
): readonly CheckPlan[] | undefined {
  const { view } = words;
  const checkers = checkersOf(view, here, raw);
  if (checkers === undefined && !commonWords.some((word) => raw[word] !== undefined)) return undefined;
  const all = checkers ?? checkersOf(view, pool.path, pool.raw) ?? [];
  return all.map((one) => planCheck(words, one, [pool, { path: here, raw }]));
}

function defineChecks(
  { view }: CheckWords,
  plans: readonly CheckPlan[],
  service: { readonly name: string; readonly key: ServiceKey },
  server: Destination,
): readonly CheckDefinition[] {
  const checks: CheckDefinition[] = [];
  for (const plan of plans) {
    const check = defineCheck(view, plan, service, server);
    if (checks.some(({ id }) => id === check.id))
      view.error(plan.path, {
        message: `${view.describe(plan.path)} is there for the second time, word for word`,
        expected: 'every check once',
      });
    else checks.push(check);
  }
  return checks;
}

function buildSorry(pool: PoolWords, servers: readonly RealServer[]): RealServer | undefined {
  const { view, path, raw } = pool;
  if (raw.sorry_server === undefined) {
    for (const word of ['sorry_server_lvs_method', 'sorry_server_inhibit'] as const)
      if (raw[word] !== undefined && raw[word] !== false)
        view.error(
          [...path, word],
          { message: `${word} without sorry_server in ${view.describe(path)}`, expected: 'both, or neither' },
          'key',
          'key',
        );
    return undefined;
  }
  const place = [...path, 'sorry_server'];
  const destination = buildSorryServer(pool, endpointOf(raw.sorry_server));
  const name = endpoint(destination);
  const same = servers.findIndex((server) => endpoint(server.destination) === name);
  if (same >= 0)
    view.error(place, {
      message: `${view.describe(place)} is ${name}, which is also its real_server entry ${same + 1}`,
      expected: 'a server that is not in the pool',
      why: 'it would be down when it is needed',
    });
  else checkFamilies(pool, [destination], () => place);
  return { destination, inhibit_on_failure: raw.sorry_server_inhibit, checks: [] };
}

/** keepalived adds up weights, and a pool that cannot reach its quorum is down for ever. */
function checkQuorum({ view, path, raw }: PoolWords, servers: readonly RealServer[]): void {
  const { quorum, hysteresis } = raw;
  if (hysteresis >= quorum && hysteresis > 0)
    view.error([...path, 'hysteresis'], {
      message: `hysteresis of ${view.describe(path)} is ${hysteresis}, and its quorum ${quorum}`,
      expected: 'less than quorum',
      why: 'a pool without any living server would stay up',
    });
  const dynamic = servers.some(({ checks }) =>
    checks.some(({ checker }) => checker.kind === 'MISC_CHECK' && checker.misc_dynamic),
  );
  const sum = servers.reduce((total, { destination }) => total + destination.weight, 0);
  if (sum >= quorum + hysteresis || dynamic || sum === 0) return;
  const at = hysteresis > 0 && sum >= quorum ? 'hysteresis' : 'quorum';
  view.error([...path, at], {
    message:
      `quorum of ${view.describe(path)} is ${quorum}` +
      (hysteresis > 0 ? ` with hysteresis ${hysteresis}` : '') +
      `, and all weights together are ${sum}`,
    expected: `at most ${sum}`,
    why: 'the pool would never be up',
  });
}
