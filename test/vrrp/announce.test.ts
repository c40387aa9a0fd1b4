import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip, ipFromBytes, type Ip } from '../../src/base/ip.ts';
import { milliseconds, seconds, type Micros } from '../../src/base/time.ts';
import { Announcer, burstFrames, type AnnounceEvent } from '../../src/vrrp/announce.ts';
import { Pace } from '../../src/vrrp/pace.ts';
import type { AnnounceTimings } from '../../src/vrrp/types.ts';

/** keepalived's defaults. */
const defaults: AnnounceTimings = {
  garp_master_repeat: 5,
  garp_master_delay: seconds(5),
  garp_master_refresh: seconds(0),
  garp_master_refresh_repeat: 1,
  garp_lower_prio_repeat: 5,
  garp_lower_prio_delay: seconds(5),
  garp_interval: seconds(0),
  gna_interval: seconds(0),
};
const a = ip('10.1.0.100');
const b = ip('10.1.0.101');
const two = { garp_master_repeat: 2, garp_lower_prio_repeat: 1 };
const many = (count: number): Ip[] =>
  Array.from({ length: count }, (_, at) => ipFromBytes(Uint8Array.of(10, 2, at >> 8, at & 0xff)));

const start = (...addresses: Ip[]): AnnounceEvent => ({ type: 'start', addresses });
const conflict: AnnounceEvent = { type: 'conflict' };
const stop: AnnounceEvent = { type: 'stop' };

/** An announcer and what it said: handle() returns the addresses announced, each step one instant. */
function announcer(timings: Partial<AnnounceTimings> = {}) {
  const machine = new Announcer({ ...defaults, ...timings }, new Pace());
  return {
    at: (time: Micros, event?: AnnounceEvent): Ip[] =>
      machine.handle(event, time).map(({ address }) => address),
    get deadline(): Micros | undefined {
      return machine.deadline;
    },
    /** Every frame up to `until`, called exactly at each deadline. */
    run(until: Micros): { readonly at: Micros; readonly frames: number }[] {
      const said: { at: Micros; frames: number }[] = [];
      for (let at = machine.deadline; at !== undefined && at <= until; at = machine.deadline) {
        said.push({ at, frames: machine.handle(undefined, at).length });
      }
      return said;
    },
  };
}

describe('vrrp/announce', () => {
  it('announces every address five times at once, again after the delay, and then rests', () => {
    const machine = announcer();
    assert.deepEqual(machine.at(seconds(1), start(a, b)), [a, b, a, b, a, b, a, b, a, b]);
    assert.equal(machine.deadline, seconds(6));
    assert.deepEqual(machine.at(seconds(6)), [a, b, a, b, a, b, a, b, a, b]);
    assert.equal(machine.deadline, undefined);
  });

  it('does nothing before its deadline, and fires a late one once', () => {
    const machine = announcer(two);
    machine.at(seconds(1), start(a));
    assert.deepEqual(machine.at(milliseconds(5_999)), []);
    assert.equal(machine.deadline, seconds(6));
    assert.deepEqual(machine.at(seconds(60)), [a, a]);
    assert.equal(machine.deadline, undefined);
  });

  it('sends one round only when garp_master_delay is 0', () => {
    const machine = announcer({ ...two, garp_master_delay: seconds(0) });
    assert.deepEqual(machine.at(seconds(1), start(a)), [a, a]);
    assert.equal(machine.deadline, undefined);
  });

  it('sends nothing where the repeat is 0', () => {
    const machine = announcer({ garp_master_repeat: 0, garp_master_delay: seconds(0) });
    assert.deepEqual(machine.at(seconds(1), start(a)), []);
    assert.equal(machine.deadline, undefined);
  });

  it('refreshes from the promotion on, for as long as it is Active', () => {
    const machine = announcer({ ...two, garp_master_refresh: seconds(10), garp_master_refresh_repeat: 3 });
    machine.at(seconds(0), start(a));
    assert.deepEqual(machine.run(seconds(30)), [
      { at: seconds(5), frames: 2 },
      { at: seconds(10), frames: 3 },
      { at: seconds(20), frames: 3 },
      { at: seconds(30), frames: 3 },
    ]);
    assert.deepEqual(machine.at(seconds(31), stop), []);
    assert.equal(machine.deadline, undefined);
  });

  it('falls silent at once on stop, in the middle of a burst too', () => {
    const machine = announcer();
    assert.equal(machine.at(seconds(1), start(...many(100))).length, burstFrames);
    assert.deepEqual(machine.at(seconds(1), stop), []);
    assert.equal(machine.deadline, undefined);
    assert.deepEqual(machine.at(seconds(9)), []);
  });

  it('ignores conflicts and additions while it is not Active', () => {
    const machine = announcer();
    for (const event of [
      conflict,
      { type: 'add', addresses: [a] },
      { type: 'remove', addresses: [a] },
      stop,
    ] as const) {
      assert.deepEqual(machine.at(seconds(1), event), []);
      assert.equal(machine.deadline, undefined);
    }
  });

  it('starts over on a second promotion', () => {
    const machine = announcer(two);
    machine.at(seconds(1), start(a));
    machine.at(seconds(2), stop);
    assert.deepEqual(machine.at(seconds(2), start(b)), [b, b]);
    assert.equal(machine.deadline, seconds(7));
    assert.deepEqual(machine.at(seconds(7)), [b, b]);
  });

  it('spaces IPv4 frames by garp_interval and IPv6 frames by gna_interval', () => {
    const pauses = { ...two, garp_interval: milliseconds(10), gna_interval: milliseconds(20) };
    for (const [family, pause] of [
      [4, 10],
      [6, 20],
    ] as const) {
      const machine = announcer(pauses);
      const [one, two] = family === 4 ? [a, b] : [ip('fd00::1'), ip('fd00::2')];
      assert.deepEqual(machine.at(seconds(1), start(one, two)), [one]);
      assert.equal(machine.deadline, milliseconds(1_000 + pause));
      assert.deepEqual(machine.at(milliseconds(1_000 + pause)), [two]);
      assert.deepEqual(machine.at(milliseconds(1_000 + 2 * pause)), [one]);
      assert.deepEqual(machine.at(milliseconds(1_000 + 3 * pause)), [two]);
      assert.equal(machine.deadline, seconds(6));
    }
  });

  it('paces many addresses in bursts of 20 frames, 1 ms apart, every address before any twice', () => {
    const machine = announcer({ garp_master_delay: seconds(0) });
    const addresses = many(50);
    assert.deepEqual(machine.at(seconds(1), start(...addresses)), addresses.slice(0, 20));
    assert.equal(machine.deadline, milliseconds(1_001));
    assert.deepEqual(machine.at(milliseconds(1_001)), addresses.slice(20, 40));
    const third = [...addresses.slice(40), ...addresses.slice(0, 10)];
    assert.deepEqual(machine.at(milliseconds(1_002)), third);
    const rest = machine.run(seconds(2));
    assert.equal(rest.length, 10);
    assert.deepEqual(rest.at(-1), { at: milliseconds(1_012), frames: 10 });
    assert.equal(machine.deadline, undefined);
  });

  it('announces added addresses alone, twice; removed ones never again', () => {
    const machine = announcer({ ...two, garp_master_refresh: seconds(60) });
    machine.at(seconds(0), start(a));
    machine.at(seconds(5));
    assert.deepEqual(machine.at(seconds(8), { type: 'add', addresses: [b] }), [b, b]);
    assert.deepEqual(machine.at(seconds(9), { type: 'remove', addresses: [a] }), []);
    assert.deepEqual(machine.run(seconds(60)), [
      { at: seconds(13), frames: 2 },
      { at: seconds(60), frames: 1 },
    ]);
  });

  it('announces the first address of a router that began with none', () => {
    const machine = announcer(two);
    assert.deepEqual(machine.at(seconds(1), start()), []);
    assert.deepEqual(machine.at(seconds(2), { type: 'add', addresses: [a] }), [a, a]);
  });

  it('answers a conflict at once and again after garp_lower_prio_delay', () => {
    const machine = announcer({ garp_lower_prio_repeat: 3, garp_lower_prio_delay: seconds(2) });
    machine.at(seconds(0), start(a, b));
    machine.at(seconds(5));
    assert.deepEqual(machine.at(seconds(10), conflict), [a, b, a, b, a, b]);
    assert.equal(machine.deadline, seconds(12));
    assert.deepEqual(machine.at(seconds(12)), [a, b, a, b, a, b]);
    assert.equal(machine.deadline, undefined);
  });

  it('answers a conflict once where the delay is 0, and never where the repeat is 0', () => {
    const once = announcer({ ...two, garp_lower_prio_delay: seconds(0), garp_master_delay: seconds(0) });
    once.at(seconds(0), start(a));
    assert.deepEqual(once.at(seconds(1), conflict), [a]);
    assert.equal(once.deadline, undefined);
    const never = announcer({ garp_lower_prio_repeat: 0, garp_master_delay: seconds(0) });
    never.at(seconds(0), start(a));
    assert.deepEqual(never.at(seconds(1), conflict), []);
    assert.deepEqual(
      never.run(seconds(60)).filter(({ frames }) => frames > 0),
      [],
    );
  });

  it('answers conflicts of one second together at its end', () => {
    const machine = announcer({ ...two, garp_master_delay: seconds(0) });
    machine.at(seconds(0), start(a));
    assert.deepEqual(machine.at(seconds(10), conflict), [a]);
    assert.deepEqual(machine.at(milliseconds(10_100), conflict), []);
    assert.deepEqual(machine.at(milliseconds(10_900), conflict), []);
    assert.equal(machine.deadline, seconds(11));
    assert.deepEqual(machine.run(seconds(60)), [
      { at: seconds(11), frames: 1 },
      { at: seconds(16), frames: 1 },
    ]);
  });

  it('is not made to flood by a peer that never falls silent, and ends when it does', () => {
    const machine = announcer({ ...two, garp_master_delay: seconds(0) });
    machine.at(seconds(0), start(a));
    let frames = 0;
    for (let at = 10_000; at < 20_000; at += 10) {
      frames += machine.at(milliseconds(at)).length + machine.at(milliseconds(at), conflict).length;
    }
    assert.equal(frames, 10);
    assert.deepEqual(machine.run(seconds(90)), [
      { at: seconds(20), frames: 1 },
      { at: seconds(25), frames: 1 },
    ]);
  });

  it('merges rounds that overlap: an address is never owed more than one round', () => {
    const machine = announcer({ garp_interval: seconds(1) });
    machine.at(seconds(0), start(...many(100)));
    for (let at = 1; at <= 1_000; at++) assert(machine.at(seconds(at), conflict).length === 1);
    const rest = machine.run(seconds(10_000)).reduce((sum, { frames }) => sum + frames, 0);
    assert(rest >= 100 * 5 && rest <= 2 * 100 * 5, `${rest} frames are the last two rounds, merged or not`);
    assert.equal(machine.deadline, undefined);
  });

  it('keeps its deadline in the future, sends at most a burst a call, and announces all it was given', () => {
    const addresses = many(80);
    const event = fc.oneof(
      fc.constant(start(...addresses)),
      fc.constant(conflict),
      fc.constant(stop),
      fc.constant({ type: 'add', addresses: many(90).slice(80) } as const),
    );
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 3_000_000 }),
      event: fc.option(event, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const machine = new Announcer({ ...defaults, garp_master_refresh: seconds(7) }, new Pace());
        let now = seconds(0);
        for (const { wait, event } of steps) {
          now = (now + wait) as Micros;
          assert(machine.handle(event, now).length <= burstFrames);
          assert(machine.deadline === undefined || machine.deadline > now);
        }
        const heard = new Set<Ip>();
        const collect = (at: Micros, event?: AnnounceEvent) =>
          machine.handle(event, at).forEach(({ address }) => heard.add(address));
        collect(now, stop);
        collect(now, start(...addresses));
        const end = (now + seconds(1)) as Micros;
        for (let at = machine.deadline; at !== undefined && at <= end; at = machine.deadline) collect(at);
        assert.deepEqual([...heard], addresses);
      }),
    );
  });
});
