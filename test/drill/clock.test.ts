import assert from 'node:assert/strict';
import type { Micros } from '../../src/base/time.ts';
import type { ClockPort } from '../../src/drill/clock.ts';
import { sleepUntil, startTicks } from '../../src/drill/clock.ts';

/** A clock that stands still; every wake comes `lateness` after it was due. */
class ScriptedClock implements ClockPort {
  instant = 1_000_000;
  due: number | undefined;
  #onExpiry: () => void = () => undefined;
  now(): number {
    return this.instant;
  }
  timer(onExpiry: () => void): { set(at: number | undefined): void; stop(): void } {
    this.#onExpiry = onExpiry;
    return { set: (at) => (this.due = at), stop: () => (this.due = undefined) };
  }
  wake(lateness: number): void {
    assert(this.due !== undefined);
    this.instant = Math.max(this.instant, this.due + lateness);
    this.due = undefined;
    this.#onExpiry();
  }
}

describe('clock of the instruments', () => {
  it('does not drift: every slot is due at a whole number of periods after the first', () => {
    const clock = new ScriptedClock();
    const slots: number[] = [];
    const due: (number | undefined)[] = [];
    const ticks = startTicks(clock, 5_000 as Micros, (slot) => slots.push(slot));
    for (const lateness of [0, 300, 4_900, 10]) {
      due.push(clock.due);
      clock.wake(lateness);
    }
    assert.deepEqual(slots, [0, 1, 2, 3]);
    assert.deepEqual(
      due,
      [0, 1, 2, 3].map((slot) => ticks.startedAt + slot * 5_000),
    );
  });

  it('leaves out the slots that a late wake missed', () => {
    const clock = new ScriptedClock();
    const slots: number[] = [];
    startTicks(clock, 5_000 as Micros, (slot) => slots.push(slot));
    for (const lateness of [0, 17_000, 0, 5_000]) clock.wake(lateness);
    assert.deepEqual(slots, [0, 4, 5, 7]);
  });

  it('is silent after stop, also when stopped in its own tick', () => {
    const clock = new ScriptedClock();
    const ticks = startTicks(clock, 5_000 as Micros, () => ticks.stop());
    clock.wake(0);
    assert.equal(clock.due, undefined);
  });

  it('sleeps until an instant and tells when it woke', async () => {
    const clock = new ScriptedClock();
    const woken = sleepUntil(clock, 2_000_000 as Micros);
    clock.wake(40);
    assert.equal(await woken, 2_000_040);
    assert.equal(clock.due, undefined);
  });
});
