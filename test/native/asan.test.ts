import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { needRoot, projectRoot } from './namespace.ts';

const here = import.meta.dirname;

/** A library that the compiler would link; the bare name comes back when it is not installed. */
function libraryOfCompiler(name: string): string | undefined {
  const file = execFileSync('cc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return path.isAbsolute(file) ? file : undefined;
}

describe('the addon under the address and undefined-behaviour sanitizers', () => {
  it('passes its own tests', function () {
    needRoot(this);
    this.timeout(60_000);
    const asan = libraryOfCompiler('libasan.so');
    if (asan === undefined) {
      console.log('      not run: the compiler has no libasan (apt-get install libgcc-12-dev or its like)');
      this.skip();
    }
    const root = projectRoot();
    execFileSync(process.execPath, [path.join(root, 'native/build.mjs'), '--asan'], { stdio: 'inherit' });
    const tests = ['receive', 'sockets', 'timer', 'worker', 'writer', 'writer-queue'].map((name) =>
      path.join(here, `${name}.test.js`),
    );
    const mocha = path.join(root, 'node_modules/mocha/bin/mocha.js');
    // No NODE_V8_COVERAGE: the coverage of this second run is that of the first, and it costs seconds.
    const run = spawnSync(
      process.execPath,
      [mocha, '--no-config', '--timeout', '20000', '--exit', ...tests],
      {
        cwd: root,
        encoding: 'utf8',
        env: {
          ...process.env,
          NODE_V8_COVERAGE: '',
          LD_PRELOAD: asan,
          // V8 frees no memory at exit; detect_stack_use_after_return would move C frames off the stack V8
          // scans.
          ASAN_OPTIONS: 'detect_leaks=0:detect_stack_use_after_return=0',
          UBSAN_OPTIONS: 'print_stacktrace=1',
          VIPKEEPER_NATIVE: path.join(root, 'native/out/sockets-asan.node'),
        },
      },
    );
    assert.equal(run.status, 0, `${run.stdout.slice(-4000)}\n${run.stderr.slice(-8000)}`);
    assert.match(run.stdout, /\d\d passing/);
    assert.doesNotMatch(run.stderr, /Sanitizer|runtime error/);
  });
});
