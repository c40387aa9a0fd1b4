import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { native } from '../../src/kernel/native.ts';
import type { WriteResult, Writer } from '../../src/kernel/native.ts';
import * as so from '../../src/kernel/sockaddr.ts';
import { answer, attribute, message, newAddress } from './message.ts';
import { createPair, ip, needRoot, policiesOfThreads, until } from './namespace.ts';
import type { Pair } from './namespace.ts';

const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;

describe('the writer thread and the kernel', () => {
  let pair: Pair;
  before(function () {
    needRoot(this);
    pair = createPair();
  });
  after(() => pair?.remove());

  const results: WriteResult[] = [];
  let fd: number;
  let writer: Writer | undefined;
  const open = (protocol: number): Writer => {
    fd = native.socket(so.AF_NETLINK, so.SOCK_RAW, protocol, pair.pathA);
    native.bind(fd, so.netlinkAddress());
    native.setsockopt(fd, so.SOL_NETLINK, so.NETLINK_EXT_ACK, 1);
    return (writer = native.writer(fd, (result) => results.push(result)));
  };
  const arrived = (count: number): Promise<void> => until(`${count} results`, () => results.length >= count);
  afterEach(() => {
    writer?.close();
    writer = undefined;
    results.length = 0;
  });

  it('adds addresses in order; tells the instants, and errno, message and text of a refusal', async () => {
    const thread = open(so.NETLINK_ROUTE);
    const start = native.now();
    thread.post({ id: 1, data: newAddress(11, pair.indexA, [203, 0, 113, 1]), answers: 1 });
    thread.post({ id: 2, data: newAddress(12, pair.indexA, [203, 0, 113, 1]), answers: 1 });
    const two = [
      newAddress(13, pair.indexA, [203, 0, 113, 2]),
      newAddress(14, pair.indexA, [203, 0, 113, 3], 40),
    ];
    thread.post({ id: 3, data: Buffer.concat(two), answers: 2 });
    await arrived(3);
    assert.deepEqual(
      results.map(({ id, errno, seq }) => [id, errno, seq]),
      [
        [1, 0, 0],
        [2, 17, 12],
        [3, 22, 14],
      ],
    );
    assert.equal(results[2]?.text, 'ipv4: Invalid prefix length');
    const instants = [start, ...results.flatMap(({ sentAt, doneAt }) => [sentAt, doneAt]), native.now()];
    assert.deepEqual(
      instants,
      instants.toSorted((a, b) => a - b),
    );
    assert.match(
      ip('-n', pair.a, '-4', 'address', 'show', 'dev', 'eth0'),
      /203\.0\.113\.1\/32[^]*203\.0\.113\.2\/32/,
    );
  });

  it('makes an nft table in one batch, and learns at once that a batch is refused as a whole', async () => {
    const thread = open(so.NETLINK_NETFILTER);
    const nfnetlink = (
      type: number,
      flags: number,
      seq: number,
      resource: number,
      ...rest: Uint8Array[]
    ): Buffer =>
      message(type, flags, seq, Buffer.concat([Uint8Array.of(2, 0, resource >> 8, resource & 255), ...rest]));
    const batch = (subsystem: number, seq: number): Buffer =>
      Buffer.concat([
        nfnetlink(NFNL_MSG_BATCH_BEGIN, 1, seq, subsystem),
        nfnetlink(subsystem << 8, 1 | 4, seq + 1, 0, attribute(1, Buffer.from('vkn\0'))),
        nfnetlink(NFNL_MSG_BATCH_END, 1, seq + 2, subsystem),
      ]);
    thread.post({ id: 1, data: batch(10, 100), answers: 1 });
    thread.post({ id: 2, data: batch(11, 200), answers: 3 });
    await arrived(2);
    assert.deepEqual([results[0]?.errno, results[0]?.text], [0, '']);
    const nft = ['netns', 'exec', pair.a, 'nft', 'list', 'tables'];
    assert.match(
      execFileSync('ip', nft, { encoding: 'utf8', env: { PATH: process.env['PATH'] } }),
      /table ip vkn/,
    );
    const refused = results[1];
    assert.ok(refused !== undefined && refused.errno !== 0 && refused.seq === 200, JSON.stringify(refused));
    assert.ok(refused.doneAt - refused.sentAt < 1_000_000, 'without waiting for three answers');
  });

  it('reports lost answers as ENOBUFS without waiting for the limit', async () => {
    const thread = open(so.NETLINK_ROUTE);
    native.setsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUF, 2048);
    const many = Array.from({ length: 200 }, (_, at) =>
      newAddress(1000 + at, pair.indexA, [203, 0, 112, at]),
    );
    thread.post({ id: 1, data: Buffer.concat(many), answers: 200 });
    await arrived(1);
    const [result] = results;
    assert.ok(result !== undefined && result.errno === 105 && result.doneAt - result.sentAt < 1_500_000);
    thread.post({ id: 2, data: newAddress(2000, pair.indexA, [203, 0, 111, 1]), answers: 1 });
    await arrived(2);
    assert.deepEqual([results[1]?.id, results[1]?.errno], [2, 0], 'the next request has clean answers');
  });

  it('believes only the kernel: an answer forged by another process does not count', async function () {
    this.timeout(10_000);
    const thread = open(so.NETLINK_ROUTE);
    const own = so.readAddress(native.getsockname(fd));
    assert.ok(own?.kind === 'netlink');
    const forger = native.socket(so.AF_NETLINK, so.SOCK_RAW, so.NETLINK_ROUTE, pair.pathA);
    thread.post({ id: 1, data: newAddress(31, pair.indexA, [203, 0, 113, 31], 32, false), answers: 1 });
    await pause(100);
    assert.equal(
      native.send(forger, answer(31, 0), so.netlinkAddress(own.port)),
      36,
      'the forgery was delivered',
    );
    native.close(forger);
    await arrived(1);
    assert.equal(results[0]?.errno, 110, 'ETIMEDOUT');
  });

  it('runs in the normal class even when a real-time thread makes it', async () => {
    assert.equal(native.schedule(2, 10), 0);
    try {
      open(so.NETLINK_ROUTE);
      await until('its name', () => policiesOfThreads('netlink-writer').length === 1);
      assert.deepEqual(policiesOfThreads('netlink-writer'), [0]);
      assert.equal(writer?.schedule(2, 10), 0, 'and is given a class only by its own name');
      assert.deepEqual(policiesOfThreads('netlink-writer'), [2]);
    } finally {
      native.schedule(0, 0);
    }
  });

  it('runs in the normal class also in a process that chrt started, where threads inherit', () => {
    const files = ['../../src/kernel/native.js', './namespace.js'];
    const modules = files.map((file) => new URL(file, import.meta.url).href);
    const script = `
      const modules = process.argv.slice(1).map((file) => import(file));
      const [{ native }, { policiesOfThreads, until }] = await Promise.all(modules);
      native.writer(native.socket(16, 3, 0), () => undefined);
      const policies = () => policiesOfThreads('netlink-writer');
      await until('its name', () => policies().length === 1);
      console.log(policiesOfThreads('node').every((policy) => policy === 2), policies());
      process.exit();`;
    const node = [process.execPath, '--input-type=module', '-e', script, ...modules];
    const text = execFileSync('chrt', ['-r', '10', ...node], { encoding: 'utf8' });
    assert.equal(text, 'true [ 0 ]\n');
  });
});
