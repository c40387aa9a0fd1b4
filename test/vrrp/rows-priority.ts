import type { Priority } from '../../src/vrrp/types.ts';
import { advert, delayed, reload, type Row, weighed } from './router-table.ts';

const again = { state: 'active', advertIn: 1_000_000 } as const;

/** What a priority that trackers have changed does in every state. */
export const weighedRows: readonly Row[] = [
  { id: 'initialize/priority', event: weighed(120), does: [], state: 'initialize' },
  {
    // Began 0.4 s ago, and its Skew_Time is 156/256 s no more but 56/256 s.
    id: 'backup/priority-raised',
    event: weighed(200),
    does: [],
    state: 'backup',
    downIn: 3_218_750 - 400_000,
  },
  {
    id: 'backup/priority-lowered',
    event: weighed(50),
    does: [],
    state: 'backup',
    downIn: 3_804_688 - 400_000,
  },
  {
    id: 'backup/priority-of-a-resigned-active',
    before: [[0.1, advert(0)]],
    event: weighed(200),
    does: [],
    state: 'backup',
    downIn: 218_750 - 300_000,
  },
  {
    id: 'backup/priority-raised-wait-goes-on',
    config: delayed,
    before: [[0.1, advert(50)]],
    event: weighed(200),
    does: [],
    state: 'backup',
    downIn: 3_218_750 - 300_000,
    preemptIn: 9_700_000,
  },
  {
    // Another Active may be the better one now: no wait that was begun before may end in a takeover.
    id: 'backup/priority-lowered-ends-wait',
    config: delayed,
    before: [[0.1, advert(90)]],
    event: weighed(50),
    does: [],
    state: 'backup',
    downIn: 3_804_688,
  },
  {
    id: 'backup/priority-lowered-ends-preempting',
    before: [[0.1, advert(90)]],
    event: weighed(50),
    does: [],
    state: 'backup',
    downIn: 3_804_688,
  },
  {
    id: 'backup/advertisement-lower-than-configured-only',
    config: delayed,
    before: [[0.1, weighed(50)]],
    event: advert(60),
    does: [],
    state: 'backup',
    downIn: 3_804_688,
  },
  {
    id: 'backup/deadline-weighed',
    before: [[0, weighed(50)]],
    at: 3.804688,
    event: undefined,
    does: ['send 50', 'open A B', 'add A B', 'announce', 'backup → active: active-silent'],
    ...again,
  },
  { id: 'active/priority', event: weighed(80), does: ['send 80', 'renew-lease'], ...again },
  {
    id: 'active/advertisement-after-priority',
    before: [[0.1, weighed(80)]],
    event: advert(90),
    does: ['stop-announcing', 'close A B', 'remove A B', 'active → backup: higher-priority'],
    state: 'backup',
    // 3 × 1 s + 176/256 s
    downIn: 3_687_500,
  },
  {
    id: 'active/reconfigure-with-trackers',
    before: [[0.1, weighed(80)]],
    event: reload({ priority: 150 as Priority }, 130),
    does: ['send 130', 'renew-lease'],
    ...again,
  },
];
