import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  after,
  between,
  centiseconds,
  earlier,
  formatDuration,
  micros,
  milliseconds,
  seconds,
} from '../../src/base/time.ts';

describe('durations', () => {
  it('are whole microseconds, never rounded down', () => {
    assert.equal(micros(0.1), 1);
    assert.equal(micros(7), 7);
    assert.equal(milliseconds(1.5), 1_500);
    assert.equal(seconds(1), 1_000_000);
    assert.equal(centiseconds(100), seconds(1));
    assert.equal(centiseconds(4_095), 40_950_000);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (n) => {
        assert.ok(Number.isInteger(micros(n)) && micros(n) >= n && micros(n) <= n + 1);
        assert.equal(micros(Math.floor(n)), Math.floor(n));
      }),
    );
  });

  it('lead from one instant to another', () => {
    const instant = fc.nat().map(micros);
    fc.assert(
      fc.property(instant, instant, (from, to) => {
        assert.equal(after(from, between(from, to)), to);
        assert.equal(between(from, after(from, to)), to);
      }),
    );
  });

  it('stay exact at instants that a machine of many years shows', () => {
    const decades = seconds(60 * 60 * 24 * 365 * 100);
    assert.equal(between(decades, after(decades, micros(1))), 1);
  });
});

describe('the earlier of two deadlines', () => {
  it('is never when both are never, and else the one that comes first', () => {
    assert.equal(earlier(undefined, undefined), undefined);
    assert.equal(earlier(micros(1), undefined), 1);
    assert.equal(earlier(undefined, micros(1)), 1);
    assert.equal(earlier(micros(1), micros(2)), 1);
    assert.equal(earlier(micros(2), micros(1)), 1);
    assert.equal(earlier(micros(0), micros(1)), 0);
  });
});

describe('a duration for people', () => {
  const row = (duration: number, text: string): void => {
    it(text, () => assert.equal(formatDuration(micros(duration)), text));
  };
  row(0, '0us');
  row(78, '78us');
  row(999, '999us');
  row(1_000, '1ms');
  row(609_375, '609.375ms');
  row(1_000_000, '1s');
  row(1_500_000, '1.5s');
  row(3_609_375, '3.609s');
  row(-1_500_000, '-1.5s');
  row(-20, '-20us');
});
