import assert from 'node:assert/strict';
import fc from 'fast-check';
import { between, type Micros } from '../../src/base/time.ts';
import type { State, VirtualRouterEvent } from '../../src/vrrp/events.ts';
import type { Priority } from '../../src/vrrp/types.ts';
import { VirtualRouter } from '../../src/vrrp/virtual-router.ts';
import { inActive } from './rows-active.ts';
import { inBackup, inInitialize } from './rows-backup.ts';
import { weighedRows } from './rows-priority.ts';
import { inGroup, overBothFamilies } from './rows-together.ts';
import { whileWaiting } from './rows-wait.ts';
import { above, advert, base, below, own, play, reload, say, shutdown, startup } from './router-table.ts';

const rows = [
  ...inInitialize,
  ...inBackup,
  ...inActive,
  ...weighedRows,
  ...inGroup,
  ...whileWaiting,
  ...overBothFamilies,
];
const states: readonly State[] = ['initialize', 'backup', 'active'];
/** One of each, so that the compiler misses a new event here. */
const eventTypes: Record<VirtualRouterEvent['type'], true> = {
  startup: true,
  shutdown: true,
  advertisement: true,
  primaries: true,
  reconfigure: true,
  priority: true,
  'lease-lapsed': true,
  paused: true,
  'group-agrees': true,
  'group-leaves': true,
  wait: true,
};

describe('virtual router: the table', () => {
  for (const row of rows)
    it(row.id, () => {
      const { router, actions, now } = play(row);
      const { state, advertAt, activeDownAt, preemptAt, activeAdverInterval, wants } = router.snapshot();
      const afterwards = (at: Micros | undefined): number | undefined =>
        at === undefined ? undefined : between(now as Micros, at);
      assert.deepEqual(
        {
          does: actions.map(say),
          state,
          advertIn: afterwards(advertAt),
          downIn: afterwards(activeDownAt),
          preemptIn: afterwards(preemptAt),
          interval: activeAdverInterval / 1e6,
          wants,
        },
        {
          does: row.does,
          state: row.state,
          advertIn: row.advertIn,
          downIn: row.downIn,
          preemptIn: row.preemptIn,
          interval: row.interval ?? 1,
          wants: row.wants,
        },
      );
    });

  it('has a row for every state and event', () => {
    const cells = states.flatMap((state) =>
      [...Object.keys(eventTypes), 'deadline'].map((event) => `${state}/${event}`),
    );
    const empty = cells.filter((cell) => !rows.some(({ id }) => id === cell || id.startsWith(`${cell}-`)));
    assert.deepEqual(empty, []);
  });

  it('names every row once, after its event', () => {
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
    for (const { id, event } of rows)
      assert.match(id.slice(id.indexOf('/') + 1), new RegExp(`^${event?.type ?? 'deadline'}`));
  });
});

describe('virtual router', () => {
  const anyEvent = fc.oneof(
    fc.constantFrom<VirtualRouterEvent | undefined>(
      undefined,
      startup,
      shutdown(true),
      shutdown(false, 'no-carrier'),
      reload({}),
      { type: 'lease-lapsed' },
      { type: 'paused' },
      { type: 'priority', priority: 20 as Priority },
      { type: 'priority', priority: 200 as Priority },
    ),
    fc
      .tuple(
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom(below, own, above),
        fc.integer({ min: 1, max: 40 }),
      )
      .map(([priority, source, interval]) => advert(priority, source, interval)),
  );
  const anyHistory = fc.array(fc.tuple(anyEvent, fc.integer({ min: 0, max: 5_000_000 })), { maxLength: 40 });

  it('is quiet when nothing is due, and due again only later', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const router = new VirtualRouter(base, 'interface-absent', 0 as Micros);
        let now = 0;
        for (const [event, pause] of history) {
          now += pause;
          router.handle(event, now as Micros);
          const { deadline } = router;
          if (deadline !== undefined && deadline > now)
            assert.deepEqual(router.handle(undefined, now as Micros), []);
          router.handle(undefined, now as Micros);
          assert.ok(router.deadline === undefined || router.deadline > now, 'a deadline that stays due');
        }
      }),
    );
  });

  it('tells every change of state, once, as the last thing it does', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const router = new VirtualRouter(base, 'interface-absent', 0 as Micros);
        let now = 0;
        for (const [event, pause] of history) {
          now += pause;
          const from = router.state;
          const actions = router.handle(event, now as Micros);
          const told = actions.filter(({ type }) => type === 'transition');
          if (router.state === from) assert.deepEqual(told, []);
          else {
            const { reason } = router.snapshot();
            assert.deepEqual(told, [{ type: 'transition', from, to: router.state, reason }]);
            assert.equal(actions.at(-1), told[0]);
            assert.equal(router.snapshot().since, now);
          }
        }
      }),
    );
  });

  it('opens for every promotion, closes for every demotion, and never twice', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const router = new VirtualRouter(base, 'interface-absent', 0 as Micros);
        let now = 0;
        let open = false;
        for (const [event, pause] of history) {
          now += pause;
          for (const { type } of router.handle(event, now as Micros)) {
            if (type === 'open-gate' || type === 'close-gate') {
              assert.notEqual(open, type === 'open-gate');
              open = type === 'open-gate';
            }
            if (type === 'renew-lease') assert.ok(open);
          }
          assert.equal(open, router.state === 'active');
        }
      }),
    );
  });

  it('learns of a primary address while it is Backup', () => {
    const router = new VirtualRouter(base, 'interface-absent', 0 as Micros);
    router.handle(startup, 0 as Micros);
    router.handle({ type: 'primaries', addresses: [above] }, 1 as Micros);
    router.handle(undefined, router.deadline!);
    assert.equal(router.state, 'active');
    router.handle(advert(100, own), (router.snapshot().since + 1) as Micros);
    assert.equal(router.state, 'active');
  });
});
