import assert from 'node:assert';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { Micros } from '../base/time.ts';

const microsPerUnit: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1_000,
  cs: 10_000,
  s: 1_000_000,
  min: 60_000_000,
  h: 3_600_000_000,
};

export const durationUnits = Object.keys(microsPerUnit);

/** The text form of a duration, for editors. */
export const durationPattern = `^\\d{1,9}(\\.\\d{1,6})?(${durationUnits.join('|')})?$`;
const form = new RegExp(durationPattern);

/** A number and a unit; a bare number is keepalived's seconds. Decimals are exact: 0.1 is 100,000 us. */
export function parseDuration(written: string | number): Result<Micros, 'syntax' | 'finer-than-1us'> {
  const text = String(written);
  const unit = form.exec(text)?.[2] ?? 's';
  if (!form.test(text)) return err('syntax');
  const [whole = '', fraction = ''] = text.replace(/[a-z]+$/, '').split('.');
  // Whole multiplication first: a factor of 1e-6 is not exact in binary, the product of two integers is.
  const millionths =
    (Number(whole) * 1_000_000 + Number(fraction.padEnd(6, '0'))) * (microsPerUnit[unit] ?? 0);
  return millionths % 1_000_000 === 0 ? ok((millionths / 1_000_000) as Micros) : err('finer-than-1us');
}

/** A duration that the schema has let through. */
export function duration(written: string | number): Micros {
  const parsed = parseDuration(written);
  assert(parsed.ok, `not a duration: ${written}`);
  return parsed.value;
}
