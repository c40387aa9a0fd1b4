import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from './namespace.ts';

describe('the build of the addon', function () {
  this.timeout(30_000);
  let folder: string;
  const output = (): string => path.join(folder, 'native/out/sockets.node');
  const build = (searchPath = process.env['PATH']): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [path.join(folder, 'native/build.mjs')], {
      encoding: 'utf8',
      env: { PATH: searchPath },
    });

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vkn-build-'));
    const sources = (file: string): boolean => path.basename(file) !== 'out';
    cpSync(path.join(projectRoot(), 'native'), path.join(folder, 'native'), {
      recursive: true,
      filter: sources,
    });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('says in one line what to install when there is no compiler', () => {
    const { status, stderr } = build('/nonexistent');
    assert.equal(status, 1);
    assert.equal(
      stderr,
      'vipkeeper native: no C compiler: apt-get install gcc libc6-dev, then npm rebuild\n',
    );
  });

  it('compiles without a warning, once, and again when a source is newer', () => {
    assert.deepEqual([build().stderr, build('/nonexistent').status], ['', 0]);
    const past = new Date(Date.now() - 60_000);
    utimesSync(output(), past, past);
    writeFileSync(path.join(folder, 'native/extra.c'), 'typedef int extra;\n');
    assert.equal(build().status, 0);
    assert.ok(statSync(output()).mtimeMs > past.getTime());
  });

  it('leaves no half-made file and ends with 1 when cc fails', () => {
    writeFileSync(path.join(folder, 'native/extra.c'), '#error on purpose\n');
    const future = new Date(Date.now() + 60_000);
    utimesSync(path.join(folder, 'native/extra.c'), future, future);
    const { status, stderr } = build();
    assert.equal(status, 1);
    assert.match(stderr, /#error on purpose[^]*vipkeeper native: cc failed/);
    assert.deepEqual(readdirSync(path.dirname(output())), ['sockets.node'], 'the one of before');
  });

  it('is told to be run when the addon is absent', () => {
    const module = new URL('../../src/kernel/native.js', import.meta.url).href;
    const run = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `(await import('${module}')).native.now()`],
      {
        encoding: 'utf8',
        env: { VIPKEEPER_NATIVE: '/nonexistent/sockets.node' },
      },
    );
    assert.equal(run.status, 1);
    assert.match(run.stderr, /\/nonexistent\/sockets\.node cannot be loaded: run "npm rebuild"/);
  });
});
