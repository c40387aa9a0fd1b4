/** CPU time that a process has had, with all its threads. */
import { readdirSync, readFileSync } from 'node:fs';

export interface CpuTime {
  readonly total_us: number;
  /** In the kernel, of `total_us`; told in hundredths of a second. */
  readonly system_us: number;
}

const tick_us = 10_000;

/** Of /proc/PID/stat: proc(5) utime and stime, the 14th and 15th; the second is a name that may hold anything. PURE */
export function ticksOf(stat: string): readonly [user: number, system: number] {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return [fields[11] ?? NaN, fields[12] ?? NaN];
}

/** @throws when there is no such process */
export function cpuTime(pid: number): CpuTime {
  // Nanoseconds on a CPU, nanoseconds of waiting for one, times. sched-stats.rst
  const total_us = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [running = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return sum + Number(running) / 1_000;
  }, 0);
  const [, system] = ticksOf(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return { total_us, system_us: system * tick_us };
}

export const spent = (before: CpuTime, after: CpuTime): CpuTime => ({
  total_us: after.total_us - before.total_us,
  system_us: after.system_us - before.system_us,
});
