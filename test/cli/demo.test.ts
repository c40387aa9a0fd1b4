import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { asOrdinaryUser, describeAsOrdinaryUser } from '../lab/as-ordinary-user.ts';
import { describeAsRoot, labPrefix } from '../lab/as-root.ts';

/** The program as it is installed: what a newcomer runs. */
const program = 'dist/cli.js';

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

const running = new Set<ChildProcess>();

function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): [ChildProcess, Promise<Ended>] {
  const child = spawn(args[0]!, args.slice(1), { env, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      child.emit('said', output);
    });
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, output }));
  return [child, ended];
}

async function said(child: ChildProcess, wanted: RegExp): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let all = '';
    const limit = setTimeout(() => reject(new Error(`${wanted} was not said in 30 s: ${all}`)), 30_000);
    child.on('said', (output: string) => {
      all = output;
      if (!wanted.test(output)) return;
      clearTimeout(limit);
      resolve();
    });
  });
}

/** Nothing in the file system and no process of this lab is left. */
function assertNothingLeft(prefix: string): void {
  assert.deepEqual(
    readdirSync('/run/netns').filter((name) => name.startsWith(`${prefix}-`)),
    [],
  );
  for (const left of [`/run/vipkeeper-lab/${prefix}`, `/run/vipkeeper-lab/${prefix}.json`])
    assert(!existsSync(left), left);
  assert.deepEqual(processesOf(prefix), []);
}

const processesOf = (prefix: string): string[] =>
  readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && mentions(pid, prefix));

function mentions(pid: string, prefix: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return environment.includes(`VIPKEEPER_TEST=${prefix}`);
  } catch {
    return false; // ended meanwhile
  }
}

describeAsRoot('lab demo', function () {
  this.timeout(100_000);

  // A test that failed leaves its demo running; it takes itself down. script(1) hangs up on its own child.
  afterEach(() => running.forEach((child) => child.kill('SIGTERM')));

  const demo = (prefix: string, ...more: string[]): [ChildProcess, Promise<Ended>] =>
    start([process.execPath, program, 'lab', 'demo', '--prefix', prefix, ...more], {
      ...process.env,
      VIPKEEPER_TEST: prefix, // the daemons inherit it
    });

  it('shows by itself what a client sees of every failure, all as promised, and leaves nothing', async () => {
    const prefix = labPrefix('demo');
    const started = performance.now();
    const { status, output } = await demo(prefix, '--once')[1];
    assert.equal(status, 0, output);
    assert.match(output, /d1 owns 10\.1\.0\.100 after/);
    assert(!output.includes('\x1b['), 'no colours without a terminal');
    // Pings, pages, requests that failed; nobody owned it, two did; who takes over, and its limit.
    const ms = '[\\d ]+ ms';
    for (const [title, failed, ...others] of [
      ['left alone', '0', '0 ms'],
      ['well, a server killed', '[1-9]\\d*', '0 ms', '2 200 ms'],
      ['well, the server back', '0', '0 ms'],
      ['killed \\(kill -9\\)', '\\d+', '0 ms', ms, '3 609 ms'],
      ['started again', '\\d+', ms, ms],
      ['frozen, then woken', '\\d+', '0 ms', ms, '3 609 ms'],
      ['awake again', '\\d+', ms, ms],
      ['stopped in order', '\\d+', '0 ms', ms, '609 ms'],
    ] as const) {
      const cells = [title, ms, ms, `${failed} of \\d+`, ms, ...others];
      assert.match(output, new RegExp(`^${cells.join(' +')}$`, 'm'));
    }
    assert.match(output, /\nAll as promised, in /);
    assert(performance.now() - started < 60_000);
    assertNothingLeft(prefix);
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`takes everything down at ${signal} in the middle`, async () => {
      const prefix = labPrefix(`demo-${signal.toLowerCase()}`);
      const [child, ended] = demo(prefix, '--once');
      await said(child, /\n1\. All is well/);
      child.kill(signal);
      const { status, output } = await ended;
      assert.equal(status, code, output);
      assert.match(output, new RegExp(`\\n${signal}: everything is taken down\\n$`));
      assertNothingLeft(prefix);
    });
  }

  it('at a terminal kills at a key, shows who took over, and leaves at another', async () => {
    const prefix = labPrefix('demo-keys');
    const command = `${process.execPath} ${program} lab demo --prefix ${prefix}`;
    // script(1) gives it a terminal; what we write to script is typed there.
    const [child, ended] = start(['script', '--quiet', '--return', '--command', command, '/dev/null'], {
      ...process.env,
      VIPKEEPER_TEST: prefix,
    });
    await said(child, /q quit/);
    child.stdin!.write('k');
    await said(child, /kill -9 of everything on d1[\s\S]*d2 +priority 100 +running +OWNS 10\.1\.0\.100/);
    child.stdin!.write('s');
    await said(child, /kill -9 of everything on rs1[\s\S]*requests by rs2, rs3 /);
    child.stdin!.write('q');
    const { status, output } = await ended;
    assert.equal(status, 0, output);
    assertNothingLeft(prefix);
  });

  it('tells mistakes of the configuration and makes nothing', async () => {
    const prefix = labPrefix('demo-wrong');
    const { status, output } = await demo(prefix, '--config', 'test/config/bad/vrid-256.yaml')[1];
    assert.equal(status, 1);
    assert.match(output, /^test\/config\/bad\/vrid-256\.yaml:\d+:\d+: /);
    assertNothingLeft(prefix);
  });
});

describeAsOrdinaryUser('lab demo of an ordinary user', function () {
  this.timeout(100_000);
  afterEach(() => running.forEach((child) => child.kill('SIGTERM')));

  const command = (prefix: string): string[] => [
    ...[...asOrdinaryUser, `VIPKEEPER_TEST=${prefix}`],
    ...[process.execPath, program, 'lab', 'demo', '--prefix', prefix],
  ];

  it('shows every failure, all as promised, and leaves nothing', async () => {
    const prefix = labPrefix('user');
    const { status, output } = await start([...command(prefix), '--once'])[1];
    assert.equal(status, 0, output);
    assert.match(output, /no real-time class for the vrrp process: EPERM/);
    assert(!output.includes('vipkeeper: checks'), output);
    assert.match(output, /^frozen, then woken .* 0 ms +[\d ]+ ms +3 609 ms$/m);
    assert.match(output, /^left alone .* 0 of \d+ /m);
    assert.match(output, /\nAll as promised, in /);
    assertNothingLeft(prefix);
  });

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const) {
    it(`leaves nothing at ${signal} in the middle`, async () => {
      const prefix = labPrefix(`user-${signal.toLowerCase()}`);
      const [child, ended] = start([...command(prefix), '--once']);
      await said(child, /\n1\. All is well/);
      child.kill(signal);
      assert.equal((await ended).status, code);
      // Whom SIGKILL took the time to clean up, the kernel cleans up after, at its own pace.
      for (let round = 0; round < 100 && processesOf(prefix).length > 0; round++) await sleep(20);
      assertNothingLeft(prefix);
      const look = [process.execPath, program, 'lab', 'status', '--prefix', prefix];
      assert.match((await start([...asOrdinaryUser, ...look])[1]).output, /^no lab /);
    });
  }

  it('hears keys at a terminal', async () => {
    const prefix = labPrefix('user-keys');
    const [child, ended] = start([
      ...['script', '--quiet', '--return', '--command', command(prefix).join(' '), '/dev/null'],
    ]);
    await said(child, /q quit/);
    child.stdin!.write('q');
    const { status, output } = await ended;
    assert.equal(status, 0, output);
    assertNothingLeft(prefix);
  });
});
