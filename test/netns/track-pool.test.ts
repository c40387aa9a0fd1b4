/** A pool that only one director cannot reach: the address goes to the other one, and comes back. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ip } from '../../src/base/ip.ts';
import { readStatus } from '../../src/cli/status.ts';
import { renderStatus } from '../../src/cli/status-text.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { clock, type Director, type DirectorName, elapsed_ms, eventually } from './director.ts';
import { instance, type Settings, Site } from './site.ts';

const vip = ip('10.1.0.100');
const webServer = `require('node:net').createServer((socket) => socket.on('error', () => 0).end()).listen(8080)`;

/** @param tracked what the instance tracks, if anything */
const configuration = (tracked?: Settings, checks: Settings = {}): string =>
  JSON.stringify({
    ...{ config_version: 1, nodes: { lb1: null, lb2: null }, data_plane: 'nftables' },
    vrrp_instance: { web: instance(tracked === undefined ? {} : { track_virtual_server: [tracked] }) },
    virtual_server: [
      {
        ...{ address: '10.1.0.100:80', lb_algo: 'rr', real_server: ['10.1.0.2:8080'] },
        ...{ delay_loop: '200ms', timeout: '150ms', retry: 0, TCP_CHECK: {}, ...checks },
      },
    ],
  });
const weighted = configuration({ name: '10.1.0.100:80', weight: -60 });
const fault = configuration({ name: '10.1.0.100:80' });

describeAsRoot('track_virtual_server', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('pool');
    site.lab.exec('cl', [process.execPath, '-e', webServer]);
  });
  afterEach(async () => {
    for (const node of ['d1', 'd2'] as const) await reach(node).catch(() => undefined);
    await site.clear();
  });
  after(async () => site.down());

  /** From now on this director alone hears nothing of the real server. */
  const cut = (node: DirectorName): Promise<string> =>
    site.lab.run(node, [
      'nft',
      'add table inet cut; add chain inet cut out { type filter hook output priority 0; }; ' +
        'add rule inet cut out tcp dport 8080 drop',
    ]);
  const reach = (node: DirectorName): Promise<string> =>
    site.lab.run(node, ['nft', 'delete', 'table', 'inet', 'cut']);
  const priorityOf = async (director: Director): Promise<number> =>
    (await director.instance()).router.priority;
  const saidBy = ({ log }: Director): readonly string[] => log.map(({ message }) => message);

  it('by weight: to the director whose pool is up, and no further when none is', async () => {
    const [d1, d2] = await site.startPair(weighted);
    await d2.until(({ pools }) => pools.ready);
    await cut('d1');
    const at = clock();
    assert.equal((await d2.untilState('active')).router.reason, 'preempting');
    assert(elapsed_ms(at) < 2_500, `${elapsed_ms(at)} ms`);
    assert.equal((await d1.untilState('backup')).router.priority, 90);
    await eventually(
      () => site.address('d2', vip),
      (address) => address !== undefined,
    );
    assert.equal(await site.address('d1', vip), undefined);
    const text = renderStatus(await readStatus(d1.control));
    assert.match(
      text,
      /^ {2}Tracks +virtual_server TCP 10\.1\.0\.100:80 down for \S+ \(quorum 0 of 1\), weight -60: -60$/m,
    );
    for (const line of [
      'virtual_server TCP 10.1.0.100:80 is down: quorum 0 of 1',
      'web: priority 150 → 90; virtual_server TCP 10.1.0.100:80 is down: quorum 0 of 1',
    ])
      assert(saidBy(d1).includes(line), d1.describe());

    // Nobody reaches it: one with nothing behind it is no better place than the other, whatever its priority.
    await cut('d2');
    await eventually(
      () => priorityOf(d2),
      (priority) => priority === 40,
    );
    await sleep(2_000);
    assert.equal(await priorityOf(d1), 90);
    assert.equal((await d2.instance()).router.state, 'active');

    await reach('d1');
    assert.equal((await d1.untilState('active')).router.priority, 150);
    await reach('d2');
    await eventually(
      () => priorityOf(d2),
      (priority) => priority === 100,
    );
  });

  it('as a fault: out of the election with a farewell, until the pool is back', async () => {
    const [d1, d2] = await site.startPair(fault);
    await cut('d1');
    assert.equal((await d2.untilState('active')).router.reason, 'active-resigned');
    const failed = await d1.untilState('initialize');
    assert.equal(failed.router.reason, 'tracker-failed');
    assert.equal(failed.tracking.fault, 'virtual_server TCP 10.1.0.100:80 is down: quorum 0 of 1');
    await reach('d1');
    await d1.untilState('active');
  });

  it('whoever comes back and knows nothing of its pool yet does not take part', async () => {
    const d2 = site.start('d2', fault);
    await d2.untilState('active');
    await cut('d1');
    const d1 = site.start('d1', configuration({ name: '10.1.0.100:80' }, { warmup: '0s', timeout: '2s' }));
    const unknown = await d1.untilState('initialize');
    assert.equal(unknown.tracking.fault, 'virtual_server TCP 10.1.0.100:80 has not reported yet');
    await d1.until(({ vrrp }) => vrrp?.instances[0]?.tracking.contributions[0]?.verdict === 'down');
    assert.deepEqual(d1.transitions, []);
    await reach('d1');
    await d1.untilState('active');
  });

  it('the death of checks moves nothing, a new vrrp process and a reload hear all of it', async () => {
    const [d1, d2] = await site.startPair(weighted);
    process.kill(await d1.pid('checks'), 'SIGKILL');
    await d1.until(({ processes }) =>
      processes.some(
        ({ name, restarts, state }) => name === 'checks' && restarts === 1 && state === 'running',
      ),
    );
    await cut('d1');
    await d2.untilState('active');
    assert.deepEqual(d1.transitions.slice(0, 2), [
      'initialize → backup (startup)',
      'backup → active (active-silent)',
    ]);
    const before = await d1.pid('vrrp');
    process.kill(before, 'SIGKILL');
    const { vrrp } = await d1.until(
      (snapshot) =>
        snapshot.processes.some(({ name, pid }) => name === 'vrrp' && pid !== before) &&
        snapshot.vrrp?.instances[0]?.router.state === 'backup',
    );
    assert.equal(vrrp?.instances[0]?.router.priority, 90);
    assert.equal((await d2.instance()).router.state, 'active');

    d1.reload(configuration());
    await d1.untilState('active');
    d1.reload(weighted);
    await d2.untilState('active');
    assert.equal(await priorityOf(d1), 90);
  });
});
