/** Two directors run examples/dual-master.yaml: each serves one address, a lone one serves both. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ip } from '../../src/base/ip.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, eventually } from './director.ts';
import { Site } from './site.ts';

const vips = [ip('10.1.0.100'), ip('10.1.0.101')] as const;
/** As it is, but for the interval: a second is right for a site, and long for a test. */
const config = readFileSync('examples/dual-master.yaml', 'utf8').replaceAll(
  'advert_int: 1s',
  'advert_int: 300ms',
);

describeAsRoot('dual master', function () {
  this.timeout(40_000);
  let site: Site;
  before(async () => {
    site = await Site.up('dual');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  it('each has its own, the one left has both, the one that returns takes its own again', async () => {
    const sampler = site.sample(...vips);
    /** Who answers the client for a and for b; 0 is d1. */
    const served = async (...expected: readonly (readonly number[])[]): Promise<unknown> =>
      eventually(
        () => vips.map((vip) => sampler.owners(vip)),
        (owners) => JSON.stringify(owners) === JSON.stringify(expected),
      );
    const directors: [Director, Director] = [site.start('d1', config), site.start('d2', config)];
    await served([0], [1]);
    for (const [index, other, own, others] of [
      [0, 1, 'a', 'b'],
      [1, 0, 'b', 'a'],
    ] as const) {
      const leaving = directors[index];
      const staying = directors[other];
      await leaving.untilState('backup', others);
      await leaving.kill();
      assert.equal((await staying.untilState('active', own)).router.reason, 'active-silent');
      await served([other], [other]);
      // The election of its own address was not touched.
      assert.equal((await staying.instance(others)).counters.becameActive, 1);
      const returned = site.start(leaving.node, config);
      directors[index] = returned;
      assert.equal((await returned.untilState('active', own)).router.reason, 'preempting');
      assert.equal((await staying.untilState('backup', own)).router.reason, 'higher-priority');
      await served([0], [1]);
    }
  });
});
