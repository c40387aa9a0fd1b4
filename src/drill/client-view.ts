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
  /**
   * From the window's beginning to the answer that ended the longest outage; undefined when the window's end
   * did.
   */
  readonly recovered: Micros | undefined;
}

/**
 * What a client saw in the window. An outage is measured by arrivals, not by which probes were answered:
 * probes that wait in the stack for a neighbour to be resolved are answered late, and the client had no
 * service while they waited.
 */
export function clientView(probes: readonly Probe[], { from, to }: Window): ClientSummary {
  const sent = probes.filter(({ sentAt }) => sentAt >= from && sentAt < to);
  const arrivals = probes
    .flatMap(({ answeredAt }) =>
      answeredAt !== undefined && answeredAt >= from && answeredAt < to ? [answeredAt] : [],
    )
    .sort((a, b) => a - b);
  const outage = longestStep([from, ...arrivals, to]);
  return {
    sent: sent.length,
    lost: sent.filter(({ answeredAt }) => answeredAt === undefined).length,
    longestOutage: outage.length,
    longestPause: longestStep(sent.map(({ sentAt }) => sentAt)).length,
    recovered: outage.end === to ? undefined : micros(outage.end - from),
  };
}

function longestStep(instants: readonly Micros[]): { readonly length: Micros; readonly end: number } {
  let length = 0;
  let end = 0;
  for (let at = 1; at < instants.length; at++) {
    const step = (instants[at] ?? 0) - (instants[at - 1] ?? 0);
    if (step > length) [length, end] = [step, instants[at] ?? 0];
  }
  return { length: micros(length), end };
}
