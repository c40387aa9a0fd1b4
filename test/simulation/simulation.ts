import type { Micros } from '../../src/base/time.ts';
import { seconds } from '../../src/base/time.ts';
import { MemoryNetwork } from '../../src/kernel/memory-network.ts';
import { type FaultCounts, Faults } from './faults.ts';
import { Judge } from './judge.ts';
import { type PacketCounts, Paths } from './paths.ts';
import { describe, Router } from './router.ts';
import type { SimulatedPacket } from './simulated-link.ts';
import { type BreakableRule, sabotage } from './sabotage.ts';
import { contested, drawScenario, type Scenario } from './scenario.ts';
import { watchWallClock } from './wall-clock.ts';
import { World } from './world.ts';

export interface SimulationReport {
  readonly seed: number;
  /** Of everything that happened: equal for two runs of one seed. */
  readonly hash: string;
  readonly violations: readonly string[];
  readonly faults: FaultCounts;
  readonly packets: PacketCounts;
  readonly stats: Judge['stats'] & Judge['overlaps']['stats'];
}

export interface SimulationOptions {
  readonly broken?: BreakableRule;
  readonly tell?: (line: string) => void;
}

const faultsBegin = seconds(5);
const faultsEnd = seconds(540);
const end = seconds(600);
const meanPause = 7_000_000;

/** Ten minutes of one world: two to five routers, faults for nine of them, then peace. */
export function simulate(seed: number, { broken, tell }: SimulationOptions = {}): SimulationReport {
  const saboteur = sabotage(broken);
  const clock = watchWallClock();
  try {
    const world = new World(seed, tell);
    const scenario = drawScenario(world);
    const judge = new Judge(world, contested(scenario));
    const paths = new Paths(world, scenario.routers, (from, to) => judge.overlaps.pathFailed(from, to));
    const routers: Router[] = [];
    const network = new MemoryNetwork(world, (from, to) =>
      routers[from]!.hasCarrier && routers[to]!.hasCarrier ? paths.carry(from, to) : [],
    );
    for (const [at, config] of scenario.configs.entries()) {
      const router = new Router(at, config, world, judge, saboteur.broken, (packet) =>
        network.send(at, packet),
      );
      router.kernel.refusesLapsed = saboteur.broken.revivesLapsed !== true;
      network.attach((packet) => router.receive(packet as SimulatedPacket));
      routers.push(router);
      judge.overlaps.add(router);
      world.at(world.integer(0, 4_000_000) as Micros, () => router.start());
    }
    const faults = new Faults(world, scenario, routers, paths, judge);
    for (const { number, config } of routers) world.trace(number, describe(config));
    world.at(faultsBegin, () => judge.watchService(routers));
    world.at(faultsBegin, () => faults.schedule(meanPause));
    world.at(faultsEnd, () => {
      faults.healPaths();
      faults.cease();
    });
    world.at((faultsEnd + convergence(scenario)) as Micros, () => judge.overlaps.settle());
    world.run(end);
    judge.overlaps.finish();
    if (clock.looks() > 0) judge.report(`somebody looked at the wall clock ${clock.looks()} times`);
    return {
      seed,
      hash: world.hash,
      violations: judge.violations,
      faults: faults.counts,
      packets: paths.counts,
      stats: { ...judge.stats, ...judge.overlaps.stats },
    };
  } finally {
    clock.undo();
    saboteur.undo();
  }
}

/** A whole wait of the slowest, its preemption delay, a retry after a refusal, and reaction. */
const convergence = ({ shortest }: Scenario): number => 2 * 4 * shortest + 4_000_000 + 5_000_000 + 2_000_000;
