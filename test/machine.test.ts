import assert from 'node:assert/strict';
import { type Micros, micros } from '../src/base/time.ts';
import { expire, type Machine } from '../src/machine.ts';

/** Rings when its deadline has come, and writes down every call. */
class Alarm implements Machine<string, string> {
  deadline: Micros | undefined;
  readonly calls: (readonly [string | undefined, Micros])[] = [];

  handle(event: string | undefined, now: Micros): readonly string[] {
    this.calls.push([event, now]);
    return ['ring'];
  }
}

describe('expire', () => {
  it('leaves a machine without a deadline alone', () => {
    const alarm = new Alarm();
    assert.deepEqual(expire(alarm, micros(1)), []);
    assert.deepEqual(alarm.calls, []);
  });

  it('does nothing one microsecond before the deadline', () => {
    const alarm = new Alarm();
    alarm.deadline = micros(100);
    assert.deepEqual(expire(alarm, micros(99)), []);
    assert.deepEqual(alarm.calls, []);
  });

  it('calls with no event at the deadline, and gives back the actions', () => {
    const alarm = new Alarm();
    alarm.deadline = micros(100);
    assert.deepEqual(expire(alarm, micros(100)), ['ring']);
    assert.deepEqual(alarm.calls, [[undefined, 100]]);
  });

  it('fires once however late it comes, with the instant that it is', () => {
    const alarm = new Alarm();
    alarm.deadline = micros(100);
    expire(alarm, micros(5_000));
    assert.deepEqual(alarm.calls, [[undefined, 5_000]]);
  });

  it('takes a deadline at instant 0 for a deadline', () => {
    const alarm = new Alarm();
    alarm.deadline = micros(0);
    assert.deepEqual(expire(alarm, micros(0)), ['ring']);
  });
});
