/**
 * When a check runs, how long it may take, and what its findings mean. There is never more than one probe of it.
 *
 *   waiting ──(time)──▶ queued ──(started)──▶ running ──(finished)──▶ waiting
 *                                                └──(timeout: stop)──▶ the probe says what it waited for: finished
 *
 * A check is up to 1 + retry probes. delay_loop goes from the start of one check to the start of the next.
 */
import { after, between, formatDuration, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import type { CheckDefinition, CheckOutcome, CheckReport, CheckStatus } from './types.ts';
import { bounded, inMilliseconds } from './words.ts';

export type CheckEvent =
  | { readonly type: 'started' }
  | { readonly type: 'finished'; readonly outcome: CheckOutcome }
  /** It was stopped, and had not got further than this. */
  | { readonly type: 'stopped'; readonly waitedFor: string };

export type CheckAction =
  | { readonly type: 'start' }
  /** The probe ends at once; `stopped` is the answer. */
  | { readonly type: 'stop' }
  | { readonly type: 'report'; readonly report: CheckReport };

type Phase =
  | { readonly name: 'waiting'; readonly at: Micros }
  | { readonly name: 'queued'; readonly since: Micros }
  | { readonly name: 'running'; readonly startedAt: Micros; readonly stopping: boolean };

const none: readonly CheckAction[] = [];

export class CheckTracker implements Machine<CheckEvent, CheckAction> {
  readonly definition: CheckDefinition;
  #phase: Phase;
  /** Start of this check, or of the next one, by the rhythm. */
  #plannedAt: Micros;
  #verdict: CheckReport['verdict'];
  #weight: number | undefined;
  #since: Micros;
  #at: Micros;
  #duration = 0 as Micros;
  /** What the last probe found, and how it is told. */
  #finding: string | undefined;
  #words: string;
  /** Failed probes of this check. */
  #tries = 0;
  /** Checks in a row that speak against the verdict. */
  #against = 0;
  #runs = 0;
  #failures = 0;
  #timeouts = 0;
  #latest = 0 as Micros;

  /**
   * @param spread 0..1, where in the warmup it begins
   * @param known the report of an earlier life of this process: rise and fall count on from it
   */
  constructor(definition: CheckDefinition, spread: number, now: Micros, known?: CheckReport) {
    this.definition = definition;
    this.#plannedAt = after(now, Math.floor(definition.timing.warmup * spread) as Micros);
    this.#phase = { name: 'waiting', at: this.#plannedAt };
    this.#verdict = known?.verdict ?? 'unknown';
    this.#weight = known?.weight;
    this.#since = known?.since ?? now;
    this.#at = known?.at ?? now;
    this.#words = known?.words ?? 'not checked yet';
  }

  get deadline(): Micros | undefined {
    const phase = this.#phase;
    if (phase.name === 'waiting') return phase.at;
    if (phase.name === 'queued' || phase.stopping) return undefined;
    return after(phase.startedAt, this.definition.timing.timeout);
  }

  report(): CheckReport {
    return {
      id: this.definition.id,
      verdict: this.#verdict,
      words: this.#words,
      ...(this.#weight !== undefined && { weight: this.#weight }),
      duration: this.#duration,
      at: this.#at,
      since: this.#since,
    };
  }

  status(): CheckStatus {
    return {
      ...this.report(),
      kind: this.definition.checker.kind,
      phase: this.#phase.name,
      runs: this.#runs,
      failures: this.#failures,
      timeouts: this.#timeouts,
      latest: this.#latest,
    };
  }

  handle(event: CheckEvent | undefined, now: Micros): readonly CheckAction[] {
    const phase = this.#phase;
    switch (event?.type) {
      case undefined:
        return this.deadline !== undefined && this.deadline <= now ? this.#due() : none;
      case 'started': {
        if (phase.name !== 'queued') return none;
        this.#latest = Math.max(this.#latest, between(phase.since, now)) as Micros;
        this.#phase = { name: 'running', startedAt: now, stopping: false };
        return none;
      }
      case 'finished':
        return phase.name === 'running' ? this.#finish(phase.startedAt, event.outcome, now) : none;
      case 'stopped': {
        if (phase.name !== 'running') return none;
        this.#timeouts++;
        const limit = formatDuration(this.definition.timing.timeout);
        const words = `${event.waitedFor}: no answer within ${limit} (total)`;
        return this.#finish(phase.startedAt, { passed: false, words }, now);
      }
    }
  }

  #due(): readonly CheckAction[] {
    const phase = this.#phase;
    if (phase.name === 'running') {
      this.#phase = { ...phase, stopping: true };
      return [{ type: 'stop' }];
    }
    // Its place in the queue counts from when it was due, so that lateness of our own timer shows too.
    if (phase.name === 'waiting') this.#phase = { name: 'queued', since: phase.at };
    return [{ type: 'start' }];
  }

  #finish(startedAt: Micros, { passed, words, weight }: CheckOutcome, now: Micros): readonly CheckAction[] {
    this.#runs++;
    if (!passed) this.#failures++;
    this.#at = now;
    this.#duration = between(startedAt, now);
    const before = { verdict: this.#verdict, weight: this.#weight, finding: this.#finding };
    if (passed) this.#weight = weight ?? this.#weight;
    const note = this.#conclude(passed, now);
    this.#finding = bounded(words) + note;
    const took = passed ? ` in ${inMilliseconds(this.#duration)}` : '';
    this.#words = bounded(words) + took + note;
    const changed =
      before.verdict !== this.#verdict || before.weight !== this.#weight || before.finding !== this.#finding;
    return changed ? [{ type: 'report', report: this.report() }] : none;
  }

  /** @returns what is to be said of the count, or nothing */
  #conclude(passed: boolean, now: Micros): string {
    const { retry, delay_before_retry } = this.definition.timing;
    if (!passed && this.#verdict !== 'down' && this.#tries < retry) {
      this.#tries++;
      this.#phase = { name: 'waiting', at: after(now, delay_before_retry) };
      return `, is tried again (${this.#tries} of ${retry})`;
    }
    this.#tries = 0;
    this.#wait(now);
    return this.#count(passed, now);
  }

  /** The next check keeps the rhythm; those that a long one has passed over are left out, not made up for. */
  #wait(now: Micros): void {
    const { delay_loop } = this.definition.timing;
    const missed = Math.max(0, Math.floor((now - this.#plannedAt) / delay_loop));
    this.#plannedAt = after(this.#plannedAt, ((missed + 1) * delay_loop) as Micros);
    this.#phase = { name: 'waiting', at: this.#plannedAt };
  }

  #count(passed: boolean, now: Micros): string {
    const { rise, fall, alpha } = this.definition.timing;
    const finding = passed ? 'up' : 'down';
    // Unknown is taken for down with alpha, else for up: what confirms it needs no second time.
    const taken = this.#verdict === 'unknown' ? (alpha ? 'down' : 'up') : this.#verdict;
    this.#against = finding === taken ? 0 : this.#against + 1;
    const needed = passed ? rise : fall;
    if (finding !== taken && this.#against < needed)
      return ` (${this.#against} of ${needed} to ${passed ? 'rise' : 'fall'})`;
    this.#against = 0;
    if (finding !== this.#verdict) {
      this.#verdict = finding;
      this.#since = now;
    }
    return '';
  }
}
