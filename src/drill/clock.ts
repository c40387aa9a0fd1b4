import type { Micros } from '../base/time.ts';
import { after, micros } from '../base/time.ts';
import type { Native } from '../kernel/native.ts';

/** Every instrument reads this one clock (CLOCK_BOOTTIME), so their instants can be compared. */
export type ClockPort = Pick<Native, 'now' | 'timer'>;

export const readClock = (port: ClockPort): Micros => port.now() as Micros;

/**
 * Waits with a timerfd (Node's own timers are whole milliseconds, and late).
 * @returns the instant of waking, never before `at`
 */
export async function sleepUntil(port: ClockPort, at: Micros): Promise<Micros> {
  return new Promise((resolve) => {
    const timer = port.timer(() => {
      timer.stop();
      resolve(readClock(port));
    });
    timer.set(at);
  });
}

export interface Ticks {
  /** Slot n begins at startedAt + n × period. */
  readonly startedAt: Micros;
  stop(): void;
}

/**
 * Calls `onTick` once in every slot, on an absolute schedule that does not drift. A wake that comes late
 * calls for the slot it came in: the slots in between are lost, and whoever keeps the slot numbers can see
 * that they are.
 */
export function startTicks(port: ClockPort, period: Micros, onTick: (slot: number) => void): Ticks {
  const startedAt = after(readClock(port), period);
  let next = 0;
  let stopped = false;
  const timer = port.timer(() => {
    const slot = Math.floor((port.now() - startedAt) / period);
    if (slot >= next) {
      next = slot + 1;
      onTick(slot);
    }
    if (!stopped) timer.set(micros(startedAt + next * period));
  });
  timer.set(startedAt);
  return {
    startedAt,
    stop: () => {
      if (!stopped) timer.stop();
      stopped = true;
    },
  };
}
