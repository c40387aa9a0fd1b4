import assert from 'node:assert/strict';
import fc from 'fast-check';
import { centiseconds, milliseconds } from '../../src/base/time.ts';
import { activeDownInterval, skewTime } from '../../src/vrrp/timers.ts';
import type { Priority } from '../../src/vrrp/types.ts';

const anyPriority = fc.integer({ min: 1, max: 255 }).map((priority) => priority as Priority);
const anyInterval = fc.integer({ min: 1, max: 4095 }).map((interval) => centiseconds(interval));

describe('vrrp/timers', () => {
  for (const [priority, interval, skew, down] of [
    [100, 1_000, 609_375, 3_609_375],
    [254, 1_000, 7_813, 3_007_813],
    [255, 1_000, 3_907, 3_003_907],
    [1, 1_000, 996_094, 3_996_094],
    [254, 10, 79, 30_079],
    [100, 40_950, 24_953_907, 147_803_907],
  ] as const)
    it(`the formulas of RFC 9568: priority ${priority} at ${interval} ms`, () => {
      assert.equal(skewTime(priority as Priority, milliseconds(interval)), skew);
      assert.equal(activeDownInterval(priority as Priority, milliseconds(interval)), down);
    });

  it('never vanishes and is never rounded down', () => {
    fc.assert(
      fc.property(anyPriority, anyInterval, (priority, interval) => {
        const skew = skewTime(priority, interval);
        assert.ok(skew > 0 && Number.isInteger(skew));
        assert.ok(
          skew * 256 >= (256 - priority) * interval && (skew - 1) * 256 < (256 - priority) * interval,
        );
        assert.equal(activeDownInterval(priority, interval), 3 * interval + skew);
      }),
    );
  });

  it('is shorter for a higher priority', () => {
    fc.assert(
      fc.property(anyPriority, anyPriority, anyInterval, (a, b, interval) => {
        const [low, high] = [Math.min(a, b) as Priority, Math.max(a, b) as Priority];
        const apart = skewTime(low, interval) - skewTime(high, interval);
        // An interval has at least 10,000 µs, so neighbours are 39 µs apart at least.
        assert.ok(low === high ? apart === 0 : apart >= 39);
      }),
    );
  });
});
