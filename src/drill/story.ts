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

/** @returns every step, in order @throws LabError when the address goes where it should not or nowhere */
export async function tellStory(stage: Stage): Promise<readonly Step[]> {
  const { pair, instanceOf } = stage;
  const [active] = stage.watch.owners();
  if (active === undefined) throw new LabError('nobody owns the address: there is nothing to show');
  const standby = pair.directors.find(({ name }) => name !== active.name);
  if (standby === undefined) throw new LabError('the lab file has one director only: there is no standby');
  const takeover = takeoverBound(stage, standby);
  const { priority: ownPriority, advert_int } = instanceOf(standby);
  const handover = skewTime(ownPriority, advert_int);

  return [
    await step(stage, 'steady', active, undefined, async () => {
      await idle(stage, steadyTime);
      return active;
    }),
    await step(stage, 'kill', active, takeover, async () => {
      await pair.kill(active);
      return takenOverBy(stage, standby, takeover);
    }),
    await step(stage, 'return', active, undefined, () => {
      pair.start(active);
      return afterReturn(stage, active, standby);
    }),
    await step(stage, 'freeze', active, takeover, async () => {
      const until = micros(stage.watch.now() + freezeTime(takeover));
      await pair.freeze(active);
      const owner = await takenOverBy(stage, standby, takeover);
      await idle(stage, micros(until - stage.watch.now()));
      await pair.thaw(active);
      await idle(stage, advert_int);
      return owner;
    }),
    await step(stage, 'back', active, undefined, () => afterReturn(stage, active, standby)),
    await step(stage, 'stop', active, handover, async () => {
      await pair.stop(active);
      return takenOverBy(stage, standby, takeover);
    }),
  ];
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
  if (limit === undefined) return undefined;
  return takeover === undefined || takeover.after > limit + allowance ? 'late' : undefined;
}

const priority = (stage: Stage, director: SeenDirector): number => stage.instanceOf(director).priority;

const takeoverBound = ({ instanceOf }: Stage, director: SeenDirector): Micros => {
  const { priority: own, advert_int } = instanceOf(director);
  return activeDownInterval(own, advert_int);
};

const takenOverBy = (stage: Stage, standby: SeenDirector, takeover: Micros): Promise<SeenDirector> =>
  waitForOwner(
    stage,
    ({ name }) => name === standby.name,
    micros(takeover + seconds(5)),
    `${standby.name} takes over`,
  );

/** With preemption the returned director takes the address back; without, it leaves it where it is. */
async function afterReturn(stage: Stage, returned: SeenDirector, other: SeenDirector): Promise<SeenDirector> {
  const { preempt } = stage.instanceOf(returned);
  const bound = micros(takeoverBound(stage, returned) + startTime + preempt.delay);
  const preempts = preempt.mode === 'always' && priority(stage, returned) > priority(stage, other);
  if (preempts)
    return waitForOwner(
      stage,
      ({ name }) => name === returned.name,
      bound,
      `${returned.name} takes the address back`,
    );
  await idle(stage, bound);
  return other;
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
