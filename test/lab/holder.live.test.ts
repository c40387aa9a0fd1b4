import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, chownSync, readlinkSync, readdirSync, rmSync, chmodSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTime } from '../../src/lab/processes.ts';
import { asOrdinaryUser, describeAsOrdinaryUser, ordinaryUid } from './as-ordinary-user.ts';

const run = async (command: readonly string[]): Promise<{ status: number; output: string }> => {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, output };
};

const lab = [process.execPath, 'dist/cli.js', 'lab'];

describeAsOrdinaryUser('lab of an ordinary user', function () {
  this.timeout(30_000);
  let runtime: string;
  let notes: string;
  /** A folder of this test's own, where the user's session would have its. */
  const user = (...args: string[]): ReturnType<typeof run> =>
    run([...asOrdinaryUser, `XDG_RUNTIME_DIR=${runtime}`, ...args]);

  beforeEach(() => {
    runtime = mkdtempSync('/tmp/vipkeeper-test-');
    notes = path.join(runtime, 'vipkeeper-lab');
    chownSync(runtime, ordinaryUid, ordinaryUid);
  });
  afterEach(async () => {
    for (const prefix of readdirSync(notes)) await user(...lab, 'down', '--prefix', prefix);
    rmSync(runtime, { recursive: true });
  });
  const holderPid = (prefix: string): number => parseInt(readlinkSync(path.join(notes, prefix)), 10);

  it('stays up for later commands, beside others, and goes with all that runs in it', async () => {
    const up = await user(...lab, 'up');
    assert.match(up.output, /is up: cl, d1, d2, rs1, rs2, rs3\.\nNext:\n.* lab exec d1 ip address\n/);
    assert.equal(up.status, 0);
    assert.equal((await user(...lab, 'up', '--prefix', 'other')).status, 0);
    const status = await user(...lab, 'status');
    assert.match(status.output, /^ {2}d1 +director +10\.1\.0\.11 [\s\S]*\nother labs: other\n$/m);
    const inside = await user(...lab, 'exec', 'd2', 'ip', '-brief', 'address', 'show', 'dev', 'eth1');
    assert.match(inside.output, /10\.2\.0\.12\/24 fd00:2::12\/64 fe80::b0:ff:fe00:12\/64/);
    assert.equal((await user(...lab, 'exec', 'cl', 'ping', '-c', '1', '-W', '1', '10.1.0.11')).status, 0);
    assert.equal((await user(...lab, 'exec', 'd1', 'sh', '-c', 'exit 7')).status, 7);
    assert.equal((await user(...lab, 'fault', 'link-down', 'd2')).status, 0);
    assert.match((await user(...lab, 'exec', 'd2', 'ip', 'link')).output, /eth0.*NO-CARRIER/);
    assert.equal((await user(...lab, 'fault', 'loss', 'd1', 'cl', '100')).status, 0);

    const left = user(...lab, 'exec', 'd1', 'sleep', '600');
    const holder = holderPid('vk');
    assert.deepEqual(await user(...lab, 'down'), { status: 0, output: '' });
    assert.notEqual((await left).status, 0);
    assert.equal(startTime(holder), undefined);
    assert.deepEqual(readdirSync(notes), ['other']);
  });

  it('leaves nothing when it could not be made', async () => {
    const { status, output } = await user(...lab, 'up', '--file', 'examples/absent.yaml');
    assert.equal(status, 1);
    assert.equal(output, 'cannot read the lab file examples/absent.yaml: no such file\n');
    assert.deepEqual(readdirSync(notes), []);
  });

  it('is as if it never was when its holder is killed', async () => {
    await user(...lab, 'up');
    const left = user(...lab, 'exec', 'd1', 'sleep', '600');
    await sleep(500);
    process.kill(holderPid('vk'), 'SIGKILL');
    assert.notEqual((await left).status, 0);
    assert.deepEqual(await user(...lab, 'status'), {
      status: 1,
      output: 'no lab "vk" is up\n  bring it up: vipkeeper lab up\n',
    });
    assert.deepEqual(readdirSync(notes), []);
  });

  it('forgets killed holders when the next is made', async () => {
    await user(...lab, 'up', '--prefix', 'gone');
    process.kill(holderPid('gone'), 'SIGKILL');
    assert.equal((await user(...lab, 'up')).status, 0);
    assert.deepEqual(readdirSync(notes), ['vk']);
  });

  it('trusts no folder that others may write', async () => {
    await user(...lab, 'status');
    chmodSync(notes, 0o777);
    const { status, output } = await user(...lab, 'up');
    assert.equal(status, 1);
    assert.equal(output, `${notes} is not a folder of yours alone\n  remove it, or chmod 700 ${notes}\n`);
    assert.deepEqual(readdirSync(notes), []);
  });

  it('says what decides when the kernel gives no user namespace', async () => {
    // A user namespace with room for just one more, in which the command itself runs as another than root.
    const ids = '--map-user=1000 --map-group=1000';
    const inOne = `echo 1 >/proc/sys/user/max_user_namespaces; exec unshare --user ${ids} "$@"`;
    const refused = ['unshare', '--user', '--map-root-user', 'sh', '-ec', inOne, 'sh'];
    for (const verb of ['up', 'demo']) {
      const { status, output } = await user(...refused, ...lab, verb);
      assert.equal(status, 1);
      assert.match(output, /^a lab without root needs a user namespace, .*No space left on device\n {2}what/);
      assert.match(output, /\n {4}user\.max_user_namespaces must have room .*\n {2}or run it with sudo\n$/);
    }
  });
});
