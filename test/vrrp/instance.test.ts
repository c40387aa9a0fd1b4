import assert from 'node:assert/strict';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import type { Priority } from '../../src/vrrp/types.ts';
import { Bench } from './instance-bench.ts';
import { A, advert, B, C, configured, down, reload, shutdown, startup, unleased } from './router-table.ts';

const announced = (...addresses: string[]): string[] =>
  Array.from({ length: 5 }, () => addresses.map((address) => `announce ${address}`)).flat();

describe('vrrp/instance', () => {
  it('promotes: advertise, gate, and only when the gate is open addresses, and only when they are there announce', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    assert.deepEqual(bench.seen(), [
      'initialize → backup: startup',
      'send 100',
      'gate open A B',
      'backup → active: active-silent',
    ]);
    bench.now += 1_000;
    bench.gate('done');
    assert.deepEqual(bench.seen(), [`add A B for 4 by ${down + 2_500_000}`]);
    bench.added();
    assert.deepEqual(bench.seen(), announced('A', 'B'));
  });

  it('adds at once and for ever without a lease', () => {
    const bench = new Bench(unleased);
    bench.handle(startup);
    bench.at(down);
    assert.deepEqual(bench.seen().slice(1), [
      'send 100',
      'add A B for ever by any time',
      'backup → active: active-silent',
    ]);
  });

  it('renews the gate with every periodic advertisement, and the addresses when that is acknowledged', () => {
    const bench = new Bench().serve();
    bench.at(down + 1_000_000);
    assert.deepEqual(bench.seen(), ['send 100', 'gate renew A B']);
    bench.gate('done');
    assert.equal(bench.seen()[0]?.startsWith('refresh A B for 4 by '), true);
    assert.deepEqual(bench.instance.leaseState, { kind: 'held', until: down + 3_500_000 });
  });

  it('renews nothing when the advertisement did not leave', () => {
    const bench = new Bench().serve();
    bench.linkWorks = false;
    bench.at(down + 1_000_000);
    assert.deepEqual(bench.seen(), ['send 100']);
  });

  for (const outcome of ['lapsed', 'too-late'] as const)
    it(`is Backup, without a farewell, when a renewal is ${outcome}`, () => {
      const bench = new Bench().serve();
      bench.at(down + 1_000_000);
      bench.seen();
      bench.gate(outcome);
      assert.deepEqual(bench.seen(), ['gate close A B', 'remove A B', 'active → backup: lease-lapsed']);
    });

  it('takes a renewal that failed as not renewed, and tries again', () => {
    for (const mode of ['required', 'preferred'] as const) {
      const bench = new Bench({ lease: { ...configured({}).lease, mode } }).serve();
      bench.at(down + 1_000_000);
      bench.gate({ failed: 'EBUSY' });
      assert.deepEqual(bench.instance.leaseState, { kind: 'held', until: down + 2_500_000 });
      bench.seen();
      bench.at(down + 2_000_000);
      assert.deepEqual(bench.seen(), ['send 100', 'gate renew A B']);
    }
  });

  it('lease required: leaves again when there is no gate, and no address was ever there', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.seen();
    bench.gate({ failed: 'no nf_tables' });
    assert.deepEqual(bench.seen(), [
      'send 0',
      'gate close A B',
      'remove A B',
      'active → initialize: lease-unavailable',
    ]);
  });

  it('lease preferred: serves without a gate, for ever, and says so', () => {
    const bench = new Bench({ lease: { ...configured({}).lease, mode: 'preferred' } });
    bench.handle(startup);
    bench.at(down);
    bench.seen();
    bench.gate({ failed: 'no nf_tables' });
    assert.deepEqual(bench.seen(), ['add A B for ever by any time']);
    assert.deepEqual(bench.instance.leaseState, { kind: 'weak', why: 'no nf_tables' });
    bench.at(down + 1_000_000);
    assert.deepEqual(bench.seen(), ['send 100']);
  });

  it('yields when the gate of a reload fails: going on would leave the old addresses to a gate that closes', () => {
    const bench = new Bench({ lease: { ...configured({}).lease, mode: 'preferred' } }).serve();
    bench.handle(
      reload({ virtual_ipaddress: [A, B, C], lease: { ...configured({}).lease, mode: 'preferred' } }),
    );
    const [open] = bench.gateWrites
      .map(({ operation }, at) => (operation === 'open' ? at : -1))
      .filter((at) => at > 0);
    bench.seen();
    bench.gate({ failed: 'EBUSY' }, open);
    // C was never added, and its removal does no harm.
    assert.deepEqual(bench.seen(), ['gate close A B C', 'remove A B C', 'active → backup: lease-lapsed']);
  });

  it('leaves with a farewell when the kernel refuses every address', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.gate('done');
    bench.seen();
    bench.added({ failed: 'EINVAL' });
    assert.deepEqual(bench.seen(), [
      'send 0',
      'gate close A B',
      'remove A B',
      'active → initialize: addresses-refused',
    ]);
  });

  it('says no farewell when it is its own pause that made the addresses too late', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.gate('done');
    bench.seen();
    bench.now = down + 2_500_000;
    bench.added({ failed: 'too late to be sent' });
    assert.deepEqual(bench.seen(), ['gate close A B', 'remove A B', 'active → backup: lease-lapsed']);
  });

  it('believes no answer of an earlier promotion', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.gate('done');
    bench.handle(advert(150));
    bench.at(bench.instance.deadline!);
    bench.seen();
    bench.gate('lapsed', 0);
    assert.equal(bench.instance.router.state, 'active');
    bench.gate('done');
    bench.seen();
    bench.added({ failed: 'too late to be sent' });
    assert.deepEqual(bench.seen(), []);
    bench.added();
    assert.deepEqual(bench.seen(), announced('A', 'B'));
  });

  it('puts a lost address back with the life of the lease, and announces', () => {
    const bench = new Bench().serve();
    bench.now += 1_000;
    bench.instance.addressLost(B, bench.now as Micros);
    assert.deepEqual(bench.seen(), [`add B for 4 by ${down + 2_500_000}`]);
    bench.added();
    assert.deepEqual(bench.seen(), announced('A', 'B'));
  });

  it('stays when an address cannot be put back', () => {
    const bench = new Bench().serve();
    bench.instance.addressLost(B, bench.now as Micros);
    bench.added({ failed: 'EACCES' });
    assert.equal(bench.instance.router.state, 'active');
  });

  it('announces a promotion although an address could not be put back meanwhile', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.gate('done');
    bench.instance.addressLost(B, bench.now as Micros);
    bench.seen();
    bench.added();
    assert.deepEqual(bench.seen(), []);
    bench.added({ failed: 'too late to be sent' });
    assert.deepEqual(bench.seen(), announced('A', 'B'));
  });

  it('puts nothing back as Backup', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.seen();
    bench.instance.addressLost(A, 1 as Micros);
    assert.deepEqual(bench.seen(), []);
  });

  it('announces again after a conflict, but not before the addresses are there', () => {
    const bench = new Bench().serve();
    bench.now += 10_000;
    bench.handle(advert(50));
    assert.deepEqual(bench.seen(), ['send 100', ...announced('A', 'B')]);
    const early = new Bench();
    early.handle(startup);
    early.at(down);
    early.seen();
    early.handle(advert(50));
    assert.deepEqual(early.seen(), ['send 100']);
  });

  it('keeps its promise to announce when a reload takes an address away before the rest is there', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.gate('done');
    bench.handle(reload({ virtual_ipaddress: [A] }));
    bench.seen();
    bench.added();
    assert.deepEqual(bench.seen(), announced('A'));
  });

  it('never adds what a reload took away while the gate was opening', () => {
    const bench = new Bench();
    bench.handle(startup);
    bench.at(down);
    bench.handle(reload({ virtual_ipaddress: [A] }));
    bench.seen();
    bench.gate('done', 0);
    assert.deepEqual(bench.seen(), [`add A for 4 by ${down + 2_500_000}`]);
  });

  it('starts a new round when a reload brings other timings', () => {
    const bench = new Bench().serve();
    const { announce } = configured({});
    bench.now += 1_000;
    bench.handle(reload({ announce: { ...announce, garp_master_repeat: 1 } }));
    assert.deepEqual(bench.seen(), ['send 100', 'gate renew A B', 'announce A', 'announce B']);
  });

  it('is silent from the moment it leaves', () => {
    const bench = new Bench().serve();
    bench.handle(shutdown(true));
    assert.deepEqual(bench.seen(), ['send 0', 'gate close A B', 'remove A B', 'active → initialize: stop']);
    assert.equal(bench.instance.deadline, undefined);
    bench.at(down + seconds(60));
    assert.deepEqual(bench.seen(), []);
  });

  it('is due at the earliest of its machines', () => {
    const bench = new Bench().serve();
    bench.instance.addressLost(A, bench.now as Micros);
    bench.instance.addressLost(A, bench.now as Micros);
    assert.equal(bench.instance.deadline, down + milliseconds(100));
    bench.handle(reload({ priority: 200 as Priority }));
    assert.equal(bench.instance.router.snapshot().advertAt, down + seconds(1));
  });
});
