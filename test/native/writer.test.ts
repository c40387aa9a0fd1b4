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
    } finally {
      native.schedule(0, 0);
    }
  });
});

/**
 * A kernel that answers when the test says so, on a unix datagram socket: the thread only sends and receives.
 */
describe('the writer thread and a slow peer', () => {
  let peer: number;
  let fd: number;
  let reply: Uint8Array;
  let writer: Writer;
  let count = 0;
  const seen: Buffer[] = [];
  const results: WriteResult[] = [];
  const request = (seq: number, body: Uint8Array = new Uint8Array(8)): Buffer => message(99, 5, seq, body);
  const seqs = (): number[] => seen.map((data) => data.readUInt32LE(8));
  const say = (...answers: readonly Buffer[]): number => native.send(peer, Buffer.concat(answers), reply);
  const requests = (wanted: number): Promise<void> => until(`request ${wanted}`, () => seen.length >= wanted);
  const arrived = (wanted: number): Promise<void> =>
    until(`${wanted} results`, () => results.length >= wanted);

  beforeEach(() => {
    const name = (side: string): Uint8Array => so.unixAddress(`@vkn-${side}-${process.pid}-${count}`);
    count++;
    reply = name('writer');
    peer = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    native.bind(peer, name('kernel'));
    native.receive(
      peer,
      { slots: 4, slotSize: 512, controlSize: 0, budget: 16 },
      ({ data }) => seen.push(Buffer.from(data)),
      (errno) => assert.fail(`errno ${errno}`),
    );
    fd = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    native.bind(fd, reply);
    native.connect(fd, name('kernel'));
    writer = native.writer(fd, (result) => results.push(result));
  });
  afterEach(() => {
    writer.close();
    native.close(peer);
    seen.length = results.length = 0;
  });

  it('replaces a queued request of the same key in its place', async () => {
    writer.post({ id: 1, data: request(1), answers: 1, key: 'web' });
    await requests(1);
    writer.post({ id: 2, data: request(2), answers: 1, key: 'web' });
    writer.post({ id: 3, data: request(3), answers: 1, key: 'mail' });
    writer.post({ id: 4, data: request(4), answers: 1 });
    writer.post({ id: 5, data: request(5), answers: 1, key: 'web' });
    await arrived(1);
    assert.deepEqual([results[0]?.id, results[0]?.errno, results[0]?.sentAt], [2, 125, 0]);
    for (const [at, seq] of [1, 5, 3, 4].entries()) {
      await requests(at + 1);
      say(answer(seq, 0));
    }
    await arrived(5);
    assert.deepEqual(seqs(), [1, 5, 3, 4]);
    assert.deepEqual(
      results.map(({ id, errno }) => [id, errno]),
      [[2, 125], ...[1, 5, 3, 4].map((id) => [id, 0])],
    );
  });

  it('does not send after notAfter, and shortens lifetimes by the time in the queue', async () => {
    writer.post({ id: 1, data: request(1), answers: 1 });
    await requests(1);
    const now = native.now();
    writer.post({ id: 2, data: request(2), answers: 1, notAfter: now + 50_000 });
    const lifetime = { until: now + 3_000_000, offsets: [20, 28] };
    writer.post({ id: 3, data: request(3, new Uint8Array(24)), answers: 1, remaining: lifetime });
    const over = { until: now, offsets: [16] };
    writer.post({ id: 4, data: request(4), answers: 0, notAfter: now + 60_000_000, remaining: over });
    await pause(200);
    say(answer(1, 0));
    await requests(2);
    say(answer(3, 0));
    await arrived(4);
    assert.deepEqual(
      results.map(({ id, errno }) => [id, errno]),
      [
        [1, 0],
        [2, 125],
        [3, 0],
        [4, 0],
      ],
    );
    await requests(3);
    assert.deepEqual(seqs(), [1, 3, 4]);
    const left = Number(seen[1]?.readBigUInt64BE(20));
    const sentAt = results[2]?.sentAt ?? 0;
    assert.equal(left, Math.floor((now + 3_000_000 - sentAt) / 1000));
    assert.ok(left <= 2_800, `${left} ms`);
    assert.equal(Number(seen[1]?.readBigUInt64BE(28)), left);
    assert.equal(seen[1]?.readUInt32BE(16), 0, 'nothing else is touched');
    assert.equal(seen[2]?.readBigUInt64BE(16), 1n, 'never 0, which would mean for ever');
    assert.throws(() =>
      writer.post({ id: 5, data: request(5), answers: 0, remaining: { until: 1, offsets: [17] } }),
    );
  });

  it('counts only its own answers, keeps the first error, and gives up after 2 s', async function () {
    this.timeout(10_000);
    writer.post({ id: 1, data: Buffer.concat([request(1), request(2), request(3)]), answers: 3 });
    await requests(1);
    say(answer(9, 5), message(3, 2, 1, new Uint8Array(20)), answer(1, 0), answer(2, 95));
    say(answer(3, 1));
    await arrived(1);
    assert.deepEqual([results[0]?.errno, results[0]?.seq], [95, 2]);

    writer.post({ id: 2, data: request(4), answers: 1 });
    await arrived(2);
    const [, late] = results;
    assert.deepEqual([late?.errno, late?.seq], [110, 4]);
    const waited = (late?.doneAt ?? 0) - (late?.sentAt ?? 0);
    assert.ok(waited >= 2_000_000 && waited < 2_500_000, `${waited} µs`);
    // The answer comes after all, and the next request happens to carry the same number.
    say(answer(4, 1));
    writer.post({ id: 3, data: request(4), answers: 1 });
    await requests(3);
    say(answer(4, 0));
    await arrived(3);
    assert.deepEqual([results[2]?.id, results[2]?.errno], [3, 0], 'the stale refusal did not count');
  });

  it('refuses more than 1,024 waiting requests; close cancels them and closes the descriptor', async () => {
    writer.post({ id: 0, data: request(1), answers: 1 });
    await requests(1);
    for (let id = 1; id <= 1024; id++) assert.equal(writer.post({ id, data: request(id), answers: 1 }), 0);
    assert.equal(writer.post({ id: 1025, data: request(1025), answers: 1 }), -11, 'EAGAIN');
    writer.close();
    assert.equal(writer.post({ id: 1026, data: request(1026), answers: 1 }), -9, 'EBADF');
    say(answer(1, 0));
    await arrived(1025);
    assert.deepEqual([results[0]?.id, results[0]?.errno], [0, 0], 'the one in flight is finished');
    assert.ok(results.slice(1).every(({ id, errno }, at) => id === at + 1 && errno === 125));
    await until('EBADF', () => native.getsockopt(fd, so.SOL_SOCKET, so.SO_ERROR, 4) === -9);
    assert.deepEqual(policiesOfThreads('netlink-writer'), []);
  });

  it('fails at once when sending fails, and refuses a descriptor that is no socket', async () => {
    native.close(peer);
    writer.post({ id: 1, data: request(7), answers: 1 });
    await arrived(1);
    assert.deepEqual([results[0]?.errno, results[0]?.seq], [111, 7], 'ECONNREFUSED');
    assert.throws(() => native.writer(9999, () => undefined), /Bad file descriptor/);
  });
});
