import assert from 'node:assert/strict';
import { after, type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import { type CheckAction, type CheckEvent, CheckTracker } from '../../src/healthcheck/tracker.ts';
import type { CheckReport, CheckTiming } from '../../src/healthcheck/types.ts';
import { tcp } from './definitions.ts';

export const start = seconds(1_000);

/** Somebody who does what the tracker asks for, on a clock of his own. */
export class Bench {
  readonly tracker: CheckTracker;
  now: Micros = start;
  readonly reports: CheckReport[] = [];
  readonly starts: Micros[] = [];

  constructor(
    timing: Partial<CheckTiming>,
    { spread = 0, known }: { spread?: number; known?: CheckReport } = {},
  ) {
    this.tracker = new CheckTracker(tcp(timing), spread, start, known);
  }

  give(event: CheckEvent | undefined): readonly CheckAction[] {
    const actions = this.tracker.handle(event, this.now);
    for (const action of actions) if (action.type === 'report') this.reports.push(action.report);
    return actions;
  }

  /** The next probe, with this finding after so long. */
  probe(passed: boolean, took = milliseconds(3)): void {
    this.now = this.tracker.deadline ?? assert.fail('it waits');
    assert.deepEqual(this.give(undefined), [{ type: 'start' }]);
    this.starts.push(this.now);
    this.give({ type: 'started' });
    this.now = after(this.now, took);
    this.give({ type: 'finished', outcome: { passed, words: passed ? 'connected' : 'refused' } });
  }

  get verdict(): string {
    return this.tracker.report().verdict;
  }

  get words(): string {
    return this.tracker.report().words;
  }
}
