/** The lease as the kernel shows it: gate elements, lifetimes, and what another hand does to them. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ip } from '../../src/base/ip.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { eventually } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const vip = ip('10.1.0.100');
const calm = instance({ advert_int: '300ms' });
/** What `ip` prints for "forever". */
const forever = 0xffff_ffff;

describeAsRoot('lease', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('lease');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const nft = (...words: readonly string[]): Promise<string> => site.lab.run('d1', ['nft', ...words]);
  const gated = (set: 'vip4' | 'lease4'): Promise<string> => nft('list', 'set', 'inet', 'vipkeeper', set);

  it('preferred: gate and lifetime are there and renewed; nothing is left after a stop', async () => {
    const d1 = site.start('d1', configuration({ web: calm }));
    const first = await d1.untilState('active');
    assert(first.lease.kind === 'held');
    assert.match(await gated('vip4'), /10\.1\.0\.100/);
    assert.match(await gated('lease4'), /10\.1\.0\.100 timeout \S+ expires/);
    await sleep(1_000);
    const { lease, counters } = await d1.instance();
    assert(lease.kind === 'held' && lease.until > first.lease.until);
    assert(counters.leaseRenewals >= 2, `${counters.leaseRenewals} renewals`);
    const address = await site.address('d1', vip);
    assert(address !== undefined && address.valid_life_time <= 2, JSON.stringify(address));
    assert.equal(await d1.stop(), 0);
    assert.equal(await site.address('d1', vip), undefined);
    assert.doesNotMatch(await gated('vip4'), /10\.1/);
    assert.doesNotMatch(await gated('lease4'), /10\.1/);
  });

  it('off: no gate, no lifetime, and status says so', async () => {
    const d1 = site.start('d1', configuration({ web: { ...calm, lease: 'off' } }));
    await d1.untilState('active');
    const address = await eventually(
      () => site.address('d1', vip),
      (found) => found !== undefined,
    );
    assert.equal(address?.valid_life_time, forever);
    assert.doesNotMatch(await gated('vip4'), /10\.1/);
    assert.equal((await d1.instance()).lease.kind, 'none');
    await d1.stop();
    assert.equal(await site.address('d1', vip), undefined);
  });

  for (const [what, words] of [
    ['its table deleted', ['delete', 'table', 'inet', 'vipkeeper']],
    ['all rules flushed', ['flush', 'ruleset']],
  ] as const)
    it(`${what} by hand: it steps back, takes over again, and is gated again`, async () => {
      const d1 = site.start('d1', configuration({ web: calm }));
      await d1.untilState('active');
      await nft(...words);
      await eventually(
        () => d1.transitions,
        (lines) => lines.includes('active → backup (lease-lapsed)'),
        3_000,
      );
      const { counters, lease } = await eventually(
        () => d1.instance(),
        ({ counters: { becameActive }, lease: { kind } }) => becameActive === 2 && kind === 'held',
      );
      assert.equal(counters.becameActive, 2);
      assert.equal(lease.kind, 'held');
      assert.match(await gated('lease4'), /10\.1\.0\.100/);
      const pings = await site.lab.run('cl', ['ping', '-c', '5', '-i', '0.3', '-W', '1', vip]);
      assert(pings.includes('5 received'), pings);
      assert.match(await nft('list', 'ruleset'), /table arp vipkeeper/);
    });

  it('leftovers of a killed life are gone before the next says a word', async () => {
    // Long enough that only a clean-up can have removed it.
    const leased = { ...calm, advert_int: '500ms', lease: { mode: 'preferred', address_lifetime: '60s' } };
    const first = site.start('d1', configuration({ web: leased }));
    await first.untilState('active');
    await eventually(
      () => site.address('d1', vip),
      (found) => found !== undefined,
    );
    await first.kill();
    assert((await site.address('d1', vip)) !== undefined);
    assert.match(await gated('vip4'), /10\.1\.0\.100/);
    const adverts = site.listen();
    const second = site.start('d1', configuration({ web: leased }));
    await second.untilState('backup');
    assert.deepEqual(adverts, []);
    assert.equal(await site.address('d1', vip), undefined);
    assert.doesNotMatch(await gated('vip4'), /10\.1/);
    await second.untilState('active');
  });

  it('an address of another hand is neither gated nor leased nor removed, and status names it', async () => {
    await site.lab.run('d1', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0']);
    const d1 = site.start('d1', configuration({ web: { ...calm, virtual_ipaddress: [vip, '10.1.0.101'] } }));
    const { foreignAddresses } = await d1.untilState('active');
    assert.deepEqual(foreignAddresses, [vip]);
    await eventually(
      () => site.address('d1', '10.1.0.101'),
      (found) => found !== undefined,
    );
    await sleep(700);
    assert.equal((await site.address('d1', vip))?.valid_life_time, forever);
    assert.match(await gated('vip4'), /10\.1\.0\.101/);
    assert.doesNotMatch(await gated('vip4'), /10\.1\.0\.100/);
    assert.equal(await d1.stop(), 0);
    assert.equal((await site.address('d1', vip))?.valid_life_time, forever);
    assert.equal(await site.address('d1', '10.1.0.101'), undefined);
  });

  it('an address of another hand that goes while active is ours from then on, gate and all', async () => {
    await site.lab.run('d1', ['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0']);
    const d1 = site.start('d1', configuration({ web: calm }));
    await d1.untilState('active');
    await site.lab.run('d1', ['ip', 'address', 'del', `${vip}/32`, 'dev', 'eth0']);
    await eventually(
      () => site.address('d1', vip),
      (found) => found !== undefined && found.valid_life_time < forever,
      3_000,
    );
    const pings = await site.lab.run('cl', ['ping', '-c', '6', '-i', '0.3', '-W', '1', vip]);
    assert(pings.includes('6 received'), pings);
    assert.equal((await d1.instance()).counters.becameActive, 1);
    assert.match(await gated('lease4'), /10\.1\.0\.100/);
  });
});
