/** What happens to an interface and its addresses while a daemon lives on it. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, eventually } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const vip = '10.1.0.100';
const calm = instance({ advert_int: '200ms' });

describeAsRoot('interfaces', function () {
  this.timeout(30_000);
  let site: Site;
  before(async () => {
    site = await Site.up('link');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const ipIn = (...lines: readonly string[]): Promise<string> =>
    site.lab.run('d1', ['ip', '-batch', '-'], lines.map((line) => `${line}\n`).join(''));
  const untilReason = (director: Director, reason: string): Promise<unknown> =>
    director.until(({ vrrp }) => vrrp?.instances[0]?.router.reason === reason);

  it('absent at start, then there, then another of the same name; down and up; without carrier', async () => {
    const d1 = site.start(
      'd1',
      configuration({ web: { ...calm, interface: 'late0', virtual_ipaddress: ['10.3.0.100'] } }),
    );
    const make = [
      'link add late0 type veth peer name late1',
      'link set late1 up',
      'address add 10.3.0.1/24 dev late0',
      'link set late0 up',
    ];
    assert.equal((await d1.untilState('initialize')).router.reason, 'interface-absent');
    await ipIn(...make);
    await d1.untilState('active');
    const first = await site.lab.interfaceIndex('d1', 'late0');
    assert((await site.address('d1', '10.3.0.100', 'late0')) !== undefined);

    await ipIn('link del late0');
    await untilReason(d1, 'interface-absent');
    await ipIn(...make);
    await d1.untilState('active');
    assert.notEqual(await site.lab.interfaceIndex('d1', 'late0'), first);
    assert((await site.address('d1', '10.3.0.100', 'late0')) !== undefined);

    await ipIn('link set late0 down');
    await untilReason(d1, 'interface-down');
    await eventually(
      () => site.address('d1', '10.3.0.100', 'late0'),
      (address) => address === undefined,
      2_000,
    );
    await ipIn('link set late0 up');
    await d1.untilState('active');

    // Carrier loss of an ordinary interface is told at most once a second.
    await ipIn('link set late1 down');
    await untilReason(d1, 'no-carrier');
    await ipIn('link set late1 up');
    await d1.untilState('active');

    // A port of a bridge comes and goes with messages of its own, which are not the interface's end.
    await ipIn(
      'link add br9 type bridge',
      'link set late1 master br9',
      'link set late1 nomaster',
      'link del br9',
    );
    await sleep(300);
    assert.equal((await d1.instance()).router.state, 'active');
    const { counters } = await d1.instance();
    assert.equal(counters.becameActive, 4);
    await ipIn('link del late0');
  });

  it('a stripped address is put back and announced; a quarrel is fought ever more slowly', async () => {
    const d1 = site.start(
      'd1',
      configuration({ web: { ...calm, garp_master_repeat: 1, garp_master_delay: 0 } }),
    );
    await d1.untilState('active');
    const heard = site.watchNeighbours();
    await eventually(
      () => site.address('d1', vip),
      (address) => address !== undefined,
    );
    await ipIn(`address del ${vip}/32 dev eth0`);
    await eventually(
      () => site.address('d1', vip),
      (address) => address !== undefined,
      1_000,
    );
    await eventually(
      () => heard,
      (frames) => frames.some((frame) => frame.kind === 'arp-request' && frame.sender.ip === vip),
      1_000,
    );
    const { counters, router } = await d1.instance();
    assert.equal(counters.addressesRestored, 1);
    assert.equal(router.state, 'active');

    const end = performance.now() + 2_000;
    let strips = 0;
    while (performance.now() < end) {
      if ((await site.address('d1', vip)) !== undefined) {
        await ipIn(`address del ${vip}/32 dev eth0`);
        strips++;
      }
    }
    // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s: whoever strips at once wins four or five times in two seconds.
    assert(strips >= 3 && strips <= 6, `${strips} times`);
    const after = await d1.instance();
    assert.equal(after.counters.becameActive, 1, 'the election goes on');
  });

  it('without its primary address it stands aside, says why, and comes back', async () => {
    const [d1, d2] = await site.startPair(configuration({ web: calm }));
    await ipIn('address del 10.1.0.11/24 dev eth0');
    await untilReason(d1, 'no-primary-address');
    assert.equal(await site.address('d1', vip), undefined);
    await d2.untilState('active');
    await ipIn('address add 10.1.0.11/24 brd + dev eth0');
    const { router, primaries } = await d1.untilState('active');
    assert.equal(router.reason, 'preempting');
    assert.deepEqual(primaries, ['10.1.0.11']);
    await d2.untilState('backup');
  });

  it('a cut cable: the other takes over, nobody answers twice, the better one comes back', async () => {
    const [d1, d2] = await site.startPair(configuration({ web: calm }));
    await site.lab.fault({ kind: 'link-down', node: 'd1', link: 'eth0' });
    await d2.untilState('active');
    await untilReason(d1, 'no-carrier');
    await eventually(
      () => site.address('d1', vip),
      (address) => address === undefined,
      1_000,
    );
    await site.lab.fault({ kind: 'heal' });
    await d1.untilState('active');
    await d2.untilState('backup');
  });

  it('dev, label, scope and brd are as written; IPv6 without duplicate detection, with a lifetime', async () => {
    const d1 = site.start(
      'd1',
      configuration({
        web: {
          ...calm,
          virtual_ipaddress: [
            {
              address: '10.1.0.100/24',
              label: 'eth0:web',
              brd: '10.1.0.255',
              as_written: true,
            },
            // Of one subnet the kernel takes one scope only: beside the primary's /24 it is a /32.
            { address: '10.1.0.101', scope: 'link' },
            { address: '10.2.0.100', dev: 'eth1' },
          ],
        },
        web6: { ...calm, virtual_ipaddress: ['fe80::100', 'fd00:1::100'] },
      }),
    );
    await d1.untilState('active', 'web');
    await d1.untilState('active', 'web6');
    const web = await eventually(
      () => site.address('d1', vip),
      (address) => address !== undefined,
    );
    assert(web !== undefined);
    assert.deepEqual(
      [web.prefixlen, web.label, web.scope, web.broadcast],
      [24, 'eth0:web', 'global', '10.1.0.255'],
    );
    const local = await site.address('d1', '10.1.0.101');
    assert.deepEqual([local?.prefixlen, local?.scope], [32, 'link']);
    const inside = await site.address('d1', '10.2.0.100', 'eth1');
    assert.equal(inside?.prefixlen, 32);
    assert.equal(await site.address('d1', '10.2.0.100'), undefined);
    for (const address of ['fe80::100', 'fd00:1::100']) {
      const found = await site.address('d1', address);
      assert.equal(found?.prefixlen, 128);
      assert(found.flags.includes('nodad') && !found.flags.includes('tentative'), found.flags.join());
      assert(found.valid_life_time <= 3, `${found.valid_life_time} s`);
    }
    const reached = await site.lab.run('cl', ['ping', '-c', '1', '-W', '1', 'fd00:1::100']);
    assert(reached.includes('1 received'));
  });

  it('the client hears of a promotion in both families, and again when a conflict heals', async () => {
    const heard = site.watchNeighbours();
    const announced = (address: string, since: number): readonly string[] =>
      heard
        .filter((frame) =>
          frame.kind === 'arp-request'
            ? frame.sender.ip === address && frame.target.ip === address
            : frame.kind === 'neighbour-advertisement' &&
              frame.target === address &&
              frame.override &&
              !frame.solicited,
        )
        .filter(({ at }) => at >= since)
        .map(({ sourceMac }) => sourceMac);
    const once = { ...calm, garp_master_repeat: 2, garp_master_delay: '1s', garp_lower_prio_delay: '500ms' };
    const config = configuration({
      web: once,
      web6: { ...once, virtual_ipaddress: ['fe80::100', 'fd00:1::100'] },
    });
    const [d1, d2] = await site.startPair(config);
    for (const address of [vip, 'fe80::100', 'fd00:1::100'])
      await eventually(
        () => announced(address, 0),
        (macs) => macs.length === 4 && macs.every((mac) => mac === '02:a0:00:00:00:11'),
        4_000,
      );
    const adverts = site.listen();
    await site.lab.fault({ kind: 'loss', from: 'd1', to: 'd2', percent: 100 });
    await d2.untilState('active');
    await d2.untilState('active', 'web6');
    await site.lab.fault({ kind: 'heal' });
    await d2.untilState('backup');
    await d2.untilState('backup', 'web6');
    const healed = adverts.filter(({ source }) => source === '10.1.0.12').at(-1)?.at ?? Infinity;
    for (const address of [vip, 'fd00:1::100'])
      // The loser may announce after its last advertisement: the second round has the last word.
      await eventually(
        () => announced(address, healed - 1_000_000),
        (macs) => macs.at(-1) === '02:a0:00:00:00:11',
        3_000,
      );
    assert.equal((await d1.instance()).counters.becameActive, 1);
  });
});
