/**
 * The first failover a newcomer sees: one pair of directors, one address, and what may happen to the
 * active, each time judged from outside against what the configuration promises.
 */
import type { Micros } from '../base/time.ts';
import { micros, seconds } from '../base/time.ts';
import { LabError } from '../lab/command.ts';
import { activeDownInterval, skewTime } from '../vrrp/timers.ts';
import type { SeenDirector } from './judge-seat.ts';
import { serverSteps } from './server-story.ts';
import { idle, startTime, step, type Stage, type Step, until } from './story-step.ts';

const steadyTime = seconds(2);
/** Long enough for the peer to take over and to be seen serving before the frozen one comes back. */
const freezeTime = (takeover: Micros): Micros => micros(Math.max(seconds(6), takeover + seconds(1)));

/**
 * Starts the real servers and both daemons.
 * @returns the director that owns the address
 * @throws LabError when none does in time
 */
export async function raiseCurtain(stage: Stage): Promise<SeenDirector> {
  const { pair, site, instanceOf } = stage;
  for (const server of site?.servers.servers ?? []) site?.servers.start(server);
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
    ...(await serverSteps(stage, first.active)),
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
function waitForOwner(
  stage: Stage,
  wanted: (owner: SeenDirector) => boolean,
  limit: Micros,
  what: string,
): Promise<SeenDirector> {
  const look = (): SeenDirector | undefined => {
    const [owner, second] = stage.watch.owners();
    return owner !== undefined && second === undefined && wanted(owner) ? owner : undefined;
  };
  return until(stage, look, limit, what);
}
