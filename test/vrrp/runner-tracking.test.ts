import assert from 'node:assert/strict';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { Track, TrackerKind } from '../../src/vrrp/track.ts';
import type { TrackerDefinition, TrackerReport } from '../../src/vrrp/track-board.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { advert, config, eth0, LoopBench, vip } from './loop-bench.ts';

/** Active_Down_Interval of priority 100 at 100 ms is 360.9 ms. */
const takesOver = milliseconds(400);

const track = (kind: TrackerKind, weight: number, name = 'app'): Track => ({
  kind,
  name,
  weight,
  reverse: false,
});
const tracking = (...tracks: readonly Track[]): InstanceConfig => ({ ...config, track: tracks });
const script: TrackerDefinition = {
  kind: 'script',
  name: 'app',
  initially: 'unknown',
  silence: seconds(3),
};
const says = (verdict: 'up' | 'down'): TrackerReport => ({
  kind: 'script',
  name: 'app',
  verdict,
  words: verdict === 'up' ? 'exit code 0' : 'exit code 1',
});

class TrackingBench extends LoopBench {
  get state(): string {
    const { router, tracking: now } = this.runner.status().instances[0] ?? assert.fail();
    return `${router.state} (${router.reason}) ${now.effectivePriority}`;
  }

  /** Active with a script of this weight that is up. */
  static async active(weight: number): Promise<TrackingBench> {
    const bench = new TrackingBench();
    bench.runner.configure([tracking(track('script', weight))], 0, [script]);
    bench.runner.tracked(says('up'));
    await bench.run(takesOver);
    assert.equal(bench.runner.status().instances[0]?.router.state, 'active');
    bench.take();
    return bench;
  }
}

describe('vrrp/runner: trackers', () => {
  it('a weight changes the adverts at once, and the addresses stay', async () => {
    const bench = await TrackingBench.active(-30);
    bench.runner.tracked(says('down'));
    assert.deepEqual(bench.take().slice(0, 2), ['advert 70', `gate renew ${vip}`]);
    assert.deepEqual(bench.weighed, ['web: priority 100 → 70; script app is down: exit code 1']);
    bench.runner.tracked(says('down'));
    assert.deepEqual(bench.take(), [], 'the same word again is no event');
    await bench.run(seconds(1));
    assert(bench.take().every((what) => !/^(add|remove|advert 100)/.test(what)));
    bench.runner.tracked(says('up'));
    assert.equal(bench.take()[0], 'advert 100');
    assert.equal(bench.weighed.at(-1), 'web: priority 70 → 100; script app is up: exit code 0');
  });

  it('a Backup preempts by the priority that trackers have made', async () => {
    const bench = new TrackingBench();
    bench.runner.configure([tracking(track('script', 50))], 0, [script]);
    const hearAdverts = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        bench.queue.push({ source: '10.0.0.2' as never, data: advert(120) });
        await bench.run(milliseconds(90));
      }
    };
    await hearAdverts(10);
    assert.equal(bench.state, 'backup (startup) 100');
    bench.runner.tracked(says('up'));
    await hearAdverts(6);
    assert.equal(bench.state, 'active (preempting) 150');
  });

  it('a fault leaves with a farewell, and comes back when it is over', async () => {
    const bench = await TrackingBench.active(0);
    bench.runner.tracked(says('down'));
    assert.deepEqual(bench.take().slice(0, 3), ['advert 0', `gate close ${vip}`, `remove ${vip}`]);
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
    const { fault } = bench.runner.status().instances[0]?.tracking ?? assert.fail();
    assert.equal(fault, 'script app is down: exit code 1');
    assert.deepEqual(bench.weighed, [
      'web: takes part again; script app is up: exit code 0',
      'web: out of the election; script app is down: exit code 1',
    ]);
    await bench.run(seconds(2));
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
    bench.runner.tracked(says('up'));
    await bench.run(takesOver);
    assert.equal(bench.state, 'active (active-silent) 100');
  });

  it('a pool that speaks for the first time says why it keeps the instance out', () => {
    const bench = new TrackingBench();
    const web = { kind: 'virtual_server', name: 'TCP 10.1.0.100:80' } as const;
    const config = tracking(track(web.kind, 0, web.name));
    bench.runner.configure([config], 0, [{ ...web, initially: 'unknown', silence: undefined }]);
    bench.runner.tracked({ ...web, verdict: 'down', words: 'quorum 0 of 1' });
    assert.deepEqual(bench.weighed, [
      'web: out of the election; virtual_server TCP 10.1.0.100:80 is down: quorum 0 of 1',
    ]);
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
    bench.runner.tracked({ ...web, verdict: 'up', words: 'quorum 1 of 1' });
    assert.equal(bench.state, 'backup (startup) 100');
  });

  it('starts only when every tracker without a weight has spoken', async () => {
    const bench = new TrackingBench();
    bench.runner.configure([tracking(track('script', 0))], 0, [script]);
    await bench.run(seconds(1));
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
    assert.equal(bench.did.length, 0);
    bench.runner.tracked(says('up'));
    assert.equal(bench.state, 'backup (startup) 100');
  });

  it('silence is a failure after its time, not before, and not while reports wait in the queue', async () => {
    const bench = await TrackingBench.active(-30);
    await bench.run(seconds(2));
    assert.equal(bench.state, 'active (active-silent) 100');
    bench.reports.push(says('up'));
    await bench.run(seconds(3));
    assert.equal(bench.state, 'active (active-silent) 100', 'what waited was read first');
    await bench.run(seconds(1));
    assert.equal(bench.state, 'active (active-silent) 70');
    assert.equal(bench.weighed.at(-1), 'web: priority 100 → 70; script app is down: silent for 3s');
    bench.runner.tracked(says('up'));
    assert.equal(bench.state, 'active (active-silent) 100');
  });

  it('silence counts to the instant, not to the next beat of the loop', async () => {
    const bench = new TrackingBench();
    bench.runner.configure([tracking(track('script', -30))], 0, [{ ...script, silence: milliseconds(333) }]);
    const from = bench.now;
    bench.runner.tracked(says('up'));
    await bench.run(seconds(1));
    assert.equal(bench.runner.status().instances[0]?.tracking.contributions[0]?.since, from + 333_000);
  });

  it('a gap in our own running is not the silence of trackers', async () => {
    const bench = await TrackingBench.active(-30);
    bench.now = (bench.now + 10_000_000) as never;
    await bench.run(seconds(2.9));
    assert.equal(bench.runner.status().instances[0]?.tracking.effectivePriority, 100);
    await bench.run(seconds(0.2));
    assert.equal(bench.runner.status().instances[0]?.tracking.effectivePriority, 70);
  });

  it('interfaces are known from the start, and followed', async () => {
    const bench = new TrackingBench();
    const on = (name: string): TrackerDefinition => ({
      ...script,
      kind: 'interface',
      name,
      silence: undefined,
    });
    const tracks = tracking(track('interface', -10, 'eth0'), track('interface', -20, 'eth1'));
    bench.runner.configure([tracks], 0, [on('eth0'), on('eth1')]);
    assert.equal(bench.state, 'backup (startup) 80');
    const words = (): readonly string[] =>
      bench.runner.status().instances[0]?.tracking.contributions.map((one) => one.words) ?? [];
    assert.deepEqual(words(), ['up', 'absent']);
    await bench.run(takesOver);
    for (const [facts, said] of [
      [{ ...eth0, running: false }, 'no carrier'],
      [{ ...eth0, up: false }, 'down'],
    ] as const) {
      bench.facts = facts;
      bench.runner.interfacesChanged();
      assert.deepEqual(words(), [said, 'absent']);
      assert.equal(bench.state.split(' ').at(-1), '70');
    }
    bench.facts = eth0;
    bench.runner.interfacesChanged();
    assert.equal(bench.state.split(' ').at(-1), '80');
  });

  it('a reload speaks with the weighed priority only, and forgets a tracker that is not tracked any more', async () => {
    const bench = await TrackingBench.active(-30);
    bench.runner.tracked(says('down'));
    bench.take();
    bench.runner.configure([{ ...tracking(track('script', -30)), priority: 150 as never }], 0, [script]);
    assert.deepEqual(
      bench.take().filter((what) => what.startsWith('advert')),
      ['advert 120'],
    );
    bench.runner.configure([tracking(track('script', 0))], 0, [script]);
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    assert.equal(bench.state, 'active (active-silent) 100');
    bench.runner.tracked(says('down'));
    assert.equal(bench.state, 'active (active-silent) 100', 'a report that nobody waits for');
  });

  it('a tracker that a reload brings takes nobody out before its first word, only after its silence', async () => {
    const bench = new TrackingBench();
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    bench.runner.configure([tracking(track('script', 0))], 0, [script]);
    await bench.run(seconds(2));
    assert.equal(bench.state, 'active (active-silent) 100');
    bench.runner.tracked(says('down'));
    assert.equal(bench.state, 'initialize (tracker-failed) 100');

    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    bench.runner.configure([tracking(track('file', 0))], 0, [{ ...script, kind: 'file' }]);
    await bench.run(seconds(2.9));
    assert.equal(bench.state, 'active (active-silent) 100');
    await bench.run(seconds(0.2));
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
  });

  it('a delay after the start holds every instance back to the instant, and no tracker shortens it', async () => {
    const bench = new TrackingBench();
    const startAt = (bench.now + 1_234_567) as never;
    bench.runner.configure([tracking(track('script', 0))], 0, [script], startAt);
    bench.runner.tracked(says('up'));
    await bench.run(seconds(1));
    assert.equal(bench.state, 'initialize (startup-delay) 100');
    // A reload does not begin it anew.
    bench.runner.configure([tracking(track('script', 0))], 0, [script], startAt);
    await bench.run(milliseconds(500));
    assert.equal(bench.state, 'backup (startup) 100');
    assert.equal(bench.runner.status().instances[0]?.router.since, startAt);
    const later = (bench.now + 1_000_000) as never;
    bench.runner.configure([tracking(track('script', 0))], 0, [script], later);
    assert.equal(bench.state, 'backup (startup) 100', 'a longer delay comes too late for who takes part');
  });

  it('the operator’s hold is named before a tracker’s fault', async () => {
    const bench = await TrackingBench.active(0);
    bench.runner.hold('parent-silent');
    bench.runner.tracked(says('down'));
    assert.equal(bench.state, 'initialize (parent-silent) 100');
    bench.runner.release();
    assert.equal(bench.state, 'initialize (tracker-failed) 100');
  });
});
