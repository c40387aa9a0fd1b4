/** How a file writes the addresses of services and of real servers. */
import type { Ip, Prefix } from '../base/ip.ts';
import { addressBits, familyOf, ipBytes, ipFromBytes, parseIp, parsePrefix } from '../base/ip.ts';

export interface Endpoint {
  readonly address: Ip;
  /** 0 when none is written. */
  readonly port: number;
}

/** Of a virtual_server_group: every address with every port. */
export interface EndpointRange {
  readonly addresses: bigint;
  readonly first: Ip;
  readonly ports: readonly [from: number, to: number];
}

interface Halves {
  readonly host: string;
  readonly port: string | undefined;
}

/** "10.1.0.100:80", "10.1.0.100", "[fd00:1::100]:80", "fd00:1::100", "[fd00:1::100]". */
function halves(text: string): Halves | undefined {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    const rest = text.slice(end + 1);
    if (end < 0 || (rest !== '' && !rest.startsWith(':'))) return undefined;
    const host = text.slice(1, end);
    return host.includes(':') ? { host, port: rest === '' ? undefined : rest.slice(1) } : undefined;
  }
  const colon = text.indexOf(':');
  if (colon < 0 || text.includes(':', colon + 1)) return { host: text, port: undefined };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

/** @returns undefined when the text is no port of 1..65535 */
function parsePort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}

export function parseEndpoint(text: string): Endpoint | undefined {
  const parts = halves(text);
  const address = parts && parseIp(parts.host);
  if (address === undefined || parts?.port === undefined) return address && { address, port: 0 };
  const port = parsePort(parts.port);
  return port === undefined ? undefined : { address, port };
}

/** An endpoint that the schema has let through. */
export function endpointOf(text: string): Endpoint {
  const parsed = parseEndpoint(text);
  if (parsed === undefined) throw new TypeError(`not an endpoint: ${text}`);
  return parsed;
}

/** An endpoint, or with "10.1.0.100-105", "10.1.0.100-10.1.0.105" or "10.1.0.96/28" and "8000-8010" many of them. */
export function parseEndpointRange(text: string): EndpointRange | undefined {
  const parts = halves(text);
  const hosts = parts && parseHosts(parts.host);
  if (hosts === undefined) return undefined;
  if (parts?.port === undefined) return { ...hosts, ports: [0, 0] };
  const [low = '', high = low, ...more] = parts.port.split('-');
  const [from, to] = [parsePort(low), parsePort(high)];
  if (from === undefined || to === undefined || from > to || more.length > 0) return undefined;
  return { ...hosts, ports: [from, to] };
}

function parseHosts(text: string): Omit<EndpointRange, 'ports'> | undefined {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    if (!prefix.ok) return undefined;
    // An address inside a network is not the network: either could be meant.
    return isNetwork(text) ? { first: prefix.value.address, addresses: hostsOf(prefix.value) } : undefined;
  }
  const [low = '', high, ...more] = text.split('-');
  const first = parseIp(low);
  if (first === undefined || more.length > 0) return undefined;
  if (high === undefined) return { first, addresses: 1n };
  const last = parseIp(high) ?? parseIp(low.slice(0, low.search(/[^.:]*$/)) + high);
  if (last === undefined || familyOf(last) !== familyOf(first)) return undefined;
  const addresses = numberOf(last) - numberOf(first) + 1n;
  return addresses > 0n ? { first, addresses } : undefined;
}

/** Of a range that the schema has let through, address by address. */
export function* endpointsOf({ first, addresses, ports: [from, to] }: EndpointRange): Generator<Endpoint> {
  const start = numberOf(first);
  const size = addressBits(familyOf(first)) / 8;
  for (let at = 0n; at < addresses; at++) {
    const address = addressOf(start + at, size);
    for (let port = from; port <= to; port++) yield { address, port };
  }
}

/** How many endpoints the range has. */
export const sizeOf = ({ addresses, ports: [from, to] }: EndpointRange): bigint =>
  addresses * BigInt(to - from + 1);

/** A prefix without bits of a host, with its length written out. */
export function isNetwork(text: string): boolean {
  const prefix = parsePrefix(text);
  return prefix.ok && text.includes('/') && numberOf(prefix.value.address) % hostsOf(prefix.value) === 0n;
}

const hostsOf = ({ address, length }: Prefix): bigint =>
  1n << BigInt(addressBits(familyOf(address)) - length);

const numberOf = (address: Ip): bigint =>
  ipBytes(address).reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);

function addressOf(number: bigint, size: number): Ip {
  const bytes = new Uint8Array(size);
  for (let at = size - 1, rest = number; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return ipFromBytes(bytes);
}
