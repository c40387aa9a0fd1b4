/** A host that knows nothing becomes a real server by our steps, and nothing of them is left. And what verbs read then. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { familyOf, type Ip, ip } from '../../../src/base/ip.ts';
import { applySteps, commandRunner, type StepIo, undoSteps } from '../../../src/cli/realserver-steps.ts';
import { zero } from '../../../src/cli/zero.ts';
import { ConnectionCounts } from '../../../src/ipvs/connections.ts';
import type { Write } from '../../../src/ipvs/link.ts';
import { realServerSetUp, type SetUp } from '../../../src/ipvs/real-server.ts';
import type { Destination } from '../../../src/ipvs/types.ts';
import { openKernelIpvs, type KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { run } from '../../../src/lab/command.ts';
import { clients, TrafficSite, vips } from '../../guest/traffic-site.ts';
import { keyOf, serverOf, serviceOf } from '../samples.ts';
import { mustWrite } from '../suite.ts';

/** Beside the director d1, and on the client's link too: where it is not silent it takes the VIP's ARP. */
const host = 'd2';
const inside = { 4: '10.2.0.12', 6: 'fd00:2::12' } as const;
const modules = ['ipip', 'sit', 'ip6_tunnel', 'ip_gre', 'ip6_gre', 'fou', 'fou6'];

interface Way {
  readonly vip: Ip;
  readonly port: number;
  readonly server: Destination;
}

describe('realserver', function () {
  this.timeout(30_000);
  let site: TrafficSite;
  let link: KernelIpvs;
  let folder: string;
  let io: StepIo;
  const said: string[] = [];
  const record = (): string => path.join(folder, 'run', 'realserver.json');
  before(async () => {
    // Each brings fallback devices into every namespace, which would look like ours.
    await run('modprobe', ['-a', ...modules]);
    site = await TrafficSite.up();
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-realserver-'));
    io = {
      run: commandRunner(['nsenter', `--net=${site.lab.netns(host)}`, '--']),
      say: (line) => said.push(line),
    };
    await site.serve(host);
    link = await openKernelIpvs({ netns: site.lab.netns('d1') });
  });
  afterEach(() => said.splice(0));
  after(async () => {
    link?.close();
    await site?.down();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** All that a step may touch, in one process. */
  const standing = (): Promise<string> => {
    const sysctls = ['arp_ignore', 'arp_announce', 'rp_filter'].map((name) => `net.ipv4.conf.all.${name}`);
    return site.lab.run(host, [
      ...['sh', '-c'],
      `ip -o link; ip -o address; ip fou show; sysctl ${sysctls.join(' ')}`,
    ]);
  };

  const setUpFor = (...ways: readonly Way[]): SetUp =>
    realServerSetUp(
      ways.map(({ vip, port, server }) => ({ services: [keyOf(vip, port)], servers: [server] })),
      new Set(Object.values(inside).map((text) => ip(text))),
    );

  async function served(ways: readonly Way[], work: () => Promise<void>): Promise<void> {
    const writes = ways.flatMap(({ vip, port, server }): Write[] => [
      { command: 'new-service', service: serviceOf(keyOf(vip, port)) },
      { command: 'new-dest', key: keyOf(vip, port), destination: server },
    ]);
    await mustWrite(link, writes);
    try {
      await work();
    } finally {
      await mustWrite(
        link,
        ways.map(({ vip, port }) => ({ command: 'del-service', key: keyOf(vip, port) })),
      );
    }
  }

  const rows: readonly (readonly [string, ...Way[]])[] = [
    ['DR', way(4, 4, { forward: 'direct' }), way(6, 6, { forward: 'direct' })],
    ['TUN by IPIP', way(4, 4, tunnel('ipip')), way(6, 6, tunnel('ipip'))],
    ['TUN by IPIP in the other family', way(6, 4, tunnel('ipip')), way(4, 6, tunnel('ipip'))],
    ['TUN by GRE, one with checksums', way(4, 4, tunnel('gre', 'csum')), way(6, 6, tunnel('gre'))],
    ['TUN by GUE', way(4, 4, tunnel('gue')), way(6, 6, tunnel('gue'))],
  ];
  for (const [title, ...ways] of rows)
    it(`${title}: IPv4 and IPv6 work after apply, and undo leaves nothing`, async () => {
      // Strict on every device, as some distributions have it; by DR the client's way in is another than out here.
      if (title !== 'DR') await site.lab.run(host, ['sysctl', '-w', 'net.ipv4.conf.all.rp_filter=1']);
      const { steps } = setUpFor(...ways);
      const before = await standing();
      await served(ways, async () => {
        assert.equal(applySteps(steps, record(), io), 0, said.join('\n'));
        // It has to ask who has the VIP, with both of them there.
        await site.ip('cl', 'neigh flush all');
        for (const { vip } of ways) {
          const { server: answered, address, client } = await site.get(vip);
          assert.deepEqual([answered, address, client], [host, vip, clients[familyOf(vip)]]);
        }
      });
      said.length = 0;
      assert.equal(applySteps(steps, record(), io), 0);
      assert.deepEqual(
        said.filter((line) => !line.startsWith('is so ')),
        [],
      );
      assert.equal(undoSteps(record(), io), 0, said.join('\n'));
      assert.equal(await standing(), before);
      assert.equal(existsSync(record()), false);
      await site.lab.run(host, ['sysctl', '-w', 'net.ipv4.conf.all.rp_filter=0']);
    });

  it('undo leaves what was there before, and what somebody changed since', async () => {
    await site.ip(host, `address add ${vips[4]}/32 dev lo`);
    const { steps } = setUpFor(way(4, 4, { forward: 'direct' }));
    assert.equal(applySteps(steps, record(), io), 0);
    await site.lab.run(host, ['sysctl', '-w', 'net.ipv4.conf.all.arp_ignore=2']);
    assert.equal(undoSteps(record(), io), 0);
    const now = await standing();
    assert.match(now, /lo +inet 10\.1\.0\.100\/32/);
    assert.match(now, /arp_ignore = 2\nnet\.ipv4\.conf\.all\.arp_announce = 0\n/);
    await site.lab.run(host, ['sysctl', '-w', 'net.ipv4.conf.all.arp_ignore=0']);
    await site.ip(host, `address del ${vips[4]}/32 dev lo`);
  });

  it('a step that fails is told, does not stop the others, and is not taken back', async () => {
    await site.ip(host, 'link add name vk-ipip type dummy');
    const { steps } = setUpFor(way(4, 4, tunnel('ipip')));
    assert.equal(applySteps(steps, record(), io), 1);
    assert.match(said.join('\n'), /^FAILED {3}ip link add name vk-ipip .*: there is another one: dummy/m);
    assert.equal(undoSteps(record(), io), 0);
    assert.match(await standing(), /vk-ipip/);
    await site.ip(host, 'link del vk-ipip');
  });

  it('connections and zero read and write what the kernel has', async () => {
    // Of connections to port 80 the kernel remembers those of the tests before.
    await site.serve(host, 8080);
    const vip = ip(vips[4]);
    const direct = { vip, port: 8080, server: serverOf(inside[4], 8080, { forward: 'direct' }) };
    await served([direct], async () => {
      applySteps(setUpFor(direct).steps, record(), io);
      for (let at = 0; at < 3; at++) await site.get(vip, 8080);
      undoSteps(record(), io);
      const counts = new ConnectionCounts({
        limit: 20,
        service: `TCP ${vip}:8080`,
        server: `${inside[4]}:8080`,
      });
      const text = await site.lab.run('d1', ['cat', '/proc/net/ip_vs_conn']);
      for (const line of text.split('\n')) counts.take(line);
      const { selected, rows, skipped } = counts.summary();
      assert.deepEqual([selected, skipped], [3, []]);
      assert(rows.every(({ from, expires_s }) => from.address === '10.1.0.2' && expires_s < 1_000));
      const made = async (): Promise<bigint | undefined> => {
        const table = await link.read();
        assert(table.ok);
        return table.value[0]?.statistics?.connections;
      };
      // The kernel takes its counters together every 2 s. ip_vs_est.c
      for (let at = 0; at < 40 && (await made()) !== 3n; at++) await sleep(100);
      assert.equal(await made(), 3n);
      assert.deepEqual(await zero(link, `${vip}:8080`), { ok: true, value: [`TCP ${vip}:8080`] });
      assert.equal(await made(), 0n);
    });
  });
});

function tunnel(type: 'ipip' | 'gre' | 'gue', checksum: 'none' | 'csum' = 'none'): Partial<Destination> {
  return { forward: 'tunnel', tunnel: { type, checksum, ...(type === 'gue' && { port: 6080 }) } };
}

function way(inner: 4 | 6, outer: 4 | 6, method: Partial<Destination>): Way {
  return { vip: ip(vips[inner]), port: 80, server: serverOf(inside[outer], 80, method) };
}
