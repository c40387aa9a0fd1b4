/** The machine that the guest tests run on: what gets in, what gets out, and that nothing stays. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { asOrdinaryUser } from '../lab/as-ordinary-user.ts';
import { boot, findKernel, type GuestKernel } from './boot.ts';

function textOf(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('latin1');
}

/** Processes of the host, but for the dead that nobody has reaped, that have this word in their command line. */
const processesWith = (word: string): readonly string[] =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(word);
    } catch {
      return false; // it has just ended
    }
  });

function defineTests(kernel: GuestKernel): void {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-boot-'));
    chmodSync(folder, 0o755);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('runs a command as root on the host’s files, and brings out status, streams and shared files', async () => {
    const hidden = path.join(folder, 'hidden');
    const shared = path.join(folder, 'a shared folder');
    mkdirSync(shared);
    const script = `id -u; pwd; echo "$1"; head -c 100000 /dev/zero; [ -t 1 ] || echo complaint >&2
      echo kept >"$2/file"; echo lost >"$3"; cat "$3"
      sleep 1000 & setsid sleep 1000 & exit 3`;
    const words = 'quotes \' " and\nlines';
    const command = ['sh', '-c', script, 'sh', words, shared, hidden];
    const guest = boot(kernel, { command, shared: [shared], limit_s: 60 });
    const [stdout, stderr] = [textOf(guest.stdout), textOf(guest.stderr)];
    assert.equal(await guest.ended, 3);
    assert.equal(stdout(), `0\n${process.cwd()}\n${words}\n${'\0'.repeat(100_000)}lost\n`);
    assert.equal(stderr(), 'complaint\n');
    assert.equal(readFileSync(path.join(shared, 'file'), 'utf8'), 'kept\n');
    assert(!existsSync(hidden));
  });

  it('shows the console of a guest that panics', async () => {
    const guest = boot(kernel, { command: ['sh', '-c', 'echo c >/proc/sysrq-trigger'], limit_s: 60 });
    guest.stdout.resume();
    guest.stderr.resume();
    await assert.rejects(guest.ended, /the guest died \(SIGABRT\); its console:\n[^]*Kernel panic/);
  });

  it('ends a guest that takes too long', async () => {
    const guest = boot(kernel, { command: ['sleep', '1000'], limit_s: 1 });
    await assert.rejects(guest.ended, /the guest was ended after 1 s; its console:/);
  });

  it('runs for an ordinary user, and ends when the process that booted it is killed', async () => {
    const may = spawnSync(asOrdinaryUser[0] ?? '', [
      ...asOrdinaryUser.slice(1),
      'test',
      '-r',
      'package.json',
    ]);
    // In a checkout that no other user can read there is only us.
    const [program = '', ...args] = [...(may.status === 0 ? asOrdinaryUser : ['env'])];
    const own = path.join(folder, 'tmp');
    mkdirSync(own);
    chmodSync(own, 0o777);
    const url = new URL('boot.js', import.meta.url).href;
    const script = `const { boot, findKernel } = await import(${JSON.stringify(url)});
      const command = ['sh', '-c', 'ipvsadm -Ln && sleep 1000'];
      boot(findKernel(), { command, limit_s: 60 }).stdout.pipe(process.stdout);`;
    const node = [process.execPath, '--input-type=module', '-e', script];
    const owner = spawn(program, [...args, `TMPDIR=${own}`, ...node], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(owner.stdout, 'data')) as [Buffer];
    assert.match(said.toString(), /^IP Virtual Server version/);
    assert.notDeepEqual(processesWith(`RUN=${own}`), []);
    owner.kill('SIGKILL');
    await once(owner, 'close');
    for (let round = 0; round < 1_000 && processesWith(`RUN=${own}`).length > 0; round++) await sleep(10);
    assert.deepEqual(processesWith(`RUN=${own}`), []);
  });
}

const kernel = findKernel();
if (kernel === undefined) console.log('not run, linux.uml is not installed: a guest kernel');
else
  describe('a guest kernel', function () {
    this.timeout(70_000);
    defineTests(kernel);
  });
