/** What the processes of the ipvs bench tell: a line of JSON each, between lines that others write. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { GuestAbout, GuestRound, Reload } from './report.ts';

/** The only JSON objects in a line by themselves that have this key. */
export type Told =
  | { readonly ipvsBench: 'about'; readonly about: GuestAbout }
  | { readonly ipvsBench: 'round'; readonly round: GuestRound }
  | { readonly ipvsBench: 'reload'; readonly reload: Reload };

export const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);

/** @returns undefined for a line that somebody else wrote */
export function toldIn(line: string): Told | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'ipvsBench' in value ? (value as Told) : undefined;
  } catch {
    return undefined;
  }
}

/** Every other line is shown. */
export function hear(stream: Readable, take: (told: Told) => void): void {
  createInterface(stream).on('line', (line) => {
    const told = toldIn(line);
    if (told === undefined) console.log(`  ${line}`);
    else take(told);
  });
}
