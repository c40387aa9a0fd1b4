import assert from 'node:assert/strict';
import { LineCounter, parseDocument } from 'yaml';
import { loadAll } from '../../src/config/load.ts';
import { renderError, renderNote } from '../../src/config/report.ts';
import { head, server, usual } from './pools-file.ts';

function notes(text: string): readonly string[] {
  const all = loadAll(head + text, 'test.yaml', { name: 'lb1', from: '--node' });
  assert.deepEqual(all.errors.map(renderError), []);
  return all.notes.map((note) => renderNote(note).replace(/^.*note: /, ''));
}

describe('notes about pools', () => {
  const said = (pattern: RegExp, ...words: readonly string[]): void => {
    const all = notes(server(...words));
    assert.equal(all.filter((note) => pattern.test(note)).length, 1, all.join('\n'));
  };
  const servers = (count: number, words = ''): string =>
    `real_server: [${Array.from({ length: count }, (_, at) => `{ address: 10.2.0.${at + 1}:80${words} }`).join(', ')}]`;

  it('are not there for a plain pool', () => {
    assert.deepEqual(notes(server(...usual)), []);
    const many = ['address: 10.1.0.100:80', 'TCP_CHECK:', servers(20)];
    assert.deepEqual(notes(server(...many)), []);
  });

  it('say what catches people', () => {
    const [address, tcp] = ['address: 10.1.0.100:80', 'TCP_CHECK:'];
    said(/10\.1\.0\.7 is in no vrrp_instance/, 'address: 10.1.0.7:80', tcp, servers(2));
    said(/21 servers by NAT.*lb_kind DR scales further/, address, tcp, servers(21));
    said(
      /counts weights, not servers: one server alone \(weight 50\) reaches 2/,
      address,
      tcp,
      'quorum: 2',
      servers(3, ', weight: 50'),
    );
    said(/without a check/, address, servers(2));
    said(/all weights .* are 0/, address, tcp, servers(2, ', weight: 0'));
    said(
      /lb_algo rr .* takes all weights above 0 for the same/,
      address,
      tcp,
      'lb_algo: rr',
      'real_server: [{ address: 10.2.0.1:80, weight: 2 }, 10.2.0.2:80]',
    );
    said(/has flags, and .* only sh and mh look at them/, address, tcp, 'flag-1: true', servers(2));
    said(
      /connect_timeout .* is the time for the whole check/,
      address,
      tcp,
      'connect_timeout: 3s',
      servers(2),
    );
    said(/protocol of .* has no effect: a mark has any/, 'fwmark: 7', tcp, servers(2));
    assert.match(
      notes(`virtual_server_group: { farm: [10.1.0.100:80] }\n${server(...usual)}`).join(),
      /no virtual_server has group farm/,
    );
    const udp = server(...usual).replace('TCP\n', 'UDP\n');
    assert.match(notes(udp).join(), /clients of UDP 10\.1\.0\.100:80 stay with a server that is gone/);
    assert.deepEqual(notes(`${udp}sysctls: { net.ipv4.vs.expire_nodest_conn: 1 }\n`), []);
  });

  it('are one note for both nodes, whether their pools are the same or not', () => {
    const one = (at: number, weight: string): string =>
      `  - { address: 10.1.0.100:${at}, real_server: [{ address: 10.2.0.21, weight: ${weight} }] }\n`;
    const all = notes(`virtual_server:\n${one(80, '7')}${one(81, '{ lb1: 7, lb2: 9 }')}${one(82, '7')}`);
    assert.deepEqual(all, [
      'virtual_server entry 1 has servers without a check: they count as living, dead or not (and 2 more)',
    ]);
  });

  it('are one note for many', () => {
    const many = Array.from(
      { length: 50 },
      (_, at) => `  - { address: 10.1.1.${at}:80, real_server: [10.2.0.21:80] }\n`,
    );
    const all = notes(`virtual_server:\n${many.join('')}`);
    assert.equal(all.length, 2, all.join('\n'));
    assert.match(
      all.join('\n'),
      /10\.1\.1\.0 is in no vrrp_instance: no failover would move it \(and 49 more\)/,
    );
  });
});

describe('a file of 2,000 servers', () => {
  const line = (at: number): string =>
    `      - { address: 10.${2 + (at >> 8)}.0.${at & 255}:80, weight: ${1 + (at % 100)} }\n`;
  const one = (at: number): string =>
    `  - address: 10.1.0.${at}:80\n    lb_kind: DR\n    HTTP_GET: { url: [{ path: /health }] }\n    real_server:\n` +
    Array.from({ length: 20 }, (_, server) => line(at * 20 + server)).join('');
  const text = `${head}virtual_server:\n${Array.from({ length: 100 }, (_, at) => one(at)).join('')}`;
  const cost = (work: () => void): number => {
    const runs = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    });
    return Math.min(...runs);
  };

  it('is loaded for both nodes in the time that the YAML library needs to read it', () => {
    const library = cost(() => parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: false }));
    const ours = cost(() => {
      const { configs } = loadAll(text, 'x', { name: 'lb1', from: '--node' });
      assert.equal(configs.get('lb2')?.pools.virtual_server.length, 100);
    });
    assert.ok(ours < library, `${ours} us of processor time, the library ${library}`);
  });
});
