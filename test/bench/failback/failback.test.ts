import assert from 'node:assert/strict';
import fc from 'fast-check';
import { milliseconds } from '../../../src/base/time.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Product } from '../scenario.ts';
import { type Outage, outageIn, type Request } from './figures.ts';
import { failbackConfigText, orderOf, type Return, returns } from './plan.ts';
import { failbackVerdicts, renderFailback, runText } from './report.ts';
import type { FailbackResults, FailbackRun } from './result.ts';

const ms = milliseconds;
const answered = (begun_ms: number, took_ms = 1): Request => ({
  begunAt: ms(begun_ms),
  answeredAt: ms(begun_ms + took_ms),
});
const failed = (begun_ms: number): Request => ({ begunAt: ms(begun_ms), answeredAt: undefined });

describe('figures of the fail-back bench', () => {
  it('an outage is the longest time between two good answers', () => {
    // Those that fail end later than those that were begun after them.
    const requests = [0, 20, 40, 140, 160, 220, 240].map((at) => answered(at));
    const outage = outageIn([...requests, ...[60, 80, 100, 120].map(failed)], ms(30), ms(230));
    assert.deepEqual(outage, {
      gap_us: ms(100),
      at_us: ms(11),
      requests: 8,
      failed: 4,
      ownGap_us: ms(60),
    });
  });

  it('reaches over the ends of the window, and to its end when there is no more answer', () => {
    assert.equal(outageIn([answered(0), answered(90)], ms(50), ms(60)).gap_us, ms(90));
    assert.equal(outageIn([answered(0), failed(20)], ms(10), ms(500)).gap_us, ms(499));
    assert.equal(outageIn([failed(20)], ms(10), ms(500)).gap_us, ms(490));
  });

  it('is never shorter than the time between two answers in the window', () => {
    const times = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(times, (list) => {
        const outage = outageIn(
          list.map((at) => answered(at, 0)),
          ms(0),
          ms(1_000),
        );
        const sorted = [0, ...list, 1_000].sort((a, b) => a - b);
        const gaps = sorted.map((at, index) => at - (sorted[index - 1] ?? 0));
        assert.equal(outage.gap_us, ms(Math.max(...gaps)));
      }),
    );
  });
});

describe('plan of the fail-back bench', () => {
  it('writes a file that our own check accepts, with the same timing as the other product', () => {
    const text = failbackConfigText('ours', 'd1');
    for (const [node, priority] of [
      ['d1', 150],
      ['d2', 100],
    ] as const) {
      const loaded = loadConfig(text, 'bench.yaml', { name: node, from: '--node' });
      assert(loaded.ok);
      const { vrrp_instance: instances, pools } = loaded.value.config;
      assert.deepEqual(
        instances.map(({ priority: own, advert_int }) => [own, advert_int]),
        [
          [priority, ms(100)],
          [priority, ms(100)],
        ],
      );
      assert.equal(pools.virtual_server[0]?.real_server.length, 3);
      assert.match(
        failbackConfigText('keepalived', node),
        new RegExp(`priority ${priority}\n.*advert_int 0\\.1\n`),
      );
    }
    assert.equal(failbackConfigText('keepalived', 'd1').match(/real_server /g)?.length, 3);
  });

  it('each product is the first in turn', () => {
    assert.deepEqual([1, 2].map(orderOf), [
      ['ours', 'keepalived'],
      ['keepalived', 'ours'],
    ]);
  });
});

const outage = (gap_ms: number): Outage => ({
  gap_us: ms(gap_ms),
  at_us: 0,
  requests: 100,
  failed: 3,
  ownGap_us: ms(21),
});
const run = (product: Product, gap_ms: number, from: Return = 'isolated'): FailbackRun => ({
  product,
  round: 1,
  from,
  failover: outage(350),
  failback: outage(gap_ms),
  arrival: { preempted_us: ms(1_400), firstServer_us: ms(1_390), allServers_us: ms(2_000) },
});

describe('report of the fail-back bench', () => {
  it('judges our median, beside that of the other product', () => {
    const theirs = [run('keepalived', 800), run('keepalived', 1_000)];
    const judge = (...gaps: readonly number[]): unknown =>
      failbackVerdicts([...gaps.map((gap) => run('ours', gap)), ...theirs]).map(({ found, passed }) => [
        found,
        passed,
      ]);
    assert.deepEqual(judge(40, 90, 400), [["90 / 400 ms, 0.10 × keepalived's median", true]]);
    assert.deepEqual(judge(101), [["101 / 101 ms, 0.11 × keepalived's median", false]]);
    assert.deepEqual(judge(), []);
  });

  it('prints a row for each product and return, and the bars', () => {
    const results: FailbackResults = {
      schema: 'vipkeeper-bench-failback',
      version: 1,
      startedAt: '2026-01-01T00:00:00.000Z',
      took_s: 60,
      complete: true,
      machine: {
        kernel: '6.1',
        processor: 'a processor',
        processors: 2,
        memory_MiB: 1_024,
        node: 'v20',
        vipkeeper: '0.1.0',
        keepalived: 'Keepalived v2',
      },
      loadBefore: 0,
      runs: returns.flatMap((from) => [run('ours', 60, from), run('keepalived', 900, from)]),
      repeats: { ours: 1, keepalived: 0 },
      failures: [],
    };
    const text = renderFailback(results);
    assert.equal(text.match(/^\| (isolated|restarted) /gm)?.length, 4);
    assert.match(text, /\| isolated +\| +keepalived \| +1 \| 350 \/ 350 \| 900 \/ 900 \|/);
    assert.equal(text.match(/PASS/g)?.length, 2);
    assert.match(runText(run('ours', 60)), /^1 ours isolated: fail-over 350 ms, fail-back 60 ms/);
  });
});
