/** What is around the checks process: scripts on its behalf, its reports on their way, what the parent keeps. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { ip } from '../../src/base/ip.ts';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import type { ScriptRun } from '../../src/healthcheck/checkers/checker.ts';
import { needsOf, suffices } from '../../src/healthcheck/origin.ts';
import type { CheckDefinition, CheckReport } from '../../src/healthcheck/types.ts';
import { ChecksGuardian } from '../../src/process/checks-guardian.ts';
import type { FromChecks, ScriptEnded, ToScriptRuns } from '../../src/process/checks-messages.ts';
import { ReportsOutbox } from '../../src/process/checks-outbox.ts';
import { ScriptsAsked } from '../../src/process/checks-scripts.ts';
import type { FromScripts } from '../../src/process/scripts-messages.ts';
import { http, tcp } from '../healthcheck/definitions.ts';
import { until } from '../native/namespace.ts';

const report = (id: string, words = 'w'): CheckReport => ({
  id,
  verdict: 'up',
  words,
  duration: 0 as Micros,
  at: 0 as Micros,
  since: 0 as Micros,
});

describe('the scripts process, asked by a check', () => {
  let child: ChildProcess;
  let folder: string;
  const ended: ScriptEnded[] = [];
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-checks-'));
    const module = path.join(import.meta.dirname, '../../src/process/scripts.js');
    child = fork(module, { serialization: 'advanced', execArgv: [] });
    let ready = false;
    child.on('message', (message: FromScripts) => {
      ready = true;
      if (message.type === 'script-ended') ended.push(message);
    });
    await until('its first word', () => ready);
  });
  after(async () => {
    child.kill('SIGTERM');
    await until('its end', () => child.exitCode !== null || child.signalCode !== null);
    rmSync(folder, { recursive: true });
  });

  const say = (message: ToScriptRuns): boolean => child.send(message);
  const script = (text: string, more: Partial<ScriptRun> = {}): ScriptRun => ({
    argv: ['/bin/sh', '-c', text],
    environment: {},
    user: userInfo().username,
    timeout: seconds(9),
    ...more,
  });
  const run = async (name: string, one: ScriptRun): Promise<ScriptEnded['end']> => {
    say({ type: 'run-script', run: name, script: one });
    await until(`the end of ${name}`, () => ended.some((end) => end.run === name));
    return ended.find((end) => end.run === name)?.end ?? assert.fail();
  };

  it('runs it with what it is to know, and nothing of ours', async () => {
    const file = path.join(folder, 'environment');
    const environment = { VIPKEEPER_VIP: '10.1.0.100' };
    const end = await run('1', script(`env > ${file}; echo no >&2; exit 3`, { environment }));
    assert.deepEqual(end, { type: 'exited', code: 3, signal: null, stderr: ['no'] });
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^VIPKEEPER_VIP=10\.1\.0\.100$/m);
    assert.match(text, /^VIPKEEPER_SCRIPT=\/bin\/sh$/m);
    // Node itself hands the folder for coverage to every child.
    assert.doesNotMatch(text, /^(NODE_(?!V8_COVERAGE=)|HOME=)/m);
  });

  it('refuses what may not run', async () => {
    const missing = await run('2', script('', { argv: [path.join(folder, 'none')] }));
    assert.equal(missing.type, 'refused');
    const nobody = await run('3', script('', { user: 'no-such-user' }));
    assert.deepEqual(nobody, { type: 'refused', why: 'user no-such-user is not in /etc/passwd' });
  });

  it('ends one that is not wanted any more, and one that nobody asks about', async () => {
    const file = path.join(folder, 'pid');
    const wait = `echo $$ > ${file}; exec sleep 99`;
    writeFileSync(file, '');
    say({ type: 'run-script', run: '4', script: script(wait) });
    await until('its start', () => readFileSync(file, 'utf8') !== '');
    say({ type: 'cancel-script', run: '4' });
    await until('its end', () => ended.some((end) => end.run === '4'));
    const forgotten = await run('5', script(wait, { timeout: milliseconds(50) }));
    assert.deepEqual(forgotten, { type: 'exited', code: null, signal: 'SIGTERM', stderr: [] });
  });
});

describe('ScriptsAsked', () => {
  it('hears the end of its own runs, once, and of no cancelled one', () => {
    const said: ToScriptRuns[] = [];
    const asked = new ScriptsAsked((message) => said.push(message));
    const ends: string[] = [];
    const one = { argv: ['/x'] as const, environment: {}, user: 'u', timeout: seconds(1) };
    asked.run(one, () => ends.push('a'));
    const b = asked.run(one, () => ends.push('b'));
    b.cancel();
    b.cancel();
    for (const message of [...said, ...said])
      asked.ended({ type: 'script-ended', run: message.run, end: { type: 'refused', why: '' } });
    assert.deepEqual(ends, ['a']);
    assert.deepEqual(
      said.map(({ type }) => type),
      ['run-script', 'run-script', 'cancel-script'],
    );
    assert.notEqual(said[0]?.run, said[1]?.run);
  });
});

describe('ReportsOutbox', () => {
  it('has one message under way, and keeps one report of each check meanwhile', async () => {
    const said: FromChecks[] = [];
    let sent = (): void => undefined;
    const outbox = new ReportsOutbox((message, whenSent) => {
      said.push(message);
      sent = whenSent;
    });
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    outbox.put(report('a'));
    outbox.put(report('b'));
    await turn();
    for (let count = 0; count < 1_000; count++) outbox.put(report('a', String(count)));
    outbox.put(report('c'));
    await turn();
    assert.equal(said.length, 1);
    sent();
    sent();
    outbox.put(report('d'));
    await turn();
    const words = said.map(
      (message) => message.type === 'reports' && message.reports.map((one) => one.id + one.words),
    );
    assert.deepEqual(words, [['aw', 'bw'], ['a999', 'cw'], ['dw']]);
  });
});

describe('ChecksGuardian', () => {
  const guardian = (): ChecksGuardian => new ChecksGuardian('nobody');
  const marked: CheckDefinition = {
    ...tcp({}, 'm'),
    target: { address: ip('10.2.0.21'), port: 80, fwmark: 7 },
  };

  it('gives the next process what the last one found, of checks that still are', () => {
    const one = guardian();
    one.configure([tcp({}, 'a'), tcp({}, 'b')]);
    assert.deepEqual(
      one.heard([report('a'), report('b'), report('x')]).map(({ id }) => id),
      ['a', 'b'],
    );
    one.configure([tcp({}, 'b'), tcp({}, 'c')]);
    const known = (fresh: boolean): readonly string[] => {
      const message = one.configuration(fresh);
      return message.type === 'configure' ? message.known.map(({ id }) => id) : [];
    };
    assert.deepEqual(known(true), ['b']);
    assert.deepEqual(known(false), []);
    assert.deepEqual([...one.reports.keys()], ['b']);
  });

  it('names the sockets that take rights when the process is to start', () => {
    const one = guardian();
    const needs = (): unknown => JSON.parse(one.args[2] ?? '');
    assert.deepEqual(needs(), []);
    one.configure([tcp(), marked]);
    assert.deepEqual(needs(), [{ origin: { family: 4, fwmark: 7 }, tcp: 1, ping: false }]);
  });

  it('knows when sockets opened earlier do', () => {
    const ping: CheckDefinition = { ...marked, checker: { kind: 'PING_CHECK' } };
    const plain: CheckDefinition = { ...tcp(), checker: http() };
    const few = needsOf([marked, plain], 512);
    assert.ok(suffices(few, needsOf([plain], 512)));
    assert.ok(suffices(few, needsOf([marked], 512)));
    assert.ok(!suffices(few, needsOf([marked, marked], 512)));
    assert.ok(!suffices(few, needsOf([ping], 512)));
    assert.deepEqual(
      needsOf([marked, marked, marked], 2).map((need) => need.tcp),
      [2],
    );
  });
});
