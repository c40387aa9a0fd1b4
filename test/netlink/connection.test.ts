import assert from 'node:assert/strict';
import { milliseconds } from '../../src/base/time.ts';
import { NetlinkConnection } from '../../src/netlink/connection.ts';
import { NetlinkError, nameOfErrno } from '../../src/netlink/error.ts';
import type { Request } from '../../src/netlink/message.ts';
import { Flag } from '../../src/netlink/message.ts';
import { NetlinkSubscription } from '../../src/netlink/subscription.ts';
import { FakeKernel, acknowledge, done } from './fake-kernel.ts';

const request = (operation = 'do it', flags = 0): Request => ({
  operation,
  type: 20,
  flags,
  payload: Uint8Array.of(1, 2, 3, 4),
});
const part = (seq: number, octet: number, flags = 0) => ({
  type: 20,
  flags: Flag.multi | flags,
  seq,
  payload: Uint8Array.of(octet),
});
const seqOf = (messages: readonly { readonly seq: number }[]): number => messages[0]?.seq ?? -1;

describe('netlink connection', () => {
  let kernel: FakeKernel;
  let connection: NetlinkConnection;
  beforeEach(() => {
    kernel = new FakeKernel();
    connection = new NetlinkConnection(kernel, { timeLimit: milliseconds(30) });
  });
  afterEach(() => connection.close());

  it('asks for an acknowledgement and returns what came before it', async () => {
    kernel.script = (messages) => [[part(seqOf(messages), 7)], [acknowledge(seqOf(messages))]];
    const answers = await connection.request(request('read it', Flag.create));
    assert.deepEqual(
      answers.map(({ payload }) => [...payload]),
      [[7]],
    );
    assert.equal(kernel.sent[0]?.[0]?.flags, Flag.request | Flag.ack | Flag.create);
  });

  it('raises errors in words: what, errno, the text of the kernel', async () => {
    kernel.script = (messages) => [[acknowledge(seqOf(messages), 22, 'ipv4: Invalid prefix length')]];
    await assert.rejects(
      connection.request(request('add address 192.0.2.7/33 on interface 3')),
      new NetlinkError({
        operation: 'add address 192.0.2.7/33 on interface 3',
        errno: 22,
        text: 'ipv4: Invalid prefix length',
        seq: 1,
      }),
    );
    await assert.rejects(connection.request(request('add it')), {
      message: 'cannot add it: EINVAL (ipv4: Invalid prefix length)',
      errnoName: 'EINVAL',
      seq: 2,
    });
  });

  it('sends one request at a time, in the order of the calls, and goes on after an error', async () => {
    kernel.script = (messages) => {
      const seq = seqOf(messages);
      setTimeout(() => kernel.deliver([acknowledge(seq, seq === 2 ? 17 : 0)]), 2);
      return [];
    };
    const results = await Promise.allSettled([1, 2, 3].map((n) => connection.request(request(`step ${n}`))));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(kernel.sent.map(seqOf), [1, 2, 3]);
  });

  it('accepts answers only from the kernel and only to what was asked', async () => {
    kernel.script = (messages) => {
      const seq = seqOf(messages);
      setTimeout(() => {
        kernel.deliver([acknowledge(seq, 1)], 4711);
        kernel.deliver([acknowledge(seq + 1, 1)]);
        kernel.deliver([acknowledge(0, 1)]);
        kernel.deliver([acknowledge(seq)]);
        kernel.deliver([acknowledge(seq)]);
      }, 1);
      return [];
    };
    assert.deepEqual(await connection.request(request()), []);
    assert.deepEqual(connection.discarded, { foreign: 1, malformed: 0, unmatched: 3 });
  });

  it('keeps its own copy of answers', async () => {
    kernel.script = (messages) => [
      [part(seqOf(messages), 1)],
      [part(seqOf(messages), 2), done(seqOf(messages))],
    ];
    const answers = await connection.dump(request());
    assert.deepEqual(
      answers.map(({ payload }) => payload[0]),
      [1, 2],
    );
    assert.equal(kernel.sent[0]?.[0]?.flags, Flag.request | Flag.dump);
  });

  it('gives up after the time limit, and passes the late answer over', async () => {
    await assert.rejects(connection.request(request('wait')), {
      message: 'cannot wait: ETIMEDOUT (no answer for 30ms)',
      errno: 110,
    });
    kernel.script = (messages) => [[acknowledge(1)], [acknowledge(seqOf(messages))]];
    await connection.request(request());
    assert.equal(connection.discarded.unmatched, 1);
  });

  it('waits as long as answers keep coming', async () => {
    kernel.script = (messages) => {
      const seq = seqOf(messages);
      for (let n = 1; n <= 4; n++) setTimeout(() => kernel.deliver([part(seq, n)]), n * 15);
      setTimeout(() => kernel.deliver([done(seq)]), 75);
      return [];
    };
    assert.equal((await connection.dump(request())).length, 4);
  });

  it('fails the exchange when sending fails, answers are lost or make no sense', async () => {
    kernel.script = () => 11;
    await assert.rejects(connection.request(request()), { errnoName: 'EAGAIN', text: 'sending failed' });
    kernel.script = () => (kernel.fail(105), []);
    await assert.rejects(connection.request(request()), { errnoName: 'ENOBUFS', text: 'answers were lost' });
    kernel.script = () => (kernel.deliverBytes(new Uint8Array(15)), []);
    await assert.rejects(connection.request(request()), { errnoName: 'EBADMSG', text: 'message-truncated' });
    kernel.script = (messages) => [[{ type: 2, seq: seqOf(messages), payload: new Uint8Array(4) }]];
    await assert.rejects(connection.request(request()), { errnoName: 'EBADMSG', text: 'error of 4 octets' });
    assert.equal(connection.discarded.malformed, 2);
  });

  it('reads a table again when it changed meanwhile', async () => {
    let attempt = 0;
    kernel.script = (messages) => {
      const seq = seqOf(messages);
      return [
        [part(seq, ++attempt, attempt === 1 ? Flag.dumpInterrupted : 0)],
        [done(seq, attempt === 2 ? 0x10 : 0)],
      ];
    };
    const answers = await connection.dump(request());
    assert.deepEqual([attempt, answers.length, answers[0]?.payload[0]], [3, 1, 3]);
  });

  it('stops after five interrupted reads', async () => {
    kernel.script = (messages) => [[done(seqOf(messages), Flag.dumpInterrupted)]];
    await assert.rejects(connection.dump(request('list it')), {
      message: 'cannot list it: EINTR (the table changed during each of 5 reads)',
    });
    assert.equal(kernel.sent.length, 5);
  });

  it('raises the error a dump ends with', async () => {
    kernel.script = (messages) => [[acknowledge(seqOf(messages), 2, 'table does not exist')]];
    await assert.rejects(connection.dump(request('list it')), { errnoName: 'ENOENT' });
  });

  it('sends a batch a window at a time and tells each result', async () => {
    kernel.script = (messages) => [messages.map(({ seq }) => acknowledge(seq, seq % 50 === 0 ? 99 : 0))];
    const errors = await connection.batch(Array.from({ length: 150 }, (_, n) => request(`step ${n + 1}`)));
    assert.deepEqual(
      kernel.sent.map((messages) => messages.length),
      [64, 64, 22],
    );
    assert.equal(errors.length, 150);
    assert.deepEqual(
      errors.filter((error) => error !== undefined).map(({ operation, errnoName }) => [operation, errnoName]),
      [50, 100, 150].map((n) => [`step ${n}`, 'EADDRNOTAVAIL']),
    );
  });

  it('runs a transaction whose edges are not answered', async () => {
    const transaction = (firstSeq: number) => ({
      data: new Uint8Array(),
      answers: 2,
      firstSeq,
      lastSeq: firstSeq + 3,
    });
    kernel.script = () => [[acknowledge(2), acknowledge(3)]];
    await connection.transact('open the gate', transaction);
    kernel.script = () => [[acknowledge(6, 2), acknowledge(7)]];
    await assert.rejects(connection.transact('renew', transaction), {
      message: 'cannot renew: ENOENT',
      seq: 6,
    });
    kernel.script = () => [[acknowledge(9, 1)]];
    await assert.rejects(connection.transact('set up', transaction), {
      message: 'cannot set up: EPERM',
      seq: 9,
    });
  });

  it('cancels what is under way when it is closed, and refuses what comes later', async () => {
    const pending = connection.request(request('wait'));
    await new Promise(setImmediate);
    connection.close();
    await assert.rejects(pending, { errnoName: 'ECANCELED' });
    await assert.rejects(connection.request(request()), { errnoName: 'ECANCELED' });
    assert(kernel.closed);
    assert.equal(kernel.sent.length, 1);
  });
});

describe('netlink subscription', () => {
  it('joins its groups, and tells of events and of losses', () => {
    const kernel = new FakeKernel();
    const seen: unknown[] = [];
    const subscription = new NetlinkSubscription(kernel, [1, 5], {
      onMessage: ({ type }) => seen.push(type),
      onOverrun: () => seen.push('overrun'),
    });
    assert.deepEqual(kernel.groups, [1, 5]);
    kernel.deliver([part(0, 1), { ...part(0, 2), type: 21 }]);
    kernel.deliver([part(0, 1)], 4711);
    kernel.fail(105);
    kernel.deliverBytes(new Uint8Array(3));
    kernel.deliver([part(0, 1)]);
    assert.deepEqual(seen, [20, 21, 'overrun', 'overrun', 20]);
    assert.deepEqual(subscription.discarded, { foreign: 1, malformed: 1 });
    subscription.close();
    assert(kernel.closed);
  });

  it('names the group it cannot join', () => {
    const handlers = { onMessage: () => undefined, onOverrun: () => undefined };
    assert.throws(() => new NetlinkSubscription(new FakeKernel(), [99], handlers), {
      message: 'cannot join netlink group 99: EINVAL',
    });
  });
});

describe('errno names', () => {
  it('knows those that libuv does not, and numbers the rest', () => {
    assert.deepEqual([2, 99, 115, 4095].map(nameOfErrno), [
      'ENOENT',
      'EADDRNOTAVAIL',
      'EINPROGRESS',
      'errno 4095',
    ]);
  });
});
