/** Trackers for people: what each does to an instance, and how the scripts ran. Pure. */
import { between, formatDuration, type Micros } from '../base/time.ts';
import type { Snapshot } from '../control.ts';
import type { InstanceStatus } from '../vrrp/status.ts';

type Tracking = InstanceStatus['tracking'];
type Scripts = NonNullable<Snapshot['scripts']>;
type Script = Scripts['scripts'][number];

/** Rows of an instance. */
export const renderTracking = (
  { fault, contributions }: Tracking,
  at: Micros,
): readonly (readonly [string, string])[] => [
  ['Fault', fault ?? ''],
  ...contributions.map((one) => ['Tracks', contributionText(one, at)] as const),
];

function contributionText(one: Tracking['contributions'][number], at: Micros): string {
  const { kind, name, verdict, number, words, since, weight, reverse, points, fault } = one;
  const state = number === undefined ? verdict : `${number}`;
  const effect = fault ? 'FAULT' : weight === 0 ? 'no fault' : points > 0 ? `+${points}` : `${points}`;
  const rule = `weight ${weight}${reverse ? ' reverse' : ''}`;
  return `${kind} ${name} ${state} for ${age(since, at)} (${words}), ${rule}: ${effect}`;
}

/** Lines; none when nothing is tracked by the scripts process. */
export function renderScripts(status: Scripts, at: Micros): readonly string[] {
  const { running, queued, scripts, watched, processSource: source } = status;
  if (scripts.length + watched.length === 0) return [];
  const from = status.at as Micros;
  const stale = between(from, at) > 1_000_000 ? '  (OLD: the scripts process does not answer)' : '';
  return [
    '',
    `scripts, as of ${age(from, at)} ago${stale}`,
    `  ${running} running, ${queued} queued`,
    ...(source === undefined
      ? []
      : [`  processes by ${source.kind === 'events' ? 'events' : `a look every second: ${source.why}`}`]),
    ...scripts.flatMap((script) => scriptLines(script, from)),
    ...watched.map(({ kind, name, verdict, number, words }) =>
      number === undefined
        ? `  ${kind} ${name} ${verdict}: ${words}`
        : `  ${kind} ${name} ${number}: ${words}`,
    ),
  ];
}

function scriptLines({ name, verdict, since, lastRun, ...counts }: Script, at: Micros): readonly string[] {
  const { runs, failures, timeouts } = counts;
  const state = verdict === undefined ? 'unknown' : `${verdict} for ${age(since, at)}`;
  const counted = `runs ${runs}, failures ${failures}, timeouts ${timeouts}`;
  if (lastRun === undefined) return [`  script ${name} ${state}, has not run yet`];
  const { startedAt, duration, how, stderr } = lastRun;
  return [
    `  script ${name} ${state}; last run ${age(startedAt, at)} ago took ${formatDuration(duration)}: ${how}; ${counted}`,
    ...stderr.map((line) => `    ${line}`),
  ];
}

const age = (from: Micros, at: Micros): string => formatDuration(between(from, at));
