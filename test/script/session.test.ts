import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { type Micros, seconds } from '../../src/base/time.ts';
import { native } from '../../src/kernel/native.ts';
import { isLeftover, parseStat, type ProcessStat } from '../../src/script/session.ts';

describe('what a script has left', () => {
  it('is told by its session and the time of its birth', () => {
    const run = { id: 700, startedAt: seconds(100), endedAt: seconds(110) };
    const born = (s: number, more: Partial<ProcessStat> = {}): boolean =>
      isLeftover({ session: 700, startedAt: seconds(s), zombie: false, ...more }, [run]);
    assert.ok(born(100));
    assert.ok(born(99.995), 'the kernel cuts to 10 ms');
    assert.ok(born(110));
    assert.ok(!born(99), 'an earlier session of that number');
    assert.ok(!born(110.02), 'a later session of that number');
    assert.ok(!born(105, { session: 701 }));
    assert.ok(!born(105, { zombie: true }));
  });

  it('is read from /proc, whatever a process calls itself', () => {
    const rest = Array.from({ length: 16 }, (_, at) => at).join(' ');
    assert.deepEqual(parseStat(`7 (a) S 1 (b)) S 1 6 5 ${rest} 900 1 1`)?.session, 5);
    const own = parseStat(readFileSync('/proc/self/stat', 'latin1'));
    assert.ok(own !== undefined && own.startedAt <= native.now() && own.startedAt > 0);
    const age_s = (native.now() - own.startedAt) / 1e6;
    assert.ok(Math.abs(age_s - process.uptime()) < 2, `${age_s} s old`);
    assert.equal(parseStat(''), undefined);
    assert.equal(parseStat('7 (a) S 1 6'), undefined);
  });

  it('any text: whole numbers or nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((name) => `1 (${name}) S 1 2 3 4`),
        ),
        (text) => {
          const stat = parseStat(text);
          assert.ok(stat === undefined || Number.isInteger(stat.startedAt satisfies Micros));
        },
      ),
    );
  });
});
