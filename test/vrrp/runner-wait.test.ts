/** The loop of a director whose pools are not ready: it comes back, and does not take over from one that serves. */
import assert from 'node:assert/strict';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { advert, config, eth0, LoopBench } from './loop-bench.ts';

const waiting: InstanceConfig = {
  ...config,
  preempt: { ...config.preempt, wait_for_checks: { at_most: seconds(5) } },
};

/** A weaker Active speaks for so long. */
async function besideWeaker(bench: LoopBench, for_ms: number): Promise<string | undefined> {
  for (let time = 0; time < for_ms; time += 100) {
    bench.hear(advert(50));
    await bench.run(milliseconds(100));
  }
  return bench.runner.status().instances[0]?.router.state;
}

describe('vrrp/runner, preempt.wait_for_checks', () => {
  it('preempts as soon as every check has spoken', async () => {
    const bench = new LoopBench();
    bench.runner.configure([waiting], 0);
    assert.equal(await besideWeaker(bench, 2_000), 'backup');
    bench.runner.checksReady(true);
    assert.equal(await besideWeaker(bench, 100), 'active');
    assert.equal(bench.transitions.at(-1), 'backup → active (preempting)');
  });

  it('… or after at_most', async () => {
    const bench = new LoopBench();
    bench.runner.configure([waiting], 0);
    assert.equal(await besideWeaker(bench, 4_900), 'backup');
    assert.equal(await besideWeaker(bench, 300), 'active');
  });

  it('takes over from a dead one at once, checks or not', async () => {
    const bench = new LoopBench();
    bench.runner.configure([waiting], 0);
    assert.equal(await besideWeaker(bench, 500), 'backup');
    await bench.run(milliseconds(400));
    assert.equal(bench.runner.status().instances[0]?.router.state, 'active');
  });

  it('waits for nothing when the checks have spoken before it takes part, or the file does not ask for it', async () => {
    for (const [settings, ready] of [
      [waiting, true],
      [config, false],
    ] as const) {
      const bench = new LoopBench();
      bench.runner.checksReady(ready);
      bench.runner.configure([settings], 0);
      assert.equal(await besideWeaker(bench, 500), 'active');
    }
  });

  it('waits again after it was cut off, when its pools are down by then', async () => {
    const bench = new LoopBench();
    bench.runner.checksReady(true);
    bench.runner.configure([waiting], 0);
    assert.equal(await besideWeaker(bench, 500), 'active');
    bench.facts = { ...eth0, running: false };
    bench.runner.interfacesChanged();
    await bench.run(seconds(1));
    bench.runner.checksReady(false);
    bench.facts = eth0;
    bench.runner.interfacesChanged();
    assert.equal(await besideWeaker(bench, 2_000), 'backup');
    bench.runner.checksReady(true);
    assert.equal(await besideWeaker(bench, 100), 'active');
  });

  it('never replaces a living Active while a pool that it tracks is empty, however well it is itself', async () => {
    const web = { kind: 'virtual_server', name: 'TCP 10.1.0.100:80' } as const;
    const tracks: InstanceConfig = { ...config, track: [{ ...web, weight: -10, reverse: false }] };
    const bench = new LoopBench();
    bench.runner.configure([tracks], 0, [{ ...web, initially: 'unknown', silence: undefined }]);
    bench.runner.tracked({ ...web, verdict: 'down', words: 'quorum 0 of 1' });
    assert.equal(await besideWeaker(bench, 5_000), 'backup');
    assert.equal(bench.runner.status().instances[0]?.router.priority, config.priority - 10);
    // One that is silent serves nobody.
    await bench.run(milliseconds(500));
    assert.equal(bench.runner.status().instances[0]?.router.state, 'active');
    bench.hear(advert(200));
    assert.equal(await besideWeaker(bench, 2_000), 'backup');
    bench.runner.tracked({ ...web, verdict: 'up', words: 'quorum 1 of 1' });
    assert.equal(await besideWeaker(bench, 500), 'active');
  });

  it('… or go down when it is about to take over', async () => {
    const bench = new LoopBench();
    bench.runner.checksReady(true);
    bench.runner.configure([waiting], 0);
    assert.equal(await besideWeaker(bench, 200), 'backup');
    bench.runner.checksReady(false);
    assert.equal(await besideWeaker(bench, 2_000), 'backup');
  });
});
