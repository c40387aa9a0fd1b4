/** What a failing script, interface, file or process does to a pair, and what the death of its watcher does not. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ip } from '../../src/base/ip.ts';
import { readStatus } from '../../src/cli/status.ts';
import { renderStatus } from '../../src/cli/status-text.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { clock, type Director, elapsed_ms, eventually } from './director.ts';
import { configuration, instance, type Settings, Site } from './site.ts';

const vip = ip('10.1.0.100');

/** @param settings of the instance @param sections at the top level */
const tracked = (settings: Settings, sections: Settings): string =>
  JSON.stringify({
    ...(JSON.parse(configuration({ web: instance(settings) }, { script_user: 'root' })) as Settings),
    ...sections,
  });

/** On lb1; lb2 always succeeds. */
const onFirst = (argv: readonly string[]): Settings => ({ lb1: argv, lb2: ['/usr/bin/true'] });

const commandLines = (): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    });

describeAsRoot('tracking', function () {
  this.timeout(30_000);
  let site: Site;
  /** While it is there, all is well on lb1. */
  let ready: string;
  before(async () => {
    site = await Site.up('track');
    ready = path.join(site.folder, 'ready');
  });
  beforeEach(() => writeFileSync(ready, ''));
  afterEach(async () => site.clear());
  after(async () => site.down());

  const start = async (config: string): Promise<readonly [Director, Director]> => site.startPair(config);
  const restarts = async (director: Director): Promise<number | undefined> =>
    (await director.status()).processes.find(({ name }) => name === 'scripts')?.restarts;

  it('a script: by weight the VIP goes with a handover of the election, by fault with a farewell', async () => {
    const script = { script: onFirst(['/usr/bin/test', '-e', ready]), interval: '200ms' };
    const config = (weight: number): string =>
      tracked({ track_script: ['app'] }, { vrrp_script: { app: { ...script, weight } } });
    const [d1, d2] = await start(config(-60));
    rmSync(ready);
    const at = clock();
    assert.equal((await d2.untilState('active')).router.reason, 'preempting');
    assert(elapsed_ms(at) < 2_000, `${elapsed_ms(at)} ms`);
    const { router, tracking } = await d1.untilState('backup');
    assert.equal(router.priority, 90);
    assert.equal(tracking.effectivePriority, 90);
    assert.equal(tracking.contributions[0]?.words, 'exit code 1');
    assert.equal(await site.address('d1', vip), undefined);
    const words = d1.log.map(({ message }) => message);
    assert(words.includes('web: priority 150 → 90; script app is down: exit code 1'), d1.describe());
    assert(words.includes('script app is down: exit code 1'), d1.describe());
    writeFileSync(ready, '');
    await d1.untilState('active');

    d1.reload(config(0));
    await d1.until(({ vrrp }) => vrrp?.instances[0]?.config.track?.[0]?.weight === 0);
    rmSync(ready);
    assert.equal((await d2.untilState('active')).router.reason, 'active-resigned');
    const failed = await d1.untilState('initialize');
    assert.equal(failed.router.reason, 'tracker-failed');
    assert.equal(failed.tracking.fault, 'script app is down: exit code 1');
    writeFileSync(ready, '');
    await d1.untilState('active');
  });

  it('a script that hangs is ended with its children at its timeout, and has failed', async () => {
    const hang = `test -e ${ready} || { echo waiting >&2; sleep 61.7 & sleep 61.7; }`;
    const app = { script: onFirst(['/bin/sh', '-c', hang]), interval: '500ms', timeout: '400ms' };
    const [d1, d2] = await start(tracked({ track_script: ['app'] }, { vrrp_script: { app } }));
    rmSync(ready);
    await d2.untilState('active');
    const { tracking } = await d1.untilState('initialize');
    assert.equal(tracking.fault, 'script app is down: timed out after 400ms');
    const { scripts } = await d1.until((snapshot) => (snapshot.scripts?.scripts[0]?.timeouts ?? 0) > 1);
    assert.equal(scripts?.scripts[0]?.verdict, 'down');
    writeFileSync(ready, '');
    await d1.untilState('active');
    await eventually(commandLines, (lines) => !lines.some((line) => line.includes('sleep 61.7')), 3_000);
  });

  it('the scripts process killed moves nothing; frozen, its trackers fail after the silence that they may keep', async () => {
    const app = { script: onFirst(['/usr/bin/test', '-e', ready]), interval: '200ms', weight: -60 };
    const maintenance = { file: ready, weight: 0 };
    const config = tracked(
      { advert_int: '300ms', track_script: ['app'], track_file: ['maintenance'] },
      { vrrp_script: { app }, vrrp_track_file: { maintenance } },
    );
    const [d1, d2] = await start(config);
    const before = await d1.pid('scripts');
    process.kill(before, 'SIGKILL');
    await d1.until(({ processes, scripts }) => {
      const { pid, state } = processes.find(({ name }) => name === 'scripts') ?? {};
      return pid !== before && state === 'running' && (scripts?.scripts[0]?.runs ?? 0) > 2;
    });
    assert.equal(await restarts(d1), 1);
    assert.deepEqual(d1.transitions, ['initialize → backup (startup)', 'backup → active (active-silent)']);
    assert(!d1.log.some(({ message }) => message.includes('priority')), d1.describe());

    process.kill(await d1.pid('scripts'), 'SIGSTOP');
    const at = clock();
    const { router } = await d2.untilState('active');
    assert.equal(router.reason, 'preempting');
    assert(elapsed_ms(at) > 2_500, `only ${elapsed_ms(at)} ms`);
    const { tracking } = await d1.untilState('backup');
    const [script, file] = tracking.contributions;
    assert.deepEqual([script?.verdict, script?.words], ['down', 'silent for 3s']);
    assert.deepEqual([file?.fault, file?.words], [false, 'silent for 3s'], 'nobody has changed the number');
    // The parent replaces it, and what it says counts again.
    await d1.untilState('active');
    assert.equal(await restarts(d1), 2);
  });

  it('an interface, a maintenance file and a process: each alone takes the instance out, and status says which', async () => {
    const mark = path.join(site.folder, 'maintenance');
    const name = `vkt-${process.pid}`;
    const program = path.join(site.folder, name);
    copyFileSync('/bin/sleep', program);
    const run = (): ChildProcess => spawn(program, ['120'], { stdio: 'ignore' });
    let worker = run();
    site.onClose(() => worker.kill('SIGKILL'));
    const lists = {
      track_interface: { lb1: ['eth1'], lb2: ['eth0'] },
      track_file: { lb1: ['switch'], lb2: ['never'] },
      track_process: { lb1: ['worker'], lb2: ['self'] },
    };
    const sections = {
      vrrp_track_file: {
        switch: { file: mark, init_file: { value: 0 } },
        never: { file: path.join(site.folder, 'never') },
      },
      vrrp_track_process: { worker: { process: name }, self: { process: 'vipkeeper' } },
    };
    const [d1, d2] = await start(tracked(lists, sections));
    assert.equal(readFileSync(mark, 'utf8'), '0\n');
    const out = async (fault: string, fail: () => unknown, repair: () => unknown): Promise<void> => {
      const at = clock();
      await fail();
      assert.equal((await d2.untilState('active')).router.reason, 'active-resigned');
      assert(elapsed_ms(at) < 2_500, `${fault}: ${elapsed_ms(at)} ms`);
      const { tracking } = await d1.untilState('initialize');
      assert.equal(tracking.fault, fault);
      const text = renderStatus(await readStatus(d1.control));
      assert(text.includes(`  Fault                          ${fault}\n`), text);
      assert(text.includes('for '), text);
      await repair();
      await d1.untilState('active');
    };
    const link = (state: string) => (): Promise<string> =>
      site.lab.run('d1', ['ip', 'link', 'set', 'eth1', state]);
    await out('interface eth1 is down: down', link('down'), link('up'));
    await out(
      'file switch says 1',
      () => writeFileSync(mark, '1\n'),
      () => rmSync(mark),
    );
    await out(
      'process worker is down: 0 running, at least 1 wanted',
      () => worker.kill('SIGKILL'),
      () => (worker = run()),
    );
    const text = renderStatus(await readStatus(d1.control));
    assert.match(text, /^ {2}Tracks +interface eth1 up for \S+ \(up\), weight 0: no fault$/m);
    assert.match(
      text,
      /^ {2}Tracks +process worker up for \S+ \(1 running, at least 1 wanted\), weight 0: no fault$/m,
    );
    assert.match(text, /^scripts, as of \S+ ago$/m);
  });

  it('a new vrrp process hears the trackers again', async () => {
    const app = { script: onFirst(['/usr/bin/test', '-e', ready]), interval: '2s' };
    const [d1] = await start(tracked({ track_script: ['app'] }, { vrrp_script: { app } }));
    const before = await d1.pid('vrrp');
    const at = clock();
    process.kill(before, 'SIGKILL');
    await d1.until(
      ({ vrrp, processes }) =>
        processes.every(
          ({ name, pid, state }) => state === 'running' && (name !== 'vrrp' || pid !== before),
        ) && vrrp?.instances[0]?.tracking.fault === undefined,
    );
    await d1.untilState('active');
    assert(elapsed_ms(at) < 3_500, `${elapsed_ms(at)} ms`);
  });
});
