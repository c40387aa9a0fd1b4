/** The daemon as the command line starts it: exit codes, log formats, one daemon per namespace, sd_notify. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { native } from '../../src/kernel/native.ts';
import { AF_UNIX, SOCK_DGRAM, unixAddress } from '../../src/kernel/sockaddr.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { eventually, program } from '../netns/director.ts';
import { configuration, instance, Site } from '../netns/site.ts';

/** Runs the program to its end. */
function cli(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

describe('run, without starting anything', function () {
  this.timeout(10_000);
  let folder = '';
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-run-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (text: string): string => {
    const name = path.join(folder, 'config.yaml');
    writeFileSync(name, text);
    return name;
  };

  it('exits with 1 and the mistakes of a wrong file', async () => {
    const wrong = configuration({ web: instance({ virtual_router_id: 256 }) });
    const { code, err } = await cli('run', '--config', file(wrong), '--node', 'lb1');
    assert.equal(code, 1);
    assert.match(err, /config\.yaml:1:\d+: .*virtual_router_id/);
  });

  it('exits with 1 for a node that the file does not know', async () => {
    const { code, err } = await cli('run', '--config', file(configuration()), '--node', 'lb3');
    assert.equal(code, 1);
    assert.match(err, /lb3/);
  });

  it('exits with 2 for arguments it does not know', async () => {
    const { code, err } = await cli('run', '--colour');
    assert.equal(code, 2);
    assert.match(err, /unknown option '--colour'/);
  });

  it('exits with 3 when there is no file', async () => {
    const { code, err } = await cli('run', '--config', path.join(folder, 'absent.yaml'), '--node', 'lb1');
    assert.equal(code, 3);
    assert.match(err, /absent\.yaml: cannot be read: ENOENT/);
  });
});

describeAsRoot('run, in a namespace', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('run');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  it('refuses a second daemon in one namespace, and the first does not mind', async () => {
    const first = site.start('d1', configuration());
    await first.untilState('active');
    const second = site.start('d1', configuration(), { args: ['--control', `${first.control}.2`] });
    assert.equal(await second.ended, 4);
    assert.match(second.log.at(-1)?.message ?? '', /another vipkeeper runs in this network namespace/);
    const { counters, router } = await first.instance();
    assert.equal(router.state, 'active');
    assert.equal(counters.becameActive, 1);
  });

  it('refuses a control socket that another daemon answers on, and leaves no process', async () => {
    const first = site.start('d1', configuration());
    await first.untilState('active');
    const second = site.start('d2', configuration(), { args: ['--control', first.control] });
    assert.equal(await second.ended, 4);
    assert.match(second.log.at(-1)?.message ?? '', /another vipkeeper answers on/);
    assert.deepEqual(site.lab.processes('d2'), []);
    assert.equal((await first.status()).node, 'lb1');
  });

  it('names the user that is missing', async () => {
    const daemon = site.start('d1', configuration(undefined, { checks_user: 'no_such_user' }));
    assert.equal(await daemon.ended, 4);
    assert.match(daemon.log.at(-1)?.message ?? '', /no_such_user.*global\.checks_user/);
    assert.deepEqual(site.lab.processes('d1'), []);
  });

  it('writes JSON lines, and removes its socket when it stops', async () => {
    const daemon = site.start('d1', configuration());
    await daemon.untilState('active');
    assert.equal(await daemon.stop(), 0);
    assert(!existsSync(daemon.control));
    assert(daemon.log.length >= 4, daemon.describe());
    for (const { node, time, level, message } of daemon.log) {
      assert.equal(node, 'lb1');
      assert(typeof time === 'number' && typeof level === 'number' && typeof message === 'string');
    }
    const moved = daemon.log.find(({ to }) => to === 'active');
    assert.equal(moved?.message, 'web: backup → active (active-silent)');
  });

  it('writes lines for journald, with the priority in front', async () => {
    const lines: string[] = [];
    const child = site.lab.exec('d1', [
      process.execPath,
      program,
      ...['run', '--config', site.write(configuration()), '--node', 'lb1'],
      ...['--control', path.join(site.folder, 'journald.sock'), '--log-format', 'journald'],
    ]);
    child.stdout?.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trimEnd().split('\n')));
    await eventually(
      () => lines,
      () => lines.some((line) => line.includes('→ active')),
    );
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
    for (const line of lines) assert.match(line, /^<[2-7]>\S/);
    assert(lines.some((line) => /^<6>web: backup → active \(active-silent\) instance=web/.test(line)));
  });

  /** A service manager in the daemon's namespace: an abstract name belongs to one. @returns what it is told */
  function serviceManager(name: string): string[] {
    const said: string[] = [];
    const fd = native.socket(AF_UNIX, SOCK_DGRAM, 0, site.lab.netns('d1'));
    assert.equal(native.bind(fd, unixAddress(name)), 0);
    site.onClose(() => native.close(fd));
    native.receive(
      fd,
      { slots: 8, slotSize: 512, controlSize: 0, budget: 8 },
      ({ data }) => said.push(Buffer.from(data).toString()),
      () => undefined,
    );
    return said;
  }
  const until = (said: readonly string[], begin: string): Promise<readonly string[]> =>
    eventually(
      () => said,
      () => said.some((line) => line.startsWith(begin)),
    );

  it('tells the service manager on an abstract socket when it is ready, reloads and stops', async () => {
    const said = serviceManager(`@vke-notify-${process.pid}`);
    const env = { NOTIFY_SOCKET: `@vke-notify-${process.pid}` };
    const daemon = site.start('d1', configuration(), { env });
    await until(said, 'READY=1');
    assert.equal(said[0], 'READY=1\nSTATUS=node lb1');
    await daemon.untilState('backup');
    said.length = 0;
    daemon.reload(configuration({ web: instance({ priority: 200 }) }));
    await until(said, 'READY=1');
    assert.match(
      said.find((line) => line.startsWith('RELOADING=1')) ?? '',
      /^RELOADING=1\nMONOTONIC_USEC=\d+$/,
    );
    await daemon.stop();
    await until(said, 'STOPPING=1');
  });

  it('tells the service manager on a path that it is alive only while all its processes beat', async () => {
    const name = path.join(site.folder, 'notify');
    const said = serviceManager(name);
    const daemon = site.start('d1', configuration(), { env: { NOTIFY_SOCKET: name } });
    await until(said, 'WATCHDOG=1');
    process.kill(await daemon.pid('scripts'), 'SIGSTOP');
    // It is given 5 s.
    await daemon.until(({ processes }) => processes.some(({ state }) => state !== 'running'), 8_000);
    const silent = said.length;
    await daemon.until(({ processes }) => processes.every(({ state }) => state === 'running'));
    assert.deepEqual(said.slice(silent), []);
    said.length = 0;
    await until(said, 'WATCHDOG=1');
  });
});
