import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { native } from '../../src/kernel/native.ts';
import type { Receiver } from '../../src/kernel/native.ts';
import * as so from '../../src/kernel/sockaddr.ts';
import { RTM_NEWADDR, headers } from './message.ts';
import { createPair, ip, ipBatch, needRoot, openDescriptors, until } from './namespace.ts';
import type { Pair } from './namespace.ts';

const slab = { slots: 4, slotSize: 64, controlSize: 0, budget: 16 };
const never = (errno: number): never => assert.fail(`errno ${errno}`);

describe('errors of a watched socket', () => {
  let pair: Pair;
  before(function () {
    needRoot(this);
    pair = createPair();
  });
  after(() => pair?.remove());

  it('reports a netlink overrun and lives', async () => {
    const fd = native.socket(so.AF_NETLINK, so.SOCK_RAW, so.NETLINK_ROUTE, pair.pathA);
    native.setsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUF, 4096);
    const addressEvents = 0x10;
    assert.equal(native.bind(fd, so.netlinkAddress(0, addressEvents)), 0);
    const errors: number[] = [];
    let events = 0;
    const receiver = native.receive(
      fd,
      { slots: 4, slotSize: 32768, controlSize: 64, budget: 64 },
      ({ data }) => (events += headers(data).filter(({ type }) => type === RTM_NEWADDR).length),
      (errno) => errors.push(errno),
    );
    // The loop is blocked while ip runs, as it is in a stalled daemon.
    ipBatch(
      pair.a,
      Array.from({ length: 300 }, (_, at) => `address add 198.51.${100 + (at >> 8)}.${at & 255}/32 dev eth0`),
    );
    await until('the overrun', () => errors.length > 0);
    assert.deepEqual(errors, [105], 'ENOBUFS, once');
    await turn();
    assert.ok(events < 300, 'events were lost');
    const before = events;
    ip('-n', pair.a, 'address', 'add', '198.51.110.1/32', 'dev', 'eth0');
    await until('the event after the overrun', () => events === before + 1);
    receiver.stop();
    native.close(fd);
  });

  it('reports a link that goes down on AF_PACKET and receives again when it is up', async () => {
    const protocol = so.networkOrder(so.ETH_P_ARP);
    const fd = native.socket(so.AF_PACKET, so.SOCK_RAW, protocol, pair.pathB);
    native.bind(fd, so.packetAddress(pair.indexB, so.ETH_P_ARP));
    const errors: number[] = [];
    let frames = 0;
    const receiver = native.receive(
      fd,
      slab,
      () => frames++,
      (errno) => errors.push(errno),
    );
    ip('-n', pair.b, 'link', 'set', 'eth0', 'down');
    await until('ENETDOWN', () => errors.length > 0);
    assert.deepEqual(errors, [100]);
    const sender = native.socket(so.AF_PACKET, so.SOCK_RAW, protocol, pair.pathA);
    const to = so.packetAddress(pair.indexA, so.ETH_P_ARP);
    const frame = Buffer.from('ffffffffffff020000000007080600010800', 'hex');
    const own = native.socket(so.AF_PACKET, so.SOCK_RAW, protocol, pair.pathB);
    assert.equal(
      native.send(own, frame, so.packetAddress(pair.indexB, so.ETH_P_ARP)),
      -100,
      'ENETDOWN as a value',
    );
    ip('-n', pair.b, 'link', 'set', 'eth0', 'up');
    await until('a frame', () => {
      native.send(sender, frame, to);
      return frames > 0;
    });
    assert.deepEqual(errors, [100]);
    receiver.stop();
    for (const each of [fd, sender, own]) native.close(each);
  });
});

describe('a receiver', () => {
  let fd: number;
  let client: number;
  let name: Uint8Array;
  let count = 0;
  /** One datagram of one letter each. */
  const send = (letters: string): number => sendAll(letters.split(/(?=.)/));
  const sendAll = (texts: readonly string[]): number =>
    native.sendMany(
      client,
      texts.map((text) => Buffer.from(text)),
      name,
    );

  beforeEach(() => {
    name = so.unixAddress(`@vkn-receive-${process.pid}-${count++}`);
    fd = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    client = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    native.bind(fd, name);
  });
  afterEach(() => {
    native.close(fd);
    native.close(client);
  });

  it('drains at once when told, across batches, up to its budget', () => {
    const got: string[] = [];
    const receiver = native.receive(
      fd,
      { ...slab, budget: 6 },
      ({ data }) => got.push(String(Buffer.from(data))),
      never,
    );
    send('abcdefgh');
    assert.equal(receiver.drain(), 6);
    assert.equal(receiver.drain(), 2);
    assert.equal(receiver.drain(), 0);
    assert.equal(got.join(''), 'abcdefgh');
  });

  it('lets other work run between the polls of a flood', async () => {
    let handled = 0;
    native.receive(fd, { ...slab, budget: 2 }, () => handled++, never);
    send('abcdefgh');
    const seen: number[] = [];
    while (handled < 8) {
      await turn();
      seen.push(handled);
    }
    assert.ok(
      seen.every((value, at) => value - (seen[at - 1] ?? 0) <= 2),
      `steps: ${seen.join()}`,
    );
  });

  it('ignores a drain from inside its own callback and keeps the order', () => {
    const got: string[] = [];
    const receiver: Receiver = native.receive(
      fd,
      slab,
      ({ data }) => {
        assert.equal(receiver.drain(), 0);
        got.push(String(Buffer.from(data)));
      },
      never,
    );
    send('abcdef');
    assert.equal(receiver.drain(), 6);
    assert.equal(got.join(''), 'abcdef');
  });

  it('drains another receiver from inside a callback', () => {
    const other = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    const otherName = so.unixAddress(`@vkn-receive-other-${process.pid}`);
    native.bind(other, otherName);
    const got: string[] = [];
    const second = native.receive(other, slab, () => got.push('second'), never);
    const first = native.receive(fd, slab, () => got.push(`first, drained ${second.drain()}`), never);
    send('x');
    native.send(client, Buffer.from('y'), otherName);
    assert.equal(first.drain(), 1);
    assert.deepEqual(got, ['second', 'first, drained 1']);
    native.close(other);
  });

  it('marks a datagram longer than its slot and gives what fits; an empty one too', () => {
    const got: (readonly [number, number])[] = [];
    const receiver = native.receive(
      fd,
      slab,
      ({ data, flags }) => got.push([data.length, flags & so.MSG_TRUNC]),
      never,
    );
    sendAll(['x'.repeat(100), '', 'x'.repeat(64)]);
    receiver.drain();
    assert.deepEqual(got, [
      [64, so.MSG_TRUNC],
      [0, 0],
      [64, 0],
    ]);
  });

  it('stops inside its callback: nothing more is delivered, the rest of the process lives', async () => {
    let handled = 0;
    const receiver: Receiver = native.receive(
      fd,
      slab,
      () => {
        handled++;
        receiver.stop();
        receiver.stop();
      },
      never,
    );
    send('abc');
    await until('the first', () => handled > 0);
    await turn();
    assert.equal(handled, 1);
    assert.equal(receiver.drain(), 0);
  });

  it('is stopped by close(): the number may be used again at once', async () => {
    const before = openDescriptors();
    native.receive(fd, slab, () => assert.fail('the old receiver'), never);
    native.close(fd);
    fd = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    native.bind(fd, name);
    let handled = 0;
    native.receive(fd, slab, () => handled++, never);
    send('x');
    await until('the new receiver', () => handled === 1);
    assert.equal(openDescriptors(), before);
  });

  it('refuses a second watch of one descriptor, and one of a descriptor that cannot be polled', () => {
    native.receive(fd, slab, () => undefined, never);
    assert.throws(() => native.receive(fd, slab, () => undefined, never), /File exists/);
    assert.throws(() => native.receive(9999, slab, () => undefined, never), /Bad file descriptor/);
  });

  it('turns an exception of a callback into uncaughtException and delivers the rest', async () => {
    const caught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => caught.push(error.message));
    try {
      const got: string[] = [];
      native.receive(
        fd,
        slab,
        ({ data }) => {
          const text = String(Buffer.from(data));
          got.push(text);
          if (text === 'b') throw new Error('from a datagram');
        },
        never,
      );
      const timer = native.timer(() => {
        timer.stop();
        throw new Error('from a timer');
      });
      send('abc');
      timer.set(native.now());
      await until('both', () => caught.length === 2 && got.length === 3);
      assert.deepEqual(new Set(caught), new Set(['from a datagram', 'from a timer']));
      assert.equal(got.join(''), 'abc');
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });
});
