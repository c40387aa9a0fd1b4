/** Cells of a router whose pools are not ready yet: it preempts nobody who lives, and takes over from everybody who does not. */
import type { Micros } from '../../src/base/time.ts';
import type { VirtualRouterEvent } from '../../src/vrrp/events.ts';
import { advert, delayed, down, type Row, skew } from './router-table.ts';

/** Until 60 s after the start of the table. */
const wait: VirtualRouterEvent = { type: 'wait', until: 60_000_000 as Micros };
const over: VirtualRouterEvent = { type: 'wait', until: undefined };
const listening = { state: 'backup', downIn: down } as const;
const waiting = [[0, wait]] as const;

export const whileWaiting: readonly Row[] = [
  { id: 'initialize/wait', event: wait, does: [], state: 'initialize' },
  { id: 'backup/wait', event: wait, does: [], state: 'backup', downIn: down - 400_000 },
  { id: 'active/wait', event: over, does: [], state: 'active', advertIn: 600_000 },
  {
    id: 'backup/advertisement-lower-while-waiting',
    before: waiting,
    event: advert(50),
    does: [],
    ...listening,
    preemptIn: 59_600_000,
  },
  {
    id: 'backup/advertisement-higher-while-waiting',
    before: waiting,
    event: advert(150),
    does: [],
    ...listening,
  },
  {
    id: 'backup/advertisement-zero-while-waiting',
    before: waiting,
    event: advert(0),
    does: [],
    state: 'backup',
    downIn: skew,
  },
  {
    id: 'backup/deadline-while-waiting',
    before: waiting,
    at: down / 1e6,
    event: undefined,
    does: ['send 100', 'open A B', 'add A B', 'announce', 'backup → active: active-silent'],
    state: 'active',
    advertIn: 1_000_000,
  },
  {
    id: 'backup/wait-over',
    before: [...waiting, [0.1, advert(50)]],
    event: over,
    does: [],
    state: 'backup',
    downIn: down - 300_000,
    preemptIn: -300_000,
  },
  {
    id: 'backup/deadline-after-wait',
    before: [...waiting, [0.1, advert(50)], [0.4, over]],
    at: 0.4,
    event: undefined,
    does: ['send 100', 'open A B', 'add A B', 'announce', 'backup → active: preempting'],
    state: 'active',
    advertIn: 1_000_000,
  },
  {
    id: 'backup/wait-over-before-delay',
    config: delayed,
    before: [...waiting, [0.1, advert(50)]],
    event: over,
    does: [],
    state: 'backup',
    downIn: down - 300_000,
    preemptIn: 9_700_000,
  },
];
