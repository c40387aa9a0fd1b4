/**
 * When a script runs, when it has run too long, and what its results mean. There is never more than one run
 * of it.
 *
 *   waiting ──(time)──▶ queued ──(started)──▶ running ──(exited)──▶ waiting
 *                          └─(refused)─▶ waiting  └─(timeout: SIGTERM, 1 s, SIGKILL)─▶ ending ─(exited)─▶ waiting
 *
 * A timeout is a failure at the instant at which it comes; how the process then ends no longer matters.
 */
import { after, between, formatDuration, type Micros, milliseconds, seconds } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import type { ScriptDefinition, ScriptRun, ScriptStatus, ScriptVerdict } from './definition.ts';

/** Between SIGTERM and SIGKILL. */
export const killGrace = seconds(1);
/** First starts are spread over at most so long: a verdict is waited for. */
const maxSpread = milliseconds(500);

export type ScriptEvent =
  | { readonly type: 'started' }
  /** It could not be started, in words. */
  | { readonly type: 'refused'; readonly why: string }
  | {
      readonly type: 'exited';
      /** Null when a signal ended it. */
      readonly code: number | null;
      readonly signal: string | null;
      readonly stderr: readonly string[];
    }
  /** Takes effect with the next run. */
  | { readonly type: 'reconfigure'; readonly definition: ScriptDefinition };

export type ScriptAction =
  | { readonly type: 'run' }
  | { readonly type: 'kill'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** After every run, also when nothing changed: silence means that nobody runs it. */
  | {
      readonly type: 'report';
      readonly verdict: ScriptVerdict;
      readonly changed: boolean;
      readonly words: string;
    };

type Phase =
  | { readonly name: 'waiting'; readonly at: Micros }
  | { readonly name: 'queued' }
  | { readonly name: 'running'; readonly startedAt: Micros }
  | { readonly name: 'ending'; readonly startedAt: Micros; readonly killAt: Micros | undefined };

const none: readonly ScriptAction[] = [];

export class Script implements Machine<ScriptEvent, ScriptAction> {
  #definition: ScriptDefinition;
  #phase: Phase;
  #plannedAt: Micros;
  #verdict: ScriptVerdict | undefined;
  #since: Micros;
  #words = 'has not run yet';
  /** Results in a row that speak against the verdict. */
  #against = 0;
  #lastRun: ScriptRun | undefined;
  #runs = 0;
  #failures = 0;
  #timeouts = 0;

  /**
   * @param spread 0..1, where in the first interval it begins
   * @param known a verdict of an earlier life of this process: rise and fall count on from it
   */
  constructor(definition: ScriptDefinition, spread: number, now: Micros, known?: ScriptVerdict) {
    this.#definition = definition;
    const span = Math.min(definition.interval, maxSpread);
    this.#plannedAt = after(now, Math.floor(span * spread) as Micros);
    this.#phase = { name: 'waiting', at: this.#plannedAt };
    this.#verdict = known ?? (definition.init_fail ? 'down' : undefined);
    this.#since = now;
  }

  get definition(): ScriptDefinition {
    return this.#definition;
  }

  get verdict(): ScriptVerdict | undefined {
    return this.#verdict;
  }

  get deadline(): Micros | undefined {
    const phase = this.#phase;
    switch (phase.name) {
      case 'waiting':
        return phase.at;
      case 'queued':
        return undefined;
      case 'running':
        return after(phase.startedAt, this.#definition.timeout);
      case 'ending':
        return phase.killAt;
    }
  }

  status(): ScriptStatus {
    return {
      name: this.#definition.name,
      phase: this.#phase.name,
      verdict: this.#verdict,
      since: this.#since,
      words: this.#words,
      lastRun: this.#lastRun,
      runs: this.#runs,
      failures: this.#failures,
      timeouts: this.#timeouts,
    };
  }

  handle(event: ScriptEvent | undefined, now: Micros): readonly ScriptAction[] {
    switch (event?.type) {
      case undefined:
        return this.deadline !== undefined && this.deadline <= now ? this.#due(now) : none;
      case 'started':
        this.#phase = { name: 'running', startedAt: now };
        return none;
      case 'refused': {
        if (this.#phase.name !== 'queued') return none;
        this.#wait(now);
        return this.#conclude({ startedAt: now, success: false, how: event.why, stderr: [] }, now);
      }
      case 'exited':
        return this.#exited(event, now);
      case 'reconfigure':
        this.#definition = event.definition;
        return none;
    }
  }

  #due(now: Micros): readonly ScriptAction[] {
    const phase = this.#phase;
    if (phase.name === 'waiting') {
      this.#phase = { name: 'queued' };
      return [{ type: 'run' }];
    }
    if (phase.name === 'running') {
      const { startedAt } = phase;
      this.#phase = { name: 'ending', startedAt, killAt: after(now, killGrace) };
      this.#timeouts++;
      const how = `timed out after ${formatDuration(this.#definition.timeout)}`;
      return [
        { type: 'kill', signal: 'SIGTERM' },
        ...this.#conclude({ startedAt, success: false, how, stderr: [] }, now),
      ];
    }
    if (phase.name === 'ending') this.#phase = { ...phase, killAt: undefined };
    return [{ type: 'kill', signal: 'SIGKILL' }];
  }

  #exited(
    { code, signal, stderr }: Extract<ScriptEvent, { type: 'exited' }>,
    now: Micros,
  ): readonly ScriptAction[] {
    const phase = this.#phase;
    if (phase.name === 'ending') {
      this.#wait(now);
      if (this.#lastRun !== undefined)
        this.#lastRun = { ...this.#lastRun, duration: between(phase.startedAt, now), stderr };
      return none;
    }
    if (phase.name !== 'running') return none;
    this.#wait(now);
    const how = code === null ? `killed by ${signal}` : `exit code ${code}`;
    return this.#conclude({ startedAt: phase.startedAt, success: code === 0, how, stderr }, now);
  }

  /**
   * The next start keeps the rhythm; starts that a long run has passed over are left out, not made up for.
   */
  #wait(now: Micros): void {
    const { interval } = this.#definition;
    const missed = Math.max(0, Math.floor((now - this.#plannedAt) / interval));
    this.#plannedAt = after(this.#plannedAt, ((missed + 1) * interval) as Micros);
    this.#phase = { name: 'waiting', at: this.#plannedAt };
  }

  #conclude(run: Omit<ScriptRun, 'duration'>, now: Micros): readonly ScriptAction[] {
    this.#lastRun = { ...run, duration: between(run.startedAt, now) };
    this.#runs++;
    if (!run.success) this.#failures++;
    const result = run.success ? 'up' : 'down';
    const changed = this.#count(result);
    if (changed) this.#since = now;
    this.#words = this.#wordsOf(run);
    return [{ type: 'report', verdict: this.#verdict ?? result, changed, words: this.#words }];
  }

  /** @returns whether the verdict changed */
  #count(result: ScriptVerdict): boolean {
    const { rise, fall } = this.#definition;
    this.#against = result === this.#verdict ? 0 : this.#against + 1;
    const needed = this.#verdict === undefined ? 1 : result === 'up' ? rise : fall;
    if (this.#against < needed) return false;
    this.#verdict = result;
    this.#against = 0;
    return true;
  }

  #wordsOf({ how, success, stderr }: Omit<ScriptRun, 'duration'>): string {
    const { rise, fall } = this.#definition;
    const said = success ? undefined : stderr.at(-1);
    const text = said === undefined ? how : `${how}: ${said}`;
    if (this.#against === 0) return text;
    return success
      ? `${text} (${this.#against} of ${rise} to rise)`
      : `${text} (${this.#against} of ${fall} to fall)`;
  }
}
