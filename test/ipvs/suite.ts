/**
 * What every implementation of the port to the IPVS table does: one list of cases for the real kernel and for
 * ours.
 */
import assert from 'node:assert/strict';
import type { IpvsLink, Write } from '../../src/ipvs/link.ts';
import type { ActualDestination, ActualService, Destination, Service } from '../../src/ipvs/types.ts';
import { serviceName } from '../../src/ipvs/types.ts';
import { describeRefusals } from './suite-refusals.ts';
import { fwmarkKey, keyOf, samples, serverOf, serviceOf, sorted, wanted, writesFor } from './samples.ts';

/** Writes that all have to be done. */
export async function mustWrite(link: IpvsLink, writes: readonly Write[]): Promise<void> {
  const answers = await link.write(writes);
  assert.equal(answers.length, writes.length);
  assert.deepEqual(
    answers.flatMap((answer) => (answer.ok ? [] : [answer.error.text])),
    [],
  );
}

export async function mustRead(link: IpvsLink): Promise<readonly ActualService[]> {
  const table = await link.read();
  assert.ok(table.ok, table.ok ? '' : table.error.text);
  return table.value;
}

export async function clear(link: IpvsLink): Promise<void> {
  const table = await mustRead(link);
  await mustWrite(
    link,
    table.map(({ service }) => ({ command: 'del-service', key: service.key })),
  );
}

const web = keyOf('10.1.0.100', 80);
const server = serverOf('10.2.0.21', 8080);

/** @param open gives the port; each case begins with an empty table */
export function describeIpvsLink(open: () => Promise<IpvsLink>): void {
  let link: IpvsLink;
  before(async () => (link = await open()));
  beforeEach(() => clear(link));

  const only = async (): Promise<ActualService> => {
    const table = await mustRead(link);
    assert.equal(table.length, 1);
    return table[0]!;
  };
  const onlyServer = async (): Promise<ActualDestination> => {
    const { destinations } = await only();
    assert.equal(destinations.length, 1);
    return destinations[0]!;
  };

  it('is there', () => assert.equal(link.unavailable, undefined));

  it('begins empty', async () => assert.deepEqual(await mustRead(link), []));

  it(`tells ${samples.length} services of every kind as they were written`, async () => {
    await mustWrite(link, samples.flatMap(writesFor));
    assert.deepEqual(wanted(await mustRead(link)), sorted(samples));
  });

  it('counts nothing for what had no traffic', async () => {
    await mustWrite(link, writesFor({ service: serviceOf(web), destinations: [server] }));
    const { statistics, destinations } = await only();
    assert.ok(statistics);
    assert.deepEqual(new Set(Object.values(statistics)), new Set([0n]));
    assert.equal(Object.keys(statistics).length, 10);
    const { activeConnections, inactiveConnections, persistentConnections, ...rest } = destinations[0]!;
    assert.deepEqual([activeConnections, inactiveConnections, persistentConnections], [0, 0, 0]);
    assert.deepEqual(rest.statistics, statistics);
  });

  describe('changes a service', () => {
    const forms: readonly (readonly [string, Partial<Service>])[] = [
      ['the scheduler', { scheduler: 'rr' }],
      ['persistence', { persistence: { timeout_s: 60, granularity: 24 } }],
      ['the engine', { persistence: { timeout_s: 60, granularity: 24, engine: 'sip' } }],
      ['the engine away', { persistence: { timeout_s: 61, granularity: 32 } }],
      ['persistence away', {}],
      ['flags', { scheduler: 'sh', schedulerFlags: [1, 2] }],
      ['fewer flags', { scheduler: 'sh', schedulerFlags: [2] }],
      ['flags away', { ops: true }],
      ['one-packet scheduling away', {}],
    ];
    it(forms.map(([what]) => what).join(', '), async () => {
      await mustWrite(link, writesFor({ service: serviceOf(web), destinations: [server] }));
      for (const [what, more] of forms) {
        const service = serviceOf(web, more);
        await mustWrite(link, [{ command: 'set-service', service }]);
        const told = await only();
        assert.deepEqual(told.service, service, what);
        assert.equal(told.destinations.length, 1, what);
      }
    });
  });

  describe('changes a server', () => {
    const forms: readonly (readonly [string, Partial<Destination>])[] = [
      ['the weight to 0', { weight: 0 }],
      ['the weight to 65535', { weight: 65535 }],
      ['thresholds', { upperThreshold: 10, lowerThreshold: 5 }],
      ['thresholds away', {}],
      ['to direct', { forward: 'direct' }],
      ['to a tunnel', { forward: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'csum' } }],
      ['another tunnel', { forward: 'tunnel', tunnel: { type: 'gre', checksum: 'none' } }],
      ['a plain tunnel', { forward: 'tunnel', tunnel: { type: 'ipip', checksum: 'none' } }],
      ['back to masq', {}],
    ];
    it(forms.map(([what]) => what).join(', '), async () => {
      await mustWrite(link, writesFor({ service: serviceOf(web), destinations: [server] }));
      const before = await onlyServer();
      for (const [what, more] of forms) {
        const destination = { ...server, ...more };
        await mustWrite(link, [{ command: 'set-dest', key: web, destination }]);
        assert.deepEqual(await onlyServer(), { ...before, ...more }, what);
      }
    });
  });

  it('takes a tunnel without words for a plain one, and forgets a tunnel of what is none', async () => {
    const gue = { type: 'gue', port: 6080, checksum: 'none' } as const;
    await mustWrite(link, [
      { command: 'new-service', service: serviceOf(web) },
      { command: 'new-dest', key: web, destination: serverOf('10.2.0.1', 80, { forward: 'tunnel' }) },
      { command: 'new-dest', key: web, destination: serverOf('10.2.0.2', 80, { tunnel: gue }) },
    ]);
    const told = wanted([await only()])[0]?.destinations;
    assert.deepEqual(told?.[0]?.tunnel, { type: 'ipip', checksum: 'none' });
    assert.equal(told?.[1]?.tunnel, undefined);
  });

  it('tells flags in ascending order', async () => {
    const service = serviceOf(web, { scheduler: 'sh', schedulerFlags: [3, 1] });
    await mustWrite(link, [{ command: 'new-service', service }]);
    assert.deepEqual((await only()).service.schedulerFlags, [1, 3]);
  });

  it('takes the servers of a removed service away', async () => {
    await mustWrite(link, [
      ...writesFor({ service: serviceOf(web), destinations: [server] }),
      { command: 'del-service', key: web },
      { command: 'new-service', service: serviceOf(web) },
    ]);
    assert.deepEqual((await only()).destinations, []);
  });

  it('removes one server by address and port', async () => {
    const others = [serverOf('10.2.0.21', 8081), serverOf('10.2.0.22', 8080)];
    await mustWrite(link, [
      ...writesFor({ service: serviceOf(web), destinations: [server, ...others] }),
      { command: 'del-dest', key: web, destination: { address: server.address, port: server.port } },
    ]);
    assert.deepEqual(wanted([await only()])[0]?.destinations, others);
  });

  it('keeps apart what differs in protocol, port, mark or family only', async () => {
    const keys = [
      web,
      keyOf('10.1.0.100', 81),
      keyOf('10.1.0.100', 80, 'UDP'),
      fwmarkKey(80),
      fwmarkKey(80, 6),
    ];
    await mustWrite(
      link,
      keys.map((key) => ({ command: 'new-service', service: serviceOf(key) })),
    );
    await mustWrite(link, [{ command: 'del-service', key: fwmarkKey(80) }]);
    const left = (await mustRead(link)).map(({ service }) => serviceName(service.key)).sort();
    assert.deepEqual(
      left,
      keys
        .filter((_key, at) => at !== 3)
        .map(serviceName)
        .sort(),
    );
  });

  it('goes on after what is refused, and answers each in its place', async () => {
    const count = 300;
    const writes = Array.from({ length: count }, (_, at): Write => {
      const key = keyOf('10.1.0.100', 1 + (at % 3 === 2 ? 0 : at));
      return { command: 'new-service', service: serviceOf(key) };
    });
    const answers = await link.write(writes);
    const expected = writes.map((_write, at) => (at % 3 === 2 ? 17 : 'done'));
    assert.deepEqual(
      answers.map((answer) => (answer.ok ? answer.value : answer.error.errno)),
      expected,
    );
    assert.equal((await mustRead(link)).length, count - count / 3);
  });

  it('keeps order among callers that do not wait for each other', async () => {
    const weights = [1, 2, 3, 4, 5];
    await mustWrite(link, writesFor({ service: serviceOf(web), destinations: [server] }));
    await Promise.all(
      weights.map((weight) =>
        mustWrite(link, [{ command: 'set-dest', key: web, destination: { ...server, weight } }]),
      ),
    );
    assert.equal((await onlyServer()).weight, 5);
  });

  it('takes servers at the edges of what is a single host', async () => {
    const edges = ['0.0.0.1', '127.0.0.1', '169.254.0.1', '223.255.255.255', '240.0.0.1', '255.255.255.254'];
    const edges6 = ['::1', '::2', 'fec0::1', 'fdff::1', '2001:db8::'];
    await mustWrite(link, [
      ...writesFor({ service: serviceOf(web), destinations: edges.map((edge) => serverOf(edge, 80)) }),
      ...writesFor({
        service: serviceOf(keyOf('fd00:1::100', 80)),
        destinations: edges6.map((edge) => serverOf(edge, 80)),
      }),
    ]);
  });

  it('has nothing to do for no writes', async () => assert.deepEqual(await link.write([]), []));

  it('zeroes counters of one service and of all', async () => {
    await mustWrite(link, [
      { command: 'zero', key: undefined },
      { command: 'new-service', service: serviceOf(web) },
      { command: 'zero', key: web },
      { command: 'zero', key: undefined },
    ]);
  });

  it('sets the timeouts, and keeps those that are 0', async () => {
    const timeouts = { tcp_s: 901, tcpFin_s: 121, udp_s: 301 };
    await mustWrite(link, [{ command: 'set-config', timeouts }]);
    assert.deepEqual(await link.timeouts(), { ok: true, value: timeouts });
    await mustWrite(link, [{ command: 'set-config', timeouts: { tcp_s: 0, tcpFin_s: 5, udp_s: 0 } }]);
    assert.deepEqual(await link.timeouts(), { ok: true, value: { ...timeouts, tcpFin_s: 5 } });
  });

  describeRefusals(() => link);
}
