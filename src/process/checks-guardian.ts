/** What the parent keeps for the checks process: the last reports, and the rights its sockets take. */
import { type Need, needsOf } from '../healthcheck/origin.ts';
import type { CheckDefinition, CheckReport } from '../healthcheck/types.ts';
import { checksAccount } from './account.ts';
import { maxProbes, type ToChecks } from './checks-messages.ts';

export class ChecksGuardian {
  readonly #reports = new Map<string, CheckReport>();
  readonly #account: readonly string[];
  #checks: readonly CheckDefinition[] = [];
  #ids: ReadonlySet<string> = new Set();

  /** @param user of the checks process. @throws when there is no such user */
  constructor(user: string) {
    this.#account = checksAccount(user);
  }

  /** Of the process, each time that it starts: `{ title, module, get args() { return guardian.args } }`. */
  get args(): readonly string[] {
    const needs: readonly Need[] = needsOf(this.#checks, maxProbes);
    return [...this.#account, JSON.stringify(needs)];
  }

  /** The last word on each check that is configured, whichever process found it. */
  get reports(): ReadonlyMap<string, CheckReport> {
    return this.#reports;
  }

  /** Before the process starts, and with every configuration. */
  configure(checks: readonly CheckDefinition[]): void {
    this.#checks = checks;
    this.#ids = new Set(checks.map(({ id }) => id));
    for (const id of this.#reports.keys()) if (!this.#ids.has(id)) this.#reports.delete(id);
  }

  /** @param fresh it has just started; one that runs knows better than we do */
  configuration(fresh: boolean): ToChecks {
    return { type: 'configure', checks: this.#checks, known: fresh ? [...this.#reports.values()] : [] };
  }

  /** @returns those that are of checks still configured */
  heard(reports: readonly CheckReport[]): readonly CheckReport[] {
    const ours = reports.filter(({ id }) => this.#ids.has(id));
    for (const report of ours) this.#reports.set(report.id, report);
    return ours;
  }
}
