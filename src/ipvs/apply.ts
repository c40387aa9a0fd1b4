/**
 * Levels: reads the table, plans, writes the difference, and says what came of it. Nothing is assumed of what was written
 * before: whatever happened to the table in between, the next round finds it and puts it right.
 */
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { IpvsLink, Refusal } from './link.ts';
import { type Change, plan, type Plan } from './plan.ts';
import { type ActualService, serviceName, type VirtualService } from './types.ts';

/** Names of the services that are ours, kept where a next life finds them. docs/decisions */
export interface Journal {
  read(): ReadonlySet<string>;
  /** On disk when it returns: it must be there before the kernel has what it names. */
  write(names: ReadonlySet<string>): void;
}

export interface Failure {
  readonly change: Change;
  readonly refusal: Refusal;
}

export interface Round {
  /** As it was found. */
  readonly actual: readonly ActualService[];
  readonly plan: Plan;
  readonly failures: readonly Failure[];
}

export class Reconciler {
  readonly #link: IpvsLink;
  readonly #journal: Journal;
  /** Rounds come one after the other: two that interleave would each undo the other's idea of the table. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: IpvsLink, journal: Journal) {
    this.#link = link;
    this.#journal = journal;
  }

  /** Nothing is wanted and nothing is ours: the kernel need not even have IPVS. */
  isIdle(desired: readonly VirtualService[], exclusive: boolean): boolean {
    return desired.length === 0 && !exclusive && this.#journal.read().size === 0;
  }

  /** What apply() would do now. */
  look(desired: readonly VirtualService[], exclusive: boolean): Promise<Result<Round, Refusal>> {
    return this.#next(() => this.#look(desired, exclusive));
  }

  apply(desired: readonly VirtualService[], exclusive: boolean): Promise<Result<Round, Refusal>> {
    return this.#next(async () => {
      const found = await this.#look(desired, exclusive);
      if (!found.ok) return found;
      const journal = this.#claim(desired);
      if (!journal.ok) return journal;
      return ok({ ...found.value, failures: await this.#write(desired, found.value, journal.value) });
    });
  }

  async #look(desired: readonly VirtualService[], exclusive: boolean): Promise<Result<Round, Refusal>> {
    const actual = await this.#link.read();
    if (!actual.ok) return err(actual.error);
    const journal = this.#journal.read();
    return ok({
      actual: actual.value,
      plan: plan(desired, actual.value, { journal, exclusive }),
      failures: [],
    });
  }

  /** Written down before the kernel is told. @returns what the journal said before */
  #claim(desired: readonly VirtualService[]): Result<ReadonlySet<string>, Refusal> {
    const journal = this.#journal.read();
    const claimed = new Set([...journal, ...namesOf(desired)]);
    const refused = claimed.size === journal.size ? undefined : this.#save(claimed);
    return refused === undefined ? ok(journal) : err(refused);
  }

  #save(names: ReadonlySet<string>): Refusal | undefined {
    try {
      this.#journal.write(names);
      return undefined;
    } catch (error) {
      return { errno: 0, text: `the journal of what is ours cannot be written: ${(error as Error).message}` };
    }
  }

  async #write(
    desired: readonly VirtualService[],
    { plan: { changes } }: Round,
    journal: ReadonlySet<string>,
  ): Promise<readonly Failure[]> {
    const answers = changes.length === 0 ? [] : await this.#link.write(changes.map(({ write }) => write));
    const failures = changes.flatMap((change, at): Failure[] => {
      const answer = answers[at];
      return answer?.ok === false ? [{ change, refusal: answer.error }] : [];
    });
    // What could not be removed stays ours; what is gone is forgotten, or a service of the same name made by hand later would go too.
    const kept = new Set([
      ...namesOf(desired),
      ...failures.map(({ change }) => change.service).filter((name) => journal.has(name)),
    ]);
    if (kept.size !== this.#journal.read().size) this.#save(kept);
    return failures;
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next;
    return next;
  }
}

const namesOf = (table: readonly VirtualService[]): readonly string[] =>
  table.map(({ service }) => serviceName(service.key));
