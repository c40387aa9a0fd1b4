/**
 * The first failover a newcomer sees: one pair of directors, one address, and what may happen to the
 * active, each time judged from outside against what the configuration promises.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Micros } from '../base/time.ts';
import { formatDuration, micros, milliseconds, seconds } from '../base/time.ts';
import { LabError } from '../lab/command.ts';
import { activeDownInterval, skewTime } from '../vrrp/timers.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import type { SeenDirector } from './judge-seat.ts';
import type { DirectorPair } from './pair.ts';
import type { Seen, Watch } from './watch.ts';

/** `freeze` ends after the frozen director was woken, when it has had time to do harm. */
export type StepName = 'steady' | 'kill' | 'return' | 'freeze' | 'back' | 'stop';

/** `unmeasured`: nobody asked for long, so nothing was proved, whatever the other numbers say. */
export type BrokenPromise = 'two-owners' | 'outage' | 'late' | 'unmeasured';

/** What was done to a director, and what was seen from then on. */
export interface Step extends Seen {
  readonly name: StepName;
  /** Director that it was done to. */
  readonly director: string;
  /** Who answered for the address at the end. */
  readonly owner: string;
  /** The configured timers let the standby take over within this time; undefined where nobody has to. */
  readonly limit: Micros | undefined;
  /** Which promise was broken; undefined when all were kept. */
  readonly broken: BrokenPromise | undefined;
}

/** Tells what happens while it happens. */
export interface Teller {
  begin(name: StepName, director: SeenDirector, limit: Micros | undefined): void;
  /** Called while waiting, several times a second. */
  meanwhile(): void;
  end(step: Step): void;
}

export interface Stage {
  readonly pair: DirectorPair;
  readonly watch: Watch;
  /** The instance that owns the watched address, as each director runs it. */
  readonly instanceOf: (director: SeenDirector) => InstanceConfig;
  readonly teller: Teller;
  /** Ends the story early, by an AbortError out of whatever it is doing. */
  readonly signal: AbortSignal;
}

/**
 * What no timer of the protocol covers: the client's period, a neighbour cache that learns, an observer
 * that runs on the same busy machine as the observed.
 */
export const allowance = milliseconds(500);
const pollInterval_ms = 50;
const steadyTime = seconds(2);
/** Long enough for the peer to take over and to be seen serving before the frozen one comes back. */
const freezeTime = (takeover: Micros): Micros => micros(Math.max(seconds(6), takeover + seconds(1)));
/** What is still watched after the last change of owner. */
const afterglow = milliseconds(700);
/** Processes need a moment to start. */
const startTime = seconds(8);

/**
 * Starts both daemons.
 * @returns the director that owns the address
 * @throws LabError when none does in time
 */
export async function raiseCurtain(stage: Stage): Promise<SeenDirector> {
  const { pair, instanceOf } = stage;
  for (const director of pair.directors) pair.start(director);
  const favourite = pair.directors.toSorted((a, b) => priority(stage, b) - priority(stage, a)).at(0);
  if (favourite === undefined) throw new LabError('the lab file has no director');
  const limit = micros(takeoverBound(stage, favourite) + startTime + instanceOf(favourite).preempt.delay);
  // One that started first may be active for a moment, until the favourite takes the address from it.
  const { preempt } = instanceOf(favourite);
  const wanted = ({ name }: SeenDirector): boolean => preempt.mode === 'never' || name === favourite.name;
  return waitForOwner(stage, wanted, limit, `${favourite.name} owns the address`);
}

/**
 * @param active owns the address now
 * @returns every step, in order
 * @throws LabError when the address goes where it should not or nowhere
 */
export async function tellStory(stage: Stage, active: SeenDirector): Promise<readonly Step[]> {
  const { pair, watch } = stage;
  const first = cast(stage, active.name);
  const steps = [
    await step(stage, 'steady', first.active, undefined, async () => {
      await idle(stage, steadyTime);
      return first.active;
    }),
    await step(stage, 'kill', first.active, first.takeover, async () => {
      await pair.kill(first.active);
      return takenOver(stage, first);
    }),
    await step(stage, 'return', first.active, undefined, () => {
      pair.start(first.active);
      return afterReturn(stage, first);
    }),
  ];
  const second = cast(stage, steps.at(-1)?.owner);
  steps.push(
    await step(stage, 'freeze', second.active, second.takeover, async () => {
      const until = micros(watch.now() + freezeTime(second.takeover));
      await pair.freeze(second.active);
      const owner = await takenOver(stage, second);
      await idle(stage, micros(until - watch.now()));
      await pair.thaw(second.active);
      await idle(stage, stage.instanceOf(second.active).advert_int);
      return owner;
    }),
    await step(stage, 'back', second.active, undefined, () => afterReturn(stage, second)),
  );
  const third = cast(stage, steps.at(-1)?.owner);
  steps.push(
    await step(stage, 'stop', third.active, third.handover, async () => {
      await pair.stop(third.active);
      return takenOver(stage, third);
    }),
  );
  return steps;
}

/** Who plays the active and who the standby: without preemption they change places. */
interface Cast {
  readonly active: SeenDirector;
  readonly standby: SeenDirector;
  /** The standby takes over within this time when the active falls silent. */
  readonly takeover: Micros;
  /** ... and within this when it says goodbye. */
  readonly handover: Micros;
}

function cast(stage: Stage, owner: string | undefined): Cast {
  const active = stage.pair.directors.find(({ name }) => name === owner);
  const standby = stage.pair.directors.find(({ name }) => name !== owner);
  if (active === undefined || standby === undefined)
    throw new LabError('the lab file has one director only: there is no standby');
  const { priority, advert_int } = stage.instanceOf(standby);
  const takeover = takeoverBound(stage, standby);
  return { active, standby, takeover, handover: skewTime(priority, advert_int) };
}

async function step(
  stage: Stage,
  name: StepName,
  director: SeenDirector,
  limit: Micros | undefined,
  act: () => Promise<SeenDirector>,
): Promise<Step> {
  stage.teller.begin(name, director, limit);
  const from = stage.watch.now();
  const owner = await act();
  await idle(stage, afterglow);
  const seen = stage.watch.seen({ from, to: stage.watch.now() });
  const broken = brokenPromise(seen, name === 'return' || name === 'back', limit);
  const done: Step = { ...seen, name, director: director.name, owner: owner.name, limit, broken };
  stage.teller.end(done);
  return done;
}

/**
 * Who takes an address back from a living active advertises first; the other yields when it hears that (RFC
 * 9568 §6.4.3), so for that moment both answer. At any other time two owners are a broken promise, however
 * short.
 */
function brokenPromise(
  { client, ownership: { twoOwners, unknown, takeover } }: Seen,
  preempting: boolean,
  limit: Micros | undefined,
): BrokenPromise | undefined {
  if (twoOwners.total > (preempting ? allowance : 0)) return 'two-owners';
  if (unknown.longest > allowance) return 'unmeasured';
  if (client.longestOutage > (limit ?? 0) + allowance) return 'outage';
  // Where nobody asked at the very beginning it is undefined; that the standby came, the story waited for.
  return limit !== undefined && takeover !== undefined && takeover.after > limit + allowance
    ? 'late'
    : undefined;
}

const priority = (stage: Stage, director: SeenDirector): number => stage.instanceOf(director).priority;

const takeoverBound = ({ instanceOf }: Stage, director: SeenDirector): Micros => {
  const { priority: own, advert_int } = instanceOf(director);
  return activeDownInterval(own, advert_int);
};

const takenOver = (stage: Stage, { standby, takeover }: Cast): Promise<SeenDirector> =>
  waitForOwner(
    stage,
    ({ name }) => name === standby.name,
    micros(takeover + seconds(5)),
    `${standby.name} takes over`,
  );

/** With preemption the returned director takes the address back; without, it leaves it where it is. */
async function afterReturn(stage: Stage, { active: returned, standby }: Cast): Promise<SeenDirector> {
  const { preempt } = stage.instanceOf(returned);
  const bound = micros(takeoverBound(stage, returned) + startTime + preempt.delay);
  if (preempt.mode === 'always' && priority(stage, returned) > priority(stage, standby)) {
    const what = `${returned.name} takes the address back`;
    return waitForOwner(stage, ({ name }) => name === returned.name, bound, what);
  }
  await idle(stage, bound);
  return standby;
}

/** Waits until exactly one director answers, and it is a wanted one. */
async function waitForOwner(
  stage: Stage,
  wanted: (owner: SeenDirector) => boolean,
  limit: Micros,
  what: string,
): Promise<SeenDirector> {
  for (const started = stage.watch.now(); stage.watch.now() - started < limit;) {
    const [owner, second] = stage.watch.owners();
    if (owner !== undefined && second === undefined && wanted(owner)) return owner;
    await pause(stage);
  }
  throw new LabError(`waited ${formatDuration(limit)} in vain until ${what}`);
}

async function idle(stage: Stage, duration: Micros): Promise<void> {
  for (const until = stage.watch.now() + duration; stage.watch.now() < until;) await pause(stage);
}

async function pause({ teller, signal }: Stage): Promise<void> {
  await sleep(pollInterval_ms, undefined, { signal });
  teller.meanwhile();
}
