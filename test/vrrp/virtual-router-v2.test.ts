import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import { above, advert, below, play, reload, type Row, say } from './router-table.ts';

const config = { version: 2, advert_int: seconds(2) } as const;
/** 3 × 2 s + 156/256 s: Skew_Time has no interval in it. RFC 3768 §6.1 */
const down = 6_609_375;
const withdrawal = ['stop-announcing', 'close A B', 'remove A B'];

/** Where version 2 is not version 3, and next to it. RFC 3768 §6.4; the ladder lets no other interval through. */
const rows: readonly Row[] = [
  {
    id: 'backup/advertisement-higher',
    event: advert(150, below, 5),
    does: [],
    state: 'backup',
    downIn: down,
  },
  { id: 'backup/advertisement-zero', event: advert(0, below, 2), does: [], state: 'backup', downIn: 609_375 },
  {
    id: 'backup/reconfigure-interval',
    event: reload({ ...config, advert_int: seconds(3) }),
    does: [],
    state: 'backup',
    downIn: down + 3_000_000,
    interval: 3,
  },
  {
    id: 'active/advertisement-lower',
    event: advert(50, above, 2),
    // RFC 3768 §6.4.3 discards it: no answer. Who sent it believed to be Active, so caches may point at it.
    does: ['announce-again'],
    state: 'active',
    advertIn: 1_600_000,
  },
  {
    id: 'active/advertisement-equal-lower-address',
    event: advert(100, below, 2),
    does: ['announce-again'],
    state: 'active',
    advertIn: 1_600_000,
  },
  {
    id: 'active/advertisement-zero',
    event: advert(0, below, 2),
    does: ['send 100', 'renew-lease', 'announce-again'],
    state: 'active',
    advertIn: 2_000_000,
  },
  {
    id: 'active/advertisement-higher',
    event: advert(150, below, 5),
    does: [...withdrawal, 'active → backup: higher-priority'],
    state: 'backup',
    downIn: down,
  },
  {
    id: 'active/advertisement-equal-higher-address',
    event: advert(100, above, 5),
    does: [...withdrawal, 'active → backup: higher-address'],
    state: 'backup',
    downIn: down,
  },
];

describe('virtual router version 2', () => {
  for (const row of rows) {
    it(row.id, () => {
      const { router, actions, now } = play({ ...row, config });
      const { state, advertAt, activeDownAt, activeAdverInterval, skewTime } = router.snapshot();
      assert.deepEqual(actions.map(say), row.does);
      assert.equal(state, row.state);
      assert.equal(advertAt === undefined ? undefined : advertAt - now, row.advertIn);
      assert.equal(activeDownAt === undefined ? undefined : activeDownAt - now, row.downIn);
      assert.equal(activeAdverInterval, seconds(row.interval ?? 2));
      assert.equal(skewTime, 609_375);
    });
  }
});
