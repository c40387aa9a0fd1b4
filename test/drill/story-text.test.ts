import assert from 'node:assert/strict';
import { micros, milliseconds, seconds } from '../../src/base/time.ts';
import type { Step } from '../../src/drill/story-step.ts';
import { announcement, inMilliseconds, measured, sentence, summary } from '../../src/drill/story-text.ts';

const none = { total: micros(0), longest: micros(0) };
const span = (ms: number): Step['ownership']['twoOwners'] => ({
  total: milliseconds(ms),
  longest: milliseconds(ms),
});
const kill: Step = {
  name: 'kill',
  node: 'd1',
  owner: 'd2',
  limit: milliseconds(3609.375),
  broken: undefined,
  window: { from: micros(0), to: seconds(4) },
  client: {
    sent: 400,
    lost: 88,
    longestOutage: milliseconds(880.4),
    longestPause: milliseconds(12),
    recovered: milliseconds(2_830),
  },
  http: undefined,
  ownership: {
    noOwner: span(865),
    twoOwners: none,
    unknown: none,
    takeover: { director: 1, after: milliseconds(2_830) },
  },
};

const http: Step['http'] = {
  sent: 46,
  lost: 5,
  longestOutage: milliseconds(101),
  longestPause: milliseconds(52),
  recovered: undefined,
  servers: ['rs2', 'rs3'],
  lastFailure: milliseconds(638),
};

describe('text of the demo', () => {
  it('writes whole milliseconds in groups of three', () => {
    assert.deepEqual(
      [0, 999_499, 999_500, 12_345_678, 1_234_567_890].map((n) => inMilliseconds(micros(n))),
      ['0 ms', '999 ms', '1 000 ms', '12 346 ms', '1 234 568 ms'],
    );
  });

  it('announces a disaster with the limit of the configured timers', () => {
    assert.equal(
      announcement('kill', 'd1', kill.limit),
      'kill -9 of every process on d1: the standby must take over within 3 609 ms',
    );
  });

  it('puts a sentence below each row of numbers', () => {
    const back: Step = { ...kill, name: 'return', owner: 'd1', limit: undefined };
    const overlap: Step = {
      ...back,
      ownership: { ...kill.ownership, takeover: undefined, twoOwners: span(5) },
    };
    assert.deepEqual(summary([kill, overlap, { ...back, owner: 'd2' }]), [
      'the active is     ping unanswered  no owner  two owners  new owner after     limit',
      'killed (kill -9)           880 ms    865 ms        0 ms         2 830 ms  3 609 ms',
      "  The dead d1's kernel answered until its lease ran out; later d2 took over.",
      'started again              880 ms    865 ms        5 ms',
      '  d1 listened, then took the address back: a fail-back gap of 880 ms. ' +
        'Both answered for 5 ms: the other yields when it hears the first advertisement.',
      'started again              880 ms    865 ms        0 ms         2 830 ms',
      '  d1 left the address where it was, on d2.',
    ]);
  });

  it('has columns for HTTP where pages were asked for', () => {
    const down: Step = { ...kill, name: 'server-down', node: 'rs1', limit: milliseconds(2_200), http };
    assert.deepEqual(summary([{ ...down, ownership: { ...kill.ownership, takeover: undefined } }]), [
      'the active is          ping unanswered  HTTP unanswered  HTTP failed  no owner  two owners  new owner after     limit',
      'well, a server killed           880 ms           101 ms      5 of 46    865 ms        0 ms                   2 200 ms',
      '  5 of 46 requests failed, the last after 638 ms: then its checks had taken it out.',
    ]);
    assert.equal(
      announcement('server-down', 'rs1', down.limit),
      'kill -9 of every process on rs1, a real server: out by its checks within 2 200 ms',
    );
    assert.equal(
      measured(down),
      'ping unanswered 880 ms · HTTP unanswered 101 ms · HTTP failed 5 of 46 · no owner 865 ms · two owners 0 ms',
    );
  });

  const broken: readonly [Step['broken'], Partial<Step['ownership']>, string][] = [
    ['two-owners', { twoOwners: span(3) }, 'NOT as promised: two directors answered at once for 3 ms.'],
    ['outage', {}, 'NOT as promised: the client waited 880 ms for an answer.'],
    ['http-outage', {}, 'NOT as promised: the client waited 101 ms for a page.'],
    ['http-failed', {}, 'NOT as promised: 5 of 46 requests failed, pages came from rs2, rs3.'],
    [
      'server-late',
      {},
      'NOT as promised: requests failed for 638 ms, and out by its checks within 3 609 ms.',
    ],
    ['late', {}, 'NOT as promised: the standby answered only after 2 830 ms.'],
    ['unmeasured', { unknown: span(700) }, 'Not measured: this machine was too busy to ask for 700 ms.'],
  ];
  for (const [promise, ownership, expected] of broken) {
    it(`says of a broken promise (${promise ?? ''}) which it was`, () => {
      const step = { ...kill, http, broken: promise, ownership: { ...kill.ownership, ...ownership } };
      assert.equal(sentence(step), expected);
    });
  }
});
