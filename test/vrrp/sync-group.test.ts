import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Micros, seconds } from '../../src/base/time.ts';
import { type Member, SyncGroup } from '../../src/vrrp/sync-group.ts';

const idle: Member = {
  state: 'backup',
  reason: 'startup',
  wants: false,
  advert_int: seconds(1),
  activeDownInterval: seconds(3.5),
};
const wanting: Member = { ...idle, wants: true };
const active: Member = { ...idle, state: 'active', reason: 'active-silent' };
const beaten: Member = { ...idle, reason: 'higher-priority' };
const out: Member = { ...idle, state: 'initialize', reason: 'no-carrier' };

/** A group and what it said of these members, at seconds. */
function group() {
  const machine = new SyncGroup();
  return {
    machine,
    at: (time: number, ...members: readonly [Member, ...Member[]]): string =>
      machine
        .handle({ type: 'members', members }, seconds(time))
        .map(({ type }) => type)
        .join(),
  };
}

/** Agreed at `time`, undone by an election `lasted` seconds later. @returns the length of the hold-down, s */
function undo({ at, machine }: ReturnType<typeof group>, time: number, lasted: number): number {
  assert.equal(at(time, wanting, wanting), 'agree');
  assert.equal(at(time, active, active), '');
  assert.equal(at(time + lasted, beaten, active), 'leave');
  return ((machine.heldUntil ?? seconds(time + lasted)) - seconds(time + lasted)) / 1e6;
}

describe('vrrp/sync-group', () => {
  it('agrees when every member wants, and not before', () => {
    const { at } = group();
    assert.equal(at(0, idle, idle), '');
    assert.equal(at(1, wanting, idle), '');
    assert.equal(at(2, idle, wanting), '');
    assert.equal(at(3, wanting, wanting), 'agree');
    assert.equal(at(3, active, active), '');
  });

  for (const [what, other] of [
    ['yields', beaten],
    ['cannot take part', out],
    ['is Backup for another reason', idle],
  ] as const)
    it(`leaves as soon as one member ${what}`, () => {
      const { at } = group();
      at(0, active, active);
      assert.equal(at(1, active, other), 'leave');
      assert.equal(at(1, idle, other), '');
    });

  it('has members that differ leave, too, when it was never Active itself', () => {
    assert.equal(group().at(0, active, idle), 'leave');
  });

  it('a move that lasted three advertisements holds nothing down', () => {
    const one = group();
    assert.equal(undo(one, 10, 3), 0);
    assert.equal(one.at(14, wanting, wanting), 'agree');
  });

  it('a move undone by an election holds down for an Active_Down_Interval, then for twice as long each time', () => {
    const one = group();
    let time = 10;
    const holds: number[] = [];
    for (let move = 0; move < 7; move++) {
      const hold = undo(one, time, 0.1);
      holds.push(hold);
      assert.equal(one.machine.undone, move + 1);
      assert.equal(one.at(time + hold, wanting, wanting), '');
      assert.equal(one.machine.deadline, seconds(time + 0.1 + hold));
      time += 0.1 + hold;
    }
    assert.deepEqual(holds, [3.5, 7, 14, 28, 56, 56, 56]);
    assert.equal(one.at(time, wanting, wanting), 'agree');
  });

  it('what no election undid holds nothing down', () => {
    const { at, machine } = group();
    at(0, wanting, wanting);
    assert.equal(at(0.1, active, out), 'leave');
    assert.equal(machine.heldUntil, undefined);
  });

  it('forgives when somebody is seen to serve', () => {
    const one = group();
    undo(one, 10, 0.1);
    assert.notEqual(one.machine.heldUntil, undefined);
    assert.equal(one.at(12, idle, idle), '');
    assert.equal(one.machine.undone, 1);
    assert.equal(one.at(10.1 + 7, idle, wanting), '');
    assert.deepEqual([one.machine.undone, one.machine.heldUntil], [0, undefined]);
    assert.equal(one.at(18, wanting, wanting), 'agree');
  });

  it('two directors that are each better on one side come to rest', () => {
    // Both promote at the same instant, both lose one side at once: only the hold-down sets them apart.
    const better = group();
    const weaker = group();
    const skewed = (member: Member): Member => ({ ...member, activeDownInterval: seconds(3.7) });
    assert.equal(better.at(4, wanting, wanting), 'agree');
    assert.equal(weaker.at(4, skewed(wanting), skewed(wanting)), 'agree');
    assert.equal(better.at(4.1, active, beaten), 'leave');
    assert.equal(weaker.at(4.1, skewed(beaten), skewed(active)), 'leave');
    // The first member of the one has the higher priority: it is there 0.2 s before the other may.
    assert.equal(better.at(7.6, wanting, wanting), 'agree');
    assert.equal(weaker.at(7.6, skewed(wanting), skewed(wanting)), '');
  });

  it('never says anything to members that agree with each other, and never agrees before its hold-down is over', () => {
    const member = fc.constantFrom(idle, wanting, active, beaten, out);
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 5_000_000 }),
      members: fc.tuple(member, member, member),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const machine = new SyncGroup();
        let now = 0;
        for (const { wait, members } of steps) {
          const { heldUntil } = machine;
          now += wait;
          const [said, ...more] = machine.handle({ type: 'members', members }, now as Micros);
          assert.equal(more.length, 0);
          const count = members.filter(({ state }) => state === 'active').length;
          if (said?.type === 'agree') {
            assert(members.every(({ wants }) => wants));
            assert(heldUntil === undefined || heldUntil <= now);
          } else assert.equal(said?.type === 'leave', count > 0 && count < members.length);
          assert(machine.deadline === undefined || machine.deadline > now);
        }
      }),
    );
  });
});
