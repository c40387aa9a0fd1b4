/** The checkers that fit on a page: TCP_CHECK, PING_CHECK, MISC_CHECK. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ip } from '../../src/base/ip.ts';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { ScriptEnd, ScriptPort, ScriptRun } from '../../src/healthcheck/checkers/checker.ts';
import type { CheckReport, MiscCheck } from '../../src/healthcheck/types.ts';
import { needRoot } from '../native/namespace.ts';
import { loopback } from './definitions.ts';
import { judged, Rogue } from './judged.ts';

const noted = ({ verdict, words }: CheckReport): string =>
  `${verdict}: ${words.replace(/ in [\d.]+ ms/, '')}`;

describe('TCP_CHECK', () => {
  const check = { kind: 'TCP_CHECK' } as const;

  it('passes who accepts, and leaves no TIME_WAIT', async () => {
    const rogue = await Rogue.listen(() => undefined);
    const { port } = rogue;
    const report = await judged(check, { port });
    assert.match(report.words, /^connected in [\d.]+ ms$/);
    await rogue.close();
    // proc(5): local address, remote address, state; 06 is TCP_TIME_WAIT.
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    assert.doesNotMatch(readFileSync('/proc/net/tcp', 'latin1'), new RegExp(`:${hex} 06 `));
    assert.doesNotMatch(
      readFileSync('/proc/net/tcp', 'latin1'),
      new RegExp(`:${hex} [0-9A-F]+:[0-9A-F]+ 06 `),
    );
  });

  it('works over IPv6, and from an address', async () => {
    const remotes: (string | undefined)[] = [];
    const six = await Rogue.listen((socket) => remotes.push(socket.remoteAddress), '::1');
    assert.equal(noted(await judged(check, { address: ip('::1'), port: six.port })), 'up: connected');
    await six.close();
    const four = await Rogue.listen((socket) => remotes.push(socket.remoteAddress));
    const from = { address: loopback, port: four.port, bindto: ip('127.0.0.9') };
    assert.equal(noted(await judged(check, from)), 'up: connected');
    const foreign = await judged(check, { ...from, bindto: ip('192.0.2.77') });
    assert.equal(
      noted(foreign),
      `down: connect to 127.0.0.1:${four.port}: the source address is not ours, or no port of it is free`,
    );
    await four.close();
    assert.deepEqual(remotes, ['::1', '127.0.0.9']);
  });

  it('fails a refused port at once', async () => {
    const rogue = await Rogue.listen(() => undefined);
    const { port } = rogue;
    await rogue.close();
    const report = await judged(check, { port });
    assert.equal(noted(report), `down: connect to 127.0.0.1:${port}: refused`);
    assert.ok(report.duration < milliseconds(200));
  });
});

describe('PING_CHECK', () => {
  before(function () {
    needRoot(this);
  });
  const check = { kind: 'PING_CHECK' } as const;

  for (const address of ['127.0.0.1', '::1'])
    it(`hears ${address}`, async () => {
      const report = await judged(check, { address: ip(address), port: 0 });
      assert.match(report.words, /^echo reply in [\d.]+ ms$/);
    });

  it('takes the address it is told', async () => {
    const report = await judged(check, { address: loopback, port: 0, bindto: ip('127.0.0.5') });
    assert.equal(noted(report), 'up: echo reply');
    const foreign = await judged(check, { address: loopback, port: 0, bindto: ip('192.0.2.77') });
    assert.equal(noted(foreign), 'down: ping 127.0.0.1: bindto 192.0.2.77: EADDRNOTAVAIL (99)');
  });

  it('fails one that does not answer', async () => {
    const report = await judged(check, { address: ip('198.51.100.1'), port: 0 });
    assert.match(
      noted(report),
      /^down: ping 198\.51\.100\.1: (no answer within 400ms \(total\)|ENETUNREACH \(101\))$/,
    );
    assert.ok(report.duration < milliseconds(1_000));
  });
});

describe('MISC_CHECK', () => {
  const check: MiscCheck = {
    kind: 'MISC_CHECK',
    misc_path: ['/check', 'x'],
    misc_dynamic: false,
    user: 'nobody',
  };
  /** Scripts that end so. */
  const ending = (
    end: ScriptEnd | undefined,
    seen: (run: ScriptRun | 'cancelled') => void = () => undefined,
  ): ScriptPort => ({
    run(run, ended) {
      seen(run);
      if (end !== undefined) setImmediate(() => ended(end));
      return { cancel: () => seen('cancelled') };
    },
  });
  const exited = (
    code: number | null,
    signal: string | null = null,
    stderr: readonly string[] = [],
  ): ScriptEnd => ({
    type: 'exited',
    code,
    signal,
    stderr,
  });
  const judge = async (
    end: ScriptEnd,
    misc_dynamic: boolean,
  ): Promise<readonly [string, number | undefined]> => {
    const report = await judged({ ...check, misc_dynamic }, {}, { scripts: ending(end) });
    return [noted(report), report.weight];
  };

  it('passes by exit code 0, fails by any other', async () => {
    assert.deepEqual(await judge(exited(0), false), ['up: exit code 0', undefined]);
    assert.deepEqual(await judge(exited(1, null, ['a', 'no route']), false), [
      'down: exit code 1: no route',
      undefined,
    ]);
    assert.deepEqual(await judge(exited(7), false), ['down: exit code 7', undefined]);
    assert.deepEqual(await judge(exited(null, 'SIGSEGV'), false), ['down: killed by SIGSEGV', undefined]);
    const refused: ScriptEnd = { type: 'refused', why: 'user x is not in /etc/passwd' };
    assert.deepEqual(await judge(refused, true), ['down: user x is not in /etc/passwd', undefined]);
  });

  it('takes the weight from the exit code when it is dynamic', async () => {
    assert.deepEqual(await judge(exited(0), true), ['up: exit code 0', undefined]);
    assert.deepEqual(await judge(exited(1), true), ['down: exit code 1', undefined]);
    assert.deepEqual(await judge(exited(2), true), ['up: exit code 2: weight 0', 0]);
    assert.deepEqual(await judge(exited(255), true), ['up: exit code 255: weight 253', 253]);
    assert.deepEqual(await judge(exited(null, 'SIGKILL'), true), ['down: killed by SIGKILL', undefined]);
  });

  it('tells the script what it checks, and for whom', async () => {
    const seen: (ScriptRun | 'cancelled')[] = [];
    const scripts = ending(exited(0), (run) => seen.push(run));
    const real_server = { address: ip('10.2.0.21'), port: 8080 };
    const virtual_server = { address: ip('10.1.0.100'), port: 80 };
    const full = { ...check, real_server, virtual_server, ldirectord_arguments: true };
    await judged(full, {}, { scripts });
    await judged({ ...full, virtual_server: { fwmark: 7 } }, {}, { scripts });
    const [one, marked] = seen;
    assert.ok(typeof one === 'object' && typeof marked === 'object');
    assert.deepEqual(one.argv, ['/check', 'x', '10.1.0.100', '80', '10.2.0.21', '8080']);
    assert.deepEqual(one.environment, {
      VIPKEEPER_VIP: '10.1.0.100',
      VIPKEEPER_VPORT: '80',
      VIPKEEPER_RIP: '10.2.0.21',
      VIPKEEPER_RPORT: '8080',
    });
    assert.deepEqual(marked.argv, ['/check', 'x', '7', '', '10.2.0.21', '8080']);
    assert.equal(marked.environment['VIPKEEPER_FWMARK'], '7');
  });

  it('gives up on one that hangs', async () => {
    const seen: unknown[] = [];
    const scripts = ending(undefined, (run) => seen.push(run));
    const report = await judged(check, {}, { scripts, timeout: seconds(0.1) });
    assert.equal(noted(report), 'down: script /check: no answer within 100ms (total)');
    assert.equal(seen.at(-1), 'cancelled');
  });
});
