import type { Micros } from '../base/time.ts';
import { micros } from '../base/time.ts';
import type { Window } from './timeline.ts';

/** One request of a client. */
export interface Probe {
  readonly sentAt: Micros;
  /** When its answer was read; undefined when none came. */
  readonly answeredAt: Micros | undefined;
}

export interface ClientSummary {
  readonly sent: number;
  readonly lost: number;
  /** Longest time in the window without any answer arriving. With all well it is one period of the prober. */
  readonly longestOutage: Micros;
  /** Longest time between two probes: the prober's own lateness, which an outage may be made of. */
  readonly longestPause: Micros;
  /** First answer after the window's beginning to a probe sent after it. */
  readonly firstSuccess: Micros | undefined;
}

/**
 * What a client saw in the window. An outage is measured by arrivals, not by which probes were answered: probes that wait in the
 * stack for a neighbour to be resolved are answered late, and the client had no service while they waited.
 */
export function clientView(probes: readonly Probe[], { from, to }: Window): ClientSummary {
  const sent = probes.filter(({ sentAt }) => sentAt >= from && sentAt < to);
  const arrivals = probes
    .flatMap(({ answeredAt }) =>
      answeredAt !== undefined && answeredAt >= from && answeredAt < to ? [answeredAt] : [],
    )
    .sort((a, b) => a - b);
  const successes = sent.flatMap(({ answeredAt }) => answeredAt ?? []);
  return {
    sent: sent.length,
    lost: sent.filter(({ answeredAt }) => answeredAt === undefined).length,
    longestOutage: longestStep([from, ...arrivals, to]),
    longestPause: longestStep(sent.map(({ sentAt }) => sentAt)),
    firstSuccess: successes.length === 0 ? undefined : micros(Math.min(...successes) - from),
  };
}

function longestStep(instants: readonly Micros[]): Micros {
  let longest = 0;
  for (let at = 1; at < instants.length; at++)
    longest = Math.max(longest, (instants[at] ?? 0) - (instants[at - 1] ?? 0));
  return micros(longest);
}
