/** One real server of a pool: what its checks say, what an operator says, and the weight that comes of it. PURE */
import { earlier, type Micros } from '../base/time.ts';
import type { CheckReport } from '../healthcheck/types.ts';
import { endpoint } from '../ipvs/types.ts';
import type { Override, RealServer } from './types.ts';

/** A slow start goes in so many steps: each is a write to the kernel. */
const slowStartSteps = 10;

/** What is said of the server from outside its pool. */
export interface Surroundings {
  readonly reports: ReadonlyMap<string, CheckReport>;
  /** Of this server, the latest first. */
  readonly override: Override['to'] | undefined;
  readonly inMaintenance: boolean;
  /** Without a word of its checks it is down. */
  readonly alpha: boolean;
  readonly slow_start: Micros;
}

export interface ServerVerdict {
  readonly alive: boolean;
  /** It takes no new connections, because somebody wants it so. */
  readonly draining: boolean;
  /** Before slow start: configured, of a dynamic checker, or an operator's. */
  readonly weight: number;
  /** Why it is as it is, for people. */
  readonly words: string;
}

export class Server {
  config: RealServer;
  #alive: boolean | undefined;
  /** Since when it is alive; undefined when it was so from the beginning. */
  #risenAt: Micros | undefined;

  constructor(config: RealServer) {
    this.config = config;
  }

  get name(): string {
    return endpoint(this.config.destination);
  }

  copy(): Server {
    const copy = new Server(this.config);
    copy.#alive = this.#alive;
    copy.#risenAt = this.#risenAt;
    return copy;
  }

  /** Looks at it again. A change of life is remembered: slow start counts from it. */
  judge(around: Surroundings, now: Micros): ServerVerdict {
    const verdict = this.#verdict(around);
    if (verdict.alive && this.#alive === false) this.#risenAt = now;
    if (!verdict.alive) this.#risenAt = undefined;
    this.#alive = verdict.alive;
    return verdict;
  }

  /** The weight that slow start allows now. */
  ramped(weight: number, slow_start: Micros, now: Micros): number {
    const step = this.#step(slow_start, now);
    return weight === 0 || step >= slowStartSteps
      ? weight
      : Math.max(1, Math.round((weight * step) / slowStartSteps));
  }

  /** When slow start allows more. */
  nextStep(slow_start: Micros, now: Micros): Micros | undefined {
    const step = this.#step(slow_start, now);
    if (this.#risenAt === undefined || step >= slowStartSteps) return undefined;
    return Math.ceil(this.#risenAt + (step * slow_start) / slowStartSteps) as Micros;
  }

  /** 1 at the beginning, slowStartSteps when it is over. */
  #step(slow_start: Micros, now: Micros): number {
    if (this.#risenAt === undefined || slow_start === 0) return slowStartSteps;
    return 1 + Math.floor(((now - this.#risenAt) * slowStartSteps) / slow_start);
  }

  #verdict({ reports, override, inMaintenance, alpha }: Surroundings): ServerVerdict {
    const { checks, destination } = this.config;
    const said = checks.map((check) => ({ check, report: reports.get(check.id) }));
    const failed = said.filter(({ check, report }) => {
      const verdict = report?.verdict ?? 'unknown';
      return verdict === 'down' || (verdict === 'unknown' && (alpha || check.timing.alpha));
    });
    const dynamic = said.map(({ report }) => report?.weight).find((weight) => weight !== undefined);
    const healthy = failed.length === 0;
    const words = healthy
      ? checks.length === 0
        ? 'not checked'
        : said.map(({ report }) => report?.words ?? 'not checked yet').join('; ')
      : failed
          .map(({ check, report }) => `${check.checker.kind}: ${report?.words ?? 'not checked yet'}`)
          .join('; ');
    const weight = dynamic ?? destination.weight;
    if (inMaintenance) return { alive: healthy, draining: true, weight: 0, words: 'in maintenance' };
    switch (override) {
      case undefined:
        return { alive: healthy, draining: false, weight, words };
      case 'drain':
        return { alive: healthy, draining: true, weight: 0, words: 'drained by an operator' };
      case 'up':
        return { alive: true, draining: false, weight, words: `up by an operator; ${words}` };
      case 'down':
        return { alive: false, draining: false, weight, words: 'down by an operator' };
      default:
        return {
          alive: healthy,
          draining: false,
          weight: override.weight,
          words: `weight of an operator; ${words}`,
        };
    }
  }
}

export const firstOf = (instants: Iterable<Micros | undefined>): Micros | undefined => {
  let first: Micros | undefined;
  for (const at of instants) first = earlier(first, at);
  return first;
};
