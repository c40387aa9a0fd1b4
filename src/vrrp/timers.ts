import type { Micros } from '../base/time.ts';
import { micros } from '../base/time.ts';
import type { Priority } from './types.ts';

/**
 * Skew_Time = ((256 − priority) × Active_Adver_Interval) / 256. RFC 9568 §6.1
 * Multiplied first and rounded up, so that it is never 0: with a skew of 0 all backups would take over together.
 */
export const skewTime = (priority: Priority, activeAdverInterval: Micros): Micros =>
  micros(((256 - priority) * activeAdverInterval) / 256);

/** Active_Down_Interval = 3 × Active_Adver_Interval + Skew_Time. RFC 9568 §6.1 */
export const activeDownInterval = (priority: Priority, activeAdverInterval: Micros): Micros =>
  micros(3 * activeAdverInterval + skewTime(priority, activeAdverInterval));
