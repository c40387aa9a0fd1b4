import assert from 'node:assert/strict';
import { type BreakableRule, breakableRules } from './sabotage.ts';
import { simulate } from './simulation.ts';
import { addReport, newSummary, shortages } from './summary.ts';

describe('simulation', function () {
  this.timeout(60_000);

  it('holds every invariant over a slice of seeds, with enough of every fault', () => {
    const summary = newSummary();
    for (let seed = 1; seed <= 60; seed++) addReport(summary, simulate(seed));
    const [first] = summary.failed;
    assert.equal(first, undefined, `${first?.violations[0]}\nnpm run sim -- --seed ${first?.seed} --verbose`);
    assert.deepEqual(shortages(summary), []);
  });

  it('is the same world for the same seed', () => {
    const [once, again, other] = [simulate(7), simulate(7), simulate(8)];
    assert.deepEqual(again, once);
    assert.notEqual(other.hash, once.hash);
  });

  it('tells too few of a fault from enough', () => {
    const summary = newSummary();
    addReport(summary, { ...simulate(7), faults: { ...simulate(7).faults, crash: 0 } });
    assert.match(shortages(summary).join('\n'), /too few of crash: 0/);
  });

  for (const rule of Object.keys(breakableRules) as BreakableRule[])
    it(`notices that a rule is broken: ${rule}`, () => {
      const caught = Array.from({ length: 40 }, (_, at) => at + 1).some(
        (seed) => simulate(seed, { broken: rule }).violations.length > 0,
      );
      assert.ok(caught, `no violation in 40 worlds without the rule "${breakableRules[rule]}"`);
    });
});
