/** The loop with version 2, a password, unicast peers and excluded addresses. */
import assert from 'node:assert/strict';
import { ip, type Ip } from '../../src/base/ip.ts';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import { carriesPassword, decodeAdvertisement, encodeAdvertisement } from '../../src/vrrp/packet.ts';
import { decodeFrame } from '../../src/vrrp/frames.ts';
import type { InstanceConfig, Priority, UnicastConfig, Vrid } from '../../src/vrrp/types.ts';
import { advert, config, eth0, LoopBench, own, peer, vip } from './loop-bench.ts';

const takesOver = milliseconds(400);
const third = ip('10.0.0.3');
const vip6 = ip('fd00::100');
const EHOSTUNREACH = 113;
const ENETDOWN = 100;

const unicast = (what: Partial<UnicastConfig> = {}): InstanceConfig => ({
  ...config,
  unicast: {
    sources: [],
    peers: [{ address: peer }, { address: third }],
    ttl: 64,
    check_source: true,
    ...what,
  },
});
const version2: InstanceConfig = {
  ...config,
  version: 2,
  advert_int: seconds(1),
  lease: { ...config.lease, gate_lifetime: seconds(2) },
  authentication: { auth_type: 'PASS', auth_pass: 'S3cr3t' },
};
const excluding: InstanceConfig = { ...config, virtual_ipaddress_excluded: [{ address: vip6, length: 128 }] };

const unicastAdvert = (priority: number, source: Ip = peer): Uint8Array =>
  encodeAdvertisement(
    {
      vrid: 51 as Vrid,
      priority: priority as Priority,
      maxAdvertiseIntervalCs: 10,
      addresses: [vip],
      family: 4,
    },
    { source, destination: own, checksum: 'pseudo_header' },
  );

async function active(settings: InstanceConfig, wait: Micros = takesOver): Promise<LoopBench> {
  const bench = new LoopBench();
  bench.runner.configure([settings], 0);
  await bench.run(wait);
  assert.equal(bench.runner.status().instances[0]?.router.state, 'active');
  return bench;
}

const instanceOf = (bench: LoopBench) => {
  const [instance] = bench.runner.status().instances;
  assert(instance !== undefined);
  return instance;
};
const renewals = (bench: LoopBench): number =>
  bench.take().filter((what) => what.startsWith('gate renew')).length;

describe('vrrp/runner in unicast', () => {
  it('sends every peer a message of its own, with the TTL of the instance, and none to itself', async () => {
    const bench = await active(unicast({ peers: [{ address: peer }, { address: own }, { address: third }] }));
    assert.deepEqual(
      bench.sent.slice(0, 2).map(({ destination, source, ttl }) => [destination, source, ttl]),
      [peer, third].map((to) => [to, own, 64]),
    );
    for (const { message, ...carrier } of bench.sent)
      assert(decodeAdvertisement(message, { ...carrier, family: 4 }).ok, carrier.destination);
    assert.equal(instanceOf(bench).counters.advertisementsSent * 2, bench.sent.length);
  });

  it('leaves the parent a farewell for every peer', async () => {
    const bench = await active(unicast());
    const farewell = bench.promotions[0]?.farewells[0]?.datagrams ?? [];
    assert.deepEqual(
      farewell.map(({ destination, message }) => [destination, message[2]]),
      [
        [peer, 0],
        [third, 0],
      ],
    );
  });

  it('hears a peer, and nobody else; what is multicast is named', async () => {
    const bench = await active(unicast());
    bench.hear(unicastAdvert(200, ip('10.0.0.9')), ip('10.0.0.9'), own);
    bench.hear(advert(200));
    assert.equal(instanceOf(bench).router.state, 'active');
    assert.deepEqual(
      instanceOf(bench).mismatching.map(({ source, reason }) => [source, reason]),
      [
        ['10.0.0.9', 'unicast-source'],
        [peer, 'destination'],
      ],
    );
    bench.hear(unicastAdvert(200), peer, own);
    assert.equal(bench.transitions.at(-1), 'active → backup (higher-priority)');
  });

  it('one peer that is reached is enough; what fails is told once', async () => {
    const bench = await active(unicast());
    bench.take();
    bench.sendErrno = ({ destination }) => (destination === third ? EHOSTUNREACH : 0);
    await bench.run(seconds(1));
    assert.equal(renewals(bench), 10);
    assert.deepEqual(bench.troubles, [
      `an advertisement could not be sent to ${third}: errno ${EHOSTUNREACH}`,
    ]);
    assert.equal(instanceOf(bench).counters.sendErrors, 10);
  });

  it('a sole survivor that reaches nobody keeps its lease', async () => {
    const bench = await active(unicast());
    bench.take();
    bench.sendErrno = () => EHOSTUNREACH;
    await bench.run(seconds(1));
    assert.equal(renewals(bench), 10);
  });

  it('while a peer lives, and none is reached, the lease is not renewed', async () => {
    const bench = await active(unicast());
    bench.take();
    bench.sendErrno = () => EHOSTUNREACH;
    bench.hear(unicastAdvert(50), peer, own);
    await bench.run(milliseconds(300));
    assert.equal(renewals(bench), 0);
    await bench.run(milliseconds(300));
    assert(renewals(bench) > 0, 'after Active_Down_Interval it counts as dead');
  });

  it('an error of our own interface is no matter of peers', async () => {
    const bench = await active(unicast());
    bench.take();
    bench.sendErrno = () => ENETDOWN;
    await bench.run(seconds(1));
    assert.equal(renewals(bench), 0);
  });

  it('new peers come with a reload, another source or multicast only by leaving', async () => {
    const bench = await active(unicast());
    bench.runner.configure([unicast({ peers: [{ address: third }] })], 0);
    assert.equal(bench.transitions.length, 2);
    assert.deepEqual(
      [bench.sent.at(-1)?.destination, bench.promotions.at(-1)?.farewells[0]?.datagrams.length],
      [third, 1],
    );
    for (const other of [
      unicast({ sources: [own] }),
      config,
      { ...config, version: 2 as const, advert_int: seconds(1) },
    ]) {
      const before: number = bench.transitions.length;
      bench.runner.configure([other], 0);
      assert.equal(
        bench.transitions[before]?.includes('→ initialize (deconfigured)'),
        true,
        bench.transitions.join(),
      );
    }
  });
});

describe('vrrp/runner with version 2', () => {
  it('sends the password, hears only who has it, and shows it nowhere', async () => {
    const bench = await active(version2, seconds(4));
    const [first] = bench.sent;
    assert(first !== undefined && carriesPassword(first.message, 'S3cr3t'));
    assert.equal(first.message[0], 0x21);
    const better = (auth_pass: string | undefined): Uint8Array =>
      encodeAdvertisement(
        {
          version: 2,
          vrid: 51 as Vrid,
          priority: 200 as Priority,
          maxAdvertiseIntervalCs: 100,
          addresses: [vip],
          family: 4,
        },
        { source: peer, destination: ip('224.0.0.18'), checksum: 'message', auth_pass },
      );
    for (const wrong of ['other', undefined]) bench.hear(better(wrong));
    bench.hear(advert(200));
    assert.equal(instanceOf(bench).router.state, 'active');
    const reasons = instanceOf(bench).mismatching.map(({ reason }) => reason);
    assert.deepEqual(reasons, ['auth-failure', 'auth-type', 'version']);
    assert(!JSON.stringify([bench.runner.status(), bench.troubles]).includes('S3cr3t'));
    bench.hear(better('S3cr3t'));
    assert.equal(instanceOf(bench).router.state, 'backup');
  });
});

describe('vrrp/runner and strangers', () => {
  it('names once who speaks for its virtual router and is not believed', async () => {
    const bench = await active({ ...config, virtual_ipaddress: config.virtual_ipaddress });
    const foreign = encodeAdvertisement(
      {
        version: 2,
        vrid: 51 as Vrid,
        priority: 200 as Priority,
        maxAdvertiseIntervalCs: 100,
        addresses: [vip],
        family: 4,
      },
      { source: peer, destination: ip('224.0.0.18'), checksum: 'message' },
    );
    for (let times = 0; times < 3; times++) bench.hear(foreign);
    assert.deepEqual(bench.troubles, [
      '10.0.0.2 speaks for virtual router 51 too (VRRP version 2, priority 200) and is not believed: it speaks another ' +
        'version of VRRP. Directors that do not believe each other are both Active',
    ]);
    assert.deepEqual(instanceOf(bench).mismatching, [
      {
        source: peer,
        vrid: 51,
        version: 2,
        reason: 'version',
        meaning: 'it speaks another version of VRRP',
        priority: 200,
        count: 3,
        lastAt: bench.now,
      },
    ]);
    assert.equal(instanceOf(bench).trouble, undefined);
  });

  it('shows other virtual routers of the link without a word in the log', () => {
    const bench = new LoopBench();
    bench.runner.configure([{ ...config, virtual_router_id: 9 as Vrid }], 0);
    for (let times = 0; times < 2; times++) bench.hear(advert(200));
    assert.deepEqual(bench.runner.status().otherRouters, [
      { interface: 'eth0', family: 4, source: peer, vrid: 51, version: 3, count: 2, lastAt: bench.now },
    ]);
    assert.deepEqual(bench.troubles, []);
  });
});

describe('vrrp/runner with excluded addresses', () => {
  it('holds, guards and announces them by their own family, and does not advertise them', async () => {
    const bench = await active(excluding);
    assert(bench.did.includes(`gate open ${vip} ${vip6}`));
    for (const address of [vip, vip6]) assert(bench.did.includes(`add ${address}`));
    assert.deepEqual(
      new Set(bench.frames.map((frame) => decodeFrame(frame)?.kind)),
      new Set(['arp-request', 'neighbour-advertisement']),
    );
    const [first] = bench.sent;
    assert.equal(first?.message[3], 1);
    assert.deepEqual(
      bench.promotions[0]?.addresses.map(({ address }) => address.address),
      [vip, vip6],
    );
    bench.take();
    bench.runner.hold('stop');
    assert.deepEqual(bench.did.slice(0, 4), [
      'advert 0',
      `gate close ${vip} ${vip6}`,
      `remove ${vip}`,
      `remove ${vip6}`,
    ]);
  });

  it('puts one back that another hand took, and follows a reload', async () => {
    const bench = await active(excluding);
    bench.take();
    const { addresses } = bench.facts ?? eth0;
    bench.facts = { ...eth0, addresses: addresses.filter(({ address }) => address !== vip6) };
    bench.runner.interfacesChanged();
    assert.deepEqual(bench.take(), [`add ${vip6}`]);
    await bench.answer();
    bench.take();
    bench.runner.configure([config], 0);
    assert.deepEqual(bench.did.slice(1, 3), [`gate close ${vip6}`, `remove ${vip6}`]);
    await bench.answer();
    bench.take();
    bench.runner.configure([excluding], 0);
    await bench.answer();
    assert(bench.did.includes(`gate open ${vip6}`) && bench.did.includes(`add ${vip6}`));
    assert.equal(bench.transitions.length, 2);
  });

  it('leaves one alone that is somebody else’s', async () => {
    const bench = new LoopBench();
    const theirs = { address: vip6, length: 128, ours: false, tentative: false };
    bench.facts = { ...eth0, addresses: [...eth0.addresses, theirs] };
    bench.runner.configure([excluding], 0);
    await bench.run(seconds(1));
    assert.deepEqual(instanceOf(bench).foreignAddresses, [vip6]);
    assert(!bench.did.some((what) => what.includes(vip6)));
  });
});
