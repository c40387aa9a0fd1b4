/** The guest has what the other guest tests build on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { NetlinkProtocol, openNetlinkSocket } from '../../../src/kernel/netlink-socket.ts';
import { NetlinkConnection } from '../../../src/netlink/connection.ts';
import { decodeFamily, getFamily } from '../../../src/netlink/generic.ts';
import { addressOf, type Seen, servers, TrafficSite, vips } from '../../guest/traffic-site.ts';
import { makeNamespace, type Namespace } from '../../netlink/namespaces.ts';

/** All that Debian's kernel for User Mode Linux has. */
const schedulers = 'rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq'.split(' ');

describe('the guest kernel', () => {
  const namespaces: Namespace[] = [];
  const namespace = (): Namespace => {
    const made = makeNamespace();
    namespaces.push(made);
    return made;
  };
  afterEach(() => {
    for (const made of namespaces.splice(0)) made.remove();
  });
  const services = async (namespace: Namespace): Promise<readonly string[]> =>
    (await namespace.run('ipvsadm', '-S', '-n')).split('\n').filter((line) => line !== '');

  it('has IPVS: our netlink finds its family, and its table is empty', async () => {
    const connection = new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.generic));
    try {
      const [message] = await connection.request(getFamily('IPVS'));
      assert(message !== undefined);
      const family = decodeFamily(message);
      assert(family.ok);
      // IPVS_GENL_NAME and IPVS_GENL_VERSION of linux/ip_vs.h; the number is given at run time.
      assert.deepEqual([family.value.name, family.value.version], ['IPVS', 1]);
      assert(family.value.id > 16, 'not the controller itself');
    } finally {
      connection.close();
    }
    assert.deepEqual(await services(namespace()), []);
  });

  it('has a table for each network namespace', async () => {
    const [one, other] = [namespace(), namespace()];
    await one.run('ipvsadm', '-A', '-t', '192.0.2.1:80', '-s', 'rr');
    assert.deepEqual(await services(one), ['-A -t 192.0.2.1:80 -s rr']);
    assert.deepEqual(await services(other), []);
  });

  it('loads every scheduler when it is asked for', async () => {
    const one = namespace();
    const rule = (name: string, at: number): string => `-A -t 192.0.2.1:${80 + at} -s ${name}`;
    const rules = schedulers.map(rule).join('\n');
    await one.run('sh', '-c', `echo '${rules}' | ipvsadm -R`);
    const used = (await services(one)).map((line) => / -s (\w+)/.exec(line)?.[1] ?? line);
    assert.deepEqual(used.sort(), [...schedulers].sort());
    const modules = readFileSync('/proc/modules', 'utf8');
    assert.deepEqual(
      schedulers.filter((name) => !modules.includes(`ip_vs_${name} `)),
      [],
    );
  });
});

describe('a site with IPVS in the guest', () => {
  let site: TrafficSite;
  before(async () => {
    site = await TrafficSite.up();
  });
  after(() => site?.down());

  // Only translation changes a port, so each method has one of its own.
  const methods = [
    { flag: '-g', port: 8080, title: 'direct routing' },
    { flag: '-i', port: 8081, title: 'a tunnel' },
    { flag: '-m', port: 8082, title: 'translation' },
  ];
  for (const { flag, port, title } of methods)
    it(`forwards by ${title}: every real server gets its share, and the client its answers`, async () => {
      await Promise.all(servers.map(async (name) => site.serve(name, port)));
      for (const family of [4, 6] as const) {
        const on = (address: string): string =>
          family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
        const real = servers.map(
          (name) => `-a -t ${on(vips[family])} -r ${on(addressOf(name, family))} ${flag}`,
        );
        await site.lab.run(
          'd1',
          ['ipvsadm', '-R'],
          [`-A -t ${on(vips[family])} -s rr`, ...real, ''].join('\n'),
        );
        const seen: Seen[] = [];
        for (let request = 0; request < 6; request++) seen.push(await site.get(vips[family], port));
        const expected = servers.map((server) => ({
          server,
          client: family === 4 ? '10.1.0.2' : 'fd00:1::2',
          address: flag === '-m' ? addressOf(server, family) : vips[family],
          port,
        }));
        assert.deepEqual(
          seen.sort((one, other) => one.server.localeCompare(other.server)),
          expected.flatMap((one) => [one, one]),
        );
      }
    });

  it('has faults: a cut cable and lost frames part two nodes until all is healed', async () => {
    const ping = (to: string, limit_s: number): Promise<string> =>
      site.lab.run('cl', ['ping', '-c', '1', '-W', String(limit_s), to]);
    await site.lab.fault({ kind: 'link-down', node: 'd1', link: 'eth0' });
    await assert.rejects(ping('10.1.0.11', 0.3));
    await site.lab.fault({ kind: 'loss', from: 'cl', to: 'd2', percent: 100 });
    await assert.rejects(ping('10.1.0.12', 0.3));
    await site.lab.fault({ kind: 'heal' });
    // ARP asks once a second.
    await ping('10.1.0.11', 3);
    await ping('10.1.0.12', 3);
  });
});
