import assert from 'node:assert/strict';
import { breakages } from './broken.ts';
import { failureLines, inputOf, newSummary, runCases, shortages } from './cases.ts';
import { runTarget } from './run.ts';
import { targetOf, targets } from './targets.ts';

const seed = 1;
/** All of it within five seconds; `npm run fuzz` runs a million of each. */
const slices: Readonly<Record<string, number>> = {
  vrrp: 4_000,
  frames: 4_000,
  netlink: 4_000,
  ipvs: 4_000,
  sockets: 4_000,
  yaml: 1_000,
};

describe('fuzz', function () {
  this.timeout(60_000);

  for (const target of targets)
    it(`${target.name} holds over a slice of cases`, () => {
      const end = slices[target.name]!;
      const summary = runCases(target, { seed, first: 0, step: 1, end });
      const { failure } = summary;
      assert.equal(failure, undefined, failure && failureLines(target, seed, failure).join('\n'));
      assert.equal(summary.cases, end);
    });

  it('makes the same case of the same seed and index', () => {
    for (const target of targets) {
      assert.deepEqual(inputOf(target, 7, 3), inputOf(target, 7, 3));
      const others = [inputOf(target, 8, 3), inputOf(target, 7, 4)];
      for (const other of others) assert.notDeepEqual(other, inputOf(target, 7, 3));
    }
  });

  it('says how to replay a failure', () => {
    const target = targetOf('frames')!;
    const lines = failureLines(target, 5, { index: 9, fault: 'throws' });
    assert.equal(lines[1]?.trim(), 'npm run fuzz -- --target frames --seed 5 --case 9');
    assert.match(lines[2]!, new RegExp(`: ${Buffer.from(inputOf(target, 5, 9)).toString('hex')}$`));
  });

  it('tells cases that are too tame', () => {
    const target = targetOf('sockets')!;
    assert.deepEqual(shortages(target, { ...newSummary(), cases: 1_000_000 }), target.expected);
    const outcomes = new Map(target.expected.map((outcome) => [outcome, 1]));
    assert.deepEqual(shortages(target, { ...newSummary(), cases: 1_000_000, outcomes }), []);
  });

  for (const [name, { target, says }] of Object.entries(breakages))
    it(`catches decoders broken on purpose: ${name}`, async () => {
      const run = { seed, first: 0, cases: 5_000, workers: 1, limitMs: 100 };
      // Only another thread can tell of a case that never ends.
      const { failure } = says.source.includes('processor')
        ? await runTarget(target, run)
        : runCases(target, { ...run, step: 1, end: run.cases });
      assert.match(failure?.fault ?? 'nothing caught', says);
    });
});
