/** Unicast and excluded addresses on real kernels: who serves them, what is on the wire, and what a death leaves. */
import assert from 'node:assert/strict';
import { describeAsRoot } from '../lab/as-root.ts';
import { everyInstance } from './director.ts';
import { instance, type Settings, Site } from './site.ts';

const configuration = (settings: Settings): string =>
  JSON.stringify({
    config_version: 1,
    nodes: { lb1: { address: '10.1.0.11' }, lb2: { address: '10.1.0.12' } },
    vrrp_instance: {
      web: instance({ virtual_ipaddress_excluded: ['fd00:1::100'], ...settings }),
    },
  });

const multicast = {};
const unicast = { unicast_peer: 'nodes', check_unicast_src: true, unicast_ttl: 64 };

function defineRuns(): void {
  let site: Site;
  before(async () => {
    site = await Site.up('unicast');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  it('the excluded address moves along; nothing is multicast; a death is said to every peer', async () => {
    const adverts = site.listen();
    const [d1, d2] = await site.startPair(configuration(unicast));
    for (const address of ['10.1.0.100', 'fd00:1::100'])
      assert((await site.address('d1', address)) !== undefined, address);
    assert.equal((await site.address('d2', 'fd00:1::100')) === undefined, true);
    const neighbours = site.watchNeighbours();
    process.kill(await d1.pid('vrrp'), 'SIGKILL');
    assert.equal((await d2.untilState('active')).router.reason, 'active-resigned');
    await d2.until(everyInstance(({ counters }) => counters.announcementsSent >= 4));
    assert((await site.address('d2', 'fd00:1::100')) !== undefined);
    const announced = new Set(neighbours.map(({ kind }) => kind));
    assert(announced.has('neighbour-advertisement') && announced.has('arp-request'), [...announced].join());
    assert.deepEqual(adverts, [], 'the client heard advertisements');
    // The first life's address was taken away by its parent, or the peer would not be alone with it.
    await d1.until(everyInstance(({ router }) => router.state !== 'initialize'));
  });

  it('a director that multicasts beside one that does not is named by both', async () => {
    const d1 = site.start('d1', configuration(unicast));
    await d1.untilState('active');
    const d2 = site.start('d2', configuration(multicast));
    for (const [director, source] of [
      [d1, '10.1.0.12'],
      [d2, '10.1.0.11'],
    ] as const) {
      const { vrrp } = await director.until(everyInstance(({ mismatching }) => mismatching.length > 0));
      const [speaker] = vrrp?.instances[0]?.mismatching ?? [];
      assert.deepEqual([speaker?.source, speaker?.reason], [source, 'destination']);
      await director.until(everyInstance(({ mismatching }) => (mismatching[0]?.count ?? 0) > 5));
      const notices = director.log.filter(({ message }) => message.includes('is not believed'));
      assert.equal(notices.length, 1, director.describe());
    }
  });
}

describeAsRoot('unicast between two directors', function () {
  this.timeout(30_000);
  defineRuns();
});
