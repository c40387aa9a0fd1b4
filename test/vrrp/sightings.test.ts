import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import { Sightings } from '../../src/vrrp/sightings.ts';

describe('vrrp/sightings', () => {
  it('counts what comes again, keeps the newest facts, and says what is new', () => {
    const seen = new Sightings<{ readonly ttl: number }>(2);
    assert.equal(seen.note('a', { ttl: 1 }, seconds(1)), true);
    assert.equal(seen.note('a', { ttl: 2 }, seconds(2)), false);
    assert.deepEqual(seen.list(), [{ ttl: 2, count: 2, lastAt: seconds(2) }]);
  });

  it('does not grow beyond its limit; what was not seen for a minute makes room', () => {
    const seen = new Sightings<{ readonly key: number }>(16);
    const flood = (now: number): number =>
      Array.from({ length: 1_000 }, (_, key) => seen.note(`${now} ${key}`, { key }, seconds(now))).filter(
        Boolean,
      ).length;
    assert.equal(flood(1), 16);
    assert.equal(flood(61), 0);
    assert.equal(flood(62), 16);
    assert.equal(seen.list().length, 16);
  });
});
