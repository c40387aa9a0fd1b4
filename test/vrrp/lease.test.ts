import assert from 'node:assert/strict';
import { type Micros, seconds } from '../../src/base/time.ts';
import { Lease } from '../../src/vrrp/lease.ts';
import type { LeaseConfig } from '../../src/vrrp/types.ts';

const config: LeaseConfig = { mode: 'required', gate_lifetime: seconds(2.5), address_lifetime_s: 4 };
const at = (s: number): Micros => seconds(s);

describe('vrrp/lease', () => {
  it('is held when the kernel has taken the opening', () => {
    const lease = new Lease();
    const write = lease.open(config, at(10));
    assert.deepEqual(write, { until: at(12.5), notAfter: at(12.5), term: 1 });
    assert.deepEqual(lease.state, { kind: 'opening', until: at(12.5) });
    lease.acknowledged(write);
    assert.deepEqual(lease.state, { kind: 'held', until: at(12.5) });
  });

  it('is renewed from the end that was acknowledged, not from one that was hoped for', () => {
    const lease = new Lease();
    lease.acknowledged(lease.open(config, at(10)));
    const first = lease.renew(config, at(11))!;
    const second = lease.renew(config, at(12))!;
    assert.deepEqual(first, { until: at(13.5), notAfter: at(12.5), term: 1 });
    assert.equal(second.notAfter, at(12.5));
    lease.acknowledged(first);
    assert.equal(lease.renew(config, at(13))!.notAfter, at(13.5));
  });

  it('is not shortened by answers out of order', () => {
    const lease = new Lease();
    lease.acknowledged(lease.open(config, at(10)));
    const [first, second] = [lease.renew(config, at(11))!, lease.renew(config, at(12))!];
    lease.acknowledged(second);
    lease.acknowledged(first);
    assert.deepEqual(lease.state, { kind: 'held', until: at(14.5) });
  });

  it('has nothing to renew before it is opened, after it is closed, and when it is weak', () => {
    const lease = new Lease();
    assert.equal(lease.renew(config, at(1)), undefined);
    lease.open(config, at(10));
    lease.weaken('no nf_tables');
    assert.deepEqual(lease.state, { kind: 'weak', why: 'no nf_tables' });
    assert.equal(lease.renew(config, at(11)), undefined);
    lease.open(config, at(12));
    lease.close();
    assert.deepEqual(lease.state, { kind: 'none' });
    assert.equal(lease.renew(config, at(13)), undefined);
  });

  it('tells answers of an earlier term from its own', () => {
    const lease = new Lease();
    const earlier = lease.open(config, at(10));
    lease.close();
    assert.equal(lease.isCurrent(earlier), false);
    const present = lease.open(config, at(11));
    assert.equal(lease.isCurrent(earlier), false);
    assert.equal(lease.isCurrent(present), true);
    lease.weaken('refused');
    assert.equal(lease.isCurrent(present), false);
  });

  it('is over at its end, whether it was acknowledged or not; without a gate it has no end', () => {
    const lease = new Lease();
    assert.equal(lease.isOver(at(99)), false);
    const write = lease.open(config, at(10));
    assert.equal(lease.isOver((at(12.5) - 1) as Micros), false);
    assert.equal(lease.isOver(at(12.5)), true);
    lease.acknowledged(write);
    assert.equal(lease.isOver(at(12.5)), true);
    lease.weaken('refused');
    assert.equal(lease.isOver(at(99)), false);
  });
});
