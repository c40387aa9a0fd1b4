import type { Micros } from '../base/time.ts';
import { micros, seconds } from '../base/time.ts';
import type { InstanceConfig, Priority, Version } from './types.ts';

/**
 * Skew_Time = ((256 − priority) × Active_Adver_Interval) / 256. RFC 9568 §6.1
 * In version 2 it is (256 − priority) / 256 seconds, whatever the interval. RFC 3768 §6.1
 * Multiplied first and rounded up, so that it is never 0: with a skew of 0 all backups would take over at once.
 */
export const skewTime = (priority: Priority, activeAdverInterval: Micros, version: Version = 3): Micros =>
  micros(((256 - priority) * (version === 2 ? seconds(1) : activeAdverInterval)) / 256);

/** Active_Down_Interval = 3 × Active_Adver_Interval + Skew_Time. RFC 9568 §6.1, RFC 3768 §6.1 */
export const activeDownInterval = (
  priority: Priority,
  activeAdverInterval: Micros,
  version: Version = 3,
): Micros => micros(3 * activeAdverInterval + skewTime(priority, activeAdverInterval, version));

/** The three values of RFC 9568 §6.1 as a router has them now. */
export interface Timers {
  readonly activeAdverInterval: Micros;
  readonly skewTime: Micros;
  readonly activeDownInterval: Micros;
}

/** @param learned from the Active, undefined until one was heard; version 2 has only its own. RFC 3768 §6.1 */
export function timersOf(
  { version = 3, priority, advert_int }: Pick<InstanceConfig, 'version' | 'priority' | 'advert_int'>,
  learned: Micros | undefined,
): Timers {
  const activeAdverInterval = version === 2 ? advert_int : (learned ?? advert_int);
  return {
    activeAdverInterval,
    skewTime: skewTime(priority, activeAdverInterval, version),
    activeDownInterval: activeDownInterval(priority, activeAdverInterval, version),
  };
}
