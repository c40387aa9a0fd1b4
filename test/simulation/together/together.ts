import type { Family } from '../../../src/base/ip.ts';
import { type Micros, seconds } from '../../../src/base/time.ts';
import { MemoryNetwork } from '../../../src/kernel/memory-network.ts';
import { Paths } from '../paths.ts';
import type { SimulatedPacket } from '../simulated-link.ts';
import { watchWallClock } from '../wall-clock.ts';
import { World } from '../world.ts';
import { Director } from './director.ts';
import { TogetherJudge } from './judge.ts';
import { Peace } from './peace.ts';
import { type BreakableRule, sabotage } from './sabotage.ts';
import { drawPlan, interfaceIndex, mostDelay, type Plan, type Row } from './scenario.ts';
import { type StormCounts, Storms } from './storms.ts';
import { Tellers } from './tellers.ts';

export interface TogetherReport {
  readonly seed: number;
  readonly row: Row;
  /** Of everything that happened: equal for two runs of one seed. */
  readonly hash: string;
  readonly violations: readonly string[];
  readonly faults: StormCounts;
  readonly stats: TogetherJudge['stats'] & TogetherJudge['pairs']['stats'] & { readonly lost: number };
}

export interface TogetherOptions {
  readonly broken?: BreakableRule;
  readonly tell?: (line: string) => void;
}

const storms = 5;
const lastMinute = seconds(60);

/** Storms, each followed by a peace in which one family or one link may stay broken; at the end nothing is. */
export function simulateTogether(
  seed: number,
  row: Row,
  { broken, tell }: TogetherOptions = {},
): TogetherReport {
  const undo = sabotage(broken);
  const clock = watchWallClock();
  try {
    const world = new World(seed, tell);
    const plan = drawPlan(world, row);
    for (const [at, { configs }] of plan.stations.entries())
      for (const { name, interface: on, families, priority, preempt } of configs)
        world.trace(
          at,
          `${name} on ${on}: priority ${priority}, IPv${families.join('+')}, preempt ${preempt.mode} after ${preempt.delay / 1e6} s, advert_int ${plan.advert_int / 1e3} ms`,
        );
    const judge = new TogetherJudge(world, plan);
    const paths = Array.from({ length: plan.links }, () => drawPaths(world, plan, judge));
    const directors = connect(world, plan, judge, paths);
    const tellers = new Tellers(world, directors);
    const faults = new Storms(world, plan, directors, (link, family) => paths[link]![family], tellers);
    const peace = new Peace(plan, directors, judge, paths[0]![4], paths[0]![6]);
    const settling = settlingTime(plan);
    let at = 5_000_000;
    for (let left = storms; left > 0; left--) {
      const calmAt = at + world.integer(10_000_000, 40_000_000);
      const endOfCalm = calmAt + settling + (left === 1 ? lastMinute : 20_000_000);
      world.at(at as Micros, () => {
        judge.storm();
        faults.begin();
      });
      world.at(calmAt as Micros, () => {
        faults.cease();
        if (left === 1) faults.heal();
        else faults.stand();
      });
      // Whoever was away is back.
      world.at((calmAt + 2_500_000) as Micros, () => judge.calm(settling - 2_500_000));
      world.at((calmAt + settling) as Micros, () => peace.look());
      world.at((endOfCalm - 1) as Micros, () => peace.look());
      at = endOfCalm;
    }
    world.run(at as Micros);
    judge.pairs.finish();
    if (clock.looks() > 0) judge.report(`somebody looked at the wall clock ${clock.looks()} times`);
    const lost = paths.flatMap((of) => [of[4], of[6]]).reduce((sum, { counts }) => sum + counts.lost, 0);
    return {
      ...{ seed, row, hash: world.hash, violations: judge.violations, faults: faults.counts },
      stats: { ...judge.stats, ...judge.pairs.stats, lost },
    };
  } finally {
    clock.undo();
    undo();
  }
}

/**
 * Two waits of the slowest, a delayed preemption, a retry after a refusal, and silence of a tracker. A group may come out of
 * the storm with its longest hold-down before it.
 */
const settlingTime = ({ row, advert_int }: Plan): number =>
  (row === 'sync-group' ? 40 : 2) * 4 * advert_int + mostDelay + 5_000_000 + 4_000_000 + 2_000_000;

type PathsOfLink = Readonly<Record<Family, Paths>>;

const drawPaths = (world: World, { stations }: Plan, judge: TogetherJudge): PathsOfLink => ({
  4: new Paths(world, stations.length, (from, to) => judge.pairs.pathFailed(4, from, to)),
  6: new Paths(world, stations.length, (from, to) => judge.pairs.pathFailed(6, from, to)),
});

function connect(
  world: World,
  plan: Plan,
  judge: TogetherJudge,
  paths: readonly PathsOfLink[],
): readonly Director[] {
  const directors: Director[] = [];
  const networks = paths.map(
    (of, link) =>
      new MemoryNetwork(world, (from, to, { family }) =>
        [from, to].every((end) => directors[end]!.kernel.hasCarrier(interfaceIndex(link)))
          ? of[family].carry(from, to)
          : [],
      ),
  );
  for (const [at, station] of plan.stations.entries()) {
    const director = new Director(at, station, world, judge, (link, packet) =>
      networks[link]!.send(at, packet),
    );
    for (const [link, network] of networks.entries())
      network.attach((packet) => director.receive(link, packet as SimulatedPacket));
    directors.push(director);
    judge.pairs.add(director);
    world.at(world.integer(0, 4_000_000) as Micros, () => director.start());
  }
  return directors;
}
