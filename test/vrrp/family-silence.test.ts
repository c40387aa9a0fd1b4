import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import { FamilySilence } from '../../src/vrrp/family-silence.ts';

const both = [4, 6] as const;
const wait = seconds(3.5);

describe('vrrp/family-silence', () => {
  it('says once that a family is silent while the other is heard, and once that it is heard again', () => {
    const silence = new FamilySilence();
    const hear = (family: 4 | 6, at: number): unknown => silence.heard(family, both, wait, seconds(at));
    for (const at of [0, 1, 2]) {
      assert.equal(hear(4, at), undefined);
      assert.equal(hear(6, at), undefined);
    }
    assert.equal(hear(4, 3), undefined);
    assert.equal(hear(4, 5), undefined);
    assert.deepEqual(hear(4, 5.5), { family: 6, silent: true });
    assert.deepEqual(silence.silentAt(seconds(6)), [6]);
    assert.equal(hear(4, 7), undefined);
    assert.deepEqual(hear(6, 8), { family: 6, silent: false });
    assert.deepEqual(silence.silentAt(seconds(8)), []);
    assert.equal(hear(4, 8), undefined);
  });

  it('a family that was never heard is silent after an Active_Down_Interval of the other', () => {
    const silence = new FamilySilence();
    assert.equal(silence.heard(6, both, wait, seconds(0)), undefined);
    assert.equal(silence.heard(6, both, wait, seconds(2)), undefined);
    assert.deepEqual(silence.heard(6, both, wait, seconds(4)), { family: 4, silent: true });
  });

  it('after a silence of both, which is a dead Active, both have time to speak again', () => {
    const silence = new FamilySilence();
    for (const family of both) silence.heard(family, both, wait, seconds(0));
    assert.equal(silence.heard(6, both, wait, seconds(60)), undefined);
    assert.equal(silence.heard(4, both, wait, seconds(60.01)), undefined);
    assert.deepEqual(silence.silentAt(seconds(60.01)), []);
  });

  it('when nobody is heard any more no way is broken', () => {
    const silence = new FamilySilence();
    for (const at of [0, 2, 4]) silence.heard(4, both, wait, seconds(at));
    assert.deepEqual(silence.silentAt(seconds(7.4)), [6]);
    assert.deepEqual(silence.silentAt(seconds(7.5)), []);
  });

  it('one family alone is never silent', () => {
    const silence = new FamilySilence();
    for (const at of [0, 1, 60, 61]) assert.equal(silence.heard(4, [4], wait, seconds(at)), undefined);
  });
});
