import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Micros, micros } from '../../src/base/time.ts';
import { Lateness } from '../../src/vrrp/lateness.ts';

const of = (samples: readonly number[]): ReturnType<Lateness['status']> => {
  const lateness = new Lateness();
  for (const [at, sample] of samples.entries()) lateness.add(sample as Micros, micros(at));
  return lateness.status();
};

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe('vrrp/lateness', () => {
  it('nothing yet is all zero', () => {
    assert.deepEqual(of([]), { samples: 0, buckets: [], max: 0, p50: 0, p99: 0, p999: 0, recent: [] });
  });

  it('an early call is not late, and the longest possible is counted', () => {
    assert.equal(of([-5]).max, 0);
    assert.equal(of([3_000_000_000]).p50, 3_000_000_000);
  });

  it('remembers the last hundred that were late by 2 ms or more, with their instants', () => {
    assert.deepEqual(of([1_999, 2_000, 5, 7_000]).recent, [
      [1, 2_000],
      [3, 7_000],
    ]);
    const { recent } = of(Array.from({ length: 250 }, () => 3_000));
    assert.deepEqual([recent.length, recent[0], recent.at(-1)], [100, [150, 3_000], [249, 3_000]]);
  });

  it('two milliseconds are an edge: neither they nor what is less look like more', () => {
    assert.deepEqual(of([1_999, 2_000, 2_001]).buckets, [
      [2_000, 2],
      [2_378, 1],
    ]);
  });

  it('a quantile is never below the true one, at most 19 % above it, and never above the worst', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 300 }),
        (samples) => {
          const sorted = samples.toSorted((a, b) => a - b);
          const status = of(samples);
          assert.equal(status.max, sorted.at(-1));
          for (const [upTo] of status.buckets)
            assert.equal(
              sum(status.buckets.filter(([end]) => end <= upTo).map(([, count]) => count)),
              sorted.filter((sample) => sample <= upTo).length,
            );
          assert.equal(sum(status.buckets.map(([, count]) => count)), sorted.length);
          for (const [share, said] of [
            [0.5, status.p50],
            [0.99, status.p99],
            [0.999, status.p999],
          ] as const) {
            const truth = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
            assert(said >= truth && said <= Math.ceil(truth * 1.19) + 1, `${said} for ${truth}`);
            assert(said <= status.max);
          }
        },
      ),
    );
  });
});
