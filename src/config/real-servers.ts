/** The real servers of one virtual_server, and its sorry server, as the kernel will have them. */
import type { Family } from '../base/ip.ts';
import { familyOf, isMulticast } from '../base/ip.ts';
import type { Destination, ServiceKey } from '../ipvs/types.ts';
import { endpoint, familyOfKey } from '../ipvs/types.ts';
import type { Endpoint } from './endpoint.ts';
import type { Method } from './method.ts';
import { buildMethod, methodWords } from './method.ts';
import type { RawMethod, RawRealServer, RawVirtualServer } from './pools-raw.ts';
import { synonym } from './remarks.ts';
import type { Path } from './report.ts';
import type { View } from './view.ts';

/** What the servers of one pool have in common. */
export interface PoolWords {
  readonly view: View;
  readonly path: Path;
  readonly raw: RawVirtualServer;
  readonly keys: readonly ServiceKey[];
  readonly families: ReadonlySet<Family>;
  /** The port of all services; 0 when they have none, or not the same. */
  readonly port: number;
  readonly method: Method;
}

export function poolWords(
  view: View,
  path: Path,
  raw: RawVirtualServer,
  keys: readonly ServiceKey[],
): PoolWords {
  const ports = new Set(keys.map((key) => (key.kind === 'address' ? key.port : 0)));
  const [port = 0] = ports;
  return {
    view,
    path,
    raw,
    keys,
    families: new Set(keys.map(familyOfKey)),
    port: ports.size === 1 ? port : 0,
    method: methodOf(view, path, raw) ?? buildMethod(view, path, undefined),
  };
}

function methodOf(
  view: View,
  path: Path,
  raw: { readonly lb_kind?: RawMethod; readonly lvs_method?: RawMethod },
): Method | undefined {
  if (raw.lb_kind === undefined && raw.lvs_method === undefined) return undefined;
  const word = synonym(view, path, raw, 'lb_kind', 'lvs_method');
  return buildMethod(view, [...path, word], raw[word]);
}

/** @param place of the address, for messages about it */
export function buildDestination(
  pool: PoolWords,
  path: Path,
  place: Path,
  raw: RawRealServer,
  written: Endpoint,
): Destination {
  const { view } = pool;
  const { uthreshold = 0, lthreshold = 0, weight = 1 } = raw;
  const method = methodOf(view, path, raw) ?? pool.method;
  if (lthreshold > uthreshold)
    view.error([...path, 'lthreshold'], {
      message:
        `lthreshold of ${endpoint(written)} is ${lthreshold}, ` +
        (raw.uthreshold === undefined ? 'and it has no uthreshold' : `above its uthreshold ${uthreshold}`),
      expected: raw.uthreshold === undefined ? 'uthreshold too' : `at most ${uthreshold}`,
      why: 'the kernel would refuse the real server',
    });
  return destination(pool, place, written, method, { weight, uthreshold, lthreshold });
}

export function buildSorryServer(pool: PoolWords, written: Endpoint): Destination {
  const { view, path, raw } = pool;
  const method =
    raw.sorry_server_lvs_method === undefined
      ? pool.method
      : buildMethod(view, [...path, 'sorry_server_lvs_method'], raw.sorry_server_lvs_method);
  const usual = { weight: 1, uthreshold: 0, lthreshold: 0 };
  return destination(pool, [...path, 'sorry_server'], written, method, usual);
}

interface Numbers {
  readonly weight: number;
  readonly uthreshold: number;
  readonly lthreshold: number;
}

function destination(
  pool: PoolWords,
  place: Path,
  { address, port: written }: Endpoint,
  method: Method,
  { weight, uthreshold, lthreshold }: Numbers,
): Destination {
  const { view } = pool;
  const port = written === 0 ? pool.port : written;
  if (isMulticast(address) || address === '0.0.0.0' || address === '::' || address === '255.255.255.255')
    view.error(place, {
      message: `${address} is no address of one host`,
      expected: 'the address of a real server',
      why: 'the kernel would refuse it',
    });
  const forced = method.forward !== 'masq' && written !== 0 ? otherPort(pool.keys, port) : undefined;
  if (forced !== undefined)
    view.error(place, {
      message: `${endpoint({ address, port })} by ${methodWords[method.forward]} for ${forced === 0 ? 'every port' : `port ${forced}`}`,
      expected: forced === 0 ? 'no port; of checks: connect_port' : `port ${forced}, or lb_kind NAT`,
      why: `${methodWords[method.forward]} never rewrites a port: the packets come to the port that the client wrote`,
    });
  return {
    address,
    port,
    forward: method.forward,
    weight,
    upperThreshold: uthreshold,
    lowerThreshold: lthreshold,
    ...(method.tunnel !== undefined && { tunnel: method.tunnel }),
  };
}

/** A port of the service that is not this one. */
const otherPort = (keys: readonly ServiceKey[], port: number): number | undefined =>
  keys.map((key) => (key.kind === 'address' ? key.port : port)).find((theirs) => theirs !== port);

/** A destination of another family than its service is possible in a tunnel only. ip_vs_add_dest() */
export function checkFamilies(
  { view, families }: PoolWords,
  servers: readonly Destination[],
  placeOf: (at: number) => Path,
): void {
  const foreign = servers.findIndex(({ address }) => families.size > 1 || !families.has(familyOf(address)));
  const flat = servers.findIndex(({ forward }) => forward !== 'tunnel');
  if (foreign < 0 || flat < 0) return;
  const at = servers[foreign]?.forward === 'tunnel' ? flat : foreign;
  const other = servers[at] as Destination;
  const services = [...families].map((family) => `IPv${family}`).join(' and ');
  view.error(placeOf(at), {
    message: `${endpoint(other)} is a real server of ${services} services by ${methodWords[other.forward as 'masq']}`,
    expected: 'one family, or lb_kind TUN for all of them',
    why: 'the kernel joins families in tunnels only',
  });
}
