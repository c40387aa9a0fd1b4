import assert from 'node:assert/strict';
import { newSummary } from '../summary.ts';
import { type BreakableRule, breakableRules } from './sabotage.ts';
import { rows } from './scenario.ts';
import { addTogether, togetherShortages } from './summary.ts';
import { simulateTogether } from './together.ts';

describe('simulation of what moves together', function () {
  this.timeout(60_000);

  for (const row of rows) {
    it(`holds every invariant over a slice of seeds, with enough of every fault: ${row}`, () => {
      const summary = newSummary();
      for (let seed = 1; seed <= 20; seed++) addTogether(summary, simulateTogether(seed, row));
      const [first] = summary.failed;
      const again = `npm run sim -- --row ${row} --seed ${first?.seed} --verbose`;
      assert.equal(first, undefined, `${first?.violations[0]}\n${again}`);
      assert.deepEqual(togetherShortages(row, summary), []);
    });

    it(`is the same world for the same seed: ${row}`, () => {
      const [once, again, other] = [7, 7, 8].map((seed) => simulateTogether(seed, row));
      assert.deepEqual(again, once);
      assert.notEqual(other?.hash, once?.hash);
    });
  }

  for (const rule of Object.keys(breakableRules) as BreakableRule[])
    it(`notices that a rule is broken: ${rule}`, () => {
      const [row, meaning] = breakableRules[rule];
      const caught = Array.from({ length: 40 }, (_, at) => at + 1).some(
        (seed) => simulateTogether(seed, row, { broken: rule }).violations.length > 0,
      );
      assert.ok(caught, `no violation in 40 worlds without the rule "${meaning}"`);
    });
});
