import type { Result } from './result.ts';
import { err, ok } from './result.ts';

/** An IPv4 or IPv6 address in canonical text (RFC 5952), so that equal addresses are equal strings. */
export type Ip = string & { readonly kind: 'ip' };
export type Family = 4 | 6;
export interface Prefix {
  readonly address: Ip;
  readonly length: number;
}

export const familyOf = (ip: Ip): Family => (ip.includes(':') ? 6 : 4);
export const addressBits = (family: Family): number => (family === 4 ? 32 : 128);

/** Reads strict dotted quads and RFC 4291 text; no zone, no leading zeros in IPv4. */
export function parseIp(text: string): Ip | undefined {
  // A strict dotted quad is canonical as it stands; a configuration has tens of thousands of them.
  if (!text.includes(':')) return quad.test(text) ? (text as Ip) : undefined;
  const bytes = parseIp6(text);
  return bytes === undefined ? undefined : ipFromBytes(bytes);
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const quad = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** For constants in code and tests; input from outside goes through parseIp. */
export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new TypeError(`not an IP address: ${text}`);
  return parsed;
}

/** "10.1.0.100/24"; without a length the whole address is meant (/32, /128). */
export function parsePrefix(text: string): Result<Prefix, 'address' | 'prefix-length'> {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return err('address');
  const bits = addressBits(familyOf(address));
  if (slash < 0) return ok({ address, length: bits });
  const digits = text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(digits) ? Number(digits) : Infinity;
  return length <= bits ? ok({ address, length }) : err('prefix-length');
}

export function ipBytes(address: Ip): Uint8Array {
  const bytes = familyOf(address) === 6 ? parseIp6(address) : parseIp4(address);
  if (bytes === undefined) throw new TypeError(`not an IP address: ${address}`);
  return bytes;
}

/** @param bytes 4 or 16 octets in network order */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return bytes.join('.') as Ip;
  if (bytes.length !== 16) throw new TypeError(`an IP address has 4 or 16 octets, not ${bytes.length}`);
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  return compress(groups) as Ip;
}

/** Unsigned octets in network order; an IPv4 address sorts before an IPv6 one. RFC 9568 §6.4.3 compares this way. */
export function compareIp(a: Ip, b: Ip): number {
  const x = ipBytes(a);
  const y = ipBytes(b);
  if (x.length !== y.length) return x.length - y.length;
  for (let at = 0; at < x.length; at++) {
    const difference = (x[at] ?? 0) - (y[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const isLinkLocal = (address: Ip): boolean => {
  const [first = 0, second = 0] = ipBytes(address);
  return familyOf(address) === 6
    ? first === 0xfe && (second & 0xc0) === 0x80
    : first === 169 && second === 254;
};

export const isMulticast = (address: Ip): boolean => {
  const [first = 0] = ipBytes(address);
  return familyOf(address) === 6 ? first === 0xff : first >= 224 && first <= 239;
};

function parseIp4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[at] = Number(part);
  }
  return bytes;
}

function parseIp6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [at, group] of groups.entries()) {
    bytes[at * 2] = group >> 8;
    bytes[at * 2 + 1] = group & 0xff;
  }
  return bytes;
}

/** The 16-bit groups of one side of "::"; a dotted quad may close the address. */
function groupsOf(text: string, closes: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    if (closes && at === parts.length - 1 && part.includes('.')) {
      const quad = parseIp4(part);
      if (quad === undefined) return undefined;
      groups.push(((quad[0] ?? 0) << 8) | (quad[1] ?? 0), ((quad[2] ?? 0) << 8) | (quad[3] ?? 0));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** RFC 5952 §4: lower case, the first longest run of at least two zero groups becomes "::". */
function compress(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at < 0) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}
