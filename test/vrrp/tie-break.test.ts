import assert from 'node:assert/strict';
import { familyOf, ip } from '../../src/base/ip.ts';
import { seconds } from '../../src/base/time.ts';
import { TieBreak } from '../../src/vrrp/tie-break.ts';

const four = ip('10.0.0.11');
const six = ip('fe80::11');
const [lower4, higher4] = [ip('10.0.0.2'), ip('10.0.0.100')];
const [lower6, higher6] = [ip('fe80::2'), ip('fe80::100')];
const wait = seconds(3.5);

describe('vrrp/tie-break', () => {
  it('of one family the higher address stays; 10.0.0.100 is higher than 10.0.0.11', () => {
    const tie = new TieBreak();
    assert.equal(tie.loses(higher4, [four], wait, seconds(0)), true);
    assert.equal(tie.loses(lower4, [four], wait, seconds(0)), false);
    assert.equal(tie.loses(higher6, [six], wait, seconds(0)), true);
    assert.equal(tie.loses(four, [four], wait, seconds(0)), false);
    assert.equal(tie.loses(higher4, [], wait, seconds(0)), false);
  });

  it('of both families IPv4 decides at once, IPv6 only against who has not yielded in an Active_Down_Interval', () => {
    const tie = new TieBreak();
    const both = [four, six];
    assert.equal(tie.loses(higher6, both, wait, seconds(0)), false);
    assert.equal(tie.loses(lower4, both, wait, seconds(3)), false);
    assert.equal(tie.loses(higher6, both, wait, seconds(3.4)), false);
    assert.equal(tie.loses(higher6, both, wait, seconds(3.5)), true);
    assert.equal(tie.loses(lower6, both, wait, seconds(4)), false);
    tie.reset();
    assert.equal(tie.loses(higher6, both, wait, seconds(5)), false);
    assert.equal(tie.loses(higher4, both, wait, seconds(5)), true);
    // Another rival, after a time without one.
    assert.equal(tie.loses(higher6, both, wait, seconds(8.6)), false);
    assert.equal(tie.loses(higher6, both, wait, seconds(12.1)), true);
  });

  const pairs = [
    [lower4, lower6],
    [lower4, higher6],
    [higher4, lower6],
    [higher4, higher6],
  ] as const;

  for (const lost of [[], [4], [6]])
    it(`one of two routers stays, whatever their addresses, with IPv${lost.join() || 'x'} lost on one way`, () => {
      for (const theirs of pairs) {
        const [here, there] = [new TieBreak(), new TieBreak()];
        const gone = new Set<string>();
        for (let at = 0; at < 8 && gone.size === 0; at++) {
          if (theirs.some((source) => here.loses(source, [four, six], wait, seconds(at)))) gone.add('here');
          const carried = [four, six].filter((source) => !lost.includes(familyOf(source)));
          if (carried.some((source) => there.loses(source, theirs, wait, seconds(at)))) gone.add('there');
        }
        assert.equal(gone.size, 1, `against ${theirs.join(' ')}`);
      }
    });

  it('two routers never both stay, nor both go, whatever their addresses', () => {
    for (const [theirs4, theirs6] of pairs) {
      const verdict = (
        mine: readonly [typeof four, typeof six],
        others: readonly [typeof four, typeof six],
      ) => {
        const tie = new TieBreak();
        const heard = [...others, ...others].map((source, at) => tie.loses(source, mine, wait, seconds(at)));
        return heard.includes(true);
      };
      assert.notEqual(verdict([four, six], [theirs4, theirs6]), verdict([theirs4, theirs6], [four, six]));
    }
  });
});
