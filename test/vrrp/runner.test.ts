import assert from 'node:assert/strict';
import { milliseconds, seconds } from '../../src/base/time.ts';
import { advert, config, eth0, LoopBench, own, peer, vip } from './loop-bench.ts';

/** Active_Down_Interval of priority 100 at 100 ms is 360.9 ms. */
const takesOver = milliseconds(400);

describe('vrrp/runner', () => {
  it('starts on a ready interface, and takes over in the order of a promotion', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    assert.deepEqual(bench.transitions, ['initialize → backup (startup)', 'backup → active (active-silent)']);
    assert.deepEqual(bench.did.slice(0, 5), [
      'advert 100',
      `gate open ${vip}`,
      // Before the address: a process that dies now leaves nothing that the parent does not know.
      'promoted web',
      `add ${vip}`,
      'announce',
    ]);
  });

  it('waits for an interface, names what is missing, and opens one socket for all instances on it', async () => {
    const bench = new LoopBench();
    bench.facts = undefined;
    bench.runner.configure([config, { ...config, name: 'other', virtual_router_id: 52 as never }], 0);
    const reason = (): string | undefined => bench.runner.status().instances[0]?.router.reason;
    assert.equal(reason(), 'interface-absent');
    for (const [facts, expected] of [
      [{ ...eth0, up: false }, 'interface-down'],
      [{ ...eth0, running: false }, 'no-carrier'],
      [{ ...eth0, addresses: [] }, 'no-primary-address'],
      [eth0, 'startup'],
      [{ ...eth0, running: false }, 'no-carrier'],
      [eth0, 'startup'],
      // Created anew under the same name: the old socket hears nothing any more.
      [{ ...eth0, index: 7 }, 'startup'],
    ] as const) {
      bench.facts = facts;
      bench.runner.interfacesChanged();
      assert.equal(reason(), expected);
    }
    assert.deepEqual([bench.opens, bench.closes], [2, 1]);
    bench.facts = undefined;
    bench.runner.interfacesChanged();
    assert.deepEqual([bench.opens, bench.closes], [2, 2]);
    await bench.run(seconds(1));
    assert.equal(bench.did.length, 0);
  });

  it('an advertisement in the queue wins over a timer that ran out meanwhile', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    await bench.run(milliseconds(300));
    bench.queue.push({ source: peer, data: advert(150) });
    await bench.run(milliseconds(100));
    assert.equal(bench.runner.status().instances[0]?.router.state, 'backup');
    await bench.run(takesOver);
    assert.equal(bench.runner.status().instances[0]?.router.state, 'active');
  });

  it('a gap as long as the lease: Backup before anything is done with what came in, and nothing is sent', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    bench.take();
    bench.now = (bench.now + config.lease.gate_lifetime + 100_000) as never;
    bench.hear(advert(150));
    assert.equal(bench.transitions.at(-1), 'active → backup (paused)');
    assert.deepEqual(bench.take(), [`gate close ${vip}`, `remove ${vip}`, 'demoted web']);
    await bench.run(takesOver);
    assert.equal(bench.transitions.at(-1), 'backup → active (active-silent)');
  });

  it('held: leaves with a farewell and stays away until released', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    bench.take();
    bench.runner.hold('parent-silent');
    assert.deepEqual(bench.did.slice(0, 3), ['advert 0', `gate close ${vip}`, `remove ${vip}`]);
    await bench.answer();
    assert.equal(bench.did.at(-1), `gate forget ${vip}`);
    bench.take();
    await bench.run(seconds(2));
    assert.deepEqual(bench.take(), []);
    bench.runner.release();
    await bench.run(takesOver);
    assert.equal(bench.transitions.at(-1), 'backup → active (active-silent)');
  });

  it('lease required without a gate: stands aside, says why, tries again in 5 s, and never spins', async () => {
    const bench = new LoopBench();
    bench.gateUnavailable = 'nf_tables gate: EOPNOTSUPP';
    bench.runner.configure([{ ...config, lease: { ...config.lease, mode: 'required' } }], 0);
    assert.equal(bench.runner.status().instances[0]?.router.reason, 'lease-unavailable');
    assert.deepEqual(bench.troubles, ['lease: required, but nf_tables gate: EOPNOTSUPP']);
    assert((await bench.run(seconds(4))) < 100);
    bench.facts = { ...eth0, running: false };
    bench.runner.interfacesChanged();
    assert((await bench.run(seconds(4))) < 100, 'also when the time to try again comes on a dead interface');
    bench.gateUnavailable = undefined;
    bench.facts = eth0;
    bench.runner.interfacesChanged();
    await bench.run(takesOver);
    assert.equal(bench.transitions.at(-1), 'backup → active (active-silent)');
  });

  it('lease preferred without a gate: serves, and says that nothing bounds it', async () => {
    const bench = new LoopBench();
    bench.gateUnavailable = 'nf_tables gate: EOPNOTSUPP';
    bench.runner.configure([config], 0);
    await bench.run(seconds(1));
    const status = bench.runner.status();
    assert.deepEqual(status.instances[0]?.lease, { kind: 'weak', why: 'nf_tables gate: EOPNOTSUPP' });
    assert.deepEqual(status.gate, { available: false, why: 'nf_tables gate: EOPNOTSUPP' });
    assert.equal(status.instances[0].router.state, 'active');
    assert(bench.did.every((what) => !what.startsWith('gate')));
    // Nobody would renew a lifetime.
    assert.deepEqual(
      bench.did.filter((what) => what.includes(vip)),
      [`add ${vip}`],
    );
  });

  it('a gate that does not answer in time: forgotten before the addresses are served without it', async () => {
    const bench = new LoopBench();
    bench.gateOutcome = { failed: 'no answer, ETIMEDOUT' };
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    assert.deepEqual(bench.runner.status().instances[0]?.lease, {
      kind: 'weak',
      why: 'no answer, ETIMEDOUT',
    });
    assert.deepEqual(
      bench.did.filter((what) => what.includes(vip)),
      [`gate open ${vip}`, `gate forget ${vip}`, `add ${vip}`],
    );
  });

  it('addresses that the kernel refuses: leaves with a farewell, tries again in 5 s', async () => {
    const bench = new LoopBench();
    bench.addressOutcome = { failed: 'EPERM' };
    bench.runner.configure([config], 0);
    await bench.run(milliseconds(500));
    assert.equal(bench.transitions.at(-1), 'active → initialize (addresses-refused)');
    assert(bench.did.includes('advert 0'));
    bench.addressOutcome = 'done';
    await bench.run(seconds(4));
    assert.equal(bench.transitions.length, 3);
    await bench.run(seconds(2));
    assert.equal(bench.transitions.at(-1), 'backup → active (active-silent)');
  });

  it('a stripped address is put back, and no renewal does it in the keeper’s place', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    const strip = (): void => {
      bench.facts = eth0;
      bench.runner.interfacesChanged();
    };
    bench.take();
    strip();
    assert.deepEqual(bench.take(), [`add ${vip}`]);
    await bench.answer();
    bench.take();
    strip();
    assert.deepEqual(bench.take(), [], 'the second time not at once');
    bench.runner.wake();
    assert(!bench.did.some((what) => what.startsWith('refresh')));
    await bench.run(milliseconds(150));
    assert(bench.did.includes(`add ${vip}`));
    assert.equal(bench.runner.status().instances[0]?.counters.becameActive, 1);
  });

  it('an address of another hand is left alone', async () => {
    const bench = new LoopBench();
    const theirs = { address: vip, length: 32, ours: false, tentative: false };
    bench.facts = { ...eth0, addresses: [...eth0.addresses, theirs] };
    bench.runner.configure([config], 0);
    await bench.run(seconds(1));
    bench.runner.hold('stop');
    await bench.answer();
    assert.deepEqual(
      bench.did.filter((what) => what.includes(vip)),
      [],
    );
    assert.deepEqual(bench.runner.status().instances[0]?.foreignAddresses, [vip]);
  });

  it('every damaged packet is one count and no change', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    const before = bench.runner.status().instances[0]?.router;
    const damaged = advert(200);
    damaged[7] = (damaged[7] ?? 0) ^ 1;
    bench.hear(damaged);
    bench.hear(advert(200, own), own);
    const { discarded, instances } = bench.runner.status();
    assert.deepEqual(instances[0]?.router, before);
    assert.equal(discarded['eth0/4']?.checksum, 1);
    assert.equal(discarded['eth0/4']?.['own-source'], 1);
    assert.deepEqual(instances[0]?.heard, []);
    await bench.run(takesOver);
    assert.equal(bench.runner.status().instances[0]?.router.state, 'active');
  });

  it('a new configuration: the same identity keeps its state, another leaves first', async () => {
    const bench = new LoopBench();
    bench.runner.configure([config], 0);
    await bench.run(takesOver);
    bench.runner.configure([{ ...config, priority: 120 as never }], 0);
    assert.equal(bench.transitions.length, 2);
    bench.take();
    bench.runner.configure([{ ...config, virtual_router_id: 9 as never }], 0);
    assert.equal(bench.did[0], 'advert 0');
    assert.deepEqual(bench.transitions.slice(2), [
      'active → initialize (deconfigured)',
      'initialize → backup (startup)',
    ]);
    bench.runner.configure([], 0);
    assert.deepEqual([bench.opens, bench.closes], [1, 1]);
  });
});
