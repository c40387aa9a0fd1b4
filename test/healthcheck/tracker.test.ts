import assert from 'node:assert/strict';
import { after, between, milliseconds, seconds } from '../../src/base/time.ts';
import type { CheckReport } from '../../src/healthcheck/types.ts';
import { Bench, start } from './tracker-bench.ts';

describe('CheckTracker', () => {
  it('begins in its part of the warmup and keeps the rhythm of delay_loop', () => {
    const bench = new Bench({ warmup: seconds(10), delay_loop: seconds(5) }, { spread: 0.25 });
    assert.equal(bench.words, 'not checked yet');
    for (let count = 0; count < 3; count++) bench.probe(true, seconds(0.3));
    assert.deepEqual(
      bench.starts.map((at) => between(start, at)),
      [2.5, 7.5, 12.5].map(seconds),
    );
  });

  it('leaves out the checks that a long one has passed over', () => {
    const bench = new Bench({ delay_loop: seconds(1), timeout: seconds(9) });
    bench.probe(true, seconds(2.5));
    bench.probe(true);
    assert.deepEqual(
      bench.starts.map((at) => between(start, at)),
      [0, 3].map(seconds),
    );
  });

  it('tries again before it counts a failure, and not when it is down', () => {
    const bench = new Bench({ retry: 2, delay_before_retry: seconds(1), delay_loop: seconds(10) });
    bench.probe(false);
    assert.equal(bench.words, 'refused, is tried again (1 of 2)');
    assert.equal(bench.verdict, 'unknown');
    bench.probe(false);
    bench.probe(false);
    assert.equal(bench.verdict, 'down');
    assert.equal(bench.words, 'refused');
    bench.probe(false);
    bench.probe(false);
    const took = 3_000 / 1e6;
    assert.deepEqual(
      bench.starts.map((at) => between(start, at)),
      [0, 1 + took, 2 + 2 * took, 10, 20].map(seconds),
    );
    bench.probe(true);
    assert.equal(bench.words, 'connected in 3 ms');
    assert.equal(bench.verdict, 'up');
  });

  it('counts rise and fall, and says how far it is', () => {
    const bench = new Bench({ rise: 2, fall: 3 });
    bench.probe(true);
    assert.equal(bench.verdict, 'up', 'unknown is taken for up: it needs no second time');
    bench.probe(false);
    bench.probe(false);
    assert.equal(bench.words, 'refused (2 of 3 to fall)');
    bench.probe(true);
    bench.probe(false);
    bench.probe(false);
    assert.equal(bench.verdict, 'up');
    bench.probe(false);
    assert.equal(bench.verdict, 'down');
    const { since } = bench.tracker.report();
    assert.equal(since, bench.now);
    bench.probe(true);
    assert.equal(bench.words, 'connected in 3 ms (1 of 2 to rise)');
    bench.probe(true);
    assert.equal(bench.verdict, 'up');
  });

  it('with alpha is unknown until it has risen, and down at its first failure', () => {
    const rising = new Bench({ alpha: true, rise: 2, fall: 3 });
    rising.probe(true);
    assert.equal(rising.verdict, 'unknown');
    rising.probe(true);
    assert.equal(rising.verdict, 'up');
    const failing = new Bench({ alpha: true, fall: 3 });
    failing.probe(false);
    assert.equal(failing.verdict, 'down');
  });

  it('goes on from what an earlier life knew', () => {
    const known = {
      id: 'a',
      verdict: 'up',
      words: 'w',
      duration: 1,
      at: 2,
      since: 3,
      weight: 7,
    } as unknown as CheckReport;
    const bench = new Bench({ fall: 2 }, { known });
    assert.deepEqual(bench.tracker.report(), { ...known, duration: 0 });
    bench.probe(false);
    assert.equal(bench.verdict, 'up');
    bench.probe(false);
    assert.deepEqual(
      bench.reports.map(({ verdict }) => verdict),
      ['up', 'down'],
    );
  });

  it('stops a probe at its deadline, once, and says what it waited for', () => {
    const bench = new Bench({ timeout: seconds(5) });
    bench.give(undefined);
    bench.give({ type: 'started' });
    bench.now = after(bench.now, seconds(5));
    assert.deepEqual(bench.give(undefined), [{ type: 'stop' }]);
    assert.deepEqual(bench.give(undefined), []);
    assert.equal(bench.tracker.deadline, undefined);
    bench.give({ type: 'stopped', waitedFor: 'GET /' });
    assert.equal(bench.words, 'GET /: no answer within 5s (total)');
    assert.equal(bench.tracker.status().timeouts, 1);
  });

  it('reports what changed, and not that it took another time', () => {
    const bench = new Bench({});
    bench.probe(true, milliseconds(3));
    bench.probe(true, milliseconds(4));
    assert.deepEqual(
      bench.reports.map(({ words }) => words),
      ['connected in 3 ms'],
    );
    assert.equal(bench.words, 'connected in 4 ms');
    bench.probe(false);
    bench.probe(false);
    bench.probe(true);
    assert.deepEqual(
      bench.reports.map(({ verdict }) => verdict),
      ['up', 'down', 'up'],
    );
  });

  it('keeps a weight until another comes', () => {
    const bench = new Bench({});
    const find = (passed: boolean, weight?: number): number | undefined => {
      bench.now = bench.tracker.deadline ?? assert.fail('it waits');
      bench.give(undefined);
      bench.give({ type: 'started' });
      bench.give({
        type: 'finished',
        outcome: { passed, words: 'w', ...(weight !== undefined && { weight }) },
      });
      return bench.tracker.report().weight;
    };
    assert.equal(find(true), undefined);
    assert.equal(find(true, 5), 5);
    assert.equal(find(true), 5);
    assert.equal(find(false), 5);
    assert.equal(find(true, 0), 0);
    assert.deepEqual(
      bench.reports.map(({ weight }) => weight),
      [undefined, 5, 5, 0],
    );
  });

  it('lets no control character of a server through, and no endless text', () => {
    const bench = new Bench({});
    bench.give(undefined);
    bench.give({ type: 'started' });
    const words = `\u001b[2J${'x'.repeat(10_000)}\n`;
    bench.give({ type: 'finished', outcome: { passed: false, words } });
    assert.match(bench.words, /^ \[2Jx+…$/);
    assert.equal(bench.words.length, 240);
  });
});
