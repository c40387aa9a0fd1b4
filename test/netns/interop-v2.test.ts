/**
 * keepalived as the other director, in the forms that are not multicast version 3: each side wins when it should, takes
 * over when the other dies, and finds no fault with it.
 */
import assert from 'node:assert/strict';
import type { Family } from '../../src/base/ip.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, everyInstance } from './director.ts';
import { Keepalived, keepalivedVersion } from './keepalived.ts';
import { type Settings, Site } from './site.ts';

interface Form {
  readonly what: string;
  readonly family: Family;
  readonly version: 2 | 3;
  readonly advert_s: number;
  readonly password?: string;
  readonly unicast?: true;
}

const forms: readonly Form[] = [
  { what: 'version 2 with PASS', family: 4, version: 2, advert_s: 1, password: 'k33p-vip' },
  { what: 'version 2', family: 4, version: 2, advert_s: 1 },
  { what: 'version 3 unicast over IPv4', family: 4, version: 3, advert_s: 0.3, unicast: true },
  { what: 'version 3 unicast over IPv6', family: 6, version: 3, advert_s: 0.3, unicast: true },
  {
    what: 'version 2 unicast with PASS',
    family: 4,
    version: 2,
    advert_s: 1,
    password: 'k33p-vip',
    unicast: true,
  },
];

const addresses = { 4: ['10.1.0.100'], 6: ['fe80::100', 'fd00:1::100'] } as const;
const nodes = {
  4: { lb1: '10.1.0.11', lb2: '10.1.0.12' },
  6: { lb1: 'fd00:1::11', lb2: 'fd00:1::12' },
} as const;

function ours({ family, version, advert_s, password, unicast }: Form, priority: number): string {
  const { lb1, lb2 } = nodes[family];
  const instance: Settings = {
    interface: 'eth0',
    virtual_router_id: 51,
    priority,
    version,
    advert_int: `${advert_s * 1_000}ms`,
    virtual_ipaddress: addresses[family],
    ...(password !== undefined && { authentication: { auth_type: 'PASS', auth_pass: password } }),
    ...(unicast === true && { unicast_peer: 'nodes', check_unicast_src: true }),
  };
  return JSON.stringify({
    config_version: 1,
    nodes: { lb1: { address: lb1 }, lb2: { address: lb2 } },
    vrrp_instance: { web: instance },
  });
}

function theirs({ family, version, advert_s, password, unicast }: Form, priority: number): string {
  const { lb1, lb2 } = nodes[family];
  return `global_defs {\n vrrp_version ${version}\n}
vrrp_instance web {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int ${advert_s}
  ${password === undefined ? '' : `authentication {\n auth_type PASS\n auth_pass ${password}\n }`}
  ${unicast === true ? `check_unicast_src\n unicast_src_ip ${lb2}\n unicast_peer {\n ${lb1}\n }` : ''}
  virtual_ipaddress {\n ${addresses[family].join('\n ')}\n }
}\n`;
}

async function expectClean(director: Director, family: Family, other: Keepalived): Promise<void> {
  const { vrrp } = await director.status();
  const discarded = Object.entries(vrrp?.discarded[`eth0/${family}`] ?? { none: 1 });
  assert.deepEqual(
    discarded.filter(([, count]) => count > 0),
    [],
    'we discarded',
  );
  const [instance] = vrrp?.instances ?? [];
  assert.deepEqual(instance?.mismatching, []);
  assert.deepEqual(
    instance.heard.map(({ remarks }) => remarks),
    [[]],
  );
  assert.deepEqual(await other.packetErrors(), [], 'keepalived counted errors');
  assert.doesNotMatch(other.log, /[Ii]nvalid|[Mm]ismatch|checksum|auth/);
}

function defineRuns(): void {
  let site: Site;
  before(async () => {
    site = await Site.up('interop2');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  for (const [number, form] of forms.entries())
    it(`${form.what}: ours wins, keepalived takes over and stays, ours takes over`, async () => {
      const other = new Keepalived(site, `with${number}`, theirs(form, 100));
      // Seconds are dear: version 2 has no shorter interval.
      if (form.version === 3) await other.untilState('MASTER');
      const better = site.start('d1', ours(form, 150));
      await better.untilState('active');
      await other.untilState('BACKUP');
      if (form.version === 3) await expectClean(better, form.family, other);
      await better.kill();
      await other.untilState('MASTER');
      const weaker = site.start('d1', ours(form, 50));
      await weaker.until(everyInstance(({ router, heard }) => router.state === 'backup' && heard.length > 0));
      await expectClean(weaker, form.family, other);
      await other.end('SIGKILL', site);
      assert.equal((await weaker.untilState('active')).router.reason, 'active-silent');
      const shown = better.describe() + weaker.describe() + JSON.stringify(await weaker.status());
      if (form.password !== undefined) assert(!shown.includes(form.password) && shown.includes('(secret)'));
    });
}

if (keepalivedVersion === undefined)
  console.log('not run, keepalived is not installed: interop in version 2 and unicast');
else
  describeAsRoot(`interop with keepalived ${keepalivedVersion}: version 2 and unicast`, function () {
    this.timeout(40_000);
    defineRuns();
  });
