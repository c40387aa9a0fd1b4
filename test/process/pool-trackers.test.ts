import assert from 'node:assert/strict';
import type { VirtualServer } from '../../src/director/types.ts';
import type { CheckReport } from '../../src/healthcheck/types.ts';
import { PoolTrackers } from '../../src/process/pool-trackers.ts';
import { seconds } from '../../src/base/time.ts';
import { Bench, check, pool, real } from '../director/bench.ts';

/** A director with pools of which "web" is tracked, and what vrrp is told. */
class TrackerBench {
  readonly director: Bench;
  readonly trackers = new PoolTrackers();
  readonly reports = new Map<string, CheckReport>();
  ready = false;
  readonly news: string[] = [];
  readonly changed: string[] = [];

  constructor(...pools: readonly VirtualServer[]) {
    this.director = new Bench(...pools);
    this.trackers.configure(pools, new Set(['web']));
    this.look();
  }

  look(): this {
    const { news, changed } = this.trackers.look(this.director.director.status, this.reports, this.ready);
    this.news.push(...news.map(({ verdict, words }) => `${verdict}: ${words}`));
    this.changed.push(...changed.map(({ verdict }) => verdict));
    return this;
  }

  hear(id: string, verdict: CheckReport['verdict']): this {
    const [at, duration] = [seconds(0), seconds(0)];
    this.reports.set(id, { id, verdict, words: '', duration, at, since: at });
    this.director.report(id, verdict);
    return this.look();
  }
}

describe('what vrrp is told of tracked pools', () => {
  it('nothing until the quorum is certain: living servers that have spoken reach it alone', () => {
    const bench = new TrackerBench(pool({ quorum: 200 })).hear('1', 'up');
    assert.deepEqual([bench.news, bench.trackers.said], [[], []]);
    bench.hear('2', 'up');
    assert.deepEqual(bench.news, ['up: quorum 300 of 200']);
    assert.deepEqual(bench.trackers.said, [
      { kind: 'virtual_server', name: 'web', verdict: 'up', words: 'quorum 300 of 200' },
    ]);
  });

  it('it is certain too when every check has spoken, or when the pool is down whatever the others will say', () => {
    const all = new TrackerBench(pool({ quorum: 100, real_server: [real(1), real(2)] }));
    all.hear('1', 'down');
    assert.deepEqual(all.news, []);
    assert.deepEqual(all.hear('2', 'down').news, ['down: quorum 0 of 100']);
    const lost = new TrackerBench(pool({ quorum: 300 })).hear('1', 'down');
    assert.deepEqual(lost.news, ['down: quorum 200 of 300']);
  });

  it('a server is certain when all of its checks have spoken', () => {
    const two = real(1, { checks: [check('a'), check('b')] });
    const bench = new TrackerBench(pool({ real_server: [two, real(2)] })).hear('a', 'up');
    assert.deepEqual(bench.news, []);
    assert.deepEqual(bench.hear('b', 'up').news, ['up: quorum 200 of 1']);
  });

  it('alpha: down from the beginning; without a check: up', () => {
    const alpha = new TrackerBench(pool({ alpha: true }));
    assert.deepEqual(alpha.news, ['down: quorum 0 of 1']);
    assert.deepEqual(alpha.hear('1', 'up').news.slice(1), ['up: quorum 100 of 1']);
    const unchecked = new TrackerBench(pool({ real_server: [real(1, { checks: [] })] }));
    assert.deepEqual(unchecked.news, ['up: quorum 100 of 1']);
  });

  it('when nobody is left who could speak, as the pool is', () => {
    const bench = new TrackerBench(pool());
    bench.ready = true;
    assert.deepEqual(bench.look().news, ['up: quorum 300 of 1']);
  });

  it('every change once, in words too; a new verdict is told apart', () => {
    const bench = new TrackerBench(pool());
    for (const id of ['1', '2', '3']) bench.hear(id, 'up');
    bench.look().hear('1', 'down').hear('2', 'down').look().hear('3', 'down').hear('1', 'up');
    assert.deepEqual(bench.news, [
      ...['up: quorum 300 of 1', 'up: quorum 200 of 1', 'up: quorum 100 of 1'],
      ...['down: quorum 0 of 1', 'up: quorum 100 of 1'],
    ]);
    assert.deepEqual(bench.changed, ['up', 'down', 'up']);
  });

  it('a process that was born again and a server that a reload brings take no word back', () => {
    const bench = new TrackerBench(pool({ real_server: [real(1)] })).hear('1', 'up').hear('1', 'unknown');
    assert.deepEqual(bench.news, ['up: quorum 100 of 1']);
    const more = pool({ quorum: 200, real_server: [real(1), real(2)] });
    bench.director.configure(more);
    bench.trackers.configure([more], new Set(['web']));
    assert.deepEqual(bench.look().news.slice(1), ['up: quorum 200 of 200']);
    assert.deepEqual(bench.hear('2', 'down').news.slice(2), ['down: quorum 100 of 200']);
  });

  it('what nobody tracks is not told, and is new when it is tracked again', () => {
    const bench = new TrackerBench(pool(), pool({ name: 'mail' })).hear('1', 'up');
    assert.equal(bench.news.length, 1);
    bench.trackers.configure([pool()], new Set());
    assert.deepEqual([bench.look().news.length, bench.trackers.said], [1, []]);
    bench.trackers.configure([pool()], new Set(['web']));
    assert.deepEqual([bench.look().news.length, bench.trackers.said.length], [2, 1]);
  });
});
