import assert from 'node:assert/strict';
import { native } from '../../src/kernel/native.ts';
import * as so from '../../src/kernel/sockaddr.ts';
import { openTrackerChannel, openTrackerSender } from '../../src/kernel/tracker-channel.ts';
import type { TrackerReport } from '../../src/vrrp/track-board.ts';
import { encodeReport } from '../../src/vrrp/track-report.ts';
import { openDescriptors, until } from '../native/namespace.ts';

const report = (name: string, words = 'exit code 0'): TrackerReport => ({
  kind: 'script',
  name,
  verdict: 'up',
  words,
});

describe('the way of a report', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  const openChannel = (): { readonly got: TrackerReport[] } & ReturnType<typeof openTrackerChannel> => {
    const got: TrackerReport[] = [];
    const channel = openTrackerChannel((one) => got.push(one));
    closers.push(() => channel.close());
    return { ...channel, got };
  };
  const openSender = (): ReturnType<typeof openTrackerSender> => {
    const sender = openTrackerSender();
    closers.push(() => sender.close());
    return sender;
  };
  /** A socket with a name of its own that may send anything. */
  const openStranger = (): { readonly address: string; send(to: string, bytes: Uint8Array): number } => {
    const fd = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
    closers.push(() => native.close(fd));
    assert.equal(native.bind(fd, Uint8Array.of(so.AF_UNIX, 0)), 0);
    const name = so.readAddress(native.getsockname(fd));
    assert.ok(name?.kind === 'unix');
    return {
      address: name.path,
      send: (to: string, bytes: Uint8Array) => native.send(fd, bytes, so.unixAddress(to)),
    };
  };

  it('leads from the sender that was named, at once and in order', async () => {
    const channel = openChannel();
    const sender = openSender();
    assert.match(channel.address, /^@[0-9a-f]{5}$/);
    assert.notEqual(channel.address, sender.address);
    assert.equal(channel.hear({ pid: process.pid, address: sender.address }), undefined);
    sender.to(channel.address);
    sender.send({ ...report('a'), kind: 'file', number: -20 });
    sender.send(report('b'));
    channel.drain();
    assert.deepEqual(channel.got, [{ ...report('a'), kind: 'file', number: -20 }, report('b')]);
    sender.send(report('c'));
    await until('the loop brings it too', () => channel.got.length === 3);
    assert.equal(channel.refused.size, 0);
  });

  it('takes far more in a burst than the queue of 10 that strangers get', async () => {
    const channel = openChannel();
    const sender = openSender();
    channel.hear({ pid: process.pid, address: sender.address });
    sender.to(channel.address);
    for (let at = 0; at < 2_000; at++) sender.send(report(`s${at}`, 'x'.repeat(500)));
    await until('all of them', () => channel.got.length === 2_000);
  });

  it('sends the newest of each tracker when there was no room', async () => {
    const channel = openChannel();
    const sender = openSender();
    sender.to(channel.address);
    // Not connected yet: the queue of 10 is full soon, and what is in it comes from nobody.
    for (let at = 0; at < 100; at++) sender.send(report(`s${at % 20}`, `round ${at}`));
    channel.hear({ pid: process.pid, address: sender.address });
    await until('the rest', () => channel.got.some(({ name }) => name === 's19'));
    const late = new Map(channel.got.map(({ name, words }) => [name, words]));
    assert.equal(late.get('s19'), 'round 99');
    assert.equal(late.get('s15'), 'round 95');
  });

  it('is closed to everybody else', async () => {
    const channel = openChannel();
    const sender = openSender();
    const stranger = openStranger();
    assert.equal(stranger.send(channel.address, encodeReport(report('before'))) > 0, true);
    await until('refusal before anybody was named', () => channel.refused.get('sender') === 1);
    channel.hear({ pid: process.pid, address: sender.address });
    assert.equal(stranger.send(channel.address, encodeReport(report('after'))), -1, 'EPERM');
    channel.hear({ pid: process.pid + 1, address: stranger.address });
    assert.equal(stranger.send(channel.address, encodeReport(report('liar'))) > 0, true);
    await until('refusal of another pid', () => channel.refused.get('sender') === 2);
    assert.deepEqual(channel.got, []);
  });

  it('counts what it cannot read, by reason', async () => {
    const channel = openChannel();
    const stranger = openStranger();
    channel.hear({ pid: process.pid, address: stranger.address });
    stranger.send(channel.address, new Uint8Array(1_500));
    stranger.send(channel.address, Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 1, 65));
    stranger.send(channel.address, Uint8Array.of(1));
    await until('three refusals', () => channel.refused.size === 3);
    assert.deepEqual([...channel.refused.keys()].sort(), ['too-long', 'too-short', 'version']);
    assert.deepEqual(channel.got, []);
  });

  it('goes over to the next sender, and to the next receiver', async () => {
    const channel = openChannel();
    const first = openTrackerSender();
    channel.hear({ pid: process.pid, address: first.address });
    first.close();
    assert.match(channel.hear({ pid: process.pid, address: first.address }) ?? '', /ECONNREFUSED/);
    const second = openSender();
    assert.equal(channel.hear({ pid: process.pid, address: second.address }), undefined);
    second.to(channel.address);
    second.send(report('a'));
    await until('its report', () => channel.got.length === 1);
    channel.close();
    closers.splice(0, 1);
    second.send(report('lost'));
    const next = openChannel();
    next.hear({ pid: process.pid, address: second.address });
    second.to(next.address);
    second.send(report('b'));
    await until('its report', () => next.got.length === 1);
    assert.equal(next.got[0]?.name, 'b');
  });

  it('leaves no descriptor', () => {
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      openTrackerChannel(() => undefined).close();
      openTrackerSender().close();
    }
    assert.equal(openDescriptors(), before);
  });
});
