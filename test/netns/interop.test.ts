/** Ten runs with keepalived as the other director: each side wins when it should, and nobody finds fault with the other. */
import assert from 'node:assert/strict';
import type { Family } from '../../src/base/ip.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import type { Director } from './director.ts';
import { Keepalived, keepalivedVersion } from './keepalived.ts';
import { configuration, instance, Site } from './site.ts';

const addresses = { 4: ['10.1.0.100'], 6: ['fe80::100', 'fd00:1::100'] } as const;

const keepalived = (
  site: Site,
  name: string,
  settings: { readonly family: Family; readonly priority: number; readonly advert_s: number },
): Keepalived => {
  const vips = addresses[settings.family].map((address) => `${address}/${settings.family === 4 ? 32 : 128}`);
  return new Keepalived(
    site,
    name,
    `global_defs {\n vrrp_version 3\n}
vrrp_instance web {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${settings.priority}
  advert_int ${settings.advert_s}
  virtual_ipaddress {\n    ${vips.join('\n    ')}\n  }
}\n`,
  );
};

async function expectClean(ours: Director, family: Family, theirs: Keepalived): Promise<void> {
  const { vrrp } = await ours.status();
  const moved = Object.entries(vrrp?.discarded[`eth0/${family}`] ?? { none: 1 }).filter(
    ([, count]) => count > 0,
  );
  assert.deepEqual(moved, [], 'we discarded');
  const heard = vrrp?.instances[0]?.heard;
  assert.deepEqual(
    heard?.map(({ remarks }) => remarks),
    [[]],
    JSON.stringify(heard),
  );
  assert.deepEqual(await theirs.packetErrors(), [], 'keepalived counted errors');
}

function defineRuns(): void {
  let site: Site;
  before(async () => {
    site = await Site.up('interop');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const ours = (family: Family, priority: number, advert_s: number): string =>
    configuration({
      web: instance({ priority, advert_int: `${advert_s * 1_000}ms`, virtual_ipaddress: addresses[family] }),
    });

  for (const family of [4, 6] as const)
    for (const [run, advert_s] of [0.2, 0.3, 0.5].entries())
      it(`IPv${family}, ${advert_s} s, ours is better: wins, hands over, is dead, comes back`, async () => {
        const theirs = keepalived(site, `low${family}${run}`, { family, priority: 100, advert_s });
        await theirs.untilState('MASTER');
        const first = site.start('d1', ours(family, 150, advert_s));
        assert.equal((await first.untilState('active')).router.reason, 'preempting');
        await theirs.untilState('BACKUP');
        await expectClean(first, family, theirs);
        assert.equal(await first.stop(), 0);
        await theirs.untilState('MASTER');
        const second = site.start('d1', ours(family, 150, advert_s));
        await second.untilState('active');
        await theirs.untilState('BACKUP');
        await second.kill();
        await theirs.untilState('MASTER');
        assert.doesNotMatch(theirs.log, /[Ii]nvalid|[Mm]ismatch|checksum/);
      });

  for (const family of [4, 6] as const)
    for (const [run, advert_s] of [0.2, 0.4].entries())
      it(`IPv${family}, ${advert_s} s, keepalived is better: preempts, is dead, hands over`, async () => {
        const daemon = site.start('d1', ours(family, 100, advert_s));
        await daemon.untilState('active');
        const first = keepalived(site, `high${family}${run}`, { family, priority: 150, advert_s });
        await first.untilState('MASTER');
        assert.equal((await daemon.untilState('backup')).router.reason, 'higher-priority');
        await expectClean(daemon, family, first);
        await first.end('SIGKILL', site);
        assert.equal((await daemon.untilState('active')).router.reason, 'active-silent');
        const second = keepalived(site, `again${family}${run}`, { family, priority: 150, advert_s });
        await second.untilState('MASTER');
        await daemon.untilState('backup');
        await second.end('SIGTERM', site);
        assert.equal((await daemon.untilState('active')).router.reason, 'active-resigned');
        assert.doesNotMatch(first.log + second.log, /[Ii]nvalid|[Mm]ismatch|checksum/);
      });
}

if (keepalivedVersion === undefined)
  console.log('not run, keepalived is not installed: interop with keepalived');
else
  describeAsRoot(`interop with keepalived ${keepalivedVersion}`, function () {
    this.timeout(40_000);
    defineRuns();
  });
