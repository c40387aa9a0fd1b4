/** Hosts behind a director reach the outside with its address, as long as its file says so. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { ip } from '../../src/base/ip.ts';
import { native } from '../../src/kernel/native.ts';
import { AF_INET, AF_INET6, inetAddress, SOCK_DGRAM } from '../../src/kernel/sockaddr.ts';
import { writeSnat } from '../../src/kernel/snat.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { configuration, instance, type Settings, Site } from './site.ts';
import { eventually, everyInstance } from './director.ts';

/** The outside is the client's lo, which has no way back to the inside network; d2 is a host inside. */
const outside = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
/** Prefixes that end within an octet, and addresses in and out of them. */
const snat = [
  { from: '10.2.0.8/29', out: 'eth0' },
  { from: 'fd00:2:0:0:8::/77', out: 'eth0' },
];
const insiders = ['10.2.0.12', 'fd00:2::f:0:0:12'];
const others = ['10.2.0.16', 'fd00:2::10:0:0:12'];
const port = 9;

describeAsRoot('snat', function () {
  this.timeout(30_000);
  let site: Site;
  const seen: string[] = [];
  const sockets: dgram.Socket[] = [];

  const socketOf = (node: string, address: string, at: number): dgram.Socket => {
    const six = address.includes(':');
    const fd = native.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0, site.lab.netns(node));
    assert(fd >= 0);
    assert.equal(native.bind(fd, inetAddress(ip(address), at)), 0, address);
    const socket = dgram.createSocket(six ? 'udp6' : 'udp4');
    socket.bind({ fd });
    sockets.push(socket);
    return socket;
  };

  before(async () => {
    site = await Site.up('snat');
    const batch = (node: string, lines: readonly string[]) =>
      site.lab.run(node, ['ip', '-batch', '-'], `${lines.join('\n')}\n`);
    await batch('cl', [`address add ${outside[4]}/32 dev lo`, `address add ${outside[6]}/128 dev lo nodad`]);
    await batch('d1', [
      'address add fd00:2::f:0:0:11/64 dev eth1 nodad',
      `route add ${outside[4]}/32 via 10.1.0.2`,
      `route add ${outside[6]}/128 via fd00:1::2`,
    ]);
    await batch('d2', [
      ...others.map(
        (address) => `address add ${address}/${address.includes(':') ? '64 nodad' : '24'} dev eth1`,
      ),
      'address add fd00:2::f:0:0:12/64 dev eth1 nodad',
      `route add ${outside[4]}/32 via 10.2.0.11`,
      `route add ${outside[6]}/128 via fd00:2::f:0:0:11`,
    ]);
    for (const address of Object.values(outside)) {
      const server = socketOf('cl', address, port);
      server.on('message', (_, from) => {
        seen.push(from.address);
        // To who has no way back an answer is an error.
        server.send('!', from.port, from.address, () => undefined);
      });
    }
  });
  afterEach(async () => site.clear());
  after(async () => {
    for (const socket of sockets) socket.close();
    await site?.down();
  });

  /** @returns as whom the outside saw a datagram from this address inside, and whether its answer came back */
  async function ask(source: string): Promise<readonly [string | undefined, boolean]> {
    const socket = socketOf('d2', source, 0);
    seen.length = 0;
    socket.send('?', port, outside[source.includes(':') ? 6 : 4]);
    const answered = await once(socket, 'message', { signal: AbortSignal.timeout(300) }).then(
      () => true,
      () => false,
    );
    return [seen[0], answered];
  }
  const tables = (): Promise<string> => site.lab.run('d1', ['nft', 'list', 'tables']);
  const sysctls = { 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 };
  const config = (more: Settings): string => {
    const file = JSON.parse(configuration({ web: instance({ advert_int: '300ms' }) })) as Settings;
    return JSON.stringify({ ...file, sysctls, ...more });
  };

  it('translates what comes from the network, nothing else, and until the file drops it', async () => {
    const d1 = site.start('d1', config({ snat }));
    await d1.until(everyInstance(({ router }) => router.state === 'active'));
    await eventually(tables, (text) => text.includes('vipkeeper_snat'));
    // The kernel takes some time for the first neighbours.
    await eventually(
      () => Promise.all(insiders.map(ask)),
      (answers) => answers.every(([, answered]) => answered),
    );
    assert.deepEqual(await ask('10.2.0.12'), ['10.1.0.11', true]);
    assert.deepEqual(await ask('fd00:2::f:0:0:12'), ['fd00:1::11', true]);
    for (const other of others) assert.deepEqual(await ask(other), [other, false]);

    d1.reload(config({ snat: [{ from: '10.2.0.16/32', out: 'eth0' }] }));
    await eventually(
      () => ask('10.2.0.16'),
      ([as]) => as === '10.1.0.11',
    );
    assert.deepEqual(await ask('10.2.0.12'), ['10.2.0.12', false]);

    d1.reload(config({}));
    await eventually(tables, (text) => !text.includes('vipkeeper_snat'));
    assert.deepEqual(await ask('10.2.0.16'), ['10.2.0.16', false]);
    assert.match(await tables(), /inet vipkeeper$/m, 'the other tables stay');
  });

  it('stays when the daemon stops, or goes with it, as the file says', async () => {
    for (const on_stop of ['keep', 'remove']) {
      const d1 = site.start('d1', config({ snat, on_stop }));
      await eventually(tables, (text) => text.includes('vipkeeper_snat'));
      await d1.until(everyInstance(({ router }) => router.state === 'active'));
      assert.equal(await d1.stop(), 0, d1.describe());
      assert.equal((await tables()).includes('vipkeeper_snat'), on_stop === 'keep');
    }
  });

  it('says why it is not there, and does without when the file has none', async () => {
    const netns = site.lab.netns('cl');
    assert.equal(await writeSnat([], { netns }), undefined);
    assert.equal(await writeSnat([], { netns: '/run/netns/there-is-none' }), undefined);
    const rule = { from: { address: ip('10.2.0.0'), length: 24 }, out: 'eth0' };
    assert.match((await writeSnat([rule], { netns: '/run/netns/there-is-none' })) ?? '', /^snat: /);
  });
});
