/** Zeroing counters over the port of the table. */
import assert from 'node:assert/strict';
import { zero } from '../../src/cli/zero.ts';
import type { IpvsLink, Write } from '../../src/ipvs/link.ts';
import { serviceName } from '../../src/ipvs/types.ts';
import { fwmarkKey, keyOf, serviceOf } from '../ipvs/samples.ts';

const keys = [keyOf('10.1.0.100', 80), keyOf('10.1.0.100', 80, 'UDP'), fwmarkKey(7)];
const [tcp = '', udp = '', mark = ''] = keys.map(serviceName);

function tableWith(written: Write[], refusal?: string): IpvsLink {
  const services = keys.map((key) => ({
    service: { ...serviceOf(key) },
    statistics: undefined,
    destinations: [],
  }));
  return {
    unavailable: undefined,
    read: () => Promise.resolve({ ok: true, value: services }),
    timeouts: () => Promise.reject(new Error('nobody asks for them')),
    write: (writes) => {
      written.push(...writes);
      return Promise.resolve(
        writes.map(() =>
          refusal === undefined
            ? { ok: true, value: 'done' }
            : { ok: false, error: { errno: 1, text: refusal } },
        ),
      );
    },
  };
}

describe('zero', () => {
  const row = (service: string | undefined, names: readonly string[], written: readonly unknown[]): void => {
    it(service ?? 'all in one write', async () => {
      const writes: Write[] = [];
      assert.deepEqual(await zero(tableWith(writes), service), { ok: true, value: names });
      assert.deepEqual(
        writes,
        written.map((key) => ({ command: 'zero', key })),
      );
    });
  };
  row(undefined, [tcp, udp, mark], [undefined]);
  row('TCP 10.1.0.100:80', [tcp], [keys[0]]);
  row('10.1.0.100:80', [tcp, udp], [keys[0], keys[1]]);
  row('fwmark 7 IPv4', [mark], [keys[2]]);

  it('names those that there are when there is no such service', async () => {
    const writes: Write[] = [];
    assert.deepEqual(await zero(tableWith(writes), '10.1.0.100:81'), {
      ok: false,
      error: `no service 10.1.0.100:81; there are ${tcp}, ${udp}, ${mark}`,
    });
    assert.deepEqual(writes, []);
  });

  it('says what the kernel refused', async () => {
    assert.deepEqual(await zero(tableWith([], 'no right'), undefined), { ok: false, error: 'no right' });
  });
});
