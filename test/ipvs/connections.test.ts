/** Lines of /proc/net/ip_vs_conn: as a kernel wrote them, and as nothing should be able to write them. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../src/base/ip.ts';
import {
  type Connection,
  ConnectionCounts,
  otherNames,
  parseConnection,
  serviceOfConnection,
} from '../../src/ipvs/connections.ts';

const heading = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData';
/** Of Linux 6.1. */
const four = 'TCP 0A090002 913A 0A090001 0050 0A080002 0050 SYN_RECV         57';
const template = 'TCP 0A090002 0000 0A090001 0050 0A080002 0050 NONE             47';
const six =
  'TCP fd09:0000:0000:0000:0000:0000:0000:0002 A004 fd09:0000:0000:0000:0000:0000:0000:0001 0050 ' +
  'fd09:0000:0000:0000:0000:0000:0000:0003 0051 ESTABLISHED     899';
const udp = 'UDP 0A090002 9D7C 0A090001 0035 0A080002 0035 UDP             298';

function parsed(line: string): Connection {
  const result = parseConnection(line);
  assert(result.ok, line);
  return result.value;
}
function counted(
  lines: readonly string[],
  wanted: Partial<ConstructorParameters<typeof ConnectionCounts>[0]> = {},
) {
  const counts = new ConnectionCounts({ limit: 20, ...wanted });
  for (const line of [heading, ...lines]) counts.take(line);
  return counts.summary();
}

describe('a line of the connection table', () => {
  it('is read in IPv4', () => {
    assert.deepEqual(parsed(four), {
      protocol: 'TCP',
      from: { address: '10.9.0.2', port: 37178 },
      virtual: { address: '10.9.0.1', port: 80 },
      destination: { address: '10.8.0.2', port: 80 },
      state: 'SYN_RECV',
      expires_s: 57,
    });
  });

  it('is read in IPv6, with brackets too', () => {
    const { from, virtual, destination, expires_s } = parsed(six);
    assert.deepEqual(from, { address: 'fd09::2', port: 40964 });
    assert.deepEqual(virtual, { address: 'fd09::1', port: 80 });
    assert.deepEqual(destination, { address: 'fd09::3', port: 81 });
    assert.equal(expires_s, 899);
    assert.deepEqual(parsed(six.replace(/(fd09:\S+)/g, '[$1]')), parsed(six));
  });

  it('is read in mixed families, and with the words of a persistence engine made printable', () => {
    const mixed = parsed(
      `${four.replace('0A080002', 'fd09:0000:0000:0000:0000:0000:0000:0003')} sip a\x1b[2Jb`,
    );
    assert.equal(mixed.destination.address, 'fd09::3');
    assert.equal(mixed.engine, 'sip a?[2Jb');
  });

  it('tells the mark of what keeps a client of it', () => {
    assert.equal(serviceOfConnection(parsed(four)), 'TCP 10.9.0.1:80');
    const mark = 'IP  0A090002 0000 00010007 0000 0A080002 0000 NONE             47';
    assert.equal(serviceOfConnection(parsed(mark)), 'fwmark 65543 IPv4');
    const zeros = ':0000'.repeat(6);
    const mark6 = `IP  fd09:0000${zeros} 0000 0001:0007${zeros} 0000 fd09:0000${zeros} 0000 NONE 47`;
    assert.equal(serviceOfConnection(parsed(mark6)), 'fwmark 65543 IPv6');
  });

  it('is refused with the reason', () => {
    for (const [line, reason] of [
      ['', 'fields'],
      [heading.toLowerCase(), 'address'],
      [four.slice(0, 40), 'fields'],
      [four.replace('TCP', 'T/P'), 'protocol'],
      [four.replace('0A090002', '0A09000'), 'address'],
      [four.replace('0A090002', '10.9.0.2'), 'address'],
      [four.replace('913A', '913'), 'port'],
      [four.replace('SYN_RECV', 'SYN\x1bRECV'), 'state'],
      [four.replace('57', '-57'), 'expires'],
      [four + ' x'.repeat(600), 'length'],
    ] as const)
      assert.deepEqual(parseConnection(line), { ok: false, error: reason }, line);
  });

  it('comes back as it was for every connection', () => {
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const octets = (length: 4 | 16) => fc.uint8Array({ minLength: length, maxLength: length });
    const text = (bytes: Uint8Array): string =>
      bytes.length === 4 ? hex(bytes).toUpperCase() : (hex(bytes).match(/..../g) ?? []).join(':');
    const port = fc.integer({ min: 0, max: 65_535 });
    const end = fc.tuple(fc.oneof(octets(4), octets(16)), port);
    fc.assert(
      fc.property(end, end, end, fc.nat(0xffff_ffff), (from, virtual, destination, expires_s) => {
        const words = [from, virtual, destination].map(
          ([address, at]) => `${text(address)} ${at.toString(16).toUpperCase().padStart(4, '0')}`,
        );
        const line = `TCP ${words.join(' ')} ${'FIN_WAIT'.padEnd(11)} ${String(expires_s).padStart(7)}`;
        const value = ([address, at]: readonly [Uint8Array, number]) => ({
          address: ipFromBytes(address),
          port: at,
        });
        assert.deepEqual(parsed(line), {
          ...{ protocol: 'TCP', from: value(from), virtual: value(virtual) },
          ...{ destination: value(destination), state: 'FIN_WAIT', expires_s },
        });
      }),
    );
  });

  it('never breaks on anything else', () => {
    const piece = fc.constantFrom(' ', '\x1b', '[', ']', ...four.split(' '), ...six.split(' '), 'ü');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((all) => all.join('')),
        ),
        (line) => {
          const result = parseConnection(line);
          if (result.ok) assert.doesNotMatch(JSON.stringify(result.value), /\\u00|[^ -~]/);
        },
      ),
    );
  });
});

describe('counts of the connection table', () => {
  it('are by service, server and state, the most first', () => {
    const summary = counted([four, template, six, udp, udp, udp]);
    assert.deepEqual([summary.total, summary.selected, summary.rows.length], [6, 6, 6]);
    assert.deepEqual(summary.services, [
      { name: 'UDP 10.9.0.1:53', connections: 3 },
      { name: 'TCP 10.9.0.1:80', connections: 2 },
      { name: 'TCP [fd09::1]:80', connections: 1 },
    ]);
    assert.deepEqual(summary.servers[0], { name: '10.8.0.2:53', connections: 3 });
    assert.deepEqual(
      summary.states.map(({ name }) => name),
      ['UDP UDP', 'TCP ESTABLISHED', 'TCP NONE', 'TCP SYN_RECV'],
    );
    assert.deepEqual(summary.skipped, []);
  });

  it('are of what was asked for, by any of its names', () => {
    const table = [four, template, six, udp];
    for (const [service, selected] of [
      ['TCP 10.9.0.1:80', 2],
      ['10.9.0.1:53', 1],
      ['10.9.0.1', 3],
      ['TCP [fd09::1]:80', 1],
      ['10.9.0.2', 0],
    ] as const)
      assert.equal(counted(table, { service }).selected, selected, service);
    for (const [server, selected] of [
      ['10.8.0.2', 3],
      ['10.8.0.2:53', 1],
      ['[fd09::3]:81', 1],
    ] as const)
      assert.equal(counted(table, { server }).selected, selected, server);
    assert.equal(counted(table, { service: '10.9.0.1', server: '10.8.0.2:80' }).selected, 2);
  });

  it('keep no more rows than the limit, and tell what was not understood', () => {
    const summary = counted([four, 'rubbish', udp, 'TCP x'], { limit: 1 });
    assert.deepEqual(summary.rows, [parsed(four)]);
    assert.deepEqual([summary.total, summary.skipped], [2, [{ name: 'fields', connections: 2 }]]);
  });

  it('are bounded: names beyond ten thousand are counted together', () => {
    const lines = Array.from({ length: 10_050 }, (_, at) =>
      four.replace('0A090001', at.toString(16).toUpperCase().padStart(8, '0')),
    );
    const { services } = counted(lines);
    assert.deepEqual(services[0], { name: otherNames, connections: 50 });
    assert.equal(services.length, 10_001);
    assert.equal(parsed(lines[1] ?? '').virtual.address, ip('0.0.0.1'));
  });
});
