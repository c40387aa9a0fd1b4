import { readFileSync } from 'node:fs';

/** Proportional set size of a process in KiB: shared pages count in parts, so that the sum over processes is true. */
export function pssOf(pid: number): number | undefined {
  try {
    const found = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}
