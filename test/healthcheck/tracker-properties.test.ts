import assert from 'node:assert/strict';
import fc from 'fast-check';
import { after, between, milliseconds } from '../../src/base/time.ts';
import type { CheckEvent } from '../../src/healthcheck/tracker.ts';
import { Bench, start } from './tracker-bench.ts';

describe('CheckTracker, whatever happens', () => {
  const timings = fc.record({
    delay_loop: fc.integer({ min: 1, max: 5_000 }).map(milliseconds),
    timeout: fc.integer({ min: 1, max: 5_000 }).map(milliseconds),
    retry: fc.integer({ min: 0, max: 3 }),
    delay_before_retry: fc.integer({ min: 0, max: 2_000 }).map(milliseconds),
    warmup: fc.integer({ min: 0, max: 3_000 }).map(milliseconds),
    rise: fc.integer({ min: 1, max: 3 }),
    fall: fc.integer({ min: 1, max: 3 }),
    alpha: fc.boolean(),
  });
  const steps = fc.array(
    fc.record({
      wait: fc.integer({ min: 0, max: 3_000 }).map(milliseconds),
      event: fc.constantFrom('none', 'started', 'passed', 'failed', 'stopped'),
    }),
    { maxLength: 80 },
  );

  it('whatever comes: never two probes at a time, no deadline that does not end, time only forward', () => {
    fc.assert(
      fc.property(timings, fc.double({ min: 0, max: 1, noNaN: true }), steps, (timing, spread, plan) => {
        const bench = new Bench(timing, { spread });
        type Phase = 'idle' | 'asked' | 'on';
        let phase = 'idle' as Phase;
        for (const { wait, event } of plan) {
          bench.now = after(bench.now, wait);
          const given: CheckEvent | undefined =
            event === 'none'
              ? undefined
              : event === 'started'
                ? { type: 'started' }
                : event === 'stopped'
                  ? { type: 'stopped', waitedFor: 'w' }
                  : { type: 'finished', outcome: { passed: event === 'passed', words: event } };
          const before: Phase = phase;
          if (event === 'started' && phase === 'asked') phase = 'on';
          if (event !== 'started' && event !== 'none' && phase === 'on') phase = 'idle';
          for (const action of bench.give(given)) {
            if (action.type === 'start') {
              assert.equal(before, 'idle');
              phase = 'asked';
            }
            if (action.type === 'stop') assert.equal(before, 'on');
            if (action.type === 'report') assert.equal(before, 'on');
          }
          assert.equal(
            bench.tracker.status().phase,
            { idle: 'waiting', asked: 'queued', on: 'running' }[phase],
          );
          // A deadline that has come is dealt with by one call.
          const { deadline } = bench.tracker;
          if (deadline !== undefined && deadline <= bench.now) {
            bench.give(undefined);
            if (phase === 'idle') phase = 'asked';
            assert.equal(bench.tracker.deadline, undefined);
          }
        }
      }),
    );
  });

  it('is up or down exactly as the last rise or fall checks in a row say', () => {
    fc.assert(
      fc.property(timings, fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (timing, findings) => {
        const bench = new Bench({ ...timing, retry: 0 });
        const { rise, fall, alpha } = timing;
        let expected: 'up' | 'down' | 'unknown' = 'unknown';
        for (const [at, passed] of findings.entries()) {
          bench.probe(passed);
          const inRow = findings
            .slice(0, at + 1)
            .reverse()
            .findIndex((one) => one !== passed);
          const length = inRow < 0 ? at + 1 : inRow;
          const confirms = expected === 'unknown' && passed !== alpha;
          if (confirms || length >= (passed ? rise : fall)) expected = passed ? 'up' : 'down';
          assert.equal(bench.verdict, expected);
        }
      }),
    );
  });

  it('judges within delay_loop, and the retries with their pauses', () => {
    fc.assert(
      fc.property(timings, (timing) => {
        const bench = new Bench({ ...timing, fall: 1 });
        for (let tries = 0; bench.verdict !== 'down'; tries++) {
          assert.ok(tries <= timing.retry);
          bench.probe(false, timing.timeout);
        }
        const { warmup, timeout, retry, delay_before_retry } = timing;
        assert.ok(between(start, bench.now) <= warmup + timeout + retry * (delay_before_retry + timeout));
      }),
    );
  });
});
