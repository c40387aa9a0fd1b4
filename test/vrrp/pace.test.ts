import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip, ipFromBytes, type Ip } from '../../src/base/ip.ts';
import { micros, milliseconds, seconds, type Micros } from '../../src/base/time.ts';
import { Announcer, burstFrames } from '../../src/vrrp/announce.ts';
import { frameTime, Pace } from '../../src/vrrp/pace.ts';

const timings = {
  garp_master_repeat: 5,
  garp_master_delay: seconds(5),
  garp_master_refresh: seconds(0),
  garp_master_refresh_repeat: 1,
  garp_lower_prio_repeat: 5,
  garp_lower_prio_delay: seconds(0),
  garp_interval: seconds(0),
  gna_interval: seconds(0),
};
const a = ip('10.1.0.100');
const b = ip('10.1.0.101');
const many = (count: number): Ip[] =>
  Array.from({ length: count }, (_, at) => ipFromBytes(Uint8Array.of(10, 2, at >> 8, at & 0xff)));

/** @returns how many frames leave when it is promoted with these addresses */
const promote = (machine: Announcer, at: Micros, addresses: readonly Ip[]): number =>
  machine.handle({ type: 'start', addresses }, at).length;

describe('vrrp/pace', () => {
  it('lets the announcers of an interface send one after another, in the order of asking', () => {
    const pace = new Pace();
    const first = new Announcer(timings, pace);
    const second = new Announcer(timings, pace);
    const third = new Announcer(timings, pace);
    assert.equal(promote(first, seconds(1), [a]), 5);
    assert.equal(promote(second, seconds(1), [a, b]), 0);
    assert.equal(promote(third, micros(1_000_100), [b]), 0);
    assert.equal(second.deadline, 1_000_250);
    assert.equal(third.deadline, 1_000_750);
    assert.equal(second.handle(undefined, micros(1_000_250)).length, 10);
    assert.equal(third.handle(undefined, micros(1_000_750)).length, 5);
    // What was promised is out: the next one need not wait.
    assert.equal(first.handle({ type: 'conflict' }, milliseconds(1_001)).length, 5);
  });

  it('keeps an interface to its pace, whoever announces how much and when', () => {
    const promotion = fc.record({
      at: fc.integer({ min: 0, max: 3_000 }).map(micros),
      addresses: fc.integer({ min: 1, max: 30 }).map(many),
    });
    fc.assert(
      fc.property(fc.array(promotion, { minLength: 2, maxLength: 12 }), (promotions) => {
        const pace = new Pace();
        const sent: Micros[] = [];
        const note = (at: Micros, frames: number): unknown => sent.push(...Array<Micros>(frames).fill(at));
        const machines: Announcer[] = [];
        const due = (): Announcer | undefined =>
          machines
            .filter(({ deadline }) => deadline !== undefined)
            .sort((x, y) => x.deadline! - y.deadline!)[0];
        const run = (until: Micros): void => {
          for (let next = due(); next !== undefined && next.deadline! <= until; next = due())
            note(next.deadline!, next.handle(undefined, next.deadline!).length);
        };
        for (const { at, addresses } of promotions.sort((x, y) => x.at - y.at)) {
          run(at);
          const machine = new Announcer(timings, pace);
          machines.push(machine);
          note(at, promote(machine, at, addresses));
        }
        run(seconds(60));
        const wanted = promotions.reduce((sum, { addresses }) => sum + 2 * 5 * addresses.length, 0);
        assert.equal(sent.length, wanted);
        // A burst leaves at once, and the time it takes comes after it.
        for (const [index, at] of sent.entries())
          assert((sent[index + 2 * burstFrames] ?? Infinity) - at >= burstFrames * frameTime);
      }),
    );
  });
});
