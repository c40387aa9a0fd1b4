import assert from 'node:assert/strict';
import { seconds, type Micros } from '../../src/base/time.ts';
import type { VirtualServer } from '../../src/director/types.ts';
import { actual, server } from '../ipvs/table.ts';
import { Bench, pool, real } from './bench.ts';

const sorry = (last: number): NonNullable<VirtualServer['sorry_server']> => ({
  destination: server(last),
  inhibit_on_failure: false,
  checks: [],
});

describe('director: servers that leave', () => {
  const without2 = pool({ real_server: [real(1), real(3)] });

  it('a table from before it left cannot let it go, however often anything else happens', () => {
    const bench = new Bench(pool()).read(0);
    const before = actual(bench.director.desired, 0);
    bench.configure(without2).handle(undefined).report('1', 'up');
    assert.equal(bench.table, '1=100 3=100 2=0');
    // One that was being read meanwhile, and one that was read when all was written.
    assert.equal(bench.handle({ type: 'table', actual: before }).table, '1=100 3=100 2=0');
    assert.equal(bench.handle({ type: 'table', actual: before }).table, '1=100 3=100 2=0');
    assert.equal(bench.read(0).table, '1=100 3=100');
  });

  it('one that is down is not put back to leave', () => {
    assert.equal(new Bench(pool()).report('2', 'down').configure(without2).table, '1=100 3=100');
  });

  it('a sorry server too, when the file names another one', () => {
    const down = pool({ quorum: 400, sorry_server: sorry(98) });
    const bench = new Bench(down).read(1);
    assert.equal(bench.table, '1=0 2=0 3=0 98=100');
    bench.configure({ ...down, sorry_server: sorry(99) });
    assert.equal(bench.table, '1=0 2=0 3=0 99=100 98=0');
    assert.equal(bench.read(1).read(0).table, '1=0 2=0 3=0 99=100');
  });

  it('a real server that becomes the sorry server is that, and keeps its connections', () => {
    const bench = new Bench(pool()).read(0).configure({ ...without2, sorry_server: sorry(2) });
    assert.equal(bench.table, '1=100 3=100 2=0');
    assert.equal(bench.report('1', 'down').report('3', 'down').table, '2=100');
    assert.equal(bench.report('1', 'up').table, '1=100 2=0');
    assert.equal(bench.read(0).handle(undefined).table, '1=100');
  });

  it('a sorry server that is inhibited is always there', () => {
    const bench = new Bench(pool({ sorry_server: { ...sorry(99), inhibit_on_failure: true } }));
    assert.equal(bench.table, '1=100 2=100 3=100 99=0');
  });
});

describe('director: a copy', () => {
  const same = (bench: Bench, ...pools: readonly VirtualServer[]): void => {
    const copy = bench.director.copy();
    copy.handle({ type: 'configure', config: { virtual_server: pools } }, bench.now as Micros);
    assert.deepEqual(copy.desired, bench.director.desired);
    assert.deepEqual(copy.status, bench.director.status);
  };

  it('has nothing to do for the same file, while servers and pools leave', () => {
    const one = pool({ real_server: [real(1)] });
    same(new Bench(pool()).read(3).configure(one), one);
    same(new Bench(pool()).read(3).configure());
  });

  it('… in the middle of a slow start, and between the marks of hysteresis', () => {
    const slow = pool({ slow_start: seconds(60) });
    same(new Bench(slow).report('2', 'down').report('2', 'up').at(20), slow);
    const marks = pool({ quorum: 200, hysteresis: 50 });
    same(new Bench(marks).report('1', 'down').report('2', 'down').report('2', 'up'), marks);
  });

  it('does not touch the one it was made of', () => {
    const bench = new Bench(pool()).read(3).configure(pool({ real_server: [real(1)] }));
    const copy = bench.director.copy();
    copy.handle({ type: 'configure', config: { virtual_server: [] } }, bench.now as Micros);
    for (const open of [0, 0])
      copy.handle({ type: 'table', actual: actual(copy.desired, open) }, bench.now as Micros);
    assert.deepEqual(copy.desired, []);
    assert.equal(bench.table, '1=100 2=0 3=0');
  });
});
