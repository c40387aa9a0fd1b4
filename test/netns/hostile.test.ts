/** A stranger on the link says what no router would: counters move, and nothing else. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { internetChecksum } from '../../src/base/checksum.ts';
import { ip, ipBytes } from '../../src/base/ip.ts';
import { native } from '../../src/kernel/native.ts';
import { AF_PACKET, packetAddress, SOCK_RAW } from '../../src/kernel/sockaddr.ts';
import { encodeAdvertisement, vrrpProtocol } from '../../src/vrrp/packet.ts';
import type { DiscardReason } from '../../src/vrrp/receive.ts';
import type { Priority, Vrid } from '../../src/vrrp/types.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { clock } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const group = ip('224.0.0.18');
const calm = instance({ advert_int: '300ms' });

interface Said {
  readonly source?: string;
  readonly ttl?: number;
  readonly vrid?: number;
  readonly priority?: number;
  /** Changes the finished message; it is sent as it is then. */
  readonly spoil?: (message: Uint8Array) => Uint8Array;
  /** Changes it before its checksum is made anew. */
  readonly forge?: (message: Uint8Array) => Uint8Array;
}

/** A whole Ethernet frame to the VRRP group. By default what a router with priority 254 would say for our VRID. */
function frame({
  source = '10.1.0.66',
  ttl = 255,
  vrid = 51,
  priority = 254,
  spoil,
  forge,
}: Said): Uint8Array {
  const from = ip(source);
  const fields = {
    vrid: vrid as Vrid,
    priority: priority as Priority,
    maxAdvertiseIntervalCs: 30,
    addresses: [ip('10.1.0.100')],
    family: 4,
  } as const;
  let message = encodeAdvertisement(fields, { source: from, destination: group, checksum: 'message' });
  if (forge !== undefined) {
    message = forge(message.slice());
    message.set([0, 0], 6);
    new DataView(message.buffer).setUint16(6, internetChecksum(message));
  }
  if (spoil !== undefined) message = spoil(message.slice());
  const header = Uint8Array.from([
    ...[0x45, 0xc0, 0, 20 + message.length, 0, 0, 0x40, 0, ttl, vrrpProtocol, 0, 0],
    ...ipBytes(from),
    ...ipBytes(group),
  ]);
  new DataView(header.buffer).setUint16(10, internetChecksum(header));
  return Uint8Array.from([1, 0, 0x5e, 0, 0, 18, 2, 0xa0, 0, 0, 0, 0x66, 8, 0, ...header, ...message]);
}

const set = (at: number, value: number) => (message: Uint8Array) => {
  message[at] = value;
  return message;
};

/** Every reason that a stranger can cause to an instance of version 3 without unicast. */
const spoiled: readonly (readonly [DiscardReason, Said])[] = [
  ['length', { spoil: (message) => message.subarray(0, 6) }],
  ['length', { spoil: (message) => Uint8Array.from([...message, 0, 0, 0, 0]) }],
  ['version', { forge: set(0, 0x41) }],
  ['type', { forge: set(0, 0x32) }],
  ['checksum', { spoil: (message) => set(7, (message[7] ?? 0) ^ 0xff)(message) }],
  ['vrid', { vrid: 99 }],
  ['ttl', { ttl: 254 }],
  ['interval', { forge: (message) => set(5, 0)(set(4, 0)(message)) }],
  ['count-zero', { forge: (message) => set(3, 0)(message).slice(0, 8) }],
];

describeAsRoot('hostile packets', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('hostile');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  /** @returns how to send a frame from the client's namespace */
  function stranger(): (said: Said) => void {
    const { netns = '', interfaceIndex } = site.seat.client;
    const fd = native.socket(AF_PACKET, SOCK_RAW, 0, netns);
    site.onClose(() => native.close(fd));
    return (said) => {
      const octets = frame(said);
      assert.equal(native.send(fd, octets, packetAddress(interfaceIndex, 0)), octets.length);
    };
  }

  it('each is counted under its reason, on both sides, and moves neither of them', async () => {
    const [d1, d2] = await site.startPair(configuration({ web: calm }));
    const say = stranger();
    const before = await Promise.all([d1, d2].map((director) => director.instance()));
    for (const [reason, said] of spoiled) {
      const counted = await Promise.all(
        [d1, d2].map(async (d) => (await d.status()).vrrp?.discarded['eth0/4']?.[reason] ?? 0),
      );
      for (let copy = 0; copy < 3; copy++) say(said);
      for (const [at, director] of [d1, d2].entries())
        await director.until(
          ({ vrrp }) => vrrp?.discarded['eth0/4']?.[reason] === (counted[at] ?? 0) + 3,
          2_000,
        );
    }
    // Our own address from outside: the kernel takes it for a martian before any socket sees it (RFC 1812 §5.3.7); where
    // it does not, the ladder says own-source.
    for (let copy = 0; copy < 3; copy++) say({ source: '10.1.0.11', priority: 150 });
    await sleep(100);
    const after = await Promise.all([d1, d2].map((director) => director.instance()));
    for (const [at, { router, counters, heard }] of after.entries()) {
      assert.equal(router.state, before[at]?.router.state);
      assert.equal(router.since, before[at]?.router.since);
      assert.equal(router.activeAdverInterval, 300_000);
      assert.equal(counters.becameActive, before[at]?.counters.becameActive);
      assert(heard.every(({ address }) => address !== '10.1.0.66'));
    }
  });

  it('does not keep a dead active alive: keepalived is silenced by damaged packets, we are not', async () => {
    const [d1, d2] = await site.startPair(configuration({ web: calm }));
    const say = stranger();
    const until = { dead: false };
    const noise = (async () => {
      for (let at = 0; !until.dead; at++) {
        for (const [, said] of spoiled) say({ ...said, source: at % 2 === 0 ? '10.1.0.11' : '10.1.0.66' });
        await sleep(20);
      }
    })();
    await sleep(200);
    const at = clock();
    await d1.kill();
    const { router } = await d2.untilState('active');
    until.dead = true;
    await noise;
    assert.equal(router.reason, 'active-silent');
    // Active_Down is 1,083 ms after the last advertisement.
    assert(router.since - at < 1_700_000, `after ${(router.since - at) / 1_000} ms`);
  });

  it('garbage of every length neither moves the active nor stops it', async () => {
    const d1 = site.start('d1', configuration({ web: calm }));
    const { router: before } = await d1.untilState('active');
    const say = stranger();
    for (let length = 0; length < 235; length++) {
      const seed = length * 2_654_435_761;
      say({ spoil: () => Uint8Array.from({ length }, (_, at) => (seed >>> (at % 24)) ^ (at * 37)) });
      if (length % 50 === 0) await sleep(10);
    }
    await sleep(400);
    const { router, counters } = await d1.instance();
    assert.equal(router.state, 'active');
    assert.equal(router.since, before.since);
    assert.equal(counters.becameActive, 1);
    const { vrrp, processes } = await d1.status();
    const discarded = Object.values(vrrp?.discarded['eth0/4'] ?? {}).reduce((sum, count) => sum + count, 0);
    assert.equal(discarded, 235);
    assert(processes.every(({ restarts }) => restarts === 0));
  });
});
