/** Services that are more than one address with one TCP port: marks, every port, persistence, datagrams. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Reconciler } from '../../../src/ipvs/apply.ts';
import type { Destination, Service, ServiceKey, VirtualService } from '../../../src/ipvs/types.ts';
import { openKernelIpvs, type KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { memoryJournal } from '../../guest/director-table.ts';
import { addressOf, type Seen, servers, TrafficSite, vips } from '../../guest/traffic-site.ts';
import { fwmarkKey, keyOf, serverOf, serviceOf } from '../samples.ts';
import { mustWrite } from '../suite.ts';

const families = [4, 6] as const;
const source = (family: 4 | 6, at: number): string => (family === 4 ? `10.1.0.${at}` : `fd00:1::${at}`);
const target = (family: 4 | 6, at: number): string => (family === 4 ? `10.1.0.${at}` : `fd00:1:0:0:1::${at}`);
/** Clients 32 to 37 are one /28 and one /124; 50 and 51 another one. */
const sources = [32, 33, 34, 35, 36, 37, 50, 51];
/** Addresses that d1 holds, and of which only a mark makes one service. */
const targets = [160, 161, 162, 163, 164, 165, 166, 167];

/** What the rules of a firewall do elsewhere: Debian's kernel for User Mode Linux has no nftables for it. */
const mark = (family: 4 | 6, number: number, match: string): string =>
  `filter add dev eth0 ingress protocol ${family === 4 ? 'ip' : 'ipv6'} flower ip_proto tcp ${match} ` +
  `action skbedit mark ${number}`;

describe('kinds of services', () => {
  let site: TrafficSite;
  let link: KernelIpvs;
  let reconciler: Reconciler;
  before(async () => {
    site = await TrafficSite.up();
    const both = (lines: (family: 4 | 6) => readonly string[]): readonly string[] => families.flatMap(lines);
    await site.ip(
      'cl',
      ...both((family) =>
        sources.map((at) => `address add ${source(family, at)}/${family === 4 ? '24' : '64 nodad'} dev eth0`),
      ),
    );
    await site.ip(
      'd1',
      ...both((family) =>
        targets.map(
          (at) => `address add ${target(family, at)}/${family === 4 ? '32' : '128 nodad'} dev eth0`,
        ),
      ),
    );
    const marks = both((family) => [
      ...[80, 443].map((port) => mark(family, 7, `dst_ip ${vips[family]} dst_port ${port}`)),
      mark(family, 8, `dst_ip ${family === 4 ? '10.1.0.160/29' : 'fd00:1:0:0:1::160/124'}`),
    ]);
    await site.lab.run('d1', ['tc', '-batch', '-'], `qdisc add dev eth0 clsact\n${marks.join('\n')}\n`);
    for (const server of servers) for (const port of [80, 443, 8080]) await site.serve(server, port);
    link = await openKernelIpvs({ netns: site.lab.netns('d1') });
    await mustWrite(link, [{ command: 'set-config', timeouts: { tcp_s: 0, tcpFin_s: 0, udp_s: 1 } }]);
    reconciler = new Reconciler(link, memoryJournal());
  });
  after(async () => {
    link?.close();
    await site?.down();
  });

  async function program(
    keyFor: (family: 4 | 6) => ServiceKey,
    more: (family: 4 | 6) => Partial<Service>,
    port: number,
    destination: Partial<Destination> = {},
  ): Promise<void> {
    const desired = families.map((family): VirtualService => ({
      service: serviceOf(keyFor(family), { scheduler: 'rr', ...more(family) }),
      destinations: servers.map((server) => serverOf(addressOf(server, family), port, destination)),
    }));
    const round = await reconciler.apply(desired, false);
    assert(round.ok);
    assert.deepEqual(round.value.failures, []);
  }
  const direct = { forward: 'direct' } as const;
  const single = (timeout_s: number) => (family: 4 | 6) => ({
    persistence: { timeout_s, granularity: family === 4 ? 32 : 128 },
  });
  const serversOf = (seen: readonly Seen[]): readonly string[] =>
    [...new Set(seen.map(({ server }) => server))].sort();

  for (const [title, key] of [
    ['a mark joins ports 80 and 443', (family) => fwmarkKey(7, family)],
    ['port 0 is every port', (family) => keyOf(vips[family], 0)],
  ] satisfies readonly (readonly [string, (family: 4 | 6) => ServiceKey])[])
    it(`${title}: a client has the same server with all of them`, async () => {
      await program(key, single(60), 0, direct);
      for (const family of families) {
        const all: Seen[] = [];
        for (const at of sources) {
          const ports = [80, 443, 80, ...(key(family).kind === 'fwmark' ? [] : [8080])];
          const seen: Seen[] = [];
          for (const port of ports) seen.push(await site.getFrom(source(family, at), vips[family], port));
          assert.deepEqual(
            seen.map(({ port, address }) => [port, address]),
            ports.map((port) => [port, vips[family]]),
          );
          assert.equal(serversOf(seen).length, 1);
          all.push(...seen);
        }
        assert.deepEqual(serversOf(all), servers);
      }
    });

  for (const scheduler of ['dh', 'lblc'])
    it(`${scheduler}: every destination of a mark has one server, and not all the same`, async () => {
      await program(
        (family) => fwmarkKey(8, family),
        () => ({ scheduler }),
        0,
      );
      for (const family of families) {
        const round = async (): Promise<readonly Seen[]> => {
          const seen: Seen[] = [];
          for (const at of targets)
            seen.push(await site.getFrom(source(family, 32), target(family, at), 8080));
          return seen;
        };
        const first = await round();
        assert.deepEqual(await round(), first);
        assert.ok(serversOf(first).length > 1);
      }
    });

  it('persistence: clients of one network have one server, those of another one another', async () => {
    const granularity = { 4: 28, 6: 124 };
    await program(
      (family) => keyOf(vips[family], 8000),
      (family) => ({ persistence: { timeout_s: 60, granularity: granularity[family] } }),
      8080,
    );
    for (const family of families) {
      const served = new Map<number, string>();
      for (const at of [...sources, ...sources]) {
        const { server } = await site.getFrom(source(family, at), vips[family], 8000);
        assert.equal(served.get(at) ?? server, server);
        served.set(at, server);
      }
      const [inside, outside] = [sources.slice(0, 6), sources.slice(6)].map((network) => [
        ...new Set(network.map((at) => served.get(at))),
      ]);
      assert.equal(inside?.length, 1);
      assert.equal(outside?.length, 1);
      assert.notEqual(inside[0], outside[0]);
    }
  });

  it('UDP: datagrams from one port are one connection, and come to another port by NAT', async () => {
    await program(
      (family) => keyOf(vips[family], 53, 'UDP'),
      () => ({}),
      5353,
    );
    for (const family of families) {
      for (const server of servers) site.serveUdp(server, addressOf(server, family), 5353);
      const all: Seen[] = [];
      while (all.length < 3 * servers.length) {
        const seen = await site.getUdp(vips[family], 53, 3);
        assert.equal(serversOf(seen).length, 1);
        all.push(...seen);
      }
      assert.deepEqual(serversOf(all), servers);
    }
  });

  it('UDP with ops: every datagram is scheduled on its own', async () => {
    await program(
      (family) => keyOf(vips[family], 54, 'UDP'),
      () => ({ ops: true }),
      54,
      direct,
    );
    for (const family of families) {
      for (const server of servers) site.serveUdp(server, vips[family], 54);
      assert.deepEqual(serversOf(await site.getUdp(vips[family], 54, 3)), servers);
    }
  });

  it('persistence ends with its timeout', async () => {
    await program((family) => keyOf(vips[family], 55, 'UDP'), single(2), 55, direct);
    for (const family of families) for (const server of servers) site.serveUdp(server, vips[family], 55);
    const ask = (): Promise<readonly string[]> =>
      Promise.all(families.map(async (family) => (await site.getUdp(vips[family], 55))[0]?.server ?? ''));
    const first = await ask();
    for (let again = 0; again < 3; again++) assert.deepEqual(await ask(), first);
    await sleep(2_600);
    const later = await ask();
    for (const at of families.keys()) assert.notEqual(later[at], first[at]);
  });
});
