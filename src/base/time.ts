/**
 * Durations and instants are whole microseconds. An instant is CLOCK_BOOTTIME: it never steps with the wall clock
 * and it counts the time a suspended machine slept, so a lease that ran out during sleep is seen as run out.
 * 2^53 microseconds are 285 years: a plain number is exact.
 */
export type Micros = number & { readonly unit: 'microseconds' };

export const micros = (n: number): Micros => Math.ceil(n) as Micros;
export const milliseconds = (n: number): Micros => micros(n * 1_000);
export const seconds = (n: number): Micros => micros(n * 1_000_000);
/** The 12-bit field of a VRRPv3 advertisement counts hundredths of a second. RFC 9568 §5.2.7 */
export const centiseconds = (n: number): Micros => micros(n * 10_000);

export const after = (instant: Micros, duration: Micros): Micros => (instant + duration) as Micros;
export const between = (from: Micros, to: Micros): Micros => (to - from) as Micros;

/** The earlier of two deadlines, where undefined means never. */
export const earlier = (a: Micros | undefined, b: Micros | undefined): Micros | undefined =>
  a === undefined ? b : b === undefined ? a : a < b ? a : b;

/** "1.5s", "609.375ms", "78us": for people, never parsed back. */
export function formatDuration(duration: Micros): string {
  const size = Math.abs(duration);
  if (size >= 1_000_000) return `${trim(duration / 1_000_000)}s`;
  if (size >= 1_000) return `${trim(duration / 1_000)}ms`;
  return `${duration}us`;
}

const trim = (n: number): string => String(Number(n.toFixed(3)));
