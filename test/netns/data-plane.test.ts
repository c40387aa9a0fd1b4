/** The daemon with the data plane of a kernel without IPVS. */
import assert from 'node:assert/strict';
import { renderPools } from '../../src/cli/pools-text.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { eventually } from './director.ts';
import { instance, type Settings, Site } from './site.ts';

const pool = (...servers: readonly Settings[]): Settings => ({
  ...{ address: '10.1.0.100:80', lb_algo: 'wrr', real_server: servers },
});
const configuration = (dataPlane: string, ...pools: readonly Settings[]): string =>
  JSON.stringify({
    ...{ config_version: 1, nodes: { lb1: null, lb2: null }, data_plane: dataPlane },
    vrrp_instance: { web: instance({ advert_int: '300ms' }) },
    ...(pools.length > 0 && { virtual_server: pools }),
  });
const [first, second] = [
  { address: '10.2.0.21:80', weight: 3 },
  { address: '10.2.0.22:80', weight: 1 },
];

describeAsRoot('data_plane', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('plane');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const rules = (): Promise<string> =>
    site.lab.run('d1', ['nft', 'list', 'table', 'inet', 'vipkeeper_forward']);
  const turns = (text: string): number => [...text.matchAll(/: 10\.2\.0\.2\d \. 80/g)].length;

  it('nftables: the table is kept, put right after another hand, found by the next life, and emptied', async () => {
    const d1 = site.start('d1', configuration('nftables', pool(first, second)));
    await d1.untilState('active');
    assert.equal(turns(await eventually(rules, (text) => turns(text) > 0)), 4);
    const { pools } = await d1.status();
    assert.equal(pools.dataPlane, 'nftables');
    const text = renderPools(pools, pools.at).join('\n');
    assert.match(text, /by nftables: NAT only/);
    assert.match(text, /10\.2\.0\.21:80 masq up, weight 3/);
    assert.doesNotMatch(text, /active/);
    d1.reload(configuration('nftables', pool({ ...first, weight: 1 }, second)));
    await eventually(rules, (now) => turns(now) === 2);

    await site.lab.run('d1', ['nft', 'delete', 'table', 'inet', 'vipkeeper_forward']);
    // A round comes every 10 s by itself.
    await eventually(rules, (now) => turns(now) === 2, 15_000);
    // The service and its two servers.
    assert.equal((await d1.status()).pools.drift.count, 3);

    assert.equal(await d1.stop(), 0);
    assert.equal(turns(await rules()), 2);
    const next = site.start('d1', configuration('nftables'));
    await next.untilState('active');
    await eventually(rules, (now) => !now.includes('dnat'));
    assert(!next.log.some(({ level }) => level >= 50), next.describe());
  });

  it('another plane needs a restart', async () => {
    const d1 = site.start('d1', configuration('ipvs'));
    await d1.untilState('active');
    d1.reload(configuration('nftables', pool(first)));
    await eventually(
      () => d1.log,
      (log) => log.some(({ message }) => message.includes('data_plane is ipvs until a restart')),
    );
    assert.equal((await d1.status()).pools.dataPlane, 'ipvs');
    assert.equal((await d1.instance()).router.state, 'active');
  });
});
