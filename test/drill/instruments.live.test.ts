import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ip } from '../../src/base/ip.ts';
import { familyOf, ip } from '../../src/base/ip.ts';
import type { Micros } from '../../src/base/time.ts';
import { after as later, milliseconds, seconds } from '../../src/base/time.ts';
import { AdvertObserver } from '../../src/drill/advert-observer.ts';
import { ClientProber } from '../../src/drill/client-prober.ts';
import { clientView } from '../../src/drill/client-view.ts';
import { readClock, sleepUntil } from '../../src/drill/clock.ts';
import type { JudgeSeat } from '../../src/drill/judge-seat.ts';
import { judgeSeat } from '../../src/drill/judge-seat.ts';
import { OwnerSampler, waysOfAsking } from '../../src/drill/owner-sampler.ts';
import { PresenceObserver } from '../../src/drill/presence-observer.ts';
import type { OwnerInterval } from '../../src/drill/timeline.ts';
import { ownership, presence, summarise } from '../../src/drill/timeline.ts';
import { native } from '../../src/kernel/native.ts';
import { openNetlinkSocket } from '../../src/kernel/netlink-socket.ts';
import { AF_PACKET, packetAddress, SOCK_RAW } from '../../src/kernel/sockaddr.ts';
import { Lab } from '../../src/lab/lab.ts';
import { describeAsRoot, labPrefix } from '../lab/as-root.ts';
import { advertFrame } from './advert-frame.ts';

const period = milliseconds(2);
/**
 * The machine may be busy with other tests; what is proved is the order and the size of things, not the last
 * period.
 */
const tolerance = milliseconds(60);

describeAsRoot('instruments in a lab', function () {
  this.timeout(20_000);
  let lab: Lab;
  let seat: JudgeSeat;

  before(async () => {
    lab = await Lab.up(readFileSync('examples/lab.yaml', 'utf8'), { prefix: labPrefix('judge') });
    seat = await judgeSeat(lab);
  });
  after(async () => lab.down());

  const sampler = (address: Ip): OwnerSampler =>
    new OwnerSampler(native, {
      ...seat.client,
      judge: seat.judge,
      addresses: [address],
      directors: seat.directors.map(({ mac }) => mac),
      period,
    });

  /** @returns when it was done: an instant between these two */
  async function vip(verb: 'add' | 'del', node: string, address: Ip): Promise<{ from: Micros; to: Micros }> {
    const from = readClock(native);
    const nodad = verb === 'add' && familyOf(address) === 6 ? ['nodad'] : [];
    await lab.run(node, [
      'ip',
      'address',
      verb,
      `${address}/${familyOf(address) === 4 ? 32 : 128}`,
      'dev',
      'eth0',
      ...nodad,
    ]);
    return { from, to: readClock(native) };
  }

  for (const address of [ip('10.1.0.100'), ip('fd00:1::100'), ip('fe80::100')]) {
    it(`see nobody, one and two owners of ${address}, and when it changed`, async () => {
      const watched = sampler(address);
      const presences = await PresenceObserver.start(
        { clock: native, open: (netns) => openNetlinkSocket(0, { netns }) },
        seat.directors.map(({ netns }) => netns),
        [address],
      );
      await sleep(60);
      const changes = [];
      const live: number[][] = [watched.owners(address)];
      for (const [verb, node] of [
        ['add', 'd1'],
        ['add', 'd2'],
        ['del', 'd1'],
        ['del', 'd2'],
      ] as const) {
        changes.push(await vip(verb, node, address));
        await sleep(100);
        live.push(watched.owners(address));
      }
      const end = readClock(native);
      watched.stop();
      presences.close();

      assert.deepEqual(live, [[], [0], [0, 1], [1], []]);
      const window = { from: watched.track(address).startedAt, to: end };
      const both = ownership(watched.track(address));
      const seen: [string, readonly OwnerInterval[]][] = [
        ...waysOfAsking.map(
          (way) => [way, ownership(watched.track(address, way))] as [string, OwnerInterval[]],
        ),
        ['either', both],
        ['presence', presence(presences.events(address), window)],
      ];
      for (const [how, recorded] of seen) {
        // Between two of our own late wakes nobody was asked; that the order of owners is right does not
        // depend on it.
        const intervals = recorded.filter(({ owners }) => owners !== 'unknown');
        assert.deepEqual(
          intervals.map(({ owners }) => owners),
          [0, 1, 3, 2, 0],
          `${how}: ${JSON.stringify(intervals)}`,
        );
        for (const [index, change] of changes.entries()) {
          const at = intervals[index + 1]?.from ?? 0;
          const close = at >= change.from - 2 * period && at <= change.to + tolerance;
          assert(close, `${how}: change ${index} made in ${change.from}..${change.to} was seen at ${at}`);
        }
      }
      const { twoOwners, takeover } = summarise(both, { from: later(changes[0]!.to, tolerance), to: end });
      assert(
        Math.abs(twoOwners.total - (changes[2]!.to - changes[1]!.to)) < tolerance,
        `${twoOwners.total} µs`,
      );
      assert.equal(takeover?.director, 1);
    });
  }

  it('leave the neighbour cache of the client as it was', async () => {
    const address = ip('10.1.0.101');
    await vip('add', 'd1', address);
    const watched = sampler(address);
    await sleep(50);
    assert.deepEqual(watched.owners(address), [0]);
    watched.stop();
    assert.equal((await lab.run('cl', ['ip', 'neighbour', 'show', 'to', address])).trim(), '');
    await vip('del', 'd1', address);
  });

  for (const address of [ip('10.1.0.103'), ip('fd00:1::103')]) {
    it(`measure how long a client could not reach ${address}`, async () => {
      await vip('add', 'd1', address);
      const prober = new ClientProber(native, { ...seat.client, address, period: milliseconds(5) });
      await sleep(200);
      const from = readClock(native);
      const removed = await vip('del', 'd1', address);
      await sleep(300);
      const restored = await vip('add', 'd1', address);
      await sleep(200);
      const to = readClock(native);
      await sleep(20);
      prober.stop();
      await vip('del', 'd1', address);
      const before = clientView(prober.probes, { from: prober.probes[2]!.sentAt, to: from });
      const view = clientView(prober.probes, { from, to });
      assert(before.longestOutage <= tolerance, `outage of ${before.longestOutage} µs before`);
      assert(view.longestOutage >= restored.from - removed.to, `outage of ${view.longestOutage} µs`);
      assert(
        view.longestOutage <= restored.to - removed.from + tolerance,
        `outage of ${view.longestOutage} µs`,
      );
      assert(view.lost >= 30 && view.lost < view.sent, `${view.lost} of ${view.sent} lost`);
    });
  }

  it('hear advertisements, and wait for the one that is wanted', async () => {
    const observer = new AdvertObserver(native, seat.client);
    const fd = native.socket(AF_PACKET, SOCK_RAW, 0, lab.netns('d1'));
    assert(fd >= 0);
    const address = packetAddress(await lab.interfaceIndex('d1', 'eth0'), 0);
    const send = (frame: Uint8Array): void => assert.equal(native.send(fd, frame, address), frame.length);
    try {
      const heard: string[] = [];
      const forget = observer.listen(({ source, vrid, priority }) =>
        heard.push(`${source} ${vrid} ${priority}`),
      );
      const wanted = observer.next(({ priority }) => priority === 0, seconds(5));
      send(advertFrame('10.1.0.11', 51, 150));
      send(advertFrame('fe80::a0:ff:fe00:11', 52, 100));
      const sentAt = readClock(native);
      send(advertFrame('10.1.0.11', 51, 0));
      const leaving = await wanted;
      forget();
      send(advertFrame('10.1.0.11', 51, 1));
      assert.deepEqual(heard, ['10.1.0.11 51 150', 'fe80::a0:ff:fe00:11 52 100', '10.1.0.11 51 0']);
      assert(leaving.at >= sentAt && leaving.at < sentAt + tolerance);
      await assert.rejects(
        observer.next(({ vrid }) => vrid === 9, milliseconds(20)),
        /no such advertisement within 20 ms/,
      );
    } finally {
      native.close(fd);
      observer.close();
    }
  });

  it('sleep until an instant, never less and little more', async () => {
    const at = later(readClock(native), milliseconds(7.3));
    const woken = await sleepUntil(native, at);
    assert(woken >= at && woken < at + tolerance, `${woken - at} µs late`);
  });

  // The last: a link that was down has lost its IPv6 addresses.
  it('record that nobody was asked, not that nobody answered, while the client is down', async () => {
    const address = ip('10.1.0.102');
    await vip('add', 'd1', address);
    const watched = sampler(address);
    await sleep(50);
    await lab.run('cl', ['ip', 'link', 'set', 'dev', 'eth0', 'down']);
    await sleep(60);
    await lab.run('cl', ['ip', 'link', 'set', 'dev', 'eth0', 'up']);
    await sleep(60);
    watched.stop();
    await vip('del', 'd1', address);
    const owners = ownership(watched.track(address)).map((interval) => interval.owners);
    assert(watched.sendErrors > 10);
    assert.equal(owners[0], 1);
    assert.equal(owners.at(-1), 1);
  });
});
