import assert from 'node:assert/strict';
import { micros, seconds } from '../../src/base/time.ts';
import { activeDownInterval, skewTime, timersOf } from '../../src/vrrp/timers.ts';
import type { Priority } from '../../src/vrrp/types.ts';

describe('vrrp/timers version 2', () => {
  const rows: readonly (readonly [s: number, priority: number, skew: number, down: number])[] = [
    [1, 1, 996_094, 3_996_094],
    [1, 100, 609_375, 3_609_375],
    [1, 254, 7_813, 3_007_813],
    [2, 100, 609_375, 6_609_375],
    [255, 1, 996_094, 765_996_094],
    [255, 254, 7_813, 765_007_813],
  ];
  for (const [s, number, skew, down] of rows) {
    it(`waits by whole seconds: ${s} s, priority ${number}`, () => {
      const priority = number as Priority;
      assert.equal(skewTime(priority, seconds(s), 2), skew);
      assert.equal(activeDownInterval(priority, seconds(s), 2), down);
    });
  }

  it('is version 3 unless said', () => {
    const priority = 100 as Priority;
    assert.equal(skewTime(priority, seconds(2)), 1_218_750);
    assert.equal(activeDownInterval(priority, seconds(2)), 7_218_750);
  });

  it('takes the interval that was learned in version 3 only', () => {
    const own = { priority: 100 as Priority, advert_int: seconds(1) };
    const unlearned = {
      activeAdverInterval: seconds(1),
      skewTime: micros(609_375),
      activeDownInterval: micros(3_609_375),
    };
    const learned = {
      activeAdverInterval: seconds(4),
      skewTime: micros(2_437_500),
      activeDownInterval: micros(14_437_500),
    };
    assert.deepEqual(timersOf(own, undefined), unlearned);
    assert.deepEqual(timersOf(own, seconds(4)), learned);
    assert.deepEqual(timersOf({ ...own, version: 3 }, seconds(4)), learned);
    assert.deepEqual(timersOf({ ...own, version: 2 }, seconds(4)), unlearned);
  });
});
