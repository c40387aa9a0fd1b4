/**
 * Reports on their way to the parent. One message is under way at a time, and what changes meanwhile waits as one
 * report a check: a parent that is slow, or stopped, fills no memory here.
 */
import type { CheckReport } from '../healthcheck/types.ts';
import type { FromChecks } from './checks-messages.ts';

export class ReportsOutbox {
  readonly #say: (message: FromChecks, sent: () => void) => void;
  #waiting = new Map<string, CheckReport>();
  #sending = false;

  /** @param say calls `sent` in a later turn, when it can take more; never when nobody listens any more */
  constructor(say: (message: FromChecks, sent: () => void) => void) {
    this.#say = say;
  }

  put(report: CheckReport): void {
    this.#waiting.set(report.id, report);
    if (this.#sending) return;
    this.#sending = true;
    // All findings of one turn are one message.
    setImmediate(() => this.#send());
  }

  #send(): void {
    this.#sending = this.#waiting.size > 0;
    if (!this.#sending) return;
    const reports = [...this.#waiting.values()];
    this.#waiting = new Map();
    this.#say({ type: 'reports', reports }, () => this.#send());
  }
}
