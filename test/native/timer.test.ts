import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { native } from '../../src/kernel/native.ts';
import { needRoot, openDescriptors, schedulingPolicy, until } from './namespace.ts';

describe('the timer', () => {
  it('never fires early, and on time within the noise of the machine', async () => {
    const lateness: number[] = [];
    let at = 0;
    const timer = native.timer(() => {
      lateness.push(native.now() - at);
      if (lateness.length < 20) timer.set((at = native.now() + 5_000));
    });
    timer.set((at = native.now() + 5_000));
    await until('20 expiries', () => lateness.length === 20);
    timer.stop();
    assert.ok(Math.min(...lateness) >= 0, `earliest ${Math.min(...lateness)} µs`);
    const median = lateness.sort((a, b) => a - b)[10] ?? Infinity;
    assert.ok(median < 5_000, `median lateness ${median} µs`);
  });

  it('fires once, at once for an instant in the past, and not when disarmed or moved', async () => {
    let fired = 0;
    const timer = native.timer(() => fired++);
    timer.set(0);
    await until('the past', () => fired === 1);
    timer.set(native.now() + 2_000);
    timer.set(undefined);
    await pause(20);
    assert.equal(fired, 1);
    timer.set(native.now() + 1_000);
    for (const end = native.now() + 3_000; native.now() < end;);
    timer.set(native.now() + 60_000_000); // it expired meanwhile, but was moved before the loop came round
    await pause(20);
    assert.equal(fired, 1);
    timer.stop();
    timer.stop();
    timer.set(native.now());
    await pause(10);
    assert.equal(fired, 1);
  });

  it('gives its descriptor back', async () => {
    const before = openDescriptors();
    const timers = Array.from({ length: 10 }, () => native.timer(() => undefined));
    assert.equal(openDescriptors(), before + 10);
    for (const timer of timers) timer.stop();
    await until('all closed', () => openDescriptors() === before);
  });
});

describe('clock and scheduling class', () => {
  it('counts microseconds that never step back; CLOCK_BOOTTIME is not behind CLOCK_MONOTONIC', async () => {
    const [start, monotonic] = [native.now(), native.monotonic()];
    assert.ok(Number.isInteger(start) && start >= monotonic - 1_000);
    await pause(20);
    const [passed, same] = [native.now() - start, native.monotonic() - monotonic];
    assert.ok(passed >= 19_000 && Math.abs(passed - same) < 5_000, `${passed} µs and ${same} µs`);
  });

  it('makes only the calling thread real-time, and no child inherits it', function () {
    needRoot(this);
    const own = (): number =>
      schedulingPolicy(readFileSync(`/proc/self/task/${native.gettid()}/stat`, 'utf8'));
    const result = native.schedule(2, 10);
    try {
      assert.equal(result, 0);
      assert.equal(own(), 2, 'SCHED_RR');
      const child = execFileSync('cat', ['/proc/self/stat'], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      });
      assert.equal(schedulingPolicy(child), 0, 'SCHED_OTHER');
    } finally {
      native.schedule(0, 0);
    }
    assert.equal(own(), 0);
    assert.equal(native.schedule(2, 1000), -22, 'EINVAL');
  });
});
