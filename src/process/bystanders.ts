/** The processes that move no VIP, as the parent sees them: the death of one is a line in the log and a new process. */
import type { Logger } from 'pino';
import type { CheckReport } from '../healthcheck/types.ts';
import { Child, type ChildOptions } from './child.ts';
import type { FromChecks, ScriptEnded, ToChecks, ToScriptRuns } from './checks-messages.ts';
import type { FromVrrp, ToVrrp } from './messages.ts';
import { Question } from './question.ts';
import { ScriptsGuardian, type TrackerConfig } from './scripts-guardian.ts';
import type { FromScripts, ScriptsStatus, ToScripts } from './scripts-messages.ts';

/** They beat every 500 ms. */
const silence_ms = 5_000;
const statusLimit_ms = 500;
/** Kept small on purpose: V8 would rather grow than collect. */
const execArgv = ['--max-semi-space-size=1'];

const optionsOf = (name: 'checks' | 'scripts'): ChildOptions => ({
  title: `vipkeeper: ${name}`,
  module: new URL(`${name}.js`, import.meta.url),
  execArgv,
  silence_ms,
});

export interface ScriptsChildHost {
  started(): void;
  /** For the vrrp process, before the first report comes. */
  introduce(sender: Extract<ToVrrp, { type: 'trackers-from' }>): void;
  scriptEnded(message: ScriptEnded): void;
}

export class ScriptsChild {
  readonly child: Child<ToScripts, FromScripts>;
  readonly #log: Logger;
  readonly #host: ScriptsChildHost;
  readonly #guardian = new ScriptsGuardian();
  readonly #status = new Question<ScriptsStatus>(
    (id) => this.child.send({ type: 'status', id }),
    statusLimit_ms,
  );
  /** Where its reports come from. */
  #sender: { readonly pid: number; readonly address: string } | undefined;

  constructor(log: Logger, host: ScriptsChildHost) {
    this.#log = log;
    this.#host = host;
    const options = optionsOf('scripts');
    this.child = new Child(options, {
      ready: () => host.started(),
      message: (message) => this.#hear(message),
      ended: (how) => {
        this.#sender = undefined;
        this.#guardian.ended();
        log.warn({ how }, `${options.title} ended`);
      },
      notice: (text) => log.warn(text),
    });
  }

  configure(node: string, trackers: TrackerConfig, fresh: boolean): void {
    this.child.send(this.#guardian.configuration(node, trackers, fresh));
  }

  status(): Promise<ScriptsStatus | undefined> {
    return this.#status.ask();
  }

  /** To a vrrp process that must know whom to believe: it answers when it does. */
  introduce(): void {
    if (this.#sender !== undefined) this.#host.introduce({ type: 'trackers-from', ...this.#sender });
  }

  /** That answer. */
  connect({ pid, address }: Extract<FromVrrp, { type: 'tracker-channel' }>): void {
    if (pid === this.#sender?.pid) this.child.send({ type: 'channel', address });
  }

  #hear(message: FromScripts): void {
    switch (message.type) {
      case 'sender': {
        const { pid } = this.child;
        if (pid === undefined) return;
        this.#sender = { pid, address: message.address };
        this.introduce();
        return;
      }
      case 'sessions':
        this.#guardian.sessions(message.sessions);
        return;
      case 'verdict': {
        const { kind, name, verdict, number, words } = message.report;
        this.#guardian.verdict(message.report);
        this.#log.info(
          { [kind]: name },
          `${kind} ${name} ${number === undefined ? `is ${verdict}: ` : ''}${words}`,
        );
        return;
      }
      case 'script-ended':
        this.#host.scriptEnded(message);
        return;
      case 'notice':
        this.#log.warn(message.text);
        return;
      case 'status':
        this.#status.answered(message.id, message.status);
    }
  }
}

export interface ChecksChildHost {
  started(): void;
  ended(): void;
  reported(reports: readonly CheckReport[]): void;
  /** MISC_CHECK, for the scripts process. */
  script(message: ToScriptRuns): void;
}

/** @param argsOf what it is started with, each time: the rights it takes may have changed */
export function startChecks(
  log: Logger,
  argsOf: () => readonly string[],
  host: ChecksChildHost,
): Child<ToChecks, FromChecks> {
  const fixed = optionsOf('checks');
  let heard: readonly CheckReport[] = [];
  const options: ChildOptions = {
    ...fixed,
    get args() {
      return argsOf();
    },
  };
  return new Child<ToChecks, FromChecks>(options, {
    ready: () => host.started(),
    message(message) {
      switch (message.type) {
        case 'reports':
          // All messages of a turn are one: thousands of servers may be found up, or down, within a second.
          if (heard.length === 0)
            setImmediate(() => {
              const reports = heard;
              heard = [];
              host.reported(reports);
            });
          heard = [...heard, ...message.reports];
          return;
        case 'run-script':
        case 'cancel-script':
          host.script(message);
          return;
        case 'notice':
          log.warn(message.text);
          return;
        case 'status':
      }
    },
    ended: (how) => {
      host.ended();
      log.warn({ how }, `${fixed.title} ended`);
    },
    notice: (text) => log.warn(text),
  });
}
