/** Addresses, masks and names of numbers as the nests of IPVS carry them. protocols §4.2 */
import assert from 'node:assert/strict';
import { addressBits, type Family, type Ip, ipBytes, ipFromBytes } from '../base/ip.ts';

/** union nf_inet_addr: 16 octets; an IPv4 address is the first four. */
export function wireAddress(address: Ip): Uint8Array {
  const wide = new Uint8Array(16);
  wide.set(ipBytes(address));
  return wide;
}

/** @returns undefined when there are too few octets for the family */
export function addressFromWire(octets: Uint8Array, family: Family): Ip | undefined {
  const width = addressBits(family) / 8;
  return octets.length < width ? undefined : ipFromBytes(octets.subarray(0, width));
}

/** The u32 whose octets in network order are an IPv4 mask of this many ones. */
export function maskOfLength(length: number): number {
  assert(Number.isInteger(length) && length >= 0 && length <= 32, `an IPv4 mask of ${length} ones`);
  return length === 0 ? 0 : (-1 << (32 - length)) >>> 0;
}

/** How many ones a mask begins with. */
export const leadingOnes = (mask: number): number => Math.clz32(~mask);

/** The name that has this number. */
export const nameOf = <T extends string>(
  numbers: Readonly<Record<T, number>>,
  number: number,
): T | undefined => (Object.keys(numbers) as T[]).find((name) => numbers[name] === number);
