import type { Family, Ip } from '../base/ip.ts';
import { familyOf } from '../base/ip.ts';

/** AF_INET and AF_INET6 as the fixed headers of rtnetlink carry them; 0 (AF_UNSPEC) asks for both. */
export const familyNumber = (family: Family | undefined): number =>
  family === undefined ? 0 : family === 4 ? 2 : 10;

/**
 * @returns undefined for every family that is not IP (AF_BRIDGE 7, AF_MPLS 28, the multicast tables
 * 128/129)
 */
export const familyFromNumber = (number: number): Family | undefined =>
  number === 2 ? 4 : number === 10 ? 6 : undefined;

export const numberOfIp = (address: Ip): number => familyNumber(familyOf(address));

/** The unspecified address: a prefix of length 0 has no DST attribute on the wire. */
export const unspecified = (family: Family): Ip => (family === 4 ? '0.0.0.0' : '::') as Ip;
