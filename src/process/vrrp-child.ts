/** The vrrp process as the parent sees it: what it is told, what it says, and what is done for it when it dies. */
import type { Logger } from 'pino';
import type { VrrpStatus } from '../vrrp/status.ts';
import { Child } from './child.ts';
import type { FromVrrp, ToVrrp } from './messages.ts';
import { realtimeLoopOptions } from './node-options.ts';
import { Question } from './question.ts';
import { VrrpGuardian } from './vrrp-guardian.ts';

/** It beats every 100 ms and must be replaced well inside the life of a lease. */
const silence_ms = 1_000;
/** A status that it does not give in this time is shown as it last was, with its age. */
const statusLimit_ms = 500;

export interface VrrpChildHost {
  /** It is there, for the first time or again, and knows nothing yet. */
  started(): void;
  /** The answer to trackers-from. */
  trackerChannel(channel: Extract<FromVrrp, { type: 'tracker-channel' }>): void;
}

export class VrrpChild {
  readonly child: Child<ToVrrp, FromVrrp>;
  readonly #log: Logger;
  readonly #host: VrrpChildHost;
  readonly #guardian = new VrrpGuardian();
  readonly #status = new Question<VrrpStatus>(
    (id) => this.child.send({ type: 'status', id }),
    statusLimit_ms,
  );

  constructor(log: Logger, host: VrrpChildHost) {
    this.#log = log;
    this.#host = host;
    const title = 'vipkeeper: vrrp';
    const module = new URL('vrrp.js', import.meta.url);
    this.child = new Child(
      { title, module, execArgv: realtimeLoopOptions, silence_ms },
      {
        ready: () => host.started(),
        message: (message) => this.#hear(message),
        ended: (how) => {
          const resigned = this.#guardian.finish();
          log.error({ how, resigned }, `${title} ended`);
        },
        notice: (text) => log.warn(text),
      },
    );
  }

  status(): Promise<VrrpStatus | undefined> {
    return this.#status.ask();
  }

  /** After the child has been stopped. */
  close(limit_ms: number): Promise<void> {
    return this.#guardian.close(limit_ms);
  }

  #hear(message: FromVrrp): void {
    switch (message.type) {
      case 'promoted': {
        const { promotion } = message;
        const mute = this.#guardian.promoted(promotion);
        if (mute !== undefined)
          this.#log.warn({ instance: promotion.instance }, `no farewell if the vrrp process dies: ${mute}`);
        return;
      }
      case 'demoted':
        this.#guardian.demoted(message.instance);
        return;
      case 'transition': {
        const { instance, from, to, reason } = message;
        this.#log.info({ instance, from, to, reason }, `${instance}: ${from} → ${to} (${reason})`);
        return;
      }
      case 'tracker-channel':
        this.#host.trackerChannel(message);
        return;
      case 'weighed':
        this.#log.info({ instance: message.instance }, `${message.instance}: ${message.words}`);
        return;
      case 'trouble':
        this.#log.warn({ instance: message.instance }, message.text);
        return;
      case 'notice':
        this.#log.warn(message.text);
        return;
      case 'status':
        this.#status.answered(message.id, message.status);
    }
  }
}
