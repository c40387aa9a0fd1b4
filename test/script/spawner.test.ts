import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Micros } from '../../src/base/time.ts';
import { native } from '../../src/kernel/native.ts';
import type { Session } from '../../src/script/session.ts';
import { parseStat } from '../../src/script/session.ts';
import { type Command, Spawner } from '../../src/script/spawner.ts';
import { openDescriptors, until } from '../native/namespace.ts';

const now = (): Micros => native.now() as Micros;
interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: readonly string[];
}

describe('the spawner', () => {
  let spawner: Spawner;
  let sessions: readonly Session[] = [];
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-spawner-'));
    chmodSync(folder, 0o755);
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    spawner = new Spawner({ now, limit: 2, sessionsChanged: (on) => (sessions = on) });
  });
  afterEach(() => spawner.close());

  const command = (text: string, more: Partial<Command> = {}): Command => ({
    argv: ['/bin/sh', '-c', text],
    account: undefined,
    environment: { PATH: '/usr/bin:/bin', ONLY: 'this' },
    ...more,
  });
  const end = (what: Command): Promise<End | string> =>
    new Promise((resolve) => {
      spawner.start(what, {
        started: () => undefined,
        exited: (code, signal, stderr) => resolve({ code, signal, stderr }),
        refused: resolve,
      });
    });
  const refusal = async (path: string): Promise<string> => {
    const said = await end(command('', { argv: [path] }));
    return typeof said === 'string' ? said : assert.fail('it ran');
  };
  const isAlive = (pid: number): boolean => {
    try {
      return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.zombie === false;
    } catch {
      return false;
    }
  };

  /** Ours without O_CLOEXEC, so that it passes on. */
  const inherited = (fd: string): boolean => {
    try {
      const [, flags = ''] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
      return Number(fd) > 15 && (parseInt(flags, 8) & 0o2000000) === 0;
    } catch {
      return false;
    }
  };

  it('gives a command nothing but what is said', async () => {
    process.env['LEAK'] = 'x';
    const report = await end(
      command('env | sort >&2; pwd >&2; readlink /proc/$$/fd/0 >&2; ls /proc/$$/fd | tr "\\n" " " >&2'),
    );
    delete process.env['LEAK'];
    assert.ok(typeof report === 'object');
    // Node itself adds the last one to the environment of every child, so that coverage follows.
    const added = /^(_|NODE_V8_COVERAGE)=/;
    const said = report.stderr.filter((line) => !added.test(line));
    assert.deepEqual(said.slice(0, -1), ['ONLY=this', 'PATH=/usr/bin:/bin', 'PWD=/', '/', '/dev/null']);
    // 10 is where the shell puts its own standard error away. What whoever started these tests has left open
    // above 15 is out of Node's reach: it closes what it inherits up to there.
    const descriptors = (said.at(-1) ?? '').split(' ').filter((fd) => fd !== '10' && !inherited(fd));
    assert.deepEqual(descriptors, ['0', '1', '2']);
  });

  it('hands over the arguments as they are', async () => {
    const text = 'a b; rm -rf $HOME && `x` | > "y"';
    const report = await end(command('', { argv: ['/bin/sh', '-c', 'echo "$1" >&2', 'sh', text] }));
    assert.ok(typeof report === 'object');
    assert.deepEqual(report.stderr, [text]);
  });

  it('runs as another user, without any further group', async function () {
    if (process.getuid?.() !== 0) {
      console.log('    scripts of other users: not run, only root may become another user');
      this.skip();
    }
    const nobody = { uid: 65_534, gid: 65_534 };
    const report = await end(
      command('grep -E "^(Uid|Gid|Groups|CapEff)" /proc/self/status >&2', { account: nobody }),
    );
    assert.ok(typeof report === 'object');
    assert.deepEqual(
      report.stderr.map((line) => line.replace(/\s+/g, ' ').trim()),
      ['Uid: 65534 65534 65534 65534', 'Gid: 65534 65534 65534 65534', 'Groups:', 'CapEff: 0000000000000000'],
    );
  });

  it('says why a command cannot be started', async () => {
    assert.match(await refusal('/no/such'), /ENOENT/);
    const plain = path.join(folder, 'plain');
    writeFileSync(plain, '#!/bin/sh\n', { mode: 0o644 });
    assert.match(await refusal(plain), /EACCES/);
    const lost = path.join(folder, 'lost');
    writeFileSync(lost, '#!/no/interpreter\n', { mode: 0o755 });
    assert.match(await refusal(lost), /ENOENT/);
    assert.equal(spawner.running, 0);
  });

  it('runs so many at a time, and the others in their turn', async () => {
    const order: string[] = [];
    const all = ['a', 'b', 'c', 'd'].map(async (name) => {
      await end(command('sleep 0.1'));
      order.push(name);
    });
    assert.deepEqual([spawner.running, spawner.queued], [2, 2]);
    await Promise.all(all);
    assert.deepEqual(order.length, 4);
    assert.deepEqual(order.slice(2).sort(), ['c', 'd']);
    assert.deepEqual(sessions, []);
  });

  it('ends a whole group, and what has left the group', async () => {
    const pids = path.join(folder, 'pids');
    const deaf = '(trap "" TERM HUP; sleep 1000)';
    const text = `set -m; ${deaf} & echo $! > ${pids}; sleep 1000 & echo $! >> ${pids}; wait`;
    let ended: End | undefined;
    const run = spawner.start(command('', { argv: ['/bin/bash', '-c', text] }), {
      started: () => undefined,
      exited: (code, signal, stderr) => (ended = { code, signal, stderr }),
      refused: (why) => assert.fail(why),
    });
    const children = (): readonly number[] => {
      try {
        return readFileSync(pids, 'latin1').trim().split('\n').map(Number);
      } catch {
        return [];
      }
    };
    await until('its children', () => children().length === 2);
    run.kill('SIGTERM');
    await until('its end', () => ended !== undefined);
    assert.equal(ended?.signal, 'SIGTERM');
    await until('the end of its children', () => !children().some(isAlive));
  });

  it('lets a daemon live that has made itself a session', async () => {
    const pidFile = path.join(folder, 'daemon');
    await end(command(`setsid sh -c 'echo $$ > ${pidFile}; exec sleep 1000' & sleep 0.3; exit 0`));
    const daemon = Number(readFileSync(pidFile, 'latin1'));
    await sleep(1_000);
    assert.ok(isAlive(daemon));
    process.kill(daemon, 'SIGKILL');
  });

  it('neither waits for whom a run has left its standard error, nor keeps its end of it', async () => {
    await end(command('exit 0'));
    const before = openDescriptors();
    const pidFile = path.join(folder, 'holder');
    const holder = `setsid sh -c 'echo $$ > ${pidFile}; exec sleep 1000' &`;
    const report = await end(command(`${holder} echo last >&2; sleep 0.3; exit 7`));
    assert.ok(typeof report === 'object');
    assert.deepEqual([report.code, report.stderr], [7, ['last']]);
    const pid = Number(readFileSync(pidFile, 'latin1'));
    assert.ok(isAlive(pid));
    await until('no descriptor more', () => openDescriptors() === before);
    assert.ok(isAlive(pid));
    process.kill(pid, 'SIGKILL');
  });

  it('takes a run back before and after its start, without a word', async () => {
    const said: string[] = [];
    const events = {
      started: () => said.push('started'),
      exited: () => said.push('exited'),
      refused: (why: string) => said.push(why),
    };
    const runs = [1, 2, 3].map(() => spawner.start(command('sleep 1000'), events));
    for (const run of runs) run.cancel();
    await until('no run', () => spawner.running === 0 && spawner.queued === 0);
    assert.deepEqual(said, []);
  });

  it('ends what an earlier process left running', async () => {
    let pid = 0;
    const run = spawner.start(command('sleep 1000'), {
      started: () => undefined,
      exited: () => (pid = -1),
      refused: (why) => assert.fail(why),
    });
    await until('a session', () => sessions.length === 1);
    pid = sessions[0]?.id ?? 0;
    const successor = new Spawner({ now, limit: 2 });
    successor.endLeftovers(sessions.map((session) => ({ ...session, endedAt: now() })));
    await until('its end', () => pid === -1);
    run.cancel();
    successor.close();
  });
});
