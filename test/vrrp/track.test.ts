import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Micros } from '../../src/base/time.ts';
import { type Track, trackerKinds, type TrackerState, type Tracking, weigh } from '../../src/vrrp/track.ts';
import type { Priority } from '../../src/vrrp/types.ts';

const now = 5_000_000 as Micros;
const priority = (n: number): Priority => n as Priority;
const track = (weight: number, reverse = false): Track => ({ kind: 'script', name: 's', weight, reverse });
const state = (verdict: TrackerState['verdict'], number?: number): TrackerState => ({
  kind: 'script',
  name: 's',
  verdict,
  number,
  words: 'exit code 1: no route',
  since: 1_000_000 as Micros,
  heardAt: 4_000_000 as Micros,
  silent: false,
});
const weighOne = (base: number, one: Track, known: TrackerState | undefined): Tracking =>
  weigh(priority(base), [one], () => known, now);

describe('weights of trackers', () => {
  // base, weight, reverse, verdict → effective priority, fault
  const table: readonly (readonly [number, number, boolean, TrackerState['verdict'], number, boolean])[] = [
    [100, 20, false, 'up', 120, false],
    [100, 20, false, 'down', 100, false],
    [100, 20, false, 'unknown', 100, false],
    [100, -20, false, 'up', 100, false],
    [100, -20, false, 'down', 80, false],
    [100, -20, false, 'unknown', 100, false],
    [100, 20, true, 'up', 80, false],
    [100, 20, true, 'down', 100, false],
    [100, -20, true, 'up', 100, false],
    [100, -20, true, 'down', 120, false],
    [100, 0, false, 'up', 100, false],
    [100, 0, false, 'down', 100, true],
    [100, 0, false, 'unknown', 100, true],
    [100, 0, true, 'up', 100, true],
    [100, 0, true, 'down', 100, false],
    [100, 0, true, 'unknown', 100, true],
    [250, 20, false, 'up', 254, false],
    [10, -20, false, 'down', 1, false],
    [255, -20, false, 'down', 255, false],
    [255, 0, false, 'down', 255, true],
  ];
  for (const [base, weight, reverse, verdict, effective, fault] of table)
    it(`${base}, weight ${weight}${reverse ? ' reverse' : ''}, ${verdict}: ${effective}`, () => {
      const result = weighOne(base, track(weight, reverse), state(verdict));
      assert.equal(result.effectivePriority, effective);
      assert.equal(result.fault !== undefined, fault);
    });

  // base, weight, reverse, number → effective priority, fault
  const files: readonly (readonly [number, number, boolean, number | undefined, number, boolean])[] = [
    [100, 1, false, -30, 70, false],
    [100, 2, false, 30, 160, false],
    [100, 2, true, 30, 40, false],
    [100, 1, false, 100_000, 254, false],
    [200, 1, false, -253, 1, false],
    [200, 1, false, -254, 200, true],
    [200, 1, true, 254, 200, true],
    [100, 0, false, 0, 100, false],
    [100, 0, false, 7, 100, true],
    [100, 0, true, 0, 100, true],
    [100, 0, true, 7, 100, false],
    [100, 0, false, undefined, 100, true],
    [100, 5, false, undefined, 100, false],
    [255, 5, false, -3, 255, false],
  ];
  for (const [base, weight, reverse, number, effective, fault] of files)
    it(`file: ${base}, weight ${weight}${reverse ? ' reverse' : ''}, number ${number}: ${effective}`, () => {
      const one: Track = { kind: 'file', name: 'm', weight, reverse };
      const result = weighOne(base, one, state(number === undefined ? 'unknown' : 'up', number));
      assert.equal(result.effectivePriority, effective);
      assert.equal(result.fault !== undefined, fault);
    });

  it('names every fault with its reason, and shows every part', () => {
    const tracks: readonly Track[] = [
      { kind: 'script', name: 'haproxy', weight: 0, reverse: false },
      { kind: 'file', name: 'maintenance', weight: 0, reverse: false },
      { kind: 'process', name: 'bird', weight: -10, reverse: false },
      { kind: 'interface', name: 'eth1', weight: 0, reverse: false },
      { kind: 'virtual_server', name: 'TCP 10.1.0.100:80', weight: 0, reverse: false },
    ];
    const known = new Map([
      ['haproxy', state('down')],
      ['maintenance', state('up', 1)],
      ['bird', state('down')],
      ['TCP 10.1.0.100:80', { ...state('down'), words: 'quorum 0 of 1' }],
    ]);
    const { effectivePriority, fault, contributions } = weigh(
      priority(100),
      tracks,
      ({ name }) => known.get(name),
      now,
    );
    assert.equal(effectivePriority, 90);
    assert.deepEqual(fault?.split('; '), [
      'script haproxy is down: exit code 1: no route',
      'file maintenance says 1',
      'interface eth1 has not reported yet',
      'virtual_server TCP 10.1.0.100:80 is down: quorum 0 of 1',
    ]);
    assert.deepEqual(
      contributions.map(({ name, points, fault: alone }) => [name, points, alone]),
      [
        ['haproxy', 0, true],
        ['maintenance', 0, true],
        ['bird', -10, false],
        ['eth1', 0, true],
        ['TCP 10.1.0.100:80', 0, true],
      ],
    );
    assert.equal(contributions[2]?.since, 1_000_000);
    assert.equal(contributions[3]?.since, now);
  });

  it('stays within 1..254 for any trackers, and is the sum of what it shows', () => {
    const anyTrack = fc.record({
      kind: fc.constantFrom(...trackerKinds),
      name: fc.constantFrom('a', 'b', 'c'),
      weight: fc.integer({ min: -253, max: 253 }),
      reverse: fc.boolean(),
    });
    const anyState = fc.tuple(
      fc.constantFrom('up', 'down', 'unknown'),
      fc.option(fc.integer({ min: -1e9, max: 1e9 }), { nil: undefined }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 254 }),
        fc.array(fc.tuple(anyTrack, anyState), { maxLength: 6 }),
        (base, all) => {
          const states = new Map<unknown, TrackerState>(
            all.map(([one, [verdict, number]]) => [one, state(verdict, number)]),
          );
          const tracks = all.map(([one]) => one);
          const result = weigh(priority(base), tracks, (one) => states.get(one), now);
          const sum = result.contributions.reduce((total, { points }) => total + points, base);
          assert.equal(result.effectivePriority, Math.min(254, Math.max(1, sum)));
          for (const { points } of result.contributions) {
            assert.ok(Math.abs(points) <= 253);
            assert.ok(!Object.is(points, -0));
          }
          assert.equal(
            result.fault === undefined,
            result.contributions.every(({ fault }) => !fault),
          );
        },
      ),
    );
  });
});
