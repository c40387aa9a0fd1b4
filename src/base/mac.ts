import type { Family, Ip } from './ip.ts';
import { familyOf, ipBytes } from './ip.ts';

/** A MAC address in lower-case text, "00:00:5e:00:01:33". */
export type Mac = string & { readonly kind: 'mac' };

export const broadcastMac = 'ff:ff:ff:ff:ff:ff' as Mac;

export const macFromBytes = (bytes: Uint8Array): Mac =>
  Array.from(bytes.subarray(0, 6), (octet) => octet.toString(16).padStart(2, '0')).join(':') as Mac;

export const macBytes = (mac: Mac): Uint8Array =>
  Uint8Array.from(mac.split(':'), (octet) => parseInt(octet, 16));

/** RFC 9568 §7.3 */
export const virtualMac = (family: Family, vrid: number): Mac =>
  `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, '0')}` as Mac;

/** The Ethernet group of an IP multicast address. RFC 1112 §6.4, RFC 2464 §7 */
export function multicastMac(group: Ip): Mac {
  const bytes = ipBytes(group);
  if (familyOf(group) === 6) return macFromBytes(Uint8Array.from([0x33, 0x33, ...bytes.subarray(12)]));
  return macFromBytes(Uint8Array.from([0x01, 0, 0x5e, (bytes[1] ?? 0) & 0x7f, bytes[2] ?? 0, bytes[3] ?? 0]));
}
