/** The loop with what does not move alone: elections over both families, and sync groups. */
import assert from 'node:assert/strict';
import { type Family, familyOf, ip } from '../../src/base/ip.ts';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import type { InterfaceFacts } from '../../src/vrrp/link.ts';
import { encodeAdvertisement } from '../../src/vrrp/packet.ts';
import { type InstanceConfig, type Priority, type Vrid, vrrpGroup } from '../../src/vrrp/types.ts';
import { config, eth0, LoopBench, own, peer, vip } from './loop-bench.ts';

const takesOver = milliseconds(400);
const [own6, peer6, vip6] = [ip('fe80::1'), ip('fe80::2'), ip('fe80::100')];
const ENETDOWN = 100;

/** An advertisement of the peer for a VRID, over a family. */
const said = (priority: number, family: Family = 4, vrid = 51): Uint8Array =>
  encodeAdvertisement(
    {
      vrid: vrid as Vrid,
      priority: priority as Priority,
      maxAdvertiseIntervalCs: 10,
      addresses: [family === 4 ? vip : vip6],
      family,
    },
    { source: family === 4 ? peer : peer6, destination: vrrpGroup[family], checksum: 'pseudo_header' },
  );

const instancesOf = (bench: LoopBench) => bench.runner.status().instances;
const states = (bench: LoopBench): string =>
  instancesOf(bench)
    .map(({ router }) => router.state)
    .join(' ');

describe('vrrp/runner, one election over both families', () => {
  const both: InstanceConfig = {
    ...config,
    families: [4, 6],
    virtual_ipaddress: [
      { address: vip, length: 32 },
      { address: vip6, length: 128 },
    ],
  };
  const withSix = {
    ...eth0,
    addresses: [...eth0.addresses, { address: own6, length: 64, ours: false, tentative: false }],
  };

  async function started(facts: InterfaceFacts = withSix): Promise<LoopBench> {
    const bench = new LoopBench();
    bench.facts = facts;
    bench.runner.configure([both], 0);
    await bench.run(milliseconds(50));
    return bench;
  }

  it('advertises over each family its own addresses, and holds all of them with one promotion', async () => {
    const bench = await started();
    await bench.run(takesOver);
    assert.equal(states(bench), 'active');
    const [four, six] = bench.sent;
    assert.deepEqual([four?.source, four?.destination], [own, '224.0.0.18']);
    assert.deepEqual([six?.source, six?.destination], [own6, 'ff02::12']);
    assert.deepEqual([four?.message[3], six?.message[3]], [1, 1]);
    assert.deepEqual(bench.did.slice(0, 6), [
      'advert 100',
      'advert 100',
      `gate open ${vip} ${vip6}`,
      'promoted web',
      `add ${vip}`,
      `add ${vip6}`,
    ]);
    assert.equal(instancesOf(bench)[0]?.counters.becameActive, 1);
    assert.deepEqual(
      bench.promotions[0]?.farewells.map(({ family, datagrams }) => [family, datagrams[0]?.message[2]]),
      [
        [4, 0],
        [6, 0],
      ],
    );
  });

  for (const family of [4, 6] as const)
    it(`an Active heard over IPv${family} alone is alive, and the silent family is an alarm`, async () => {
      const bench = await started();
      const source = family === 4 ? peer : peer6;
      for (let time = 0; time < 10; time++) {
        bench.hear(said(150, family), source);
        await bench.run(milliseconds(100));
      }
      assert.equal(states(bench), 'backup');
      const other = family === 4 ? 6 : 4;
      assert.deepEqual(instancesOf(bench)[0]?.silentFamilies, [other]);
      assert.equal(bench.troubles.length, 1);
      assert.match(bench.troubles.join(), new RegExp(`nobody is heard over IPv${other}`));
      bench.hear(said(150, other), other === 4 ? peer : peer6);
      assert.deepEqual(instancesOf(bench)[0]?.silentFamilies, []);
      await bench.run(takesOver);
      assert.equal(states(bench), 'active');
    });

  it('begins with the family that is ready, and speaks over the other as soon as that has an address', async () => {
    const bench = await started(eth0);
    assert.match(bench.troubles.join(), /no IPv6 source address/);
    await bench.run(takesOver);
    assert.equal(states(bench), 'active');
    assert.deepEqual(new Set(bench.sent.map(({ source }) => familyOf(source))), new Set([4]));
    bench.facts = { ...bench.facts!, addresses: [...bench.facts!.addresses, ...withSix.addresses.slice(1)] };
    bench.runner.interfacesChanged();
    bench.sent.length = 0;
    await bench.run(milliseconds(150));
    assert.deepEqual(new Set(bench.sent.map(({ source }) => source)), new Set([own, own6]));
    assert.equal(instancesOf(bench)[0]?.counters.becameActive, 1);
  });

  it('an advertisement that leaves over one family renews the lease, one that leaves over none does not', async () => {
    const bench = await started();
    await bench.run(takesOver);
    const renewals = (): number => instancesOf(bench)[0]?.counters.leaseRenewals ?? 0;
    bench.sendErrno = ({ source }) => (familyOf(source) === 6 ? ENETDOWN : 0);
    const before = renewals();
    await bench.run(milliseconds(200));
    assert.equal(renewals(), before + 2);
    assert.match(bench.troubles.join(), /could not be sent to ff02::12: errno 100/);
    bench.sendErrno = () => ENETDOWN;
    await bench.run(milliseconds(150));
    assert.equal(renewals(), before + 2);
  });
});

describe('vrrp/runner, sync groups', () => {
  const inside: InstanceConfig = { ...config, name: 'inside', sync_group: 'gateway' };
  const outsideAlone: InstanceConfig = {
    ...config,
    name: 'outside',
    interface: 'eth1',
    virtual_router_id: 52 as Vrid,
    virtual_ipaddress: [{ address: ip('10.1.0.100'), length: 32 }],
  };
  const outside: InstanceConfig = { ...outsideAlone, sync_group: 'gateway' };
  const eth1 = { ...eth0, name: 'eth1', index: 3 };

  async function started(configs: readonly InstanceConfig[] = [inside, outside]): Promise<LoopBench> {
    const bench = new LoopBench();
    bench.others.set('eth1', eth1);
    bench.runner.configure(configs, 0);
    await bench.run(milliseconds(10));
    return bench;
  }
  const hearOutside = (bench: LoopBench, priority: number): void =>
    bench.hear(said(priority, 4, 52), peer, vrrpGroup[4], eth1.index);

  it('take over together, and not while one of them hears a living Active', async () => {
    const bench = await started();
    for (let time = 0; time < 8; time++) {
      hearOutside(bench, 150);
      await bench.run(milliseconds(100));
    }
    assert.equal(states(bench), 'backup backup');
    assert.equal(instancesOf(bench)[0]?.router.wants, 'active-silent');
    await bench.run(takesOver);
    assert.equal(states(bench), 'active active');
    assert.deepEqual(bench.transitions.slice(2), [
      'backup → active (active-silent)',
      'backup → active (active-silent)',
    ]);
  });

  it('one that yields takes the other along, with a farewell', async () => {
    const bench = await started();
    await bench.run(takesOver);
    assert.equal(states(bench), 'active active');
    await bench.run(seconds(1));
    bench.take();
    hearOutside(bench, 150);
    assert.equal(states(bench), 'backup backup');
    assert.deepEqual(bench.transitions.slice(-2), [
      'active → backup (higher-priority)',
      'active → backup (sync-group)',
    ]);
    assert.deepEqual(
      bench.take().filter((did) => did.startsWith('advert')),
      ['advert 0'],
    );
  });

  it('one that cannot take part keeps the other out, whether it serves already or starts only', async () => {
    const bench = await started();
    await bench.run(takesOver);
    bench.others.set('eth1', { ...eth1, running: false });
    bench.runner.interfacesChanged();
    assert.equal(states(bench), 'initialize initialize');
    assert.deepEqual(
      instancesOf(bench).map(({ router }) => router.reason),
      ['sync-group', 'no-carrier'],
    );
    await bench.run(seconds(2));
    assert.equal(states(bench), 'initialize initialize');
    bench.others.set('eth1', eth1);
    bench.runner.interfacesChanged();
    // The second one has its slot a millisecond later.
    assert.equal(states(bench), 'initialize initialize');
    await bench.run(milliseconds(1));
    assert.equal(states(bench), 'backup backup');
    await bench.run(takesOver);
    assert.equal(states(bench), 'active active');
  });

  it('one that the kernel refuses its addresses to takes the other along', async () => {
    const bench = await started();
    bench.addressOutcome = { failed: 'no' };
    await bench.run(takesOver);
    assert.equal(states(bench), 'initialize initialize');
    const reasons = instancesOf(bench).map(({ router }) => router.reason);
    assert.equal(reasons.filter((reason) => reason === 'addresses-refused').length, 2);
    bench.addressOutcome = 'done';
    await bench.run(seconds(6));
    assert.equal(states(bench), 'active active');
  });

  it('a move that is undone at once is tried again later and later', async () => {
    const bench = await started();
    const promotions: number[] = [];
    let was = 'backup backup';
    for (let step = 0; step < 200; step++) {
      await bench.run(milliseconds(50));
      const now = states(bench);
      if (now === 'active active' && was !== now) promotions.push(bench.now);
      // A rival that is better outside and serves nothing: it yields as soon as it has spoken.
      if (now === 'active active') hearOutside(bench, 150);
      was = now;
    }
    const pauses = promotions.slice(1).map((at, index) => (at - (promotions[index] ?? 0)) / 1_000);
    assert(promotions.length >= 4 && promotions.length <= 6, `${promotions.length} promotions`);
    for (const [index, pause] of pauses.slice(1).entries())
      assert(pause > 1.6 * (pauses[index] ?? 0), `pauses ${pauses.join()} ms`);
    assert((bench.runner.status().syncGroups[0]?.undone ?? 0) >= 3);
  });

  it('a reload makes and dissolves a group without moving what is in one state', async () => {
    const alone: InstanceConfig = { ...config, name: 'inside' };
    const bench = await started([alone, outsideAlone]);
    await bench.run(takesOver);
    assert.equal(states(bench), 'active active');
    const before = bench.transitions.length;
    bench.runner.configure([inside, outside], 0);
    await bench.run(seconds(1));
    assert.deepEqual(bench.runner.status().syncGroups, [
      { name: 'gateway', members: ['inside', 'outside'], undone: 0 },
    ]);
    bench.runner.configure([alone], 0);
    await bench.run(seconds(1));
    assert.equal(states(bench), 'active');
    assert.deepEqual(bench.transitions.slice(before), ['active → initialize (deconfigured)']);
    assert.deepEqual(bench.runner.status().syncGroups, []);
  });

  it('beside a group a single instance moves alone', async () => {
    const single: InstanceConfig = {
      ...config,
      name: 'single',
      virtual_router_id: 60 as Vrid,
      virtual_ipaddress: [{ address: ip('10.0.0.200'), length: 32 }],
    };
    const bench = await started([inside, outside, single]);
    bench.others.set('eth1', { ...eth1, up: false });
    bench.runner.interfacesChanged();
    await bench.run((2 * takesOver) as Micros);
    assert.equal(states(bench), 'initialize initialize active');
  });
});
