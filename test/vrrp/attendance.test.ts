import assert from 'node:assert/strict';
import { milliseconds, seconds } from '../../src/base/time.ts';
import { Attendance } from '../../src/vrrp/attendance.ts';
import type { Readiness } from '../../src/vrrp/readiness.ts';
import { eth0 } from './loop-bench.ts';

const ready: Readiness = { ready: true, facts: eth0, primaries: [] };
const down: Readiness = { ready: false, reason: 'interface-down' };

describe('vrrp/attendance', () => {
  it('the first one starts when it can, the others a millisecond apart, whenever they all can at once', () => {
    const all = [0, 1, 2].map((slot) => new Attendance(slot));
    const look = (state: Readiness, at_ms: number): boolean[] =>
      all.map((one) => {
        one.look(state, undefined, milliseconds(at_ms));
        return one.able;
      });
    assert.deepEqual(look(down, 1), [false, false, false]);
    assert.deepEqual(look(ready, 10), [true, false, false]);
    assert.deepEqual(
      all.map(({ deadline }) => deadline),
      [undefined, milliseconds(11), milliseconds(12)],
    );
    assert.deepEqual(look(ready, 11), [true, true, false]);
    assert.deepEqual(look(ready, 12), [true, true, true]);
    assert.deepEqual(look(down, 20), [false, false, false]);
    assert.deepEqual(look(ready, 30), [true, false, false]);
  });

  it('what keeps it out counts before time, and says whether a peer can be told', () => {
    const one = new Attendance(0);
    one.look(ready, 'tracker-failed', milliseconds(1));
    assert.deepEqual(one.obstacle, { reason: 'tracker-failed', resign: true });
    one.look(down, 'tracker-failed', milliseconds(2));
    assert.deepEqual(one.obstacle, { reason: 'tracker-failed', resign: false });
    one.look(down, undefined, milliseconds(3));
    assert.deepEqual(one.obstacle, { reason: 'interface-down', resign: false });
  });

  it('stands aside for 5 s, and no deadline is left in the past', () => {
    const one = new Attendance(1);
    one.look(ready, undefined, milliseconds(1));
    one.standAside(milliseconds(2));
    assert.equal(one.deadline, milliseconds(2) + seconds(5));
    one.look(down, undefined, milliseconds(5_002));
    assert.equal(one.deadline, undefined);
  });
});
