/**
 * The parent process "vipkeeper": reads the file, starts and watches the children, keeps the IPVS table, answers on the
 * control socket. Composition root: machines and runners meet here and nowhere else.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { after, type Micros } from './base/time.ts';
import { err, ok, type Result } from './base/result.ts';
import { loadConfig, type NodeName } from './config/load.ts';
import { renderError } from './config/report.ts';
import type { Config } from './config/types.ts';
import type {
  Admission,
  Control,
  Override,
  PlanAnswer,
  ProcessName,
  ProcessStatus,
  Snapshot,
} from './control.ts';
import { declaredBy } from './director/director.ts';
import { removalOf, removalText } from './ipvs/guard.ts';
import type { IpvsLink } from './ipvs/link.ts';
import type { Plan } from './ipvs/plan.ts';
import { openKernelIpvs } from './kernel/ipvs.ts';
import { native } from './kernel/native.ts';
import { openNftForward } from './kernel/nft-forward.ts';
import { pssOf } from './kernel/process-memory.ts';
import { secretReader } from './kernel/secret-file.ts';
import { ServiceManager } from './kernel/service-manager.ts';
import { admission } from './process/admission.ts';
import { ScriptsChild, startChecks } from './process/bystanders.ts';
import type { FromChecks, ToChecks } from './process/checks-messages.ts';
import type { Child } from './process/child.ts';
import { Pools } from './process/pools.ts';
import { trackedNames, trackerDefinitions } from './process/scripts-guardian.ts';
import { VrrpChild } from './process/vrrp-child.ts';

export interface DaemonOptions {
  readonly file: string;
  readonly node: NodeName;
  /** Of its own, under /run: the journal of what is ours in the kernel. */
  readonly folder: string;
}

const beatInterval_ms = 1_000;
const stopLimit_ms = 3_000;

export class Daemon implements Control {
  /** Who may ask for the snapshot. */
  readonly admission: Admission = admission();
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #startedAt = native.now() as Micros;
  readonly #serviceManager = new ServiceManager(process.env['NOTIFY_SOCKET']);
  readonly #vrrp: VrrpChild;
  readonly #scripts: ScriptsChild;
  readonly #checks: Child<ToChecks, FromChecks>;
  readonly #pools: Pools;
  readonly #beat: NodeJS.Timeout;
  #config: Config;
  #loadedAt: Micros;
  #refused: { readonly at: Micros; readonly errors: readonly string[] } | undefined;

  /** @throws when this machine cannot run it */
  static async start(options: DaemonOptions, config: Config, log: Logger): Promise<Daemon> {
    // The socket is for the whole life: a module that is loaded later is found by the next round.
    const link = config.pools.data_plane === 'nftables' ? await openNftForward() : await openKernelIpvs();
    return new Daemon(options, config, log, link);
  }

  private constructor(options: DaemonOptions, config: Config, log: Logger, link: IpvsLink) {
    this.#options = options;
    this.#config = config;
    this.#log = log;
    this.#loadedAt = this.#startedAt;
    const { checks_user: checks, script_user: script } = config.process;
    this.#pools = new Pools(
      link,
      options.folder,
      config.pools,
      { checks, script },
      {
        info: (text, about = {}) => log.info(about, text),
        warn: (text, about = {}) => log.warn(about, text),
        toChecks: (message) => this.#checks.send(message),
        toScripts: (message) => this.#scripts.child.send(message),
        toVrrp: (message) => this.#vrrp.child.send(message),
      },
    );
    this.#vrrp = new VrrpChild(log, {
      started: () => {
        this.#configureVrrp();
        this.#scripts.introduce();
      },
      trackerChannel: (channel) => this.#scripts.connect(channel),
    });
    this.#scripts = new ScriptsChild(log, {
      started: () => this.#configureScripts(true),
      introduce: (sender) => this.#vrrp.child.send(sender),
      scriptEnded: (message) => this.#pools.scriptEnded(message),
    });
    this.#checks = startChecks(log, () => this.#pools.checks.args, {
      started: () => this.#pools.checksStarted(),
      ended: () => this.#pools.checksEnded(),
      reported: (reports) => this.#pools.reported(reports),
      script: (message) => this.#scripts.child.send(message),
    });
    this.#configurePools();
    this.#tellMissing();
    this.#beat = setInterval(() => this.#sendBeats(), beatInterval_ms);
    log.info({ file: options.file, instances: config.vrrp_instance.length }, 'started');
    this.#serviceManager.ready(`node ${config.node}`);
  }

  /** SIGHUP: a file with mistakes changes nothing. @returns why it is not in force, if so */
  reload(): readonly string[] {
    return this.#reloadTo(this.#load(), false);
  }

  #reloadTo(loaded: Result<Config, readonly string[]>, allowRemoval: boolean): readonly string[] {
    this.#serviceManager.reloading();
    const { file } = this.#options;
    const errors = loaded.ok ? this.#objections(loaded.value, allowRemoval) : loaded.error;
    if (loaded.ok && errors.length === 0) this.#take(loaded.value);
    else {
      this.#refused = { at: native.now() as Micros, errors };
      for (const error of errors) this.#log.error(error);
      this.#log.error({ file }, 'reload refused: the configuration before it stays in force');
    }
    this.#serviceManager.ready(`node ${this.#config.node}`);
    return errors;
  }

  #load(): Result<Config, readonly string[]> {
    const { file, node } = this.#options;
    let text: Uint8Array;
    try {
      text = readFileSync(file);
    } catch (error) {
      return err([`${file}: cannot be read: ${(error as Error).message}`]);
    }
    const loaded = loadConfig(text, file, node, secretReader(file));
    return loaded.ok ? ok(loaded.value.config) : err(loaded.error.map(renderError));
  }

  /** A file without a mistake in it may be one. */
  #objections(config: Config, allowRemoval: boolean): readonly string[] {
    const { file } = this.#options;
    const [now, then] = [this.#config.pools.data_plane, config.pools.data_plane];
    if (now !== then) return [`${file}: data_plane is ${now} until a restart, and would be ${then}`];
    const removal = removalOf(declaredBy(this.#config.pools), declaredBy(config.pools));
    return removal.refused && !allowRemoval ? [`${file}: ${removalText(removal)}`] : [];
  }

  #take(config: Config): void {
    this.#config = config;
    this.#loadedAt = native.now() as Micros;
    this.#refused = undefined;
    this.#configurePools();
    this.#tellMissing();
    this.#configureVrrp();
    this.#configureScripts(false);
    this.#log.info({ file: this.#options.file }, 'reloaded');
  }

  /** Control: what a reload would write into the IPVS table. */
  plan(): Promise<PlanAnswer> {
    return this.#planOf(this.#load());
  }

  async #planOf(loaded: Result<Config, readonly string[]>): Promise<PlanAnswer> {
    if (!loaded.ok) return { errors: loaded.error };
    const round = await this.#pools.preview(loaded.value.pools);
    if (!round.ok) return { errors: [`the IPVS table cannot be read: ${round.error.text}`] };
    const { plan } = round.value;
    return { plan, digest: digestOf(plan) };
  }

  /** Control: reloads, if that would still do what was planned, whatever the guard would say. */
  async apply(digest: string): Promise<readonly string[]> {
    // Read once: a file that changes while the kernel answers must not slip in behind the digest.
    const loaded = this.#load();
    const planned = await this.#planOf(loaded);
    if ('errors' in planned) return planned.errors;
    if (planned.digest !== digest)
      return [
        `the plan is another one by now (${planned.digest}): file, health or kernel have changed. Plan again`,
      ];
    return this.#reloadTo(loaded, true);
  }

  override(override: Override | { readonly real_server: string; readonly virtual_server?: string }): void {
    if ('to' in override) this.#pools.director.handle({ type: 'override', override });
    else this.#pools.director.handle({ type: 'release', ...override });
  }

  /** Hands over, then ends: the VIPs leave with a farewell before anything else stops. */
  async stop(): Promise<void> {
    this.#serviceManager.stopping();
    clearInterval(this.#beat);
    await this.#vrrp.child.stop(stopLimit_ms);
    await this.#pools.stop(stopLimit_ms);
    await Promise.all([this.#checks.stop(stopLimit_ms), this.#scripts.child.stop(stopLimit_ms)]);
    await this.#vrrp.close(stopLimit_ms);
    this.#log.info('stopped');
  }

  async snapshot(): Promise<Snapshot> {
    const [vrrp, scripts] = await Promise.all([this.#vrrp.status(), this.#scripts.status()]);
    return {
      version: 1,
      at: native.now() as Micros,
      node: this.#config.node,
      startedAt: this.#startedAt,
      configuration: {
        file: this.#options.file,
        loadedAt: this.#loadedAt,
        ...(this.#refused !== undefined && { refused: this.#refused }),
      },
      processes: this.#processes(),
      vrrp,
      scripts,
      pools: this.#pools.status(),
    };
  }

  #configureVrrp(): void {
    const { vrrp_instance: instances, process: settings, trackers: tracked } = this.#config;
    const trackers = trackerDefinitions(tracked, instances);
    const { vrrp_rt_priority: realtime, parent_silence: parentSilence } = settings;
    const startAt = after(this.#startedAt, settings.vrrp_startup_delay);
    const kept = this.#pools.missing === undefined ? undefined : ('data-plane-missing' as const);
    const wanted = {
      type: 'configure',
      instances,
      trackers,
      realtime,
      parentSilence,
      startAt,
      kept,
    } as const;
    this.#vrrp.child.configure(wanted);
    this.#pools.tellVrrp();
  }

  #configureScripts(fresh: boolean): void {
    const { node, trackers } = this.#config;
    this.#scripts.configure(node, trackers, fresh);
  }

  #configurePools(): void {
    const { pools, process: settings, vrrp_instance: instances } = this.#config;
    this.#pools.configure(pools, settings.script_user, trackedNames('virtual_server', instances));
  }

  #tellMissing(): void {
    const { missing } = this.#pools;
    if (missing !== undefined)
      this.#log.error(
        `the file has virtual servers, and ${missing}: no instance takes part, because clients would come to a director that forwards nothing`,
      );
  }

  #sendBeats(): void {
    const children = Object.values(this.#children());
    for (const child of children) child.send({ type: 'beat' });
    if (children.every(({ beats }) => beats)) this.#serviceManager.alive();
  }

  #children() {
    return { vrrp: this.#vrrp.child, checks: this.#checks, scripts: this.#scripts.child };
  }

  #processes(): readonly ProcessStatus[] {
    const children = Object.entries(this.#children()).map(([name, child]): ProcessStatus => {
      const { pid, restarts, state } = child;
      return {
        name: name as ProcessName,
        pid,
        state,
        restarts,
        pss_KiB: pid === undefined ? undefined : pssOf(pid),
      };
    });
    const { pid } = process;
    return [{ name: 'vipkeeper', pid, state: 'running', restarts: 0, pss_KiB: pssOf(pid) }, ...children];
  }
}

/** Of what would be written: the effects on connections change all the time. */
const digestOf = ({ changes }: Plan): string =>
  createHash('sha256')
    .update(JSON.stringify(changes.map(({ write }) => write)))
    .digest('hex')
    .slice(0, 16);
