import assert from 'node:assert/strict';
import fc from 'fast-check';
import { after, type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import { Deadlines } from '../../src/healthcheck/deadlines.ts';
import { CheckRunner } from '../../src/healthcheck/runner.ts';
import type { CheckDefinition, CheckOutcome, CheckReport } from '../../src/healthcheck/types.ts';
import { tcp } from './definitions.ts';

/** Probes that somebody else ends, on a clock that stands still until it is moved. */
class Bench {
  now: Micros = seconds(1);
  wakesAt: Micros | undefined;
  readonly reports: CheckReport[] = [];
  readonly on = new Map<string, (outcome: CheckOutcome) => void>();
  readonly begun: string[] = [];
  readonly stopped: string[] = [];
  readonly runner: CheckRunner;

  constructor(limit: number) {
    this.runner = new CheckRunner(
      {
        now: () => this.now,
        wakeAt: (at) => (this.wakesAt = at),
        random: () => 0,
        report: (report) => this.reports.push(report),
      },
      {
        start: ({ id }, done) => {
          assert.ok(!this.on.has(id), `a second probe of ${id}`);
          this.on.set(id, done);
          this.begun.push(id);
          return {
            stop: () => {
              this.on.delete(id);
              this.stopped.push(id);
              return 'connect';
            },
          };
        },
      },
      limit,
    );
  }

  /** Until then, waking whenever it was asked for. */
  pass(duration: Micros): void {
    const end = after(this.now, duration);
    while (this.wakesAt !== undefined && this.wakesAt <= end) {
      this.now = Math.max(this.now, this.wakesAt) as Micros;
      this.wakesAt = undefined;
      this.runner.wake();
    }
    this.now = end;
  }

  finish(id: string, passed = true): void {
    const done = this.on.get(id);
    assert.ok(done !== undefined, `${id} is on`);
    this.on.delete(id);
    done({ passed, words: passed ? 'ok' : 'refused' });
  }
}

const named = (ids: readonly string[], more: Parameters<typeof tcp>[0] = {}): readonly CheckDefinition[] =>
  ids.map((id) => tcp({ timeout: seconds(5), ...more }, id));

describe('CheckRunner', () => {
  it('runs no more than its limit, and the others in their turn', () => {
    const bench = new Bench(2);
    bench.runner.configure(named(['a', 'b', 'c', 'd']));
    bench.pass(seconds(1));
    assert.equal(bench.begun.length, 2);
    assert.equal(bench.runner.queued, 2);
    bench.finish(bench.begun[1] ?? '');
    assert.equal(bench.begun.length, 3);
    bench.finish(bench.begun[0] ?? '');
    assert.deepEqual(bench.begun.toSorted(), ['a', 'b', 'c', 'd']);
    assert.equal(bench.runner.running, 2);
    const late = bench.runner.status().map(({ latest }) => latest);
    assert.deepEqual(
      late.toSorted((a, b) => a - b),
      [0, 0, seconds(1), seconds(1)],
    );
  });

  it('stops what is not answered in time, and gives its place to another', () => {
    const bench = new Bench(1);
    bench.runner.configure(named(['a', 'b']));
    bench.pass(seconds(5));
    assert.equal(bench.begun.length, 2);
    assert.deepEqual(bench.stopped, bench.begun.slice(0, 1));
    assert.equal(bench.reports[0]?.words, 'connect: no answer within 5s (total)');
    assert.equal(bench.runner.running, 1);
  });

  it('keeps a check whose id stays, with its probe, and ends the others', () => {
    const bench = new Bench(9);
    bench.runner.configure(named(['a', 'b']));
    bench.pass(seconds(0));
    bench.finish('a', false);
    const [a, b] = bench.runner.reports();
    bench.runner.configure(named(['c', 'b', 'a']));
    bench.pass(seconds(0));
    assert.deepEqual(bench.begun, ['a', 'b', 'c']);
    assert.deepEqual(
      bench.runner.reports().filter(({ id }) => id !== 'c'),
      [a, b],
    );
    bench.runner.configure(named(['a']));
    assert.deepEqual(bench.stopped, ['b', 'c']);
    assert.equal(bench.runner.running, 0);
    bench.pass(seconds(300));
    assert.ok(!bench.begun.slice(3).includes('b'));
  });

  it('takes a removed check out of the queue', () => {
    const bench = new Bench(1);
    bench.runner.configure(named(['a', 'b', 'c']));
    bench.pass(seconds(0));
    bench.runner.configure(named(['a', 'c']));
    bench.finish('a');
    assert.deepEqual(bench.begun, ['a', 'c']);
  });

  it('begins with what an earlier life knew', () => {
    const known = {
      id: 'a',
      verdict: 'down',
      words: 'w',
      duration: 0,
      at: 1,
      since: 1,
    } as unknown as CheckReport;
    const bench = new Bench(1);
    bench.runner.configure(named(['a', 'b']), [known]);
    assert.deepEqual(
      bench.runner.reports().map(({ verdict }) => verdict),
      ['down', 'unknown'],
    );
  });

  it('holds thousands to their rhythm with one timer', () => {
    const bench = new Bench(9_999);
    const ids = Array.from({ length: 2_000 }, (_, at) => String(at));
    bench.runner.configure(named(ids, { delay_loop: seconds(2) }));
    for (let second = 0; second < 20; second++) {
      bench.pass(milliseconds(1_000));
      for (const id of [...bench.on.keys()]) bench.finish(id);
    }
    const runs = bench.runner.status().map((one) => one.runs);
    assert.deepEqual([Math.min(...runs), Math.max(...runs)], [11, 11]);
  });
});

describe('Deadlines', () => {
  it('come in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), (instants) => {
        const deadlines = new Deadlines<number>();
        for (const [key, at] of instants.entries()) deadlines.add(at as Micros, key);
        const order: number[] = [];
        for (let at = 0; at <= 50; at++)
          for (
            let one = deadlines.take(at as Micros);
            one !== undefined;
            one = deadlines.take(at as Micros)
          ) {
            assert.equal(one.at, at);
            assert.equal(instants[one.key], at);
            order.push(one.key);
          }
        assert.deepEqual(
          order.toSorted((a, b) => a - b),
          [...instants.keys()],
        );
        assert.equal(deadlines.next, undefined);
      }),
    );
  });
});
