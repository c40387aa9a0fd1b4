/**
 * Our values as rule lines of ipvsadm: what `ipvsadm -R` takes, and what `ipvsadm -S -n` writes but for
 * thresholds, which it forgets. ipvsadm(8)
 */
import { addressBits, ipFromBytes } from '../base/ip.ts';
import { maskOfLength } from './codec-address.ts';
import {
  type Destination,
  endpoint,
  familyOfKey,
  type Forwarding,
  type Persistence,
  type Service,
  type ServiceKey,
  type Tunnel,
  type VirtualService,
} from './types.ts';

/** The service's line, then those of its servers. */
export const ruleLines = ({ service, destinations }: VirtualService): readonly string[] => [
  serviceLine(service),
  ...destinations.map((destination) => serverLine(service.key, destination)),
];

export function serviceLine(service: Service): string {
  const { key, scheduler, persistence, ops } = service;
  return words([
    `-A ${keyWords(key)} -s ${scheduler}`,
    persistence && persistenceWords(key, persistence),
    ops && '-o',
    schedulerWords(service),
  ]);
}

export function serverLine(key: ServiceKey, destination: Destination): string {
  const { forward, weight, upperThreshold, lowerThreshold, tunnel } = destination;
  return words([
    `-a ${keyWords(key)} -r ${endpoint(destination)} ${forwardWord[forward]} -w ${weight}`,
    forward === 'tunnel' && tunnelWords(tunnel),
    upperThreshold > 0 && `-x ${upperThreshold}`,
    lowerThreshold > 0 && `-y ${lowerThreshold}`,
  ]);
}

const words = (parts: readonly (string | false | undefined)[]): string =>
  parts.filter((part) => typeof part === 'string' && part !== '').join(' ');

/** Local and bypass have no word: the kernel finds out by itself that a server is local. */
const forwardWord: Readonly<Record<Forwarding, string>> = {
  masq: '-m',
  local: '-g',
  tunnel: '-i',
  direct: '-g',
  bypass: '-g',
};

const optionOf = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' } as const;

function keyWords(key: ServiceKey): string {
  if (key.kind === 'fwmark') return `-f ${key.fwmark}${key.family === 6 ? ' -6' : ''}`;
  return `${optionOf[key.protocol]} ${endpoint(key)}`;
}

function persistenceWords(key: ServiceKey, persistence: Persistence): string {
  const { timeout_s, engine } = persistence;
  return words([`-p ${timeout_s}`, maskWords(key, persistence), engine !== undefined && `--pe ${engine}`]);
}

/** IPv4 has masks, IPv6 prefix lengths; single addresses are not said. */
function maskWords(key: ServiceKey, { granularity, netmask }: Persistence): string {
  if (netmask !== undefined) return `-M ${netmask}`;
  const family = familyOfKey(key);
  if (granularity === addressBits(family)) return '';
  if (family === 6) return `-M ${granularity}`;
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, maskOfLength(granularity));
  return `-M ${ipFromBytes(octets)}`;
}

/** sh and mh have names for their first two. */
function schedulerWords({ scheduler, schedulerFlags }: Service): string {
  if (schedulerFlags.length === 0) return '';
  const named = scheduler === 'sh' || scheduler === 'mh' ? scheduler : undefined;
  const names = schedulerFlags.map((flag) =>
    named === undefined || flag === 3 ? `flag-${flag}` : `${named}-${flag === 1 ? 'fallback' : 'port'}`,
  );
  return `-b ${names.join(',')}`;
}

/** ipvsadm has no checksum for ipip, and the kernel looks at none there. */
function tunnelWords(tunnel: Tunnel | undefined): string {
  if (tunnel === undefined || tunnel.type === 'ipip') return '--tun-type ipip';
  const { type, port, checksum } = tunnel;
  return words([
    `--tun-type ${type}`,
    port !== undefined && `--tun-port ${port}`,
    `--tun-${checksum === 'none' ? 'nocsum' : checksum}`,
  ]);
}
