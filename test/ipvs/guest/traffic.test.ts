/**
 * Every scheduler of the kernel with every forwarding method and either family, as our reconciler programs them: who serves
 * what a client asks, and which way the answers take.
 */
import assert from 'node:assert/strict';
import { Reconciler } from '../../../src/ipvs/apply.ts';
import type { Destination, VirtualService } from '../../../src/ipvs/types.ts';
import { openKernelIpvs, type KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { memoryJournal } from '../../guest/director-table.ts';
import {
  addressOf,
  clients,
  type Seen,
  type Server,
  servers,
  TrafficSite,
  vips,
} from '../../guest/traffic-site.ts';
import { keyOf, schedulers, serverOf, serviceOf } from '../samples.ts';
import { mustRead } from '../suite.ts';

const families = [4, 6] as const;
const forwardings = ['masq', 'direct', 'tunnel'] as const;
type Forward = (typeof forwardings)[number];
const weights: Readonly<Record<Server, number>> = { rs1: 1, rs2: 2, rs3: 3 };
/** Translation maps it to this one; the other methods cannot. */
const mappedPort = 80;
const sources = Array.from({ length: 12 }, (_, at) => ({ 4: `10.1.0.${30 + at}`, 6: `fd00:1::${30 + at}` }));

const portOf = (scheduler: string, forward: Forward): number =>
  2000 + 10 * schedulers.indexOf(scheduler) + forwardings.indexOf(forward);

function virtualService(scheduler: string, forward: Forward, family: 4 | 6): VirtualService {
  const port = portOf(scheduler, forward);
  const more: Partial<Destination> =
    forward === 'tunnel' ? { forward, tunnel: { type: 'ipip', checksum: 'none' } } : { forward };
  return {
    service: serviceOf(keyOf(vips[family], port), { scheduler }),
    destinations: servers.map((server) =>
      serverOf(addressOf(server, family), forward === 'masq' ? mappedPort : port, {
        ...more,
        weight: weights[server],
      }),
    ),
  };
}

/** Requests of one service: each with a connection of its own. */
interface Client {
  /** One after the other: nothing is open when the next comes. */
  readonly ask: (count: number) => Promise<readonly Server[]>;
  /** One after the other, and all stay open until they are counted. */
  readonly hold: (count: number) => Promise<readonly Server[]>;
  /** One from each of the client's addresses. */
  readonly askFromEach: () => Promise<readonly Server[]>;
}

const tally = (served: readonly Server[]): readonly number[] =>
  servers.map((server) => served.filter((one) => one === server).length);
const distinct = (served: readonly Server[]): number => new Set(served).size;

/** What each one promises. Servers have the weights 1, 2 and 3. ipvsadm(8), net/netfilter/ipvs/ip_vs_*.c */
const promises: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  rr: async ({ ask }) => assert.deepEqual(tally(await ask(12)), [4, 4, 4]),
  wrr: async ({ ask }) => assert.deepEqual(tally(await ask(12)), [2, 4, 6]),
  lc: async ({ hold }) => assert.deepEqual(tally(await hold(12)), [4, 4, 4]),
  wlc: async ({ hold }) => assert.deepEqual(tally(await hold(12)), [2, 4, 6]),
  // The one with the greatest weight; there is another one only when it is not available.
  fo: async ({ ask }) => assert.deepEqual(tally(await ask(6)), [0, 0, 6]),
  // The greatest weight until it has more connections than its weight, then the next one.
  ovf: async ({ hold }) =>
    assert.deepEqual(await hold(9), [
      ...Array<Server>(4).fill('rs3'),
      ...Array<Server>(3).fill('rs2'),
      'rs1',
      'rs1',
    ]),
  // One server, or one set of them, for each destination, and there is one destination.
  lblc: async ({ ask }) => assert.equal(distinct(await ask(6)), 1),
  lblcr: async ({ ask }) => assert.equal(distinct(await ask(6)), 1),
  dh: async ({ ask, askFromEach }) =>
    assert.equal(distinct([...(await ask(3)), ...(await askFromEach())]), 1),
  sh: bySource,
  mh: bySource,
  // The shortest expected delay: (connections + 1) / weight, which gives the greatest weight two before the least has one.
  sed: async ({ hold }) => {
    const served = await hold(12);
    assert.deepEqual(tally(served), [2, 4, 6]);
    assert.equal(served.indexOf('rs1'), Math.max(...servers.map((server) => served.indexOf(server))));
    assert.equal(tally(served.slice(0, 3))[2], 2);
  },
  // As sed, but nobody is left idle.
  nq: async ({ hold }) => {
    const served = await hold(12);
    assert.equal(distinct(served.slice(0, 3)), 3);
    assert.deepEqual(tally(served), [2, 4, 6]);
  },
};

async function bySource({ askFromEach }: Client): Promise<void> {
  const first = await askFromEach();
  assert.deepEqual(await askFromEach(), first, 'a client has changed its server');
  assert.ok(distinct(first) > 1, 'all clients are on one server');
}

describe('traffic', () => {
  let site: TrafficSite;
  let link: KernelIpvs;
  let reconciler: Reconciler;
  const desired = families.flatMap((family) =>
    forwardings.flatMap((forward) =>
      schedulers.map((scheduler) => virtualService(scheduler, forward, family)),
    ),
  );
  before(async () => {
    site = await TrafficSite.up();
    await site.ip(
      'cl',
      ...sources.flatMap((source) => [
        `address add ${source[4]}/24 dev eth0`,
        `address add ${source[6]}/64 dev eth0 nodad`,
      ]),
    );
    const ports = schedulers.flatMap((name) => [portOf(name, 'direct'), portOf(name, 'tunnel')]);
    for (const server of servers) for (const port of [mappedPort, ...ports]) await site.serve(server, port);
    link = await openKernelIpvs({ netns: site.lab.netns('d1') });
    reconciler = new Reconciler(link, memoryJournal());
  });
  after(async () => {
    link?.close();
    await site?.down();
  });

  it('takes a table of every scheduler, method and family, and has nothing to do afterwards', async () => {
    const round = await reconciler.apply(desired, false);
    assert(round.ok);
    assert.deepEqual(round.value.failures, []);
    assert.equal(round.value.plan.changes.length, 4 * desired.length);
    const again = await reconciler.apply(desired, false);
    assert(again.ok);
    assert.deepEqual(again.value.plan.changes, []);
  });

  function clientOf(scheduler: string, forward: Forward, family: 4 | 6): Client {
    const port = portOf(scheduler, forward);
    const served = (seen: Seen, source: string = clients[family]): Server => {
      assert.deepEqual(
        { ...seen, server: '' },
        forward === 'masq'
          ? {
              server: '',
              client: source,
              address: addressOf(seen.server as Server, family),
              port: mappedPort,
            }
          : { server: '', client: source, address: vips[family], port },
      );
      return seen.server as Server;
    };
    return {
      async ask(count) {
        const all: Server[] = [];
        while (all.length < count) all.push(served(await site.getFrom(clients[family], vips[family], port)));
        return all;
      },
      async hold(count) {
        const all: Server[] = [];
        const held = [];
        while (all.length < count) {
          const conversation = await site.converse(vips[family], port);
          held.push(conversation);
          all.push(served(await conversation.ask()));
        }
        for (const conversation of held) conversation.close();
        return all;
      },
      async askFromEach() {
        const all: Server[] = [];
        for (const { [family]: source } of sources)
          all.push(served(await site.getFrom(source, vips[family], port), source));
        return all;
      },
    };
  }

  for (const scheduler of schedulers)
    it(`${scheduler} by NAT, DR and TUN, in IPv4 and IPv6`, async () => {
      for (const family of families)
        for (const forward of forwardings) {
          const keep = promises[scheduler];
          assert(keep !== undefined);
          await keep(clientOf(scheduler, forward, family)).catch((cause: unknown) => {
            throw new Error(`${forward}, IPv${family}: ${(cause as Error).message}`, { cause });
          });
        }
    });

  it('lets answers pass the director by NAT only', async () => {
    const outPackets = async (): Promise<readonly (readonly [string, boolean])[]> => {
      const table = await mustRead(link);
      return table.map(({ destinations: [first], statistics }) => {
        assert(statistics !== undefined && statistics.inPackets > 0n);
        return [first?.forward ?? '', statistics.outPackets > 0n];
      });
    };
    // The kernel sums its counters up every two seconds. ip_vs_est.c
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    for (const [forward, passed] of await outPackets()) assert.equal(passed, forward === 'masq', forward);
  });
});
