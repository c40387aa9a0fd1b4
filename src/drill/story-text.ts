/** The story in words and numbers. Pure. */
import type { Micros } from '../base/time.ts';
import type { Step, StepName } from './story-step.ts';

/** "3 581 ms": a newcomer compares them, so all are whole milliseconds. */
export const inMilliseconds = (duration: Micros): string =>
  `${String(Math.round(duration / 1_000)).replace(/\B(?=(\d{3})+$)/g, ' ')} ms`;

/** What is about to be done. */
export function announcement(name: StepName, node: string, limit: Micros | undefined): string {
  const within = limit === undefined ? '' : `: the standby must take over within ${inMilliseconds(limit)}`;
  switch (name) {
    case 'steady':
      return `All is well: ${node} owns the address`;
    case 'server-down':
      return `kill -9 of every process on ${node}, a real server: ${outWithin(limit)}`;
    case 'server-up':
      return `${node} serves again: it gets requests once its checks pass`;
    case 'kill':
      return `kill -9 of every process on ${node}${within}`;
    case 'return':
      return `${node} comes back: its daemon is started again`;
    case 'freeze':
      return `SIGSTOP of every process on ${node}, later SIGCONT${within}`;
    case 'back':
      return `${node} is awake: it listens before it takes the address back`;
    case 'stop':
      return `SIGTERM to the daemon on ${node}, as systemctl stop does${within}`;
  }
}

const outWithin = (limit: Micros | undefined): string =>
  limit === undefined ? 'its checks must take it out' : `out by its checks within ${inMilliseconds(limit)}`;

const titles: Readonly<Record<StepName, string>> = {
  steady: 'left alone',
  'server-down': 'well, a server killed',
  'server-up': 'well, the server back',
  kill: 'killed (kill -9)',
  return: 'started again',
  freeze: 'frozen, then woken',
  back: 'awake again',
  stop: 'stopped in order',
};

/** One plain sentence of what was seen. */
export function sentence(step: Step): string {
  const { name, node: director, owner, client, http, ownership } = step;
  if (step.broken !== undefined) return broken(step);
  switch (name) {
    case 'steady':
      return `${client.sent} pings, ${client.lost} lost${requests(step)}: so steady is the measuring itself.`;
    case 'server-down':
      return `${failed(step)} failed, the last after ${inMilliseconds(http?.lastFailure ?? zero)}: then its checks had taken it out.`;
    case 'server-up':
      return `It came in when its checks passed, and no request failed: pages from ${http?.servers.join(', ') ?? ''}.`;
    case 'kill':
      return `The dead ${director}'s kernel answered until its lease ran out; later ${owner} took over.`;
    case 'freeze':
      return `The lease of the frozen ${director} ran out, ${owner} took over, and waking changed nothing.`;
    case 'return':
    case 'back': {
      const gap = inMilliseconds(client.longestOutage);
      if (owner !== director) return `${director} left the address where it was, on ${owner}.`;
      const both = ownership.twoOwners.total;
      const overlap = both === 0 ? '' : ` Both answered for ${inMilliseconds(both)}: ${otherYields}.`;
      return `${director} listened, then took the address back: a fail-back gap of ${gap}.${overlap}`;
    }
    case 'stop':
      return `${director} said goodbye, so ${owner} waited only its skew time.`;
  }
}

const otherYields = 'the other yields when it hears the first advertisement';

const zero = 0 as Micros;
const longer = (a: Micros, b: Micros = zero): Micros => (a > b ? a : b);

const failed = ({ http }: Step): string => `${http?.lost ?? 0} of ${http?.sent ?? 0} requests`;
const requests = ({ http }: Step): string =>
  http === undefined
    ? ''
    : `; ${http.sent} requests, ${http.lost} failed, pages from ${http.servers.join(', ')}`;

function broken(step: Step): string {
  const { broken, client, http, limit, ownership } = step;
  const { twoOwners, takeover, unknown } = ownership;
  switch (broken) {
    case 'two-owners':
      return `NOT as promised: two directors answered at once for ${inMilliseconds(twoOwners.total)}.`;
    case 'outage':
      return `NOT as promised: the client waited ${inMilliseconds(client.longestOutage)} for an answer.`;
    case 'http-outage':
      return `NOT as promised: the client waited ${inMilliseconds(http?.longestOutage ?? zero)} for a page.`;
    case 'http-failed':
      return `NOT as promised: ${failed(step)} failed, pages came from ${http?.servers.join(', ') ?? ''}.`;
    case 'server-late':
      return `NOT as promised: requests failed for ${inMilliseconds(http?.lastFailure ?? zero)}, and ${outWithin(limit)}.`;
    case 'late':
      return `NOT as promised: the standby answered only after ${inMilliseconds(takeover?.after ?? zero)}.`;
    case 'unmeasured':
      return `Not measured: this machine was too busy to ask for ${inMilliseconds(longer(unknown.longest, http?.longestPause))}.`;
    case undefined:
      return '';
  }
}

/** "ping unanswered 12 ms", "no owner 0 ms" …: what was measured in a step, and what was not in none. */
const figures: readonly (readonly [title: string, of: (step: Step) => string | undefined])[] = [
  ['ping unanswered', ({ client }) => inMilliseconds(client.longestOutage)],
  ['HTTP unanswered', ({ http }) => http && inMilliseconds(http.longestOutage)],
  ['HTTP failed', (step) => step.http && `${step.http.lost} of ${step.http.sent}`],
  ['no owner', ({ ownership: { noOwner } }) => inMilliseconds(noOwner.longest)],
  ['two owners', ({ ownership: { twoOwners } }) => inMilliseconds(twoOwners.total)],
];

/** The measured figures of one step, for one line. */
export const measured = (step: Step): string =>
  figures
    .flatMap(([title, of]) => {
      const figure = of(step);
      return figure === undefined ? [] : [`${title} ${figure}`];
    })
    .join(' · ');

/** One row of the summary a step, its sentence below. */
export function summary(steps: readonly Step[]): readonly string[] {
  const columns: typeof figures = [
    ['the active is', ({ name }) => titles[name]],
    ...figures.filter(([, of]) => steps.some((step) => of(step) !== undefined)),
    ['new owner after', ({ ownership: { takeover } }) => takeover && inMilliseconds(takeover.after)],
    ['limit', ({ limit }) => (limit === undefined ? undefined : inMilliseconds(limit))],
  ];
  const header = columns.map(([title]) => title);
  const rows = steps.map((step) => columns.map(([, of]) => of(step) ?? ''));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(header), ...steps.flatMap((step, at) => [line(rows[at] ?? []), `  ${sentence(step)}`])];
}
