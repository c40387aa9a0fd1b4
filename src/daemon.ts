/**
 * The parent process "vipkeeper": reads the file, starts and watches the children, finishes for a dead vrrp process,
 * answers on the control socket. Composition root: machines and runners meet here and nowhere else.
 */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { after, type Micros } from './base/time.ts';
import { loadConfig, type NodeName } from './config/load.ts';
import { renderError } from './config/report.ts';
import type { Config } from './config/types.ts';
import type { Admission, Control, ProcessName, ProcessStatus, Snapshot } from './control.ts';
import { native } from './kernel/native.ts';
import { pssOf } from './kernel/process-memory.ts';
import { secretReader } from './kernel/secret-file.ts';
import { ServiceManager } from './kernel/service-manager.ts';
import { checksAccount } from './process/account.ts';
import { admission } from './process/admission.ts';
import { Child, type ChildHandlers } from './process/child.ts';
import type { ChildBeat, FromVrrp, ToChild, ToVrrp } from './process/messages.ts';
import { realtimeLoopOptions } from './process/node-options.ts';
import { Question } from './process/question.ts';
import { ScriptsGuardian, trackerDefinitions } from './process/scripts-guardian.ts';
import type { FromScripts, ScriptsStatus, ToScripts } from './process/scripts-messages.ts';
import { VrrpGuardian } from './process/vrrp-guardian.ts';
import type { VrrpStatus } from './vrrp/status.ts';

export interface DaemonOptions {
  readonly file: string;
  readonly node: NodeName;
}

/** vrrp beats every 100 ms and must be replaced well inside the life of a lease; the others beat every 500 ms. */
const vrrpSilence_ms = 1_000;
const childSilence_ms = 5_000;
const beatInterval_ms = 1_000;
const stopLimit_ms = 3_000;
/** A status that vrrp does not give in this time is shown as it last was, with its age. */
const statusLimit_ms = 500;

export class Daemon implements Control {
  /** Who may ask for the snapshot. */
  readonly admission: Admission = admission();
  readonly #options: DaemonOptions;
  readonly #log: Logger;
  readonly #startedAt = native.now() as Micros;
  readonly #serviceManager = new ServiceManager(process.env['NOTIFY_SOCKET']);
  readonly #guardian = new VrrpGuardian();
  readonly #scriptsGuardian = new ScriptsGuardian();
  readonly #children: {
    readonly vrrp: Child<ToVrrp, FromVrrp>;
    readonly checks: Child<ToChild, ChildBeat>;
    readonly scripts: Child<ToScripts, FromScripts>;
  };
  readonly #beat: NodeJS.Timeout;
  readonly #vrrpStatus = new Question<VrrpStatus>(
    (id) => this.#children.vrrp.send({ type: 'status', id }),
    statusLimit_ms,
  );
  readonly #scriptsStatus = new Question<ScriptsStatus>(
    (id) => this.#children.scripts.send({ type: 'status', id }),
    statusLimit_ms,
  );
  #config: Config;
  #loadedAt: Micros;
  #refused: { readonly at: Micros; readonly errors: readonly string[] } | undefined;
  /** Where the reports of the scripts process come from. */
  #sender: { readonly pid: number; readonly address: string } | undefined;

  constructor(options: DaemonOptions, config: Config, log: Logger) {
    this.#options = options;
    this.#config = config;
    this.#log = log;
    this.#loadedAt = this.#startedAt;
    this.#children = {
      vrrp: this.#startVrrp(),
      checks: this.#startBystander<ToChild, ChildBeat>('checks', checksAccount(config.process.checks_user)),
      scripts: this.#startBystander<ToScripts, FromScripts>('scripts', [], {
        ready: () => this.#configureScripts(true),
        message: (message) => this.#hearScripts(message),
        ended: () => {
          this.#sender = undefined;
          this.#scriptsGuardian.ended();
        },
      }),
    };
    this.#beat = setInterval(() => this.#sendBeats(), beatInterval_ms);
    log.info({ file: options.file, instances: config.vrrp_instance.length }, 'started');
    this.#serviceManager.ready(`node ${config.node}`);
  }

  /** SIGHUP: a file with mistakes changes nothing. @returns whether it is in force */
  reload(): boolean {
    this.#serviceManager.reloading();
    const { file, node } = this.#options;
    const errors = this.#tryReload(file, node);
    if (errors.length > 0) {
      this.#refused = { at: native.now() as Micros, errors };
      for (const error of errors) this.#log.error(error);
      this.#log.error({ file }, 'reload refused: the configuration before it stays in force');
    } else this.#log.info({ file }, 'reloaded');
    this.#serviceManager.ready(`node ${this.#config.node}`);
    return errors.length === 0;
  }

  #tryReload(file: string, node: NodeName): readonly string[] {
    let text: Uint8Array;
    try {
      text = readFileSync(file);
    } catch (error) {
      return [`${file}: cannot be read: ${(error as Error).message}`];
    }
    const loaded = loadConfig(text, file, node, secretReader(file));
    if (!loaded.ok) return loaded.error.map(renderError);
    this.#config = loaded.value.config;
    this.#loadedAt = native.now() as Micros;
    this.#refused = undefined;
    this.#configureVrrp();
    this.#configureScripts(false);
    return [];
  }

  /** Hands over, then ends: the VIPs leave with a farewell before anything else stops. */
  async stop(): Promise<void> {
    this.#serviceManager.stopping();
    clearInterval(this.#beat);
    const { vrrp, checks, scripts } = this.#children;
    await vrrp.stop(stopLimit_ms);
    await Promise.all([checks.stop(stopLimit_ms), scripts.stop(stopLimit_ms)]);
    await this.#guardian.close(stopLimit_ms);
    this.#log.info('stopped');
  }

  async snapshot(): Promise<Snapshot> {
    const [vrrp, scripts] = await Promise.all([this.#vrrpStatus.ask(), this.#scriptsStatus.ask()]);
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
    };
  }

  #startVrrp(): Child<ToVrrp, FromVrrp> {
    const title = 'vipkeeper: vrrp';
    const module = new URL('./process/vrrp.js', import.meta.url);
    return new Child(
      { title, module, execArgv: realtimeLoopOptions, silence_ms: vrrpSilence_ms },
      {
        ready: () => {
          this.#configureVrrp();
          this.#introduce();
        },
        message: (message) => this.#hearVrrp(message),
        ended: (how) => {
          const resigned = this.#guardian.finish();
          this.#log.error({ how, resigned }, `${title} ended`);
        },
        notice: (text) => this.#log.warn(text),
      },
    );
  }

  /** A child that moves no VIP: its death is a line in the log and a new process. */
  #startBystander<To extends object, From extends object>(
    name: 'checks' | 'scripts',
    args: readonly string[],
    work: Partial<Pick<ChildHandlers<From>, 'ready' | 'message'>> & { readonly ended?: () => void } = {},
  ): Child<To, From> {
    const title = `vipkeeper: ${name}`;
    const module = new URL(`./process/${name}.js`, import.meta.url);
    return new Child(
      { title, module, args, execArgv: ['--max-semi-space-size=1'], silence_ms: childSilence_ms },
      {
        ready: () => work.ready?.(),
        message: (message) => work.message?.(message),
        ended: (how) => {
          work.ended?.();
          this.#log.warn({ how }, `${title} ended`);
        },
        notice: (text) => this.#log.warn(text),
      },
    );
  }

  #configureVrrp(): void {
    const { vrrp_instance: instances, process: settings, trackers: tracked } = this.#config;
    const trackers = trackerDefinitions(tracked, instances);
    const { vrrp_rt_priority: realtime, parent_silence: parentSilence } = settings;
    const startAt = after(this.#startedAt, settings.vrrp_startup_delay);
    const wanted = { type: 'configure', instances, trackers, realtime, parentSilence, startAt } as const;
    this.#children.vrrp.configure(wanted);
  }

  #configureScripts(fresh: boolean): void {
    const { node, trackers } = this.#config;
    this.#children.scripts.send(this.#scriptsGuardian.configuration(node, trackers, fresh));
  }

  /** The vrrp process must know whom to believe before the first report comes: it answers when it does. */
  #introduce(): void {
    if (this.#sender !== undefined) this.#children.vrrp.send({ type: 'trackers-from', ...this.#sender });
  }

  #hearScripts(message: FromScripts): void {
    switch (message.type) {
      case 'sender': {
        const { pid } = this.#children.scripts;
        if (pid === undefined) return;
        this.#sender = { pid, address: message.address };
        this.#introduce();
        return;
      }
      case 'sessions':
        this.#scriptsGuardian.sessions(message.sessions);
        return;
      case 'verdict': {
        const { kind, name, verdict, number, words } = message.report;
        this.#scriptsGuardian.verdict(message.report);
        this.#log.info(
          { [kind]: name },
          `${kind} ${name} ${number === undefined ? `is ${verdict}: ` : ''}${words}`,
        );
        return;
      }
      case 'notice':
        this.#log.warn(message.text);
        return;
      case 'status':
        this.#scriptsStatus.answered(message.id, message.status);
    }
  }

  #hearVrrp(message: FromVrrp): void {
    switch (message.type) {
      case 'promoted': {
        const { promotion } = message;
        const mute = this.#guardian.promoted(promotion);
        if (mute !== undefined)
          this.#log.warn({ instance: promotion.instance }, `no farewell if the vrrp process dies: ${mute}`);
        return;
      }
      case 'demoted': {
        this.#guardian.demoted(message.instance);
        return;
      }
      case 'transition': {
        const { instance, from, to, reason } = message;
        this.#log.info({ instance, from, to, reason }, `${instance}: ${from} → ${to} (${reason})`);
        return;
      }
      case 'tracker-channel':
        if (message.pid === this.#sender?.pid)
          this.#children.scripts.send({ type: 'channel', address: message.address });
        return;
      case 'weighed': {
        this.#log.info({ instance: message.instance }, `${message.instance}: ${message.words}`);
        return;
      }
      case 'trouble': {
        this.#log.warn({ instance: message.instance }, message.text);
        return;
      }
      case 'notice': {
        this.#log.warn(message.text);
        return;
      }
      case 'status':
        this.#vrrpStatus.answered(message.id, message.status);
    }
  }

  #sendBeats(): void {
    const children = Object.values(this.#children);
    for (const child of children) child.send({ type: 'beat' });
    if (children.every(({ beats }) => beats)) this.#serviceManager.alive();
  }

  #processes(): readonly ProcessStatus[] {
    const children = Object.entries(this.#children).map(([name, child]): ProcessStatus => {
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
