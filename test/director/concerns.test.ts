import assert from 'node:assert/strict';
import fc from 'fast-check';
import { micros, seconds } from '../../src/base/time.ts';
import type { VirtualServer } from '../../src/director/types.ts';
import { service } from '../ipvs/table.ts';
import { Bench, pool, real } from './bench.ts';

describe('director: what an event concerns', () => {
  it('what an event says nothing of is as it would be if all were looked at again', () => {
    const servers = [1, 2, 3, 4, 5, 6].map((last) => real(last));
    // Check 3 speaks of both.
    const pools = [
      pool({ real_server: servers.slice(0, 3), slow_start: seconds(4), quorum: 2 }),
      pool({
        name: 'mail',
        services: [service('10.1.0.101')],
        real_server: servers.slice(2, 5),
        sorry_server: real(6),
        hysteresis: 1,
        quorum: 2,
      }),
    ];
    const event = fc.oneof(
      fc.record({
        id: fc.integer({ min: 1, max: 6 }),
        verdict: fc.constantFrom('up' as const, 'down' as const),
      }),
      fc.record({ drain: fc.integer({ min: 1, max: 6 }), for_s: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ open: fc.constantFrom(0, 3) }),
      fc.record({ configured: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ quarters: fc.integer({ min: 1, max: 24 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const bench = new Bench(...pools);
        let at_s = 0;
        for (const one of events) {
          if ('id' in one) bench.report(String(one.id), one.verdict);
          else if ('open' in one) bench.read(one.open);
          else if ('configured' in one) {
            const some = ({ real_server, ...rest }: VirtualServer): VirtualServer => ({
              ...rest,
              real_server: real_server.filter((_, at) => at !== one.configured % 3),
            });
            bench.configure(...pools.map((each) => (one.configured > 3 ? each : some(each))));
          } else if ('quarters' in one) bench.at((at_s += one.quarters / 4));
          else
            bench.handle({
              type: 'override',
              override: {
                real_server: `10.2.0.${one.drain}:80`,
                to: 'drain',
                until: micros(bench.now + one.for_s * 1e6),
              },
            });
          const before = JSON.stringify([bench.director.desired, bench.director.status]);
          bench.handle({ type: 'maintenance', names: [] });
          assert.equal(JSON.stringify([bench.director.desired, bench.director.status]), before);
        }
      }),
    );
  });
});
