/** What moves together, on real kernels: one election over both families, and two instances of a sync group. */
import assert from 'node:assert/strict';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, type DirectorName, everyInstance } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const vips = { eth0: ['10.1.0.100', 'fe80::100', 'fd00:1::100'], eth1: ['10.2.0.100'] } as const;

async function holds(
  site: Site,
  node: DirectorName,
  link: 'eth0' | 'eth1' = 'eth0',
): Promise<readonly string[]> {
  const present = (await site.addresses(node, link)).map(({ local }) => local);
  return vips[link].filter((address) => present.includes(address));
}

/** Nothing of this family's VRRP gets through between the directors. */
const filter = (site: Site, node: DirectorName, family: 4 | 6): Promise<string> =>
  site.lab.run(node, [
    'nft',
    `add table netdev cut; add chain netdev cut in { type filter hook ingress device eth0 priority 0; }; ` +
      `add rule netdev cut in ${family === 4 ? 'ip protocol 112' : 'ip6 nexthdr 112'} drop`,
  ]);
const unfilter = (site: Site, node: DirectorName): Promise<string> =>
  site.lab.run(node, ['nft', 'delete table netdev cut']);

function defineDualStack(): void {
  let site: Site;
  before(async () => {
    site = await Site.up('dual');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const both = configuration({ web: instance({ virtual_ipaddress: vips.eth0 }) });

  it('one promotion serves both families, one death moves both, within one takeover', async () => {
    const [d1, d2] = await site.startPair(both);
    assert.deepEqual(await holds(site, 'd1'), vips.eth0);
    assert.deepEqual(await holds(site, 'd2'), []);
    const neighbours = site.watchNeighbours();
    process.kill(await d1.pid('vrrp'), 'SIGKILL');
    assert.equal((await d2.untilState('active')).router.reason, 'active-resigned');
    await d2.until(everyInstance(({ counters }) => counters.announcementsSent >= 6));
    assert.deepEqual(await holds(site, 'd2'), vips.eth0);
    const kinds = new Set(neighbours.map(({ kind }) => kind));
    assert(kinds.has('neighbour-advertisement') && kinds.has('arp-request'), [...kinds].join());
  });

  for (const family of [4, 6] as const)
    it(`IPv${family} filtered between them: nothing moves, and the standby raises the alarm`, async () => {
      const [d1, d2] = await site.startPair(both);
      await filter(site, 'd2', family);
      try {
        await d2.until(everyInstance(({ silentFamilies }) => silentFamilies.includes(family)));
        await d2.until(everyInstance(({ counters }) => counters.advertisementsReceived > 40));
        assert.equal((await d2.instance()).router.state, 'backup');
        assert.deepEqual(d1.transitions.slice(2), []);
        assert.deepEqual(await holds(site, 'd2'), []);
        assert.match(
          d2.log.map(({ message }) => message).join('\n'),
          new RegExp(`nobody is heard over IPv${family}`),
        );
        // The other family is enough to see a death.
        await d1.kill();
        await d2.untilState('active');
        assert.deepEqual(await holds(site, 'd2'), vips.eth0);
      } finally {
        await unfilter(site, 'd2');
      }
    });

  it('both filtered is a dead Active', async () => {
    const [d1, d2] = await site.startPair(both);
    await filter(site, 'd2', 4);
    await site.lab.run('d2', ['nft', 'add rule netdev cut in ip6 nexthdr 112 drop']);
    try {
      assert.equal((await d2.untilState('active')).router.reason, 'active-silent');
    } finally {
      await unfilter(site, 'd2');
    }
    assert.equal((await d2.untilState('backup')).router.reason, 'higher-priority');
    assert.equal((await d1.instance()).router.state, 'active');
  });
}

function defineSyncGroup(): void {
  let site: Site;
  before(async () => {
    site = await Site.up('group');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const gateway = JSON.stringify({
    ...(JSON.parse(
      configuration({
        inside: instance(),
        outside: instance({ interface: 'eth1', virtual_router_id: 52, virtual_ipaddress: vips.eth1 }),
      }),
    ) as object),
    vrrp_sync_group: { gateway: { group: ['inside', 'outside'] } },
  });
  const all = (director: Director, state: string): Promise<unknown> =>
    director.until(
      ({ vrrp }) =>
        vrrp?.instances.length === 2 && vrrp.instances.every(({ router }) => router.state === state),
    );

  it('a cable pulled on one side moves both sides, and both come back together', async () => {
    const [d1, d2] = await site.startPair(gateway);
    await site.lab.fault({ kind: 'link-down', node: 'd1', link: 'eth1' });
    await all(d2, 'active');
    await all(d1, 'initialize');
    assert.deepEqual(await holds(site, 'd2', 'eth1'), vips.eth1);
    assert.deepEqual(await holds(site, 'd1'), []);
    const inside = await d1.instance('inside');
    assert.equal(inside.router.reason, 'sync-group');
    await site.lab.fault({ kind: 'heal' });
    await all(d1, 'active');
    await all(d2, 'backup');
    assert.deepEqual(await holds(site, 'd1', 'eth1'), vips.eth1);
  });

  it('VRRP filtered on one side moves nothing: the standby waits for the other side', async () => {
    const [d1, d2] = await site.startPair(gateway);
    await filter(site, 'd2', 4);
    try {
      await d2.until(
        ({ vrrp }) => vrrp?.instances.some(({ router }) => router.wants === 'active-silent') === true,
      );
      await d2.until(({ vrrp }) => (vrrp?.instances[1]?.counters.advertisementsReceived ?? 0) > 40);
      await all(d2, 'backup');
      await all(d1, 'active');
    } finally {
      await unfilter(site, 'd2');
    }
    assert.deepEqual(d2.transitions.length, 2, d2.transitions.join());
    await d1.stop();
    await all(d2, 'active');
  });
}

describeAsRoot('one election over both families, with two directors', function () {
  this.timeout(30_000);
  defineDualStack();
});
describeAsRoot('a sync group on two directors', function () {
  this.timeout(30_000);
  defineSyncGroup();
});
