import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ip } from '../../src/base/ip.ts';
import { milliseconds, seconds } from '../../src/base/time.ts';
import { type Need, needsOf } from '../../src/healthcheck/origin.ts';
import type { CheckDefinition, CheckReport, CheckTarget } from '../../src/healthcheck/types.ts';
import { accountOf } from '../../src/process/account.ts';
import type { ChecksStatus, FromChecks, ToChecks } from '../../src/process/checks-messages.ts';
import { http, tcp, timing, url } from '../healthcheck/definitions.ts';
import { createPair, needRoot, type Pair, until } from '../native/namespace.ts';

const module = path.join(import.meta.dirname, '../../src/process/checks.js');

type Heard = FromChecks | { readonly type: 'beat' };

/** The parent, as the checks process sees it. */
class Around {
  readonly child: ChildProcess;
  readonly reports: CheckReport[] = [];
  readonly others: Heard[] = [];
  status: ChecksStatus | undefined;
  beats = 0;

  constructor(args: readonly string[] = [], namespace?: string) {
    const options = { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] } as const;
    this.child =
      namespace === undefined
        ? fork(module, [...args], { ...options, stdio: [...options.stdio] })
        : spawn('ip', ['netns', 'exec', namespace, process.execPath, module, ...args], {
            ...options,
            stdio: [...options.stdio],
          });
    this.child.on('message', (message) => this.#hear(message as Heard));
  }

  say(message: ToChecks | { readonly type: 'stop' }): void {
    this.child.send(message);
  }

  configure(checks: readonly CheckDefinition[], known: readonly CheckReport[] = []): void {
    this.say({ type: 'configure', checks, known });
  }

  last(id: string): CheckReport | undefined {
    return this.reports.findLast((report) => report.id === id);
  }

  async verdict(id: string): Promise<CheckReport> {
    await until(`a report of ${id}`, () => this.last(id) !== undefined);
    return this.last(id) ?? assert.fail();
  }

  async asked(): Promise<ChecksStatus> {
    this.status = undefined;
    this.say({ type: 'status', id: 1 });
    await until('a status', () => this.status !== undefined);
    return this.status ?? assert.fail();
  }

  /** Until the check has run so often. */
  async ran(id: string, times: number): Promise<void> {
    for (let left = 300; left > 0; left--) {
      const { checks } = await this.asked();
      if ((checks.find((check) => check.id === id)?.runs ?? 0) >= times) return;
      await pause(20);
    }
    assert.fail(`${id} does not run`);
  }

  async end(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended();
  }

  async ended(): Promise<void> {
    await until('its end', () => this.child.exitCode !== null || this.child.signalCode !== null);
  }

  #hear(message: Heard): void {
    if (message.type === 'beat') this.beats++;
    else if (message.type === 'reports') this.reports.push(...message.reports);
    else if (message.type === 'status') this.status = message.status;
    else this.others.push(message);
  }
}

describe('the checks process', () => {
  let around: Around;
  let server: Server;
  let port: number;
  let status = 200;
  before(async () => {
    server = createServer((_request, answer) => answer.writeHead(status, { Connection: 'close' }).end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());
  beforeEach(() => {
    around = new Around();
  });
  afterEach(() => around.end());

  const web = (id: string, more: Partial<CheckDefinition> = {}): CheckDefinition => ({
    ...tcp({ delay_loop: milliseconds(100), timeout: seconds(5) }, id),
    target: { address: ip('127.0.0.1'), port },
    checker: http({ url: [url({ regex: 'ok' })] }),
    ...more,
  });

  it('beats, checks, reports changes only, and answers', async () => {
    status = 200;
    around.configure([web('a'), web('b', { checker: { kind: 'TCP_CHECK' } })]);
    assert.match((await around.verdict('a')).words, /^200 in [\d.]+ ms$/);
    assert.match((await around.verdict('b')).words, /^connected in/);
    await around.ran('a', 4);
    await around.ran('b', 4);
    assert.equal(around.reports.length, 2);
    status = 503;
    await until('the change', () => around.last('a')?.verdict === 'down');
    assert.equal(around.last('a')?.words, 'GET /: 503, expected 200-299');
    const { checks } = await around.asked();
    assert.deepEqual(
      checks.map(({ id, kind, verdict }) => [id, kind, verdict]),
      [
        ['a', 'HTTP_GET', 'down'],
        ['b', 'TCP_CHECK', 'up'],
      ],
    );
    await until('beats', () => around.beats > 1);
  });

  it('keeps what it knows of a check over a reload, and takes what an earlier life knew', async () => {
    status = 200;
    const slow = { timing: { ...timing, delay_loop: seconds(60), timeout: seconds(5) } };
    around.configure([web('a', slow)]);
    const { since } = await around.verdict('a');
    const known: CheckReport = {
      id: 'c',
      verdict: 'down',
      words: 'from before',
      duration: milliseconds(1),
      at: since,
      since,
    };
    const later = { timing: { ...slow.timing, warmup: seconds(9_999) } };
    around.configure([web('a', slow), web('b', slow), web('c', later)], [known]);
    await around.verdict('b');
    const { checks } = await around.asked();
    assert.deepEqual(
      checks.map(({ id, runs, verdict }) => [id, runs, verdict]),
      [
        ['a', 1, 'up'],
        ['b', 1, 'up'],
        ['c', 0, 'down'],
      ],
    );
    assert.equal(checks[0]?.since, since);
  });

  it('asks its parent for scripts', async () => {
    const misc = { kind: 'MISC_CHECK', misc_path: ['/check'], misc_dynamic: true, user: 'nobody' } as const;
    around.configure([web('a', { checker: misc })]);
    const asking = (): Heard | undefined => around.others.find(({ type }) => type === 'run-script');
    await until('its wish', () => asking() !== undefined);
    const wish = asking();
    assert.ok(wish?.type === 'run-script');
    assert.deepEqual(wish.script.argv, ['/check']);
    around.say({
      type: 'script-ended',
      run: wish.run,
      end: { type: 'exited', code: 12, signal: null, stderr: [] },
    });
    const { verdict, weight } = await around.verdict('a');
    assert.deepEqual([verdict, weight], ['up', 10]);
  });
});

describe('the checks process without rights', () => {
  let pair: Pair;
  let web: ChildProcess;
  const account = accountOf('nobody') ?? assert.fail();
  const rights = [String(account.uid), String(account.gid)];
  before(async function () {
    needRoot(this);
    pair = createPair();
    // Another namespace, its server: one that everybody has.
    const code = `require('node:http').createServer((q,a)=>a.end('ok')).listen(80,'192.0.2.2',()=>console.log('on'))`;
    web = spawn('ip', ['netns', 'exec', pair.b, process.execPath, '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => web.stdout?.once('data', resolve));
    const inA = (...args: readonly string[]): unknown => execFileSync('ip', ['-n', pair.a, ...args]);
    // Only what carries mark 7 gets through to .2 on this table; what carries 8 is refused.
    inA('rule', 'add', 'fwmark', '8', 'prohibit');
  });
  after(() => {
    web?.kill('SIGKILL');
    pair?.remove();
  });

  const target: CheckTarget = { address: ip('192.0.2.2'), port: 80 };
  const checks = (...targets: readonly Partial<CheckTarget>[]): readonly CheckDefinition[] =>
    targets.map((more, at) => ({
      ...tcp({ delay_loop: milliseconds(100), timeout: milliseconds(800) }, String(at)),
      target: { ...target, ...more },
      checker: http({ url: [url(), url()] }),
    }));
  const opening = (needs: readonly Need[]): readonly string[] => [...rights, JSON.stringify(needs)];

  it('drops them', async () => {
    const around = new Around(opening([]), pair.a);
    await until('a beat', () => around.beats > 0);
    const text = readFileSync(`/proc/${around.child.pid}/status`, 'utf8');
    assert.match(text, new RegExp(`\\nUid:\t${account.uid}\t${account.uid}\t`));
    assert.match(text, /\nCapEff:\t0+\n/);
    await around.end();
  });

  it('marks, binds and pings with sockets made before', async () => {
    const wanted: readonly CheckDefinition[] = [
      ...checks(
        { fwmark: 7 },
        { fwmark: 8 },
        { bind_if: 'eth0' },
        { bind_if: 'lo' },
        { bindto: ip('192.0.2.1') },
      ),
      ...checks({ fwmark: 7, bind_if: 'eth0', bindto: ip('192.0.2.1') }).map((check) => ({
        ...check,
        id: 'all',
      })),
      ...['192.0.2.2', '192.0.2.99'].map((address) => ({
        ...tcp({ timeout: milliseconds(800) }, address),
        target: { address: ip(address), port: 0 },
        checker: { kind: 'PING_CHECK' } as const,
      })),
      { ...tcp({ timeout: milliseconds(500) }, 'silent'), target: { ...target, address: ip('192.0.2.99') } },
    ];
    const around = new Around(opening(needsOf(wanted, 512)), pair.a);
    await until('a beat', () => around.beats > 0);
    around.configure(wanted);
    for (const id of ['0', '2', '4', 'all'])
      assert.match((await around.verdict(id)).words, /200, \/ 200 in/, id);
    assert.equal((await around.verdict('1')).words, 'connect to 192.0.2.2:80: forbidden by the kernel');
    assert.equal((await around.verdict('3')).verdict, 'down');
    assert.match((await around.verdict('192.0.2.2')).words, /^echo reply in/);
    assert.equal(
      (await around.verdict('192.0.2.99')).words,
      'ping 192.0.2.99: no answer within 800ms (total)',
    );
    const silent = await around.verdict('silent');
    assert.equal(silent.words, 'connect to 192.0.2.99:80: no answer within 500ms (total)');
    assert.ok(silent.duration < milliseconds(1_100), `${silent.duration}`);
    // The marked sockets are used again and again, and none is lost.
    const descriptors = (): number => readdirSync(`/proc/${around.child.pid}/fd`).length;
    const early = descriptors();
    await around.ran('all', 20);
    assert.equal((await around.verdict('all')).verdict, 'up');
    assert.equal(around.reports.filter(({ id }) => id === 'all').length, 1);
    assert.ok(Math.abs(descriptors() - early) <= 8, `${early}, ${descriptors()}`);
    await around.end();
  });

  it('ends in order when it would need rights that are gone', async () => {
    const around = new Around(opening([]), pair.a);
    around.configure(checks({ fwmark: 7 }));
    await around.ended();
    assert.equal(around.child.exitCode, 0);
    assert.deepEqual(around.others, [
      { type: 'notice', text: 'checks begins anew: it needs sockets that take rights it has given up' },
    ]);
  });
});
