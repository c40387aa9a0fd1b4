/**
 * Tracking: what a failing script, interface, file, process or pool does to an instance's priority. keepalived's
 * arithmetic, because the field's files rely on it:
 *
 *   weight 0            a failure is a fault: the instance leaves the election
 *   weight +w           adds w while up;        reverse: takes w while up
 *   weight -w           takes w while down;     reverse: adds w while down
 *   file, weight 0      a number other than 0 is a fault; reverse: 0 is
 *   file, weight w      adds number × w;        reverse: takes it; a sum below -253 is a fault
 *
 * The sum is held within 1..254. An address owner (255) is not adjusted, but a fault stops it too.
 */
import type { Micros } from '../base/time.ts';
import { isOwner, type Priority } from './types.ts';

export const trackerKinds = ['interface', 'script', 'file', 'process', 'virtual_server'] as const;
export type TrackerKind = (typeof trackerKinds)[number];
/** Largest weight either way. A file's product outside is cut above, and a fault below. */
export const maxWeight = 253;

export interface TrackerId {
  readonly kind: TrackerKind;
  readonly name: string;
}

/** One line of a track_… list of an instance. */
export interface Track extends TrackerId {
  /** -253..253 */
  readonly weight: number;
  readonly reverse: boolean;
}

/** `unknown` only before the first word. */
export type Verdict = 'up' | 'down' | 'unknown';

/** What is known of one tracker, shared by all instances that follow it. */
export interface TrackerState extends TrackerId {
  readonly verdict: Verdict;
  /** Files only. */
  readonly number: number | undefined;
  /** Why, for people: "exit code 1: connection refused". */
  readonly words: string;
  /** When the verdict or the number last changed. */
  readonly since: Micros;
  readonly heardAt: Micros | undefined;
  /** Silent for longer than it may be: what it said last does not count any more. */
  readonly silent: boolean;
}

/** One tracker's part, as status shows it. */
export interface Contribution extends Track {
  readonly verdict: Verdict;
  readonly number: number | undefined;
  readonly words: string;
  readonly since: Micros;
  /** Added to the priority now. */
  readonly points: number;
  /** It alone keeps the instance out of the election. */
  readonly fault: boolean;
}

export interface Tracking {
  /** 1..254, or 255 for the address owner. */
  readonly effectivePriority: Priority;
  /** Why the instance must not take part; absent when it may. */
  readonly fault?: string;
  readonly contributions: readonly Contribution[];
}

/** @param stateOf undefined counts as unknown */
export function weigh(
  priority: Priority,
  tracks: readonly Track[],
  stateOf: (tracker: TrackerId) => TrackerState | undefined,
  now: Micros,
): Tracking {
  const contributions = tracks.map((track) => contribution(track, stateOf(track), now));
  const faults = contributions.filter(({ fault }) => fault).map(faultText);
  const sum = contributions.reduce<number>((total, { points }) => total + points, priority);
  const effectivePriority = isOwner({ priority }) ? priority : (Math.min(Math.max(sum, 1), 254) as Priority);
  return { effectivePriority, contributions, ...(faults.length > 0 && { fault: faults.join('; ') }) };
}

/** What has changed, for the log; undefined when neither the priority nor the fault has. */
export function changeText(from: Tracking, to: Tracking): string | undefined {
  const moved = from.effectivePriority !== to.effectivePriority;
  if (!moved && from.fault === to.fault) return undefined;
  const parts = [
    ...(moved ? [`priority ${from.effectivePriority} → ${to.effectivePriority}`] : []),
    ...(to.fault === undefined
      ? from.fault === undefined
        ? []
        : ['takes part again']
      : ['out of the election']),
  ];
  const why = to.contributions.filter(({ kind, name, points, fault, verdict }) => {
    const old = from.contributions.find((other) => other.kind === kind && other.name === name);
    return old?.points !== points || old.fault !== fault || old.verdict !== verdict;
  });
  return [parts.join(', '), ...why.map(stateText)].join('; ');
}

const stateText = ({ kind, name, verdict, words }: Contribution): string =>
  kind === 'file' ? `file ${name} ${words}` : `${kind} ${name} is ${verdict}: ${words}`;

function contribution(track: Track, state: TrackerState | undefined, now: Micros): Contribution {
  const { verdict, number, words, since } = state ?? {
    verdict: 'unknown',
    number: undefined,
    words: 'not reported yet',
    since: now,
  };
  const { points, fault } = track.kind === 'file' ? ofNumber(track, number) : ofVerdict(track, verdict);
  const { kind, name, weight, reverse } = track;
  return { kind, name, weight, reverse, verdict, number, words, since, points, fault };
}

interface Effect {
  readonly points: number;
  readonly fault: boolean;
}

/** Until the first word a weight 0 holds the instance back, and any other weight changes nothing. */
function ofVerdict({ weight, reverse }: Track, verdict: Verdict): Effect {
  if (weight === 0) return { points: 0, fault: verdict !== (reverse ? 'down' : 'up') };
  const counts = verdict === (weight > 0 ? 'up' : 'down');
  return { points: counts ? signed(weight, reverse) : 0, fault: false };
}

function ofNumber({ weight, reverse }: Track, number: number | undefined): Effect {
  if (number === undefined) return { points: 0, fault: weight === 0 };
  if (weight === 0) return { points: 0, fault: (number !== 0) !== reverse };
  const product = number * signed(weight, reverse);
  if (product < -maxWeight) return { points: 0, fault: true };
  return { points: Math.min(product, maxWeight), fault: false };
}

/** Without a negative zero, which would differ from zero in a deep comparison. */
const signed = (weight: number, reverse: boolean): number => (reverse ? 0 - weight : weight);

function faultText({ kind, name, verdict, number, weight, words }: Contribution): string {
  if (kind === 'file' && number !== undefined)
    return weight === 0 ? `file ${name} says ${number}` : `file ${name} says ${number}, weight ${weight}`;
  return verdict === 'unknown'
    ? `${kind} ${name} has not reported yet`
    : `${kind} ${name} is ${verdict}: ${words}`;
}
