import type { Micros } from './base/time.ts';

/**
 * The one shape of everything that decides over time. No I/O, no clock, no timer inside: an event and the
 * instant go in, an ordered list of actions comes out, and `deadline` says when the machine wants to be
 * called again with no event at all. Running, recording, replaying and simulating differ only in the caller.
 */
export interface Machine<Event, Action> {
  /** `undefined` means: the deadline has come. A call before it, or a spurious one, must be a no-op. */
  handle(event: Event | undefined, now: Micros): readonly Action[];
  readonly deadline: Micros | undefined;
}

/** Lets every deadline up to `now` come, each at its own instant of arrival; a late call fires it once. */
export function expire<Event, Action>(machine: Machine<Event, Action>, now: Micros): readonly Action[] {
  return machine.deadline !== undefined && machine.deadline <= now ? machine.handle(undefined, now) : [];
}
