/** What a client's requests say of an outage. PURE. */
import { between, type Micros } from '../../../src/base/time.ts';

export interface Request {
  readonly begunAt: Micros;
  /** Undefined: it failed. */
  readonly answeredAt: Micros | undefined;
}

export interface Outage {
  /** Longest time between two good answers. */
  readonly gap_us: number;
  /** From the beginning of the window to that of the gap. */
  readonly at_us: number;
  readonly requests: number;
  readonly failed: number;
  /** Longest time between two requests: the bench's own lateness, a gap that nobody else is to blame for. */
  readonly ownGap_us: number;
}

/** @param requests all of them have ended, and some were begun before the window */
export function outageIn(requests: readonly Request[], from: Micros, to: Micros): Outage {
  const answers = requests.flatMap(({ answeredAt }) => answeredAt ?? []).sort((a, b) => a - b);
  const gap = longestGap(answers, from, to);
  // They stand in the order of their ends.
  const begun = requests.map(({ begunAt }) => begunAt).sort((a, b) => a - b);
  const own = requests.filter(({ begunAt }) => begunAt >= from && begunAt < to);
  return {
    gap_us: between(gap.from, gap.to),
    at_us: between(from, gap.from),
    requests: own.length,
    failed: own.filter(({ answeredAt }) => answeredAt === undefined).length,
    ownGap_us: between(...ends(longestGap(begun, from, to))),
  };
}

interface Gap {
  readonly from: Micros;
  readonly to: Micros;
}

const ends = ({ from, to }: Gap): [Micros, Micros] => [from, to];

/** One that reaches over an end of the window counts whole; without an instant on that side it ends with the window. */
function longestGap(instants: readonly Micros[], from: Micros, to: Micros): Gap {
  const first = instants.findLastIndex((at) => at <= from);
  const last = instants.findIndex((at) => at >= to);
  const marks = [
    ...(first === -1 ? [from] : []),
    ...instants.slice(Math.max(first, 0), last === -1 ? undefined : last + 1),
    ...(last === -1 ? [to] : []),
  ];
  let longest: Gap = { from, to: from };
  for (const [index, mark] of marks.entries()) {
    const before = marks[index - 1];
    if (before !== undefined && mark - before > longest.to - longest.from)
      longest = { from: before, to: mark };
  }
  return longest;
}
