import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { milliseconds, seconds } from '../../src/base/time.ts';
import { openTrackerChannel, type TrackerChannel } from '../../src/kernel/tracker-channel.ts';
import { accountFor } from '../../src/process/script-commands.ts';
import type { FromScripts, ScriptsStatus, ToScripts } from '../../src/process/scripts-messages.ts';
import type { ScriptDefinition } from '../../src/script/definition.ts';
import { parseStat, type Session } from '../../src/script/session.ts';
import type { TrackerReport } from '../../src/vrrp/track-board.ts';
import { until } from '../native/namespace.ts';

const module = path.join(import.meta.dirname, '../../src/process/scripts.js');
const { username: user } = userInfo();
const script = (name: string, text: string, more: Partial<ScriptDefinition> = {}): ScriptDefinition => ({
  name,
  argv: ['/bin/sh', '-c', text],
  interval: milliseconds(200),
  timeout: milliseconds(400),
  rise: 1,
  fall: 1,
  init_fail: false,
  user,
  ...more,
});

/** The parent and the vrrp process, as the scripts process sees them. */
class Around {
  readonly got: TrackerReport[] = [];
  readonly verdicts: TrackerReport[] = [];
  readonly child: ChildProcess;
  channel: TrackerChannel;
  sessions: readonly Session[] = [];
  sender: string | undefined;
  status: ScriptsStatus | undefined;
  beats = 0;

  constructor() {
    this.child = fork(module, { serialization: 'advanced', execArgv: ['--max-semi-space-size=1'] });
    this.channel = openTrackerChannel((report) => this.got.push(report));
    this.child.on('message', (message) => this.#hear(message as FromScripts | { readonly type: 'beat' }));
  }

  say(message: ToScripts | { readonly type: 'stop' }): void {
    this.child.send(message);
  }

  configure(more: Partial<Extract<ToScripts, { readonly type: 'scripts' }>>): void {
    this.say({
      type: 'scripts',
      node: 'lb1',
      scripts: [],
      files: [],
      processes: [],
      known: new Map(),
      leftovers: [],
      ...more,
    });
  }

  /** As a vrrp process that has just started. */
  newChannel(): void {
    this.channel.close();
    this.channel = openTrackerChannel((report) => this.got.push(report));
    this.connect();
  }

  connect(): void {
    assert.ok(this.sender !== undefined && this.child.pid !== undefined);
    assert.equal(this.channel.hear({ pid: this.child.pid, address: this.sender }), undefined);
    this.say({ type: 'channel', address: this.channel.address });
  }

  last(name: string): TrackerReport | undefined {
    return this.got.findLast((report) => report.name === name);
  }

  async asked(): Promise<ScriptsStatus> {
    this.status = undefined;
    this.say({ type: 'status', id: 1 });
    await until('a status', () => this.status !== undefined);
    return this.status ?? assert.fail();
  }

  #hear(message: FromScripts | { readonly type: 'beat' }): void {
    if (message.type === 'beat') this.beats++;
    else if (message.type === 'sender') this.sender = message.address;
    else if (message.type === 'sessions') this.sessions = message.sessions;
    else if (message.type === 'verdict') this.verdicts.push(message.report);
    else if (message.type === 'status') this.status = message.status;
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.zombie === false;
  } catch {
    return false;
  }
};

describe('the scripts process', () => {
  let around: Around;
  let folder: string;
  const open = async (): Promise<Around> => {
    const one = new Around();
    await until('its sender', () => one.sender !== undefined);
    one.connect();
    return one;
  };
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-scripts-'));
    around = await open();
  });
  afterEach(async () => {
    // In order: a killed one would leave its runs to a successor that does not come.
    around.child.kill('SIGTERM');
    await until('its end', () => around.child.exitCode !== null || around.child.signalCode !== null);
    around.channel.close();
    rmSync(folder, { recursive: true });
  });

  it('reports every run straight to the vrrp process, and changes to the parent', async () => {
    const flag = path.join(folder, 'flag');
    around.configure({
      scripts: [
        script('good', 'exit 0'),
        script('switch', `echo "no $VIPKEEPER_SCRIPT on $VIPKEEPER_NODE" >&2; test -e ${flag}`),
        script('absent', '', { argv: ['/no/such'] }),
        script('nobody knows', '', { user: 'vkp-none' }),
      ],
    });
    await until('reports', () => around.got.filter(({ name }) => name === 'good').length >= 3);
    assert.deepEqual(around.last('good'), {
      kind: 'script',
      name: 'good',
      verdict: 'up',
      words: 'exit code 0',
    });
    assert.equal(around.last('switch')?.words, 'exit code 1: no switch on lb1');
    assert.equal(around.last('absent')?.words, '/no/such is not there');
    assert.equal(around.last('nobody knows')?.words, 'user vkp-none is not in /etc/passwd');
    writeFileSync(flag, '');
    await until('the change', () => around.last('switch')?.verdict === 'up');
    await until('its news', () => around.verdicts.filter(({ name }) => name === 'switch').length === 2);
    const { scripts } = await around.asked();
    const good = scripts.find(({ name }) => name === 'good');
    assert.ok(
      good !== undefined && good.runs >= 3 && good.failures === 0 && (good.lastRun?.duration ?? 0) > 0,
    );
    await until('a beat', () => around.beats > 0);
  });

  it('says all it knows to a vrrp process that is new', async () => {
    const file = path.join(folder, 'number');
    writeFileSync(file, '-20');
    around.configure({
      scripts: [script('rare', 'exit 0', { interval: seconds(600) })],
      files: [{ name: 'number', path: file }],
    });
    await until('its only run', () => around.last('rare') !== undefined);
    around.got.length = 0;
    around.newChannel();
    await until('both again', () => around.last('rare') !== undefined && around.last('number') !== undefined);
    assert.equal(around.last('number')?.number, -20);
  });

  it('watches files and processes', async () => {
    const file = path.join(folder, 'number');
    const sleeper = { name: '/bin/sleep', args: [`1000.${process.pid}`], full_command: false };
    const quorum = { quorum: 1, quorum_max: undefined, fork_delay: seconds(0), terminate_delay: seconds(0) };
    around.configure({
      files: [{ name: 'number', path: file, init_file: { number: 5, overwrite: false } }],
      processes: [{ name: 'sleeper', process: sleeper, ...quorum }],
    });
    await until('first words', () => around.last('number')?.number === 5);
    await until('first words', () => around.last('sleeper')?.verdict === 'down');
    writeFileSync(file, '-7\n');
    await until('the number', () => around.last('number')?.number === -7);
    // Run by itself, so that there is a process to see.
    const keep = script('keep', '', {
      argv: ['/bin/sleep', `1000.${process.pid}`],
      timeout: seconds(60),
    });
    around.configure({
      scripts: [keep],
      files: [{ name: 'number', path: file, init_file: { number: 5, overwrite: false } }],
      processes: [{ name: 'sleeper', process: sleeper, ...quorum }],
    });
    await until('the process', () => around.last('sleeper')?.verdict === 'up');
    assert.equal(around.last('sleeper')?.words, '1 running, at least 1 wanted');
    const said = around.got.length;
    await until('the same again', () => around.got.length >= said + 2);
    const { watched, processSource } = await around.asked();
    assert.deepEqual(watched.map(({ name }) => name).sort(), ['number', 'sleeper']);
    assert.ok(processSource !== undefined);
  });

  it('leaves no run behind when it is stopped', async () => {
    around.configure({ scripts: [script('long', 'trap "" TERM; sleep 1000', { timeout: seconds(60) })] });
    await until('its session', () => around.sessions.length === 1);
    const [session] = around.sessions;
    assert.ok(session !== undefined && isAlive(session.id));
    around.say({ type: 'stop' });
    await until('its end', () => around.child.exitCode === 0);
    await until('the end of the run', () => !isAlive(session.id));
  });

  it('is cleaned up after by its successor when it was killed, which knows its verdicts', async () => {
    around.configure({
      scripts: [
        script('long', 'trap "" TERM; sleep 1000', { timeout: seconds(60) }),
        script('bad', 'exit 1', { rise: 3 }),
      ],
    });
    await until('a session and a verdict', () => {
      return around.sessions.some(({ id }) => isAlive(id)) && around.verdicts.length > 0;
    });
    await until('only the long run', () => around.sessions.length === 1);
    const leftovers = around.sessions;
    const [long] = leftovers;
    around.child.kill('SIGKILL');
    await until('its death', () => around.child.signalCode === 'SIGKILL');
    assert.ok(long !== undefined && isAlive(long.id));
    around.channel.close();
    around = await open();
    const known = new Map([['bad', 'down'] as const]);
    around.configure({ leftovers, known, scripts: [script('bad', 'exit 0', { rise: 3 })] });
    await until('the end of the run', () => !isAlive(long.id));
    await until('two reports', () => around.got.length >= 2);
    assert.deepEqual(
      around.got.slice(0, 2).map(({ verdict }) => verdict),
      ['down', 'down'],
    );
    await until('the third success', () => around.last('bad')?.verdict === 'up');
  });

  it('ends a run whose script is not configured any more, and keeps the others', async () => {
    const [one, two] = [script('one', 'sleep 1000'), script('two', 'sleep 1001')].map((definition) => ({
      ...definition,
      timeout: seconds(60),
    }));
    assert.ok(one !== undefined && two !== undefined);
    around.configure({ scripts: [one, two] });
    await until('both', () => around.sessions.length === 2);
    const before = around.sessions.map(({ id }) => id);
    around.configure({ scripts: [{ ...one, interval: seconds(5) }] });
    await until('one', () => around.sessions.length === 1);
    assert.ok(before.includes(around.sessions[0]?.id ?? 0));
  });
});

describe('whom a script runs as', () => {
  it('is looked up in /etc/passwd and /etc/group', () => {
    assert.equal(accountFor({ user: 'vkp-none' }), 'user vkp-none is not in /etc/passwd');
    assert.equal(accountFor({ user: 'root', group: 'vkp-none' }), 'group vkp-none is not in /etc/group');
    const root = accountFor({ user: 'root' });
    if (process.getuid?.() === 0) assert.deepEqual(root, { uid: 0, gid: 0 });
    else assert.equal(root, 'only root can run a script as root');
  });
});
