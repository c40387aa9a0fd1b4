/** The services of one virtual_server: which packets, and how the kernel chooses among its servers. */
import type { Family, Ip } from '../base/ip.ts';
import { addressBits, familyOf, ipBytes } from '../base/ip.ts';
import type { Persistence, Protocol, Service, ServiceKey } from '../ipvs/types.ts';
import { familyOfKey } from '../ipvs/types.ts';
import { unusable } from './addresses.ts';
import { duration } from './duration.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointOf, endpointsOf, parseEndpointRange, sizeOf } from './endpoint.ts';
import { nearest } from './nearest.ts';
import type { RawFwmark, RawGroup, RawPools, RawVirtualServer } from './pools-raw.ts';
import { synonym } from './remarks.ts';
import type { Path } from './report.ts';
import { plainNames, quote, shownName } from './report.ts';
import type { View } from './view.ts';

/** A group is a pool of its own for each: more are a mistake in a range. */
const mostServices = 1_024n;

const identities = ['address', 'fwmark', 'group'] as const;

/** Which packets it is about. @returns the word that says it, undefined when that is not one of the three */
export function identityOf(
  view: View,
  path: Path,
  raw: RawVirtualServer,
): (typeof identities)[number] | undefined {
  const [word, other] = identities.filter((one) => raw[one] !== undefined);
  const expected = 'one of address: 10.1.0.100:80, fwmark: 7 and group: NAME';
  if (word === undefined)
    view.error(path, {
      message: `${view.describe(path)} does not say which packets it is about`,
      expected,
      why: 'no connection would reach a real server through it',
    });
  else if (other !== undefined)
    view.error(
      [...path, other],
      { message: `both ${word} and ${other} in ${view.describe(path)}`, expected },
      'key',
      'key',
    );
  return other === undefined ? word : undefined;
}

/** @param servers of the virtual server: a mark does not say its family */
export function serviceKeys(
  view: View,
  path: Path,
  raw: RawVirtualServer,
  groups: RawPools['virtual_server_group'],
  servers: readonly Endpoint[],
): readonly ServiceKey[] {
  const word = identityOf(view, path, raw);
  const protocol = (raw.protocol?.toUpperCase() ?? 'TCP') as Protocol;
  if (raw.ip_family !== undefined && word !== 'fwmark' && word !== undefined)
    view.error(
      [...path, 'ip_family'],
      {
        message: `ip_family beside ${word} in ${view.describe(path)}`,
        expected: 'nothing: the addresses say the family',
      },
      'key',
      'key',
    );
  if (word === 'fwmark') {
    const key = fwmarkKey(view, [...path, 'fwmark'], raw as RawFwmark, servers);
    return key === undefined ? [] : [key];
  }
  if (word === 'address')
    return [addressKey(view, [...path, 'address'], protocol, endpointOf(raw.address ?? ''))].filter(isKey);
  if (word === undefined || raw.group === undefined) return [];
  if (groups !== undefined && Object.hasOwn(groups, raw.group))
    return groupKeys(view, raw.group, groups[raw.group] ?? [], protocol, servers);
  const at = [...path, 'group'];
  const hint = nearest(raw.group, plainNames(Object.keys(groups ?? {})));
  view.error(at, {
    message: `${view.describe(at)} is ${quote(raw.group)}, which is not under virtual_server_group`,
    ...(hint === undefined ? { expected: 'a name under "virtual_server_group"' } : { hint }),
    why: 'no connection would reach a real server through it',
  });
  return [];
}

const isKey = (key: ServiceKey | undefined): key is ServiceKey => key !== undefined;

function addressKey(
  view: View,
  at: Path,
  protocol: Protocol,
  { address, port }: Endpoint,
): ServiceKey | undefined {
  const kind = unusable(address);
  if (kind === undefined) return { kind: 'address', protocol, address, port };
  view.error(at, { message: `${address} is ${kind}`, expected: 'an address that clients can reach' });
  return undefined;
}

function fwmarkKey(
  view: View,
  at: Path,
  { fwmark, ip_family }: RawFwmark,
  servers: readonly Endpoint[],
): ServiceKey | undefined {
  if (ip_family !== undefined)
    return { kind: 'fwmark', family: ip_family.toLowerCase() === 'inet6' ? 6 : 4, fwmark };
  const [family, other] = new Set(servers.map(({ address }) => familyOf(address)));
  if (family !== undefined && other === undefined) return { kind: 'fwmark', family, fwmark };
  view.error(at, {
    message: `fwmark ${fwmark} with real servers of both families`,
    expected: 'ip_family: inet or inet6 beside it',
    why: 'a mark does not say whose packets are meant',
  });
  return undefined;
}

function groupKeys(
  view: View,
  name: string,
  group: RawGroup,
  protocol: Protocol,
  servers: readonly Endpoint[],
): readonly ServiceKey[] {
  const keys: ServiceKey[] = [];
  const path = ['virtual_server_group', name];
  for (const [index, entry] of group.entries()) {
    const at = [...path, index];
    if (typeof entry !== 'string') {
      const key = fwmarkKey(view, at, entry, servers);
      if (key !== undefined) keys.push(key);
      continue;
    }
    const range = parseEndpointRange(entry);
    if (range === undefined) continue;
    if (sizeOf(range) + BigInt(keys.length) > mostServices) {
      view.error(at, {
        message: `${quote(entry)} makes more than ${mostServices} services of virtual_server_group ${shownName(name)}`,
        expected: `at most ${mostServices} in a group`,
        why: 'a fwmark can stand for a whole network',
      });
      return [];
    }
    for (const endpoint of endpointsOf(range)) {
      const key = addressKey(view, at, protocol, endpoint);
      // One that is refused stands for the whole range.
      if (key === undefined) break;
      keys.push(key);
    }
  }
  return keys;
}

/** Whether flags of the scheduler are set, by the bit that they share. ip_vs.h, IP_VS_SVC_F_SCHED_* */
const flagWords = {
  'flag-1': [1],
  'flag-2': [2],
  'flag-3': [3],
  'sh-fallback': [1, 'sh'],
  'sh-port': [2, 'sh'],
  'mh-fallback': [1, 'mh'],
  'mh-port': [2, 'mh'],
} as const;

type Scheduling = Pick<Service, 'scheduler' | 'schedulerFlags' | 'ops'>;

export function buildScheduling(view: View, path: Path, raw: RawVirtualServer): Scheduling {
  const scheduler = (raw[synonym(view, path, raw, 'lb_algo', 'lvs_sched')] ?? 'wlc').toLowerCase();
  const flags = new Set<1 | 2 | 3>();
  for (const [word, [bit, owner]] of Object.entries(flagWords)) {
    if (!raw[word as keyof typeof flagWords]) continue;
    flags.add(bit);
    if (owner !== undefined && owner !== scheduler)
      view.error([...path, word], {
        message: `${word} in ${view.describe(path)}, whose lb_algo is ${scheduler}`,
        expected: `lb_algo: ${owner}, or not this word`,
        why: 'the scheduler would not look at it, or take it for something else',
      });
  }
  if (raw.ops && raw.fwmark === undefined && raw.group === undefined && raw.protocol?.toUpperCase() !== 'UDP')
    view.error([...path, 'ops'], {
      message: `ops in ${view.describe(path)}, which is not UDP`,
      expected: 'protocol: UDP, or not this word',
      why: 'the kernel schedules single packets of UDP only',
    });
  return { scheduler, schedulerFlags: [...flags].sort(), ops: raw.ops };
}

/** keepalived's, of the word without a value. */
const usualPersistence_s = 360;

/** @returns what each family gets; undefined without persistence */
export function buildPersistence(
  view: View,
  path: Path,
  raw: RawVirtualServer,
  keys: readonly ServiceKey[],
): ((family: Family) => Persistence) | undefined {
  const { persistence_timeout: timeout, persistence_granularity: network, persistence_engine } = raw;
  if (timeout === undefined) {
    for (const word of ['persistence_granularity', 'persistence_engine'] as const)
      if (raw[word] !== undefined)
        view.error(
          [...path, word],
          {
            message: `${word} without persistence_timeout in ${view.describe(path)}`,
            expected: 'both, or neither',
          },
          'key',
          'key',
        );
    return undefined;
  }
  // ip_vs_pe_sip looks at UDP only, and keeps everything else from being scheduled.
  if (persistence_engine !== undefined && raw.fwmark === undefined && raw.protocol?.toUpperCase() !== 'UDP')
    view.error([...path, 'persistence_engine'], {
      message: `persistence_engine sip in ${view.describe(path)}, which is not UDP`,
      expected: 'protocol: UDP, or not this word',
      why: 'the kernel finds the Call-ID in UDP only',
    });
  const length = network === undefined ? undefined : granularity(view, path, network, keys);
  const timeout_s = timeout === null ? usualPersistence_s : duration(timeout) / 1_000_000;
  const engine = persistence_engine === undefined ? {} : ({ engine: 'sip' } as const);
  return (family) => ({ timeout_s, granularity: length ?? addressBits(family), ...engine });
}

function granularity(
  view: View,
  path: Path,
  written: number | string,
  keys: readonly ServiceKey[],
): number | undefined {
  const families = new Set(keys.map(familyOfKey));
  const length = typeof written === 'number' ? written : maskLength(written as Ip);
  const fits = length !== undefined && length <= (families.has(4) ? 32 : 128);
  if (fits && (typeof written === 'number' || !families.has(6))) return length;
  const at = [...path, 'persistence_granularity'];
  const expected = families.has(6) ? 'a prefix length' : 'a prefix length up to 32, or a netmask';
  view.error(at, {
    message: `${view.describe(at)} is ${written}`,
    expected: families.size === 2 ? 'a prefix length up to 32, which serves both families' : expected,
    why: 'the kernel would refuse the service',
  });
  return undefined;
}

/** @returns undefined when the ones are not all in front, or there are none */
function maskLength(mask: Ip): number | undefined {
  const bits = [...ipBytes(mask)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return familyOf(mask) === 4 && /^1+0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}
