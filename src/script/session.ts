/**
 * Processes that a script left behind. A run has a session of its own, setsid(2): what is still in it when
 * the script has ended belongs to nobody, also when it has changed its process group. What made itself a
 * session of its own is a daemon that was meant to stay (a check that restarts its server), and is let live.
 */
import type { Micros } from '../base/time.ts';

/** One ended run. The number may be given out again when nobody is left in it, so its time goes with it. */
export interface Session {
  readonly id: number;
  readonly startedAt: Micros;
  readonly endedAt: Micros;
}

export interface ProcessStat {
  readonly session: number;
  /**
   * CLOCK_BOOTTIME, in steps of 10 ms: USER_HZ is 100 on every architecture that Node knows. proc_pid_stat(5)
   */
  readonly startedAt: Micros;
  /** It is dead and waits for its parent: nothing can be done to it. */
  readonly zombie: boolean;
}

const tick_us = 10_000;

/** @param text /proc/PID/stat; the name of the process in it may hold spaces and parentheses */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // The field after the name is number 3 of proc_pid_stat(5): session is 6, starttime 22.
  const session = Number(fields[6 - 3]);
  const ticks = Number(fields[22 - 3]);
  if (!text.includes(')') || !Number.isInteger(session) || !Number.isInteger(ticks)) return undefined;
  return { session, startedAt: (ticks * tick_us) as Micros, zombie: fields[0] === 'Z' };
}

/** Whether the process is what a run has left: its session, and begun while the run was on. */
export function isLeftover({ session, startedAt, zombie }: ProcessStat, ended: readonly Session[]): boolean {
  return (
    !zombie &&
    ended.some((run) => run.id === session && startedAt > run.startedAt - tick_us && startedAt <= run.endedAt)
  );
}
