/** What a person and a program read of a running pair. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { Snapshot } from '../../src/control.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { program } from '../netns/director.ts';
import { configuration, instance, Site } from '../netns/site.ts';

function status(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [program, 'status', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

describe('status without a daemon', function () {
  this.timeout(10_000);

  it('exits with 4 and says what to do', async () => {
    const { code, out, err } = await status('--control', '/run/no-such-vipkeeper/control.sock');
    assert.equal(code, 4);
    assert.equal(out, '');
    assert.equal(
      err,
      'no state of /run/no-such-vipkeeper/control.sock is known: ' +
        'no daemon runs there; start one with `vipkeeper run`, or name its socket with --control\n',
    );
  });
});

describeAsRoot('status of a pair', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('status');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  it('tells both sides, with an age on every fact, as text and as JSON', async () => {
    const [d1, d2] = await site.startPair(configuration({ web: instance({ advert_int: '300ms' }) }));
    const active = await status('--control', d1.control);
    assert.equal(active.code, 0, active.err);
    for (const line of [
      /^node lb1, up [\d.]+m?s$/m,
      /^configuration \S+d1\.yaml, loaded [\d.]+m?s ago$/m,
      /^ {2}process vipkeeper running, pid \d+, [\d.]+ MiB, restarts 0$/m,
      /^ {2}process vrrp {6}running, pid \d+, /m,
      /^ {2}process checks {4}running, /m,
      /^ {2}process scripts {3}running, /m,
      /^vrrp, as of [\d.]+[mu]s ago$/m,
      /^ {2}loop lateness \d+ samples, p99 \S+, p99\.9 \S+, max \S+(, late by \S+ \S+ ago)?; /m,
      /^ {2}lease gate available$/m,
      /^ {2}discarded on eth0\/4: nothing$/m,
      /^web: virtual router 51$/m,
      /^ {2}State +active for [\d.]+m?s \(active-silent\)$/m,
      /^ {2}Interface +eth0, IPv4, primary 10\.1\.0\.11$/m,
      /^ {2}Priority +150$/m,
      /^ {2}Skew Time +124\.219ms$/m,
      /^ {2}Active Down Interval +1\.024s$/m,
      /^ {2}Next Advertisement +in [\d.]+[mu]s$/m,
      /^ {2}Lease +preferred, held, [\d.]+ms left$/m,
      /^ {2}Virtual Addresses +10\.1\.0\.100\/32$/m,
      /^ {2}Counters +.*becameActive 1/m,
    ])
      assert.match(active.out, line);

    const backup = await status('--control', d2.control);
    assert.match(backup.out, /^ {2}State +backup for [\d.]+m?s \(startup\)$/m);
    assert.match(backup.out, /^ {2}Active Down +in [\d.]+m?s$/m);
    assert.match(backup.out, /^ {2}Lease +preferred, none held$/m);
    assert.match(backup.out, /^ {2}Heard +10\.1\.0\.11 priority 150, \d+ times, last [\d.]+[mu]s ago$/m);
    assert.doesNotMatch(backup.out, /^ {2}Next Advertisement/m);

    const { out } = await status('--control', d1.control, '--json');
    const snapshot = JSON.parse(out) as Snapshot;
    assert.equal(snapshot.version, 1);
    assert.equal(snapshot.node, 'lb1');
    const web = snapshot.vrrp?.instances[0];
    assert(web?.lease.kind === 'held' && web.lease.until > snapshot.at);
    assert(snapshot.vrrp !== undefined && snapshot.vrrp.at <= snapshot.at);
    assert(snapshot.vrrp.discarded['eth0/4'] !== undefined);
    assert(snapshot.processes.every(({ pss_KiB }) => pss_KiB !== undefined && pss_KiB > 1_000));
  });

  it('says how old it is when vrrp does not answer, and exits with 4 when nobody does', async () => {
    const daemon = site.start('d1', configuration());
    await daemon.untilState('active');
    process.kill(await daemon.pid('vrrp'), 'SIGSTOP');
    const old = await status('--control', daemon.control);
    assert.equal(old.code, 0);
    // Asked for 0.5 s in vain; the last answer was there before.
    assert.match(old.out, /^vrrp, as of [\d.]+m?s ago/m);
    assert.match(old.out, /State +active/);

    process.kill(await daemon.pid('vipkeeper'), 'SIGSTOP');
    const frozen = await status('--control', daemon.control);
    assert.equal(frozen.code, 4);
    assert.match(frozen.err, /no answer for 3 s; the daemon may be frozen/);
  });
});
