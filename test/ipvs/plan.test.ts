import assert from 'node:assert/strict';
import fc from 'fast-check';
import { removalOf, removalText } from '../../src/ipvs/guard.ts';
import { type Change, plan } from '../../src/ipvs/plan.ts';
import { serviceName, type VirtualService } from '../../src/ipvs/types.ts';
import { actual, server, service, written } from './table.ts';

const ours = (...names: string[]) => ({ journal: new Set(names), exclusive: false });
const web = 'TCP 10.1.0.100:80';

const said = ({ write, destination, differences, effect }: Change): string =>
  [
    write.command,
    ...(destination === undefined ? [] : [destination]),
    ...differences.map(({ word, from, to }) => `${word} ${from} → ${to}`),
    `(${effect})`,
  ].join(' ');

describe('ipvs/plan', () => {
  it('into an empty table: services, then their servers', () => {
    const { changes, adopt, foreign } = plan(
      [{ service: service(), destinations: [server(1), server(2, { weight: 0 })] }],
      [],
      ours(),
    );
    assert.deepEqual(changes.map(said), [
      'new-service (new)',
      'new-dest 10.2.0.1:80 (new, and takes connections)',
      'new-dest 10.2.0.2:80 (new, and takes no connections)',
    ]);
    assert.deepEqual([adopt, foreign], [[], []]);
  });

  it('names every word that differs, once, and what becomes of connections', () => {
    const old = actual([{ service: service(), destinations: [server(1), server(2), server(3)] }], 7);
    const wanted = [
      {
        service: service('10.1.0.100', { scheduler: 'sh', schedulerFlags: [1] }),
        destinations: [
          server(2, { weight: 0 }),
          server(3, { weight: 200, upperThreshold: 10 }),
          server(4, { forward: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'none' } }),
        ],
      },
    ];
    const { changes } = plan(wanted, old, ours(web));
    assert.deepEqual(changes.map(said), [
      'set-service lb_algo wlc → sh flags none → 1 (connections stay, new ones follow the new words)',
      'new-dest 10.2.0.4:80 (new, and takes connections)',
      // What takes more comes before what takes less.
      'set-dest 10.2.0.3:80 weight 100 → 200 uthreshold 0 → 10 (7 connections go on)',
      'set-dest 10.2.0.2:80 weight 100 → 0 (takes no new connections, 7 go on)',
      'del-dest 10.2.0.1:80 (7 connections are cut)',
    ]);
  });

  it('adopts what the file names, removes what only the journal names, and leaves the rest alone', () => {
    const table = [service(), service('10.1.0.101'), service('10.1.0.102')].map((one) => ({
      service: one,
      destinations: [server(1)],
    }));
    const found = actual(table, 2);
    const wanted = table.slice(0, 1);
    const { changes, adopt, foreign } = plan(wanted, found, ours('TCP 10.1.0.101:80', 'TCP 10.9.9.9:80'));
    assert.deepEqual(changes.map(said), ['del-service (goes with 1 destinations, 2 connections are cut)']);
    assert.deepEqual(adopt, [web]);
    assert.deepEqual(foreign, ['TCP 10.1.0.102:80']);
    const whole = plan(wanted, found, { journal: new Set(), exclusive: true });
    assert.equal(whole.changes.length, 2);
    assert.deepEqual(whole.foreign, []);
  });

  it('without persistence it does not mind what the kernel kept of it', () => {
    const persistent = service('10.1.0.100', { persistence: { timeout_s: 300, granularity: 24 } });
    const table = [{ service: service(), destinations: [] }];
    assert.equal(plan([{ service: persistent, destinations: [] }], actual(table), ours()).changes.length, 1);
    assert.equal(plan(table, actual(table), ours()).changes.length, 0);
  });

  it('carried out it gives what was wanted, and nothing is left to do; foreign services are as they were', () => {
    const destination = fc
      .record({ last: fc.integer({ min: 1, max: 6 }), weight: fc.integer({ min: 0, max: 3 }) })
      .map(({ last, weight }) => server(last, { weight }));
    const virtual = fc
      .record({
        last: fc.integer({ min: 1, max: 5 }),
        scheduler: fc.constantFrom('rr', 'wlc'),
        destinations: fc.uniqueArray(destination, { selector: ({ address }) => address }),
      })
      .map(({ last, scheduler, destinations }) => ({
        service: service(`10.1.0.${last}`, { scheduler }),
        destinations,
      }));
    const table = fc.uniqueArray(virtual, { selector: ({ service: { key } }) => serviceName(key) });
    const sorted = (value: readonly VirtualService[]): unknown =>
      value
        .map((one) => ({
          ...one,
          destinations: [...one.destinations].sort((a, b) => (a.address < b.address ? -1 : 1)),
        }))
        .sort((a, b) => (serviceName(a.service.key) < serviceName(b.service.key) ? -1 : 1));
    fc.assert(
      fc.property(table, table, fc.boolean(), (wanted, found, known) => {
        const journal = new Set(known ? found.map(({ service: { key } }) => serviceName(key)) : []);
        const first = plan(wanted, actual(found), { journal, exclusive: false });
        const after = written(
          found,
          first.changes.map(({ write }) => write),
        );
        const foreign = found.filter(({ service: { key } }) => first.foreign.includes(serviceName(key)));
        assert.deepEqual(sorted(after), sorted([...wanted, ...foreign]));
        const all = new Set([...journal, ...wanted.map(({ service: { key } }) => serviceName(key))]);
        assert.deepEqual(plan(wanted, actual(after), { journal: all, exclusive: false }).changes, []);
      }),
    );
  });
});

describe('ipvs/guard', () => {
  const declared = (count: number, from = 1) => [
    { key: service().key, destinations: Array.from({ length: count }, (_, at) => server(from + at)) },
  ];

  it('refuses a file that takes away more than half, and more than three objects', () => {
    const emptied = removalOf(declared(10), []);
    assert.deepEqual([emptied.removed.length, emptied.of, emptied.refused], [11, 11, true]);
    assert.match(removalText(emptied), /removes 11 of 11 .*TCP 10\.1\.0\.100:80.*--allow-removal/);
    assert.equal(removalOf(declared(10), declared(4)).refused, true);
    assert.equal(removalOf(declared(10), declared(5)).refused, false);
    // Three of three is a small site that is rebuilt.
    assert.equal(removalOf(declared(2), []).refused, false);
    assert.equal(removalOf([], declared(100)).refused, false);
    // Moved to other addresses: every old one goes.
    assert.equal(removalOf(declared(10), declared(10, 50)).refused, true);
  });
});
