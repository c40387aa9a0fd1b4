import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import { AddressKeeper } from '../../src/vrrp/address-keeper.ts';

const a = { address: ip('10.0.0.100'), length: 32 };
const b = { address: ip('10.0.0.101'), length: 32 };
const lost = (address: typeof a) => ({ type: 'lost', address }) as const;
const restore = (address: typeof a) => ({ type: 'restore', address }) as const;

describe('vrrp/address-keeper', () => {
  it('puts an address back at once', () => {
    const keeper = new AddressKeeper();
    assert.deepEqual(keeper.handle(lost(a), seconds(1)), [restore(a)]);
    assert.equal(keeper.deadline, undefined);
  });

  it('answers a rival at a growing distance, up to half a minute', () => {
    const keeper = new AddressKeeper();
    let now = seconds(1);
    keeper.handle(lost(a), now);
    const distances: number[] = [];
    for (let round = 0; round < 10; round++) {
      const taken = (now + 1) as Micros;
      assert.deepEqual(keeper.handle(lost(a), taken), []);
      const { deadline } = keeper;
      assert.ok(deadline !== undefined);
      assert.deepEqual(keeper.handle(undefined, (deadline - 1) as Micros), []);
      assert.deepEqual(keeper.handle(undefined, deadline), [restore(a)]);
      distances.push((deadline - now) / 1_000);
      now = deadline;
    }
    assert.deepEqual(distances, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
  });

  it('forgives after a quiet minute', () => {
    const keeper = new AddressKeeper();
    keeper.handle(lost(a), seconds(1));
    keeper.handle(lost(a), seconds(1));
    keeper.handle(undefined, keeper.deadline!);
    assert.deepEqual(keeper.handle(lost(a), seconds(70)), [restore(a)]);
    keeper.handle(lost(a), seconds(70));
    assert.equal(keeper.deadline, seconds(70) + milliseconds(100));
  });

  it('gathers what is lost meanwhile, each once', () => {
    const keeper = new AddressKeeper();
    keeper.handle(lost(a), seconds(1));
    for (const address of [a, b, a]) keeper.handle(lost(address), seconds(1));
    assert.deepEqual(keeper.handle(undefined, keeper.deadline!), [restore(a), restore(b)]);
  });

  it('forgets what we take away ourselves, and that alone', () => {
    const keeper = new AddressKeeper();
    keeper.handle(lost(a), seconds(1));
    keeper.handle(lost(a), seconds(1));
    keeper.handle(lost(b), seconds(1));
    assert.deepEqual(keeper.handle({ type: 'forget', addresses: [a] }, seconds(1)), []);
    assert.deepEqual(keeper.handle(undefined, keeper.deadline!), [restore(b)]);
    keeper.handle(lost(b), seconds(1.2));
    keeper.handle({ type: 'forget', addresses: [a, b] }, seconds(1.2));
    assert.equal(keeper.deadline, undefined);
  });
});
