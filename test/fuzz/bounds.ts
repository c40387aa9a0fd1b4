/** Bounds that hold for whatever a decoder gives, whichever field it is. */
import { familyOf, ipBytes, ipFromBytes, type Ip } from '../../src/base/ip.ts';

/**
 * Numbers are whole and fit the widest field they come from; addresses are canonical text; no text holds a NUL.
 * @param what names the value in the answer
 */
export function faultOfValue(value: unknown, what: string): string | undefined {
  switch (typeof value) {
    case 'number':
      return isWhole(value) ? undefined : `${what} is ${value}`;
    case 'string':
      return faultOfText(value, what);
    case 'object':
      return value === null || ArrayBuffer.isView(value) ? undefined : faultOfParts(value, what);
    default:
      return undefined;
  }
}

/** Infinity is a lifetime without end; 64 bits are the widest field. */
const isWhole = (value: number): boolean =>
  value === Infinity || (Number.isInteger(value) && value >= -0x80000000 && value <= 2 ** 64);

function faultOfParts(value: object, what: string): string | undefined {
  const parts = value instanceof Map ? value.entries() : Object.entries(value);
  for (const [key, part] of parts) {
    const fault = faultOfValue(part, `${what}.${String(key)}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const faultOfText = (value: string, what: string): string | undefined =>
  value.includes('\0') ? `${what} holds a NUL` : undefined;

/** @returns a sentence when the text is no address, or not as we write it */
export function faultOfIp(address: Ip, what: string): string | undefined {
  const bytes = ipBytes(address);
  const fits = bytes.length === (familyOf(address) === 4 ? 4 : 16) && ipFromBytes(bytes) === address;
  return fits ? undefined : `${what} is ${address}`;
}

export const firstFault = (faults: readonly (string | undefined | false)[]): string | undefined =>
  faults.find((fault) => typeof fault === 'string') || undefined;
