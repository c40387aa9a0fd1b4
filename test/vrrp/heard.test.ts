import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import type { Micros } from '../../src/base/time.ts';
import { advert, config, LoopBench, peer } from './loop-bench.ts';

describe('vrrp/heard', () => {
  const heard = (bench: LoopBench) => bench.runner.status().instances[0]?.heard ?? [];

  it('shows who speaks, how often, what it said last, and when', () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    bench.hear(advert(120));
    bench.now = (bench.now + 50_000) as Micros;
    bench.hear(advert(130));
    assert.deepEqual(heard(bench), [
      {
        address: peer,
        priority: 130,
        advert_int: 100_000,
        checksumForms: ['pseudo_header'],
        remarks: [],
        advertisements: 2,
        lastHeardAt: bench.now,
      },
    ]);
  });

  it('remembers sixteen: a flood of senders takes no memory, and does not push out the real ones', () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    bench.hear(advert(120));
    for (let at = 3; at < 250; at++) bench.hear(advert(90, ip(`10.0.0.${at}`)), ip(`10.0.0.${at}`));
    bench.hear(advert(121));
    assert.equal(heard(bench).length, 16);
    assert.equal(heard(bench)[0]?.priority, 121);
  });
});
