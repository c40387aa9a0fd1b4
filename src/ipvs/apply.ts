/**
 * Levels: reads the table, plans, writes the difference, and says what came of it. Nothing is assumed of what was written
 * before: whatever happened to the table in between, the next round finds it and puts it right. Only what is urgent is
 * written before the table is read, which takes half a second where it is large: against the table as it was read last,
 * and then looked at like anything else.
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
  /** With what was urgent, and written before. */
  readonly plan: Plan;
  readonly failures: readonly Failure[];
}

export class Reconciler {
  readonly #link: IpvsLink;
  readonly #journal: Journal;
  /** Rounds come one after the other: two that interleave would each undo the other's idea of the table. */
  #last: Promise<unknown> = Promise.resolve();
  /** As it was read when there was nothing to write; undefined when we have written since. */
  #settled: readonly ActualService[] | undefined;

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

  /** @param urgent connections go to a server that is dead, or none to one that lives */
  apply(
    desired: readonly VirtualService[],
    exclusive: boolean,
    urgent = false,
  ): Promise<Result<Round, Refusal>> {
    return this.#next(async () => {
      const early = urgent ? await this.#writeEarly(desired, exclusive) : [];
      const found = await this.#look(desired, exclusive);
      if (!found.ok) return found;
      const journal = this.#claim(desired);
      if (!journal.ok) return journal;
      const { actual, plan } = found.value;
      const failures = await this.#write(plan.changes);
      this.#settled = plan.changes.length === 0 ? actual : undefined;
      this.#forget(desired, failures, journal.value);
      return ok({ actual, plan: { ...plan, changes: [...early, ...plan.changes] }, failures });
    });
  }

  /** @returns what the kernel has taken; the rest is planned again when the table has been read */
  async #writeEarly(desired: readonly VirtualService[], exclusive: boolean): Promise<readonly Change[]> {
    if (this.#settled === undefined || !this.#claim(desired).ok) return [];
    const { changes } = plan(desired, this.#settled, { journal: this.#journal.read(), exclusive });
    this.#settled = undefined;
    const failed = new Set((await this.#write(changes)).map(({ change }) => change));
    return changes.filter((change) => !failed.has(change));
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

  async #write(changes: readonly Change[]): Promise<readonly Failure[]> {
    const answers = changes.length === 0 ? [] : await this.#link.write(changes.map(({ write }) => write));
    return changes.flatMap((change, at): Failure[] => {
      const answer = answers[at];
      return answer?.ok === false ? [{ change, refusal: answer.error }] : [];
    });
  }

  #forget(
    desired: readonly VirtualService[],
    failures: readonly Failure[],
    journal: ReadonlySet<string>,
  ): void {
    // What could not be removed stays ours; what is gone is forgotten, or a service of the same name made by hand later would go too.
    const kept = new Set([
      ...namesOf(desired),
      ...failures.map(({ change }) => change.service).filter((name) => journal.has(name)),
    ]);
    if (kept.size !== this.#journal.read().size) this.#save(kept);
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next;
    return next;
  }
}

const namesOf = (table: readonly VirtualService[]): readonly string[] =>
  table.map(({ service }) => serviceName(service.key));
