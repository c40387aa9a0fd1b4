/** What happens to a test in the guest is what the host's test of it says. Here the guest is a process of the host. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Guest } from './boot.ts';
import { Lane, outcomeIn } from './lane.ts';

const tests = `
const fail = (text) => { throw new Error(text, { cause: new TypeError('deeper') }); };
describe('suite', () => {
  it('passes', () => console.log('{"said": "by the test"}'));
  it('fails', () => fail('as it should'));
  it('has nothing to do', function () { this.skip(); });
  describe('with a bad hook', () => {
    before(() => fail('hook'));
    it('cannot run', () => undefined);
  });
  it('comes too late', () => process.exit(7));
  it('never comes', () => undefined);
});
`;

describe('tests of the guest on the host', () => {
  let folder: string;
  let file: string;
  let child: ChildProcess | undefined;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-lane-'));
    file = path.join(folder, 'some.test.mjs');
    writeFileSync(file, tests);
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => child?.kill('SIGKILL'));

  const run = (how: 'lines' | 'list'): Guest => {
    const inside = path.join(import.meta.dirname, 'inside.js');
    const started = spawn(process.execPath, [inside, how, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    return {
      stdout: started.stdout,
      stderr: started.stderr,
      ended: new Promise((resolve) => started.on('close', (status) => resolve(status ?? -1))),
      end: () => void started.kill('SIGKILL'),
    };
  };

  it('are listed in the order in which they run, without running', async () => {
    const guest = run('list');
    let text = '';
    guest.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    assert.equal(await guest.ended, 0);
    assert.deepEqual(
      text.split('\n').flatMap((line) => outcomeIn(line)?.guestTest.slice(1).join('/') ?? []),
      ['passes', 'fails', 'has nothing to do', 'comes too late', 'never comes', 'with a bad hook/cannot run'],
    );
  });

  it('pass, are pending, or fail with what was thrown; one without a result fails', async () => {
    const said: string[] = [];
    const lane = new Lane(run('lines'), (line) => said.push(line));
    assert.equal(await lane.result(['suite', 'passes']), 'passed');
    assert.deepEqual(said, ['{"said": "by the test"}']);
    assert.equal(await lane.result(['suite', 'has nothing to do']), 'pending');
    await assert.rejects(lane.result(['suite', 'fails']), (error: Error) => {
      assert.equal(error.message, 'as it should');
      assert.match(error.stack ?? '', /some\.test\.mjs:5/);
      assert.equal((error.cause as Error).name, 'TypeError');
      return true;
    });
    for (const title of ['comes too late', 'never comes', 'is not there'])
      await assert.rejects(lane.result(['suite', title]), (error: Error) => {
        assert.equal(error.message, 'was not run');
        assert.match((error.cause as Error).message, /ended with status 7/);
        return true;
      });
    await lane.close(6);
  });

  it('fail when a hook of theirs fails, and so does the end of all', async () => {
    writeFileSync(file, tests.replace('process.exit(7)', 'undefined'));
    const lane = new Lane(run('lines'), () => undefined);
    await assert.rejects(lane.result(['suite', 'with a bad hook', 'cannot run']), (error: Error) => {
      assert.equal((error.cause as Error).message, 'hook');
      return true;
    });
    assert.equal(await lane.result(['suite', 'never comes']), 'passed');
    await assert.rejects(lane.close(6), /with a bad hook "before all" hook/);
  });
});
