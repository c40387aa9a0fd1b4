/**
 * What the parent does for its virtual servers: the director decides, the reconciler writes, the checks process looks at
 * real servers. Composed here, so that the daemon has one thing to configure, to ask and to stop.
 */
import { type Micros, seconds } from '../base/time.ts';
import type { Result } from '../base/result.ts';
import { checksOf, type DirectorAction } from '../director/director.ts';
import type { PoolStatus } from '../director/pool.ts';
import { DirectorRunner } from '../director/runner.ts';
import type { PoolsConfig } from '../director/types.ts';
import type { ScriptRun } from '../healthcheck/checkers/checker.ts';
import type { CheckReport } from '../healthcheck/types.ts';
import { Reconciler, type Round } from '../ipvs/apply.ts';
import type { IpvsLink, Refusal } from '../ipvs/link.ts';
import { changeText } from '../ipvs/plan-text.ts';
import { IpvsJournal } from '../kernel/ipvs-journal.ts';
import { native } from '../kernel/native.ts';
import { writeSnat } from '../kernel/snat.ts';
import { writeSysctls } from '../kernel/sysctls.ts';
import { ChecksGuardian } from './checks-guardian.ts';
import type { ScriptEnded, ToChecks, ToScriptRuns } from './checks-messages.ts';
import type { ToVrrp } from './messages.ts';
import { MaintenanceFolder } from './maintenance-folder.ts';
import { PoolTrackers } from './pool-trackers.ts';
import { poolsStatus, type PoolsStatus } from './pools-status.ts';

export interface PoolsHost {
  info(text: string, about?: object): void;
  warn(text: string, about?: object): void;
  toChecks(message: ToChecks): void;
  toScripts(message: ToScriptRuns): void;
  /** Whether it may preempt as far as its pools go, and what is tracked of them. */
  toVrrp(message: ToVrrp): void;
}

/** A script of a pool that came up or went down. */
const quorumScriptLimit = seconds(60);

export class Pools {
  readonly checks: ChecksGuardian;
  readonly #link: IpvsLink;
  readonly #host: PoolsHost;
  readonly #director: DirectorRunner;
  readonly #maintenance: MaintenanceFolder;
  readonly #trackers = new PoolTrackers();
  #config: PoolsConfig;
  #scriptUser: string;
  #quorumRuns = 0;
  readonly #running = new Set<string>();
  #scriptsOver: () => void = () => undefined;
  #ready = false;
  /** What vrrp was told. */
  #serving = false;
  #sysctlFaults: readonly string[] = [];

  /** @param folder of the daemon's own, under /run. @throws when it cannot be made, or the user is unknown */
  constructor(
    link: IpvsLink,
    folder: string,
    config: PoolsConfig,
    users: { readonly checks: string; readonly script: string },
    host: PoolsHost,
  ) {
    this.#link = link;
    this.#host = host;
    this.#config = config;
    this.#scriptUser = users.script;
    this.checks = new ChecksGuardian(users.checks);
    this.#director = new DirectorRunner(new Reconciler(link, new IpvsJournal(folder)), {
      now,
      quorum: (action) => this.#quorum(action),
      settled: (pools) => this.#track(pools),
      changed: (change, refusal) => {
        if (refusal === undefined) this.#say(changeText(change));
        else host.warn(`${changeText(change)}: refused, ${refusal.text}`);
      },
      drifted: (changes) =>
        host.warn(`the IPVS table was changed by another hand: ${changes.length} changes are put right`),
      unreadable: ({ text }) => host.warn(`the IPVS table cannot be read: ${text}`),
      rested: () => this.#lookServing(),
    });
    this.#maintenance = new MaintenanceFolder((names) =>
      this.#director.handle({ type: 'maintenance', names }),
    );
    this.checks.configure(config.virtual_server.flatMap(checksOf));
  }

  /** Why the file cannot be served on this kernel; undefined when it can, or asks for nothing. */
  get missing(): string | undefined {
    return this.#config.virtual_server.length > 0 ? this.#link.unavailable : undefined;
  }

  /** @param tracked names of the virtual servers that instances track */
  configure(config: PoolsConfig, scriptUser: string, tracked: ReadonlySet<string>): void {
    this.#config = config;
    this.#scriptUser = scriptUser;
    this.#trackers.configure(config.virtual_server, tracked);
    this.checks.configure(config.virtual_server.flatMap(checksOf));
    this.#host.toChecks(this.checks.configuration(false));
    this.#sysctlFaults = writeSysctls(config.sysctls);
    for (const fault of this.#sysctlFaults) this.#host.warn(fault);
    void writeSnat(config.snat).then((fault) => fault !== undefined && this.#host.warn(fault));
    this.#maintenance.watch(config.maintenance_dir);
    if (config.lvs_timeouts !== undefined)
      void this.#link.write([{ command: 'set-config', timeouts: config.lvs_timeouts }]).then(([answer]) => {
        if (answer?.ok === false) this.#host.warn(`lvs_timeouts: ${answer.error.text}`);
      });
    // First: whether a new pool is waited for is a matter of its own checks.
    this.#lookReady();
    this.#director.configure(config);
  }

  /** The checks process is there, for the first time or again. */
  checksStarted(): void {
    this.#host.toChecks(this.checks.configuration(true));
  }

  /** Pools stay as they are until a new one speaks; nobody waits for it with the VIP. */
  checksEnded(): void {
    this.#ready = true;
    this.#tellServing(true);
    this.#track(this.#director.status().pools);
  }

  reported(reports: readonly CheckReport[]): void {
    const ours = this.checks.heard(reports);
    for (const { id, verdict, words } of ours) this.#say(`check ${id} is ${verdict}: ${words}`);
    // All at once: the first words of thousands of checks come together.
    this.#director.handle({ type: 'reports', reports: ours });
    this.#lookReady();
  }

  /** The kernel first: a line of the log takes as long as a change of the table. */
  #say(text: string): void {
    setImmediate(() => this.#host.info(text));
  }

  #lookReady(): void {
    const checks = this.#config.virtual_server.flatMap(checksOf);
    this.#ready = checks.every(({ id }) => (this.checks.reports.get(id)?.verdict ?? 'unknown') !== 'unknown');
    this.#lookServing();
  }

  #track(pools: readonly PoolStatus[]): void {
    const { news, changed } = this.#trackers.look(pools, this.checks.reports, this.#ready);
    for (const { name, verdict, words } of changed)
      this.#host.info(`virtual_server ${name} is ${verdict}: ${words}`, { virtual_server: name });
    if (news.length > 0) this.#host.toVrrp({ type: 'trackers', reports: news });
  }

  /**
   * A director that was cut off has emptied its pools: with the VIP it waits until they are up again, and until the
   * kernel has been told so, for a SYN that comes before is refused.
   */
  #lookServing(): void {
    const serving = this.#ready && this.#director.status().pools.every(({ up }) => up);
    if (!serving || this.#director.isAtRest) this.#tellServing(serving);
  }

  #tellServing(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    this.#host.toVrrp({ type: 'checks', ready: serving });
  }

  /** All of it, to a vrrp process that was born again, or has been told to track other things. */
  tellVrrp(): void {
    this.#host.toVrrp({ type: 'checks', ready: this.#serving });
    this.#host.toVrrp({ type: 'trackers', reports: this.#trackers.said });
  }

  #quorum({ pool, up, script }: Extract<DirectorAction, { type: 'quorum' }>): void {
    this.#host.warn(`pool ${pool} is ${up ? 'up: it has its quorum' : 'DOWN: its quorum is lost'}`, {
      pool,
      up,
    });
    const [path, ...args] = script ?? [];
    if (path === undefined) return;
    const run: ScriptRun = {
      argv: [path, ...args],
      user: this.#scriptUser,
      environment: { VIPKEEPER_POOL: pool, VIPKEEPER_QUORUM: up ? 'up' : 'down' },
      timeout: quorumScriptLimit,
    };
    const name = `quorum.${++this.#quorumRuns}`;
    this.#running.add(name);
    this.#host.toScripts({ type: 'run-script', run: name, script: run });
  }

  /** A script of a check, or one of ours. */
  scriptEnded(message: ScriptEnded): void {
    const { run, end } = message;
    if (!this.#running.delete(run)) {
      this.#host.toChecks(message);
      return;
    }
    if (end.type === 'refused') this.#host.warn(`quorum script: ${end.why}`);
    else if (end.code !== 0)
      this.#host.warn(`quorum script: exit ${end.code ?? end.signal}`, { stderr: end.stderr });
    if (this.#running.size === 0) this.#scriptsOver();
  }

  /** What a reload of this configuration would write. */
  preview(config: PoolsConfig): Promise<Result<Round, Refusal>> {
    return this.#director.preview(config);
  }

  get director(): DirectorRunner {
    return this.#director;
  }

  status(): PoolsStatus {
    return poolsStatus({
      at: now(),
      director: this.#director.status(),
      reports: this.checks.reports,
      config: this.#config,
      unavailable: this.#link.unavailable,
      ready: this.#ready,
      sysctlFaults: this.#sysctlFaults,
    });
  }

  /** @param limit_ms for the scripts that are told last */
  async stop(limit_ms: number): Promise<void> {
    this.#maintenance.watch(undefined);
    await this.#director.stop(this.#config.on_stop === 'keep');
    if (this.#config.on_stop === 'remove') await writeSnat([]);
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#scriptsOver = resolve;
      setTimeout(resolve, limit_ms).unref();
    });
  }
}

const now = (): Micros => native.now() as Micros;
