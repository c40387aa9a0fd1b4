import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Micros } from '../../src/base/time.ts';
import type { OwnerInterval, PresenceEvent, Track } from '../../src/drill/timeline.ts';
import { mergeTracks, ownership, presence, probeSent, summarise } from '../../src/drill/timeline.ts';

const period = 2_000 as Micros;
const startedAt = 50_000 as Micros;

/** One letter a slot: "." no probe was sent, "-" nobody answered, "a" and "b" one director, "x" both. */
const codes: Readonly<Record<string, number>> = { '.': 0, '-': 0x80, a: 0x81, b: 0x82, x: 0x83 };
const track = (slots: string): Track => ({
  startedAt,
  period,
  slots: Uint8Array.from(slots, (slot) => codes[slot] ?? 0),
});
/** The same letters back, "?" for unknown. */
const letters = (intervals: readonly OwnerInterval[]): string =>
  intervals
    .map(({ from, to, owners }) =>
      (owners === 'unknown' ? '?' : '-abx'.charAt(owners)).repeat((to - from) / period),
    )
    .join('');
const slotsToMicros = (slots: number): number => slots * period;
const window = (from: number, to: number): { from: Micros; to: Micros } => ({
  from: (startedAt + from * period) as Micros,
  to: (startedAt + to * period) as Micros,
});

describe('ownership', () => {
  const rows: readonly [case_: string, slots: string, owners: string][] = [
    ['one owner', 'aaaaa', 'aaaaa'],
    ['a clean move with a hole', 'aaa------bbb', 'aaa------bbb'],
    ['a move without a hole', 'aaabbb', 'aaabbb'],
    ['an overlap of one slot', 'aaaxbbb', 'aaaxbbb'],
    ['one lost answer', 'aaa-aaa', 'aaaaaaa'],
    ['three lost answers', 'aaa---aaa', 'aaaaaaaaa'],
    ['four lost answers are a hole', 'aaa----aaa', 'aaa----aaa'],
    ['a lost answer at the end is a hole: nothing came after it', 'aaa-', 'aaa-'],
    ['an answer of the old owner lost just before an overlap', 'aa-xbb', 'aaaxbb'],
    ['two directors in turn are two owners', 'abababab', 'axxxxxxb'],
    ['a late probe continues what was', 'aa.bb', 'aaabb'],
    ['four missing probes continue what was', 'aa....--', 'aaaaaa--'],
    ['five missing probes between different owners are unknown', 'aa.....bb', 'aa?????bb'],
    ['five missing probes between the same owner are its own', 'aa.....aa', 'aaaaaaaaa'],
    ['missing probes do not lengthen a hole', 'aa-....-aa', 'aaaaaaaaaa'],
    ['answers are not joined over a long time without probes', 'aa-.....-aa', 'aa-------aa'],
    ['nothing before the first probe, nothing after the last', '..aa..', '??aa??'],
    ['nobody ever', '----', '----'],
    ['no slot', '', ''],
  ];
  for (const [case_, slots, owners] of rows) {
    it(case_, () => assert.equal(letters(ownership(track(slots))), owners));
  }

  it('cuts a recording into consecutive different intervals, whatever was recorded', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', '-', 'a', 'b', 'x')), (slots) => {
        const intervals = ownership(track(slots.join('')));
        let at: number = startedAt;
        for (const [index, { from, to, owners }] of intervals.entries()) {
          assert.equal(from, at);
          assert(to > from);
          assert.notEqual(owners, intervals[index - 1]?.owners);
          at = to;
        }
        assert.equal(at, startedAt + slots.length * period);
      }),
    );
  });

  it('never takes an answer away', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', '-', 'a', 'b', 'x')), (slots) => {
        const seen = letters(ownership(track(slots.join(''))));
        for (const [at, slot] of slots.entries())
          if (slot === 'a' || slot === 'b' || slot === 'x') assert([slot, 'x'].includes(seen.charAt(at)));
      }),
    );
  });

  it('takes both ways of asking together: either answer makes an owner', () => {
    const merged = mergeTracks([track('aa--b'), track('-a-b')]);
    assert.equal(letters(ownership(merged, 1)), 'aa-bb');
    assert.equal(merged.slots[0], probeSent | 1);
  });
});

describe('summary of ownership', () => {
  it('adds up no owner, two owners and unknown, with the longest of each', () => {
    const summary = summarise(ownership(track('aaaa------bb-----xxxbbb.......aaa')), window(2, 33));
    assert.deepEqual(summary, {
      noOwner: { total: slotsToMicros(11), longest: slotsToMicros(6) },
      twoOwners: { total: slotsToMicros(3), longest: slotsToMicros(3) },
      unknown: { total: slotsToMicros(7), longest: slotsToMicros(7) },
      takeover: { director: 1, after: slotsToMicros(8) },
    });
  });

  it('begins and ends where the window does, even inside a slot', () => {
    const { noOwner } = summarise(ownership(track('aa--------')), {
      from: (startedAt + 5_500) as Micros,
      to: (startedAt + 9_000) as Micros,
    });
    assert.deepEqual(noOwner, { total: 3_500, longest: 3_500 });
  });

  it('has no takeover when the same director comes back', () => {
    assert.equal(summarise(ownership(track('aaaa------aaa')), window(0, 13)).takeover, undefined);
  });

  it('takes the first that gains the address: also from nobody', () => {
    assert.deepEqual(summarise(ownership(track('------aaa')), window(0, 9)).takeover, {
      director: 0,
      after: slotsToMicros(6),
    });
  });
});

describe('presence', () => {
  const at = (ms: number, director: number, present: boolean): PresenceEvent => ({
    at: (ms * 1_000) as Micros,
    director,
    present,
  });
  const span = (from: number, to: number): { from: Micros; to: Micros } => ({
    from: (from * 1_000) as Micros,
    to: (to * 1_000) as Micros,
  });

  it('is the same kind of interval, from address events', () => {
    const events = [at(1, 0, true), at(20, 1, true), at(25, 0, false), at(40, 1, false)];
    assert.deepEqual(
      presence(events, span(10, 50)).map(({ from, to, owners }) => [from / 1_000, to / 1_000, owners]),
      [
        [10, 20, 1],
        [20, 25, 3],
        [25, 40, 2],
        [40, 50, 0],
      ],
    );
    assert.equal(summarise(presence(events, span(10, 50)), span(10, 50)).twoOwners.total, 5_000);
  });

  it('ends with the window when events go on', () => {
    assert.deepEqual(presence([at(5, 0, true), at(99, 0, false)], span(0, 10)).at(-1), {
      from: 5_000,
      to: 10_000,
      owners: 1,
    });
  });
});
