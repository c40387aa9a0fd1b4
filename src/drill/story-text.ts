/** The story in words and numbers. Pure. */
import type { Micros } from '../base/time.ts';
import type { Step, StepName } from './story.ts';

/** "3 581 ms": a newcomer compares them, so all are whole milliseconds. */
export const inMilliseconds = (duration: Micros): string =>
  `${String(Math.round(duration / 1_000)).replace(/\B(?=(\d{3})+$)/g, ' ')} ms`;

/** What is about to be done. */
export function announcement(name: StepName, director: string, limit: Micros | undefined): string {
  const within = limit === undefined ? '' : `: the standby must take over within ${inMilliseconds(limit)}`;
  switch (name) {
    case 'steady':
      return `All is well: ${director} owns the address`;
    case 'kill':
      return `kill -9 of every process on ${director}${within}`;
    case 'return':
      return `${director} comes back: its daemon is started again`;
    case 'freeze':
      return `SIGSTOP of every process on ${director}, later SIGCONT${within}`;
    case 'back':
      return `${director} is awake: it listens before it takes the address back`;
    case 'stop':
      return `SIGTERM to the daemon on ${director}, as systemctl stop does${within}`;
  }
}

const titles: Readonly<Record<StepName, string>> = {
  steady: 'left alone',
  kill: 'killed (kill -9)',
  return: 'started again',
  freeze: 'frozen, then woken',
  back: 'awake again',
  stop: 'stopped in order',
};

/** One plain sentence of what was seen. */
export function sentence(step: Step): string {
  const { name, director, owner, client, ownership } = step;
  if (step.broken !== undefined) return broken(step);
  switch (name) {
    case 'steady':
      return `${client.sent} probes, ${client.lost} lost: so steady is the measuring itself.`;
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

function broken({ broken, client, ownership: { twoOwners, takeover, unknown } }: Step): string {
  switch (broken) {
    case 'two-owners':
      return `NOT as promised: two directors answered at once for ${inMilliseconds(twoOwners.total)}.`;
    case 'outage':
      return `NOT as promised: the client waited ${inMilliseconds(client.longestOutage)} for an answer.`;
    case 'late':
      return `NOT as promised: the standby answered only after ${inMilliseconds(takeover?.after ?? zero)}.`;
    case 'unmeasured':
      return `Not measured: this machine was too busy to ask for ${inMilliseconds(unknown.longest)}.`;
    case undefined:
      return '';
  }
}

/** One row of the summary a step, its sentence below. */
export function summary(steps: readonly Step[]): readonly string[] {
  const header = ['the active is', 'client unanswered', 'no owner', 'two owners', 'new owner after', 'limit'];
  const rows = steps.map(({ name, client, ownership: { noOwner, twoOwners, takeover }, limit }) => [
    titles[name],
    inMilliseconds(client.longestOutage),
    inMilliseconds(noOwner.longest),
    inMilliseconds(twoOwners.total),
    takeover === undefined ? '' : inMilliseconds(takeover.after),
    limit === undefined ? '' : inMilliseconds(limit),
  ]);
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
