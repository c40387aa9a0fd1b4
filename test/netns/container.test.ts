/** The daemon with as few rights as a container gives it: docs/containers.md */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, eventually, everyInstance } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const vip = '10.1.0.100';
const config = configuration({ web: instance({ advert_int: '300ms' }) });

/** Starts a program with these rights and no way to others. Coverage would be written where it may not. */
const withOnly = (capabilities: readonly string[], user: readonly string[] = []): readonly string[] => {
  const kept = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const plain = ['env', '-u', 'NODE_V8_COVERAGE', 'setpriv', ...user];
  return [
    ...plain,
    `--bounding-set=${kept}`,
    `--inh-caps=${kept}`,
    ...(user.length > 0 ? [`--ambient-caps=${kept}`] : []),
  ];
};
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];

const said = ({ log }: Director, wanted: RegExp): boolean => log.some(({ message }) => wanted.test(message));
const rightsOf = (pid: number): bigint =>
  BigInt(`0x${/^CapEff:\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''}`);
/** CAP_NET_ADMIN is 12, CAP_NET_RAW 13. linux/capability.h */
const netOnly = 0b11n << 12n;

describeAsRoot('rights of a container', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('container');
    chmodSync(site.folder, 0o777);
  });
  afterEach(async () => {
    await site.clear();
    // The next one is another user, or a root who may not overrule file modes.
    rmSync(path.join(site.folder, 'd1'), { recursive: true, force: true });
  });
  after(async () => site.down());

  const answers = async (): Promise<boolean> =>
    site.lab.run('cl', ['ping', '-q', '-c', '1', '-W', '0.2', vip]).then(
      () => true,
      () => false,
    );

  for (const [who, by] of [
    ['root', withOnly(['net_admin', 'net_raw'])],
    ['another user', withOnly(['net_admin', 'net_raw'], nobody)],
  ] as const)
    it(`NET_ADMIN and NET_RAW are enough for ${who}: active, and silenced by the lease`, async () => {
      const d1 = site.start('d1', config, { by });
      const owns = everyInstance(({ router, lease }) => router.state === 'active' && lease.kind === 'held');
      const { vrrp, processes } = await d1.until(
        (snapshot) => owns(snapshot) && snapshot.processes.every(({ state }) => state === 'running'),
      );
      assert.equal(vrrp?.realtime, 0);
      assert(said(d1, /^no real-time class for the vrrp process: EPERM/), d1.describe());
      for (const { name, pid, restarts } of processes) {
        assert.equal(restarts, 0, name);
        assert.equal(rightsOf(pid ?? 0), netOnly, name);
      }
      const reason = 'vipkeeper: checks keeps the rights of root: EPERM';
      assert.equal(d1.complaints.includes(reason), who === 'root', d1.complaints);
      await eventually(answers, (answered) => answered);
      await site.lab.fault({ kind: 'stop', node: 'd1' });
      await eventually(answers, (answered) => !answered, 3_000);
    });

  it('SYS_NICE, SETUID, SETGID and KILL bring the real-time class, and checks without rights', async () => {
    const all = ['net_admin', 'net_raw', 'sys_nice', 'setuid', 'setgid', 'kill'];
    const d1 = site.start('d1', config, { by: withOnly(all) });
    await d1.untilState('active');
    assert(((await d1.status()).vrrp?.realtime ?? 0) > 0, d1.describe());
    assert.equal(rightsOf(await d1.pid('checks')), 0n);
    assert.equal(d1.complaints, '');
  });

  for (const [lost, kept, why] of [
    ['NET_RAW', 'net_admin', /^no raw socket for VRRP: EPERM \(1\); CAP_NET_RAW is needed$/],
    ['NET_ADMIN', 'net_raw', /^addresses cannot be written: EPERM \(1\); CAP_NET_ADMIN is needed$/],
  ] as const)
    it(`without ${lost} it says so, and takes nothing from a peer that is well`, async () => {
      const d2 = site.start('d2', config);
      await d2.untilState('active');
      const heard = site.listen();
      const d1 = site.start('d1', config, { by: withOnly([kept]) });
      await d1.until(everyInstance(({ trouble }) => why.test(trouble?.text ?? '')));
      assert(said(d1, why), d1.describe());
      // As long as it would have listened before it preempts.
      await sleep(1_500);
      assert.equal((await d1.instance()).router.state, 'initialize');
      assert.equal((await d2.instance()).counters.becameActive, 1);
      assert(heard.length > 0 && heard.every(({ priority }) => priority === 100), JSON.stringify(heard));
      assert.equal(await d1.stop(), 0);
    });
});
