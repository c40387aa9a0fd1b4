import type { Director } from './director.ts';
import type { TogetherJudge } from './judge.ts';
import { type Paths } from '../paths.ts';
import type { Plan } from './scenario.ts';

/** What must be so when nothing has happened for long enough, whatever still stands. */
export class Peace {
  readonly #plan: Plan;
  readonly #directors: readonly Director[];
  readonly #judge: TogetherJudge;
  readonly #six: Paths;
  readonly #four: Paths;

  constructor(plan: Plan, directors: readonly Director[], judge: TogetherJudge, four: Paths, six: Paths) {
    this.#plan = plan;
    this.#directors = directors;
    this.#judge = judge;
    this.#four = four;
    this.#six = six;
  }

  look(): void {
    const serving = this.#directors.filter((director) =>
      director.station.configs.some((config) => director.stateOf(config) === 'active'),
    );
    const fit = this.#fit();
    const [active] = serving;
    if (serving.length !== Math.min(1, fit.length) || (active !== undefined && !fit.includes(active))) {
      const who = (some: readonly Director[]): string =>
        some.map(({ number }) => `r${number}`).join() || 'nobody';
      this.#judge.report(`in peace ${who(serving)} is Active, and it should be one of ${who(fit)}`);
    }
    for (const director of this.#directors) this.#lookAt(director, director === active);
    if (this.#plan.row === 'dual-stack' && active !== undefined) this.#silences(active);
  }

  /** Who may be Active now. */
  #fit(): readonly Director[] {
    const { row, preempts } = this.#plan;
    if (row === 'sync-group')
      return this.#directors.filter(({ station, kernel }) =>
        station.interfaces.every(({ index }) => kernel.hasCarrier(index)),
      );
    if (row === 'dual-stack') return this.#best(({ station }) => station.configs[0]!.priority);
    const worth = (director: Director): number => this.#judge.lifeOf(director).book.worth(0).priority;
    return this.#best(
      worth,
      this.#directors.filter((one) => !this.#judge.lifeOf(one).book.worth(0).fault),
      preempts,
    );
  }

  #best(
    priorityOf: (director: Director) => number,
    candidates = this.#directors,
    preempts = this.#plan.preempts,
  ): readonly Director[] {
    if (!preempts) return candidates;
    const highest = Math.max(...candidates.map(priorityOf));
    return candidates.filter((director) => priorityOf(director) === highest);
  }

  /** All addresses of all members and families, or none. */
  #lookAt(director: Director, active: boolean): void {
    for (const config of director.station.configs)
      for (const { address } of config.virtual_ipaddress)
        if (director.kernel.answers(address) !== active)
          this.#judge.report(
            `in peace r${director.number}, ${active ? '' : 'not '}Active, ` +
              `${active ? 'does not answer' : 'answers'} for ${address}`,
          );
    if (this.#plan.row !== 'trackers') return;
    const { priority } = this.#judge.lifeOf(director).book.worth(0);
    const [config] = director.station.configs;
    const said = config && director.statusOf(config)?.router.priority;
    if (said !== priority)
      this.#judge.report(`r${director.number} weighs ${said ?? 'nothing'}, not ${priority}`);
  }

  /** Every Backup names the family over which the Active does not reach it, and no other. */
  #silences(active: Director): void {
    for (const director of this.#directors) {
      const cut = ([4, 6] as const).filter((family) =>
        (family === 4 ? this.#four : this.#six).isCut(active.number, director.number),
      );
      const expected = director === active ? '' : cut.join();
      const said = director.statusOf(director.station.configs[0]!)?.silentFamilies ?? [];
      if ([...said].sort().join() !== expected)
        this.#judge.report(`r${director.number} calls IPv${said.join()} silent, and it is IPv${expected}`);
    }
  }
}
