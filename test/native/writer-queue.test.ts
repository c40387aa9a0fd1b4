import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { native } from '../../src/kernel/native.ts';
import type { WriteResult, Writer } from '../../src/kernel/native.ts';
import * as so from '../../src/kernel/sockaddr.ts';
import { answer, message } from './message.ts';
import { policiesOfThreads, until } from './namespace.ts';

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
    writer.post({ id: 4, data: request(4), answers: 1, key: 'web' });
    writer.post({ id: 5, data: request(5), answers: 1, key: 'mail' }); // the last of the queue
    writer.post({ id: 6, data: request(6), answers: 1 });
    await arrived(2);
    assert.deepEqual(
      results.map(({ id, errno, sentAt }) => [id, errno, sentAt]),
      [
        [2, 125, 0],
        [3, 125, 0],
      ],
    );
    for (const [at, seq] of [1, 4, 5, 6].entries()) {
      await requests(at + 1);
      say(answer(seq, 0));
    }
    await arrived(6);
    assert.deepEqual(seqs(), [1, 4, 5, 6]);
    assert.deepEqual(
      results.slice(2).map(({ id, errno }) => [id, errno]),
      [1, 4, 5, 6].map((id) => [id, 0]),
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
