/** Cells of routers that do not decide alone: members of a sync group, and elections over both families. */
import { ip } from '../../src/base/ip.ts';
import type { VirtualRouterEvent } from '../../src/vrrp/events.ts';
import { advert, above, below, delayed, down, own, type Row, skew } from './router-table.ts';

const agrees = { type: 'group-agrees' } as const;
const leaves = { type: 'group-leaves' } as const;
const grouped = { sync_group: 'gateway' } as const;
const withdrawal = ['stop-announcing', 'close A B', 'remove A B'];
const promotion = ['send 100', 'open A B', 'add A B', 'announce'];
const listening = { state: 'backup', downIn: down } as const;
/** The timers of a router that came to its state 0.4 s ago. */
const stillBackup = { state: 'backup', downIn: down - 400_000 } as const;
const stillActive = { state: 'active', advertIn: 600_000 } as const;
const newActive = { state: 'active', advertIn: 1_000_000 } as const;
/** Its time has come 0.1 s ago. */
const due = [[down / 1e6, undefined]] as const;
const wanting = { config: grouped, before: due, at: down / 1e6 + 0.1 } as const;

const bothPrimaries: VirtualRouterEvent = { type: 'primaries', addresses: [own, ip('fe80::20')] };
const both = { families: [4, 6] } as const;
const [lowerSix, higherSix] = [ip('fe80::10'), ip('fe80::30')];

export const inGroup: readonly Row[] = [
  { id: 'initialize/group-agrees', config: grouped, event: agrees, does: [], state: 'initialize' },
  { id: 'initialize/group-leaves', config: grouped, event: leaves, does: [], state: 'initialize' },
  { id: 'backup/group-agrees-too-early', config: grouped, event: agrees, does: [], ...stillBackup },
  { id: 'backup/group-leaves', config: grouped, event: leaves, does: [], ...stillBackup },
  {
    id: 'backup/deadline-in-group',
    config: grouped,
    at: down / 1e6,
    event: undefined,
    does: [],
    state: 'backup',
    wants: 'active-silent',
  },
  {
    id: 'backup/deadline-spurious-in-group',
    ...wanting,
    event: undefined,
    does: [],
    state: 'backup',
    wants: 'active-silent',
  },
  {
    id: 'backup/group-agrees',
    ...wanting,
    event: agrees,
    does: [...promotion, 'backup → active: active-silent'],
    ...newActive,
  },
  { id: 'backup/advertisement-higher-in-group', ...wanting, event: advert(150), does: [], ...listening },
  {
    id: 'backup/advertisement-lower-in-group',
    ...wanting,
    event: advert(50),
    does: [],
    state: 'backup',
    wants: 'preempting',
  },
  {
    id: 'backup/advertisement-lower-in-group-delayed',
    ...wanting,
    config: { ...grouped, ...delayed },
    event: advert(50),
    does: [],
    ...listening,
    preemptIn: 10_000_000,
  },
  {
    id: 'backup/advertisement-zero-in-group',
    ...wanting,
    event: advert(0),
    does: [],
    state: 'backup',
    downIn: skew,
  },
  { id: 'backup/paused-in-group', ...wanting, event: { type: 'paused' }, does: [], ...listening },
  {
    id: 'backup/priority-lowered-in-group',
    config: grouped,
    before: [[0.1, advert(90)], ...due],
    at: down / 1e6 + 0.1,
    event: { type: 'priority', priority: 80 as never },
    does: [],
    state: 'backup',
    downIn: 3_687_500,
  },
  { id: 'active/group-agrees', config: grouped, event: agrees, does: [], ...stillActive },
  {
    id: 'active/group-leaves',
    config: grouped,
    event: leaves,
    does: ['send 0', ...withdrawal, 'active → backup: sync-group'],
    ...listening,
  },
];

export const overBothFamilies: readonly Row[] = [
  {
    id: 'active/advertisement-equal-over-IPv6-waits-for-IPv4',
    config: both,
    before: [[0, bothPrimaries]],
    event: advert(100, higherSix),
    does: ['announce-again'],
    ...stillActive,
  },
  {
    id: 'active/advertisement-equal-over-IPv6-alone',
    config: both,
    before: [
      [0, bothPrimaries],
      [0.1, advert(100, higherSix)],
    ],
    at: 0.1 + down / 1e6,
    event: advert(100, higherSix),
    does: [...withdrawal, 'active → backup: higher-address'],
    ...listening,
  },
  {
    id: 'active/advertisement-equal-over-IPv6-alone-lower',
    config: both,
    before: [
      [0, bothPrimaries],
      [0.1, advert(100, lowerSix)],
    ],
    at: 0.4,
    event: advert(100, lowerSix),
    does: ['announce-again'],
    ...stillActive,
  },
  {
    id: 'active/advertisement-equal-over-IPv6-and-lower-over-IPv4',
    config: both,
    before: [
      [0, bothPrimaries],
      [0.1, advert(100, higherSix)],
      [3.6, advert(100, below)],
    ],
    at: 0.1 + down / 1e6,
    // It would have yielded to our IPv4 address, if it heard that.
    event: advert(100, higherSix),
    does: [...withdrawal, 'active → backup: higher-address'],
    ...listening,
  },
  {
    id: 'active/advertisement-equal-over-IPv4-decides',
    config: both,
    before: [
      [0, bothPrimaries],
      [0.1, advert(100, lowerSix)],
    ],
    event: advert(100, above),
    does: [...withdrawal, 'active → backup: higher-address'],
    ...listening,
  },
  {
    id: 'active/advertisement-higher-over-IPv6',
    config: both,
    before: [[0, bothPrimaries]],
    event: advert(150, lowerSix),
    does: [...withdrawal, 'active → backup: higher-priority'],
    ...listening,
  },
  {
    id: 'active/advertisement-equal-of-a-family-without-primary',
    config: both,
    event: advert(100, higherSix),
    does: ['send 100', 'announce-again'],
    ...stillActive,
  },
  {
    id: 'backup/advertisement-over-either-family',
    config: both,
    before: [
      [0, bothPrimaries],
      [0.1, advert(150, above)],
    ],
    event: advert(150, higherSix),
    does: [],
    ...listening,
  },
];
