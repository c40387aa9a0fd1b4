import { seconds } from '../../src/base/time.ts';
import type { Priority } from '../../src/vrrp/types.ts';
import {
  A,
  above,
  advert,
  B,
  below,
  C,
  down,
  nopreempt,
  own,
  owner,
  reload,
  type Row,
  shutdown,
  startup,
  unleased,
} from './router-table.ts';

const withdrawal = ['stop-announcing', 'close A B', 'remove A B'];
const lapsed = { type: 'lease-lapsed' } as const;
const paused = { type: 'paused' } as const;
const movedPrimary = { type: 'primaries', addresses: [above] } as const;
const initialize = { state: 'initialize' } as const;
const backup = { state: 'backup' } as const;
/** Nothing happened: the timers of an Active that advertised 0.4 s ago. */
const stillActive = { state: 'active', advertIn: 600_000 } as const;
const again = { state: 'active', advertIn: 1_000_000 } as const;

const leaves = { ...backup, downIn: down };

export const inActive: readonly Row[] = [
  { id: 'active/startup', event: startup, does: [], ...stillActive },
  {
    id: 'active/shutdown',
    event: shutdown(true),
    does: ['send 0', ...withdrawal, 'active → initialize: stop'],
    ...initialize,
  },
  {
    id: 'active/shutdown-link-gone',
    event: shutdown(false, 'no-carrier'),
    does: [...withdrawal, 'active → initialize: no-carrier'],
    ...initialize,
  },
  {
    id: 'active/shutdown-owner',
    config: owner,
    event: shutdown(true),
    does: ['send 0', 'stop-announcing', 'remove A B', 'active → initialize: stop'],
    ...initialize,
  },
  {
    id: 'active/advertisement-zero',
    event: advert(0, below, 4),
    does: ['send 100', 'renew-lease', 'announce-again'],
    ...again,
  },
  {
    id: 'active/advertisement-lower',
    event: advert(50, above, 4),
    does: ['send 100', 'announce-again'],
    ...stillActive,
  },
  {
    id: 'active/advertisement-lower-nopreempt',
    config: nopreempt,
    event: advert(50),
    does: ['send 100', 'announce-again'],
    ...stillActive,
  },
  {
    id: 'active/advertisement-equal-lower-address',
    event: advert(100, below),
    does: ['send 100', 'announce-again'],
    ...stillActive,
  },
  {
    id: 'active/advertisement-equal-own-address',
    event: advert(100, own),
    does: ['send 100', 'announce-again'],
    ...stillActive,
  },
  {
    id: 'active/advertisement-equal-higher-address',
    event: advert(100, above, 4),
    does: [...withdrawal, 'active → backup: higher-address'],
    ...backup,
    downIn: 4 * down,
    interval: 4,
  },
  {
    id: 'active/advertisement-equal-unsigned',
    event: advert(100, above),
    does: [...withdrawal, 'active → backup: higher-address'],
    ...leaves,
  },
  {
    id: 'active/advertisement-higher',
    event: advert(150, below, 4),
    does: [...withdrawal, 'active → backup: higher-priority'],
    ...backup,
    downIn: 4 * down,
    interval: 4,
  },
  {
    id: 'active/advertisement-higher-nopreempt',
    config: nopreempt,
    event: advert(150),
    does: [...withdrawal, 'active → backup: higher-priority'],
    ...leaves,
  },
  {
    id: 'active/advertisement-higher-without-lease',
    config: unleased,
    event: advert(150),
    does: ['stop-announcing', 'remove A B', 'active → backup: higher-priority'],
    ...leaves,
  },
  {
    id: 'active/advertisement-owner-lower',
    config: owner,
    event: advert(254, above),
    does: ['send 255', 'announce-again'],
    ...stillActive,
  },
  { id: 'active/primaries', event: movedPrimary, does: [], ...stillActive },
  {
    id: 'active/advertisement-equal-after-primary-moved',
    before: [[0.1, movedPrimary]],
    event: advert(100, own),
    does: ['send 100', 'announce-again'],
    ...stillActive,
  },
  {
    id: 'active/reconfigure-priority',
    event: reload({ priority: 200 as Priority }),
    does: ['send 200', 'renew-lease'],
    ...again,
  },
  {
    id: 'active/reconfigure-interval',
    event: reload({ advert_int: seconds(2) }),
    does: ['send 100', 'renew-lease'],
    state: 'active',
    advertIn: 2_000_000,
    interval: 2,
  },
  {
    id: 'active/reconfigure-addresses',
    event: reload({ virtual_ipaddress: [A, C] }),
    does: ['send 100', 'close B', 'remove B', 'open C', 'add C', 'renew-lease', 'announce'],
    ...again,
  },
  {
    id: 'active/reconfigure-address-label',
    event: reload({ virtual_ipaddress: [{ ...A, label: 'eth0:1' }, B] }),
    does: ['send 100', 'close A', 'remove A', 'open A', 'add A', 'renew-lease', 'announce'],
    ...again,
  },
  {
    id: 'active/reconfigure-addresses-without-lease',
    config: unleased,
    event: reload({ ...unleased, virtual_ipaddress: [B, C] }),
    does: ['send 100', 'remove A', 'add C', 'renew-lease', 'announce'],
    ...again,
  },
  {
    id: 'active/reconfigure-lease-begins',
    config: unleased,
    event: reload({}),
    does: ['send 100', 'open A B', 'renew-lease'],
    ...again,
  },
  {
    id: 'active/reconfigure-lease-ends',
    event: reload(unleased),
    does: ['send 100', 'close A B', 'add A B', 'renew-lease', 'announce'],
    ...again,
  },
  {
    id: 'active/reconfigure-owner',
    event: reload(owner),
    does: ['send 255', 'close A B', 'add A B', 'renew-lease', 'announce'],
    ...again,
  },
  {
    id: 'active/lease-lapsed',
    event: lapsed,
    does: [...withdrawal, 'active → backup: lease-lapsed'],
    ...leaves,
  },
  { id: 'active/lease-lapsed-owner', config: owner, event: lapsed, does: [], ...stillActive },
  { id: 'active/paused', event: paused, does: [...withdrawal, 'active → backup: paused'], ...leaves },
  {
    id: 'active/paused-without-lease',
    config: unleased,
    event: paused,
    does: ['stop-announcing', 'remove A B', 'active → backup: paused'],
    ...leaves,
  },
  { id: 'active/paused-owner', config: owner, event: paused, does: [], ...stillActive },
  { id: 'active/deadline-not-reached', event: undefined, does: [], ...stillActive },
  { id: 'active/deadline', at: 1, event: undefined, does: ['send 100', 'renew-lease'], ...again },
  { id: 'active/deadline-late', at: 1.7, event: undefined, does: ['send 100', 'renew-lease'], ...again },
  {
    id: 'active/deadline-current-parameters',
    before: [[0.5, reload({ priority: 7 as Priority })]],
    at: 1.5,
    event: undefined,
    does: ['send 7', 'renew-lease'],
    ...again,
  },
];
