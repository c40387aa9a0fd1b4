import assert from 'node:assert/strict';
import fc from 'fast-check';
import { seconds } from '../../src/base/time.ts';
import { declaredBy } from '../../src/director/director.ts';
import type { VirtualServer } from '../../src/director/types.ts';
import type { VirtualService } from '../../src/ipvs/types.ts';
import { server, service } from '../ipvs/table.ts';
import { Bench, check, pool, real } from './bench.ts';

describe('director: health', () => {
  it('all begin alive; one that fails is taken out, or kept with weight 0, and comes back', () => {
    const bench = new Bench(pool({ real_server: [real(1), real(2, { inhibit_on_failure: true })] }));
    assert.equal(bench.table, '1=100 2=100');
    assert.equal(bench.report('1', 'down').table, '2=100');
    assert.equal(bench.words(1), 'TCP_CHECK: says down');
    assert.equal(bench.report('2', 'down').table, '2=0');
    assert.equal(bench.report('1', 'up').report('2', 'up').table, '1=100 2=100');
  });

  it('alpha: down until the first word, of the check or of the whole pool', () => {
    const bench = new Bench(pool({ real_server: [real(1, { checks: [check('1', true)] }), real(2)] }));
    assert.equal(bench.table, '2=100');
    assert.equal(bench.report('1', 'up').table, '1=100 2=100');
    const whole = new Bench(pool({ alpha: true, quorum_up: ['/bin/up'] }));
    assert.equal(whole.table, '');
    assert.deepEqual(whole.report('2', 'up').said, ['web up /bin/up']);
    assert.equal(whole.table, '2=100');
  });

  it('every check must pass, and a checks process that begins anew changes nothing', () => {
    const bench = new Bench(pool({ real_server: [real(1, { checks: [check('a'), check('b')] }), real(2)] }));
    bench.report('a', 'up').report('b', 'down');
    assert.equal(bench.table, '2=100');
    assert.equal(bench.report('b', 'unknown').table, '2=100');
    assert.equal(bench.report('b', 'up').table, '1=100 2=100');
    assert.equal(bench.report('a', 'unknown').table, '1=100 2=100');
  });

  it('reports that come together are judged together: one server for another is no pool down', () => {
    const bench = new Bench(pool({ real_server: [real(1), real(2)] }));
    assert.equal(bench.report('1', 'down').reports({ 2: 'down', 1: 'up' }).table, '1=100');
    assert.deepEqual(bench.said, []);
    assert.equal(bench.report('1', 'down').said.length, 1);
  });

  it('a dynamic checker sets the weight', () => {
    assert.equal(new Bench(pool()).report('2', 'up', 7).table, '1=100 2=7 3=100');
  });
});

describe('director: quorum and sorry server', () => {
  const sorry = { destination: server(99), inhibit_on_failure: false, checks: [] };
  const scripts = { quorum_up: ['/bin/up'], quorum_down: ['/bin/down', 'now'] };

  it('sums weights, with hysteresis both ways', () => {
    const bench = new Bench(pool({ ...scripts, quorum: 200, hysteresis: 50 }));
    // 300 → 200: not below 150. → 100: below. → 200: not yet 250. → 300: up.
    bench.report('1', 'down');
    assert.deepEqual(bench.said, []);
    bench.report('2', 'down');
    assert.deepEqual(bench.said, ['web down /bin/down now']);
    bench.report('2', 'up');
    assert.equal(bench.said.length, 1);
    bench.report('1', 'up');
    assert.deepEqual(bench.said, ['web down /bin/down now', 'web up /bin/up']);
  });

  it('without a sorry server a pool below its quorum goes on with what lives', () => {
    const bench = new Bench(pool({ quorum: 300 }));
    assert.equal(bench.report('1', 'down').table, '2=100 3=100');
  });

  it('the sorry server takes the new connections, the living keep theirs, and so does it afterwards', () => {
    const bench = new Bench(pool({ quorum: 300, sorry_server: sorry }));
    assert.equal(bench.table, '1=100 2=100 3=100');
    assert.equal(bench.report('1', 'down').table, '2=0 3=0 99=100');
    bench.read(5);
    assert.equal(bench.report('1', 'up').table, '1=100 2=100 3=100 99=0');
    assert.equal(bench.read(0).table, '1=100 2=100 3=100');
  });

  it('a sorry server that is down is no help', () => {
    const checked = { ...sorry, checks: [check('sorry')] };
    const bench = new Bench(pool({ sorry_server: checked })).report('sorry', 'down');
    assert.equal(bench.report('1', 'down').report('2', 'down').report('3', 'down').table, '');
    assert.equal(bench.report('sorry', 'up').table, '99=100');
  });

  it('omega: quorum_down when the daemon stops with the pool up', () => {
    assert.deepEqual(new Bench(pool({ ...scripts, omega: true })).handle({ type: 'stop' }).said, [
      'web down /bin/down now',
    ]);
    assert.deepEqual(new Bench(pool(scripts)).handle({ type: 'stop' }).said, []);
  });

  it('panic: when nearly all are down the checks are doubted', () => {
    const bench = new Bench(pool({ panic_threshold: 50 }));
    assert.equal(bench.report('1', 'down').table, '2=100 3=100');
    assert.equal(bench.report('2', 'down').table, '1=100 2=100 3=100');
    assert.equal(bench.director.status[0]?.panic, true);
    assert.equal(bench.report('1', 'up').table, '1=100 3=100');
  });
});

describe('director: operators', () => {
  const name = '10.2.0.2:80';

  it('overrides win over checks until they expire or are taken back, the last word counts', () => {
    const bench = new Bench(pool()).report('2', 'down');
    bench.handle({ type: 'override', override: { real_server: name, to: 'up', until: seconds(10) } });
    assert.equal(bench.table, '1=100 2=100 3=100');
    assert.match(bench.words(2) ?? '', /^up by an operator; TCP_CHECK: says down/);
    assert.equal(bench.at(9.9).table, '1=100 2=100 3=100');
    assert.equal(bench.at(10).table, '1=100 3=100');
    bench.report('2', 'up');
    bench.handle({ type: 'override', override: { real_server: name, to: 'down' } });
    assert.equal(bench.table, '1=100 3=100');
    bench.handle({ type: 'override', override: { real_server: name, to: { weight: 5 } } });
    assert.equal(bench.table, '1=100 2=5 3=100');
    assert.equal(bench.director.overrides.length, 1);
    assert.equal(bench.handle({ type: 'release', real_server: name }).table, '1=100 2=100 3=100');
  });

  it('one pool only, when it is named', () => {
    const other = pool({ name: 'mail', services: [service('10.1.0.101')] });
    const bench = new Bench(pool(), other);
    bench.handle({ type: 'override', override: { virtual_server: 'mail', real_server: name, to: 'drain' } });
    assert.equal(bench.table, '1=100 2=100 3=100 | 1=100 2=0 3=100');
  });

  it('a file in maintenance_dir drains by address or by endpoint', () => {
    const bench = new Bench(pool());
    assert.equal(bench.handle({ type: 'maintenance', names: ['10.2.0.1', name] }).table, '1=0 2=0 3=100');
    assert.equal(bench.words(1), 'in maintenance');
    assert.equal(bench.handle({ type: 'maintenance', names: [] }).table, '1=100 2=100 3=100');
  });

  it('a drained server counts nothing for the quorum, and is taken out when it dies', () => {
    const bench = new Bench(pool({ quorum: 201 }));
    bench.handle({ type: 'override', override: { real_server: name, to: 'drain' } });
    assert.equal(bench.director.status[0]?.up, false);
    assert.equal(bench.report('2', 'down').table, '1=100 3=100');
  });
});

describe('director: files that change', () => {
  it('a server that is not named any more is drained: until its connections have ended', () => {
    const bench = new Bench(pool()).read(4).configure(pool({ real_server: [real(1), real(3)] }));
    assert.equal(bench.table, '1=100 3=100 2=0');
    assert.match(bench.words(2) ?? '', /not in the file any more/);
    // The table that was read before it left says nothing of what came in between.
    assert.equal(bench.handle(undefined).table, '1=100 3=100 2=0');
    assert.equal(bench.read(1).table, '1=100 3=100 2=0');
    assert.equal(bench.read(0).table, '1=100 3=100');
  });

  it('… or until its time is over', () => {
    const bench = new Bench(pool({ drain_timeout: seconds(60) })).configure(
      pool({ real_server: [real(1)], drain_timeout: seconds(60) }),
    );
    assert.equal(bench.read(9).at(59).table, '1=100 2=0 3=0');
    assert.equal(bench.at(60).table, '1=100');
  });

  it('… or until it is named again', () => {
    const bench = new Bench(pool()).configure(pool({ real_server: [real(1)] })).configure(pool());
    assert.equal(bench.table, '1=100 2=100 3=100');
  });

  it('a whole pool leaves in the same way', () => {
    const bench = new Bench(pool()).configure();
    assert.equal(bench.table, '1=0 2=0 3=0');
    assert.equal(bench.read(1).read(0).table, '');
    assert.deepEqual(bench.director.status, []);
    assert.equal(bench.director.deadline, undefined);
  });

  it('a reload keeps what checks have said of what it keeps, and forgets the rest', () => {
    const bench = new Bench(pool()).report('2', 'down').configure(pool({ quorum: 2 }));
    assert.equal(bench.table, '1=100 3=100');
    bench.configure(pool({ real_server: [real(1)] })).configure(pool());
    assert.equal(bench.table, '1=100 2=100 3=100');
  });
});

describe('director: slow start', () => {
  it('a server that comes back grows to its weight in ten steps; one that begins alive does not', () => {
    const bench = new Bench(pool({ slow_start: seconds(20), real_server: [real(1), real(2)] }));
    assert.equal(bench.table, '1=100 2=100');
    bench.at(5).report('2', 'down').at(10).report('2', 'up');
    assert.equal(bench.table, '1=100 2=10');
    assert.equal(bench.at(11.9).table, '1=100 2=10');
    assert.equal(bench.at(12).table, '1=100 2=20');
    assert.equal(bench.at(28).table, '1=100 2=100');
    assert.equal(bench.director.deadline, undefined);
  });

  it('small weights are never 0', () => {
    const light = real(2, { destination: server(2, { weight: 2 }) });
    const bench = new Bench(pool({ slow_start: seconds(10), real_server: [real(1), light] }));
    bench.report('2', 'down').report('2', 'up');
    assert.equal(bench.table, '1=100 2=1');
  });
});

describe('director: services', () => {
  it('those of a group share one pool, and a server without a port takes that of each', () => {
    const two: VirtualServer['services'] = [
      service(),
      service('10.1.0.101', {
        key: { kind: 'address', protocol: 'TCP', address: server(1).address, port: 443 },
      }),
    ];
    const portless = real(1, { destination: server(1, { port: 0 }) });
    const bench = new Bench(pool({ services: two, real_server: [portless, real(2)] }));
    const ports = bench.director.desired.map(({ destinations }: VirtualService) =>
      destinations.map(({ port }) => port),
    );
    assert.deepEqual(ports, [
      [80, 80],
      [443, 80],
    ]);
    bench.configure(pool({ services: two, real_server: [real(2)] }));
    assert.equal(bench.table, '2=100 1=0 | 2=100 1=0');
    bench.read(1);
    assert.equal(bench.read(0).table, '2=100 | 2=100');
  });

  it('what a file declares is for the guard', () => {
    const [declared] = declaredBy({ virtual_server: [pool()] });
    assert.deepEqual([declared?.key, declared?.destinations.length], [service().key, 3]);
  });

  it('never gives weight to who is down or drained, whatever happens', () => {
    const event = fc.oneof(
      fc.record({
        id: fc.constantFrom('1', '2', '3'),
        verdict: fc.constantFrom('up' as const, 'down' as const),
      }),
      fc.record({
        last: fc.constantFrom(1, 2, 3),
        to: fc.constantFrom('drain' as const, 'down' as const, 'release' as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const bench = new Bench(pool());
        const down = new Map<string, string>();
        const held = new Map<number, string>();
        for (const one of events) {
          if ('id' in one) {
            down.set(one.id, one.verdict);
            bench.report(one.id, one.verdict);
          } else {
            const real_server = `10.2.0.${one.last}:80`;
            held.set(one.last, one.to);
            if (one.to === 'release') bench.handle({ type: 'release', real_server });
            else bench.handle({ type: 'override', override: { real_server, to: one.to } });
          }
          for (const { destinations } of bench.director.desired)
            for (const { address, weight } of destinations) {
              const last = Number(address.split('.').at(-1));
              const free = (held.get(last) ?? 'release') === 'release';
              assert.equal(weight > 0, down.get(String(last)) !== 'down' && free);
            }
        }
      }),
    );
  });
});
