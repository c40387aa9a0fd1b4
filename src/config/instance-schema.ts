import type { Schema } from './schema.ts';
import { wireSchemas } from './wire-schema.ts';
import { trackSchemas } from './track-schema.ts';

const second = 1_000_000;
const upTo = (max: number): Pick<Schema, 'type' | 'duration' | 'perNode'> => ({
  type: ['string', 'number'],
  duration: { min: 0, max, step: 1 },
  perNode: true,
});
const count = (minimum: number): Pick<Schema, 'type' | 'minimum' | 'maximum' | 'perNode'> => ({
  type: 'integer',
  minimum,
  maximum: 100,
  perNode: true,
});
const flag = { type: 'boolean', perNode: true } as const;

/** What the kernel takes as a device name, in printable ASCII. dev_valid_name(), net/core/dev.c */
export const device: Schema = {
  type: 'string',
  pattern: '^(?!\\.{1,2}$)(?![^]*[/:])[!-~]{1,15}$',
  expected: 'an interface name of 1 to 15 characters without "/", ":" and space',
  perNode: true,
};

export const leaseModes = ['required', 'preferred', 'off'] as const;

const leaseMode: Schema = {
  type: 'string',
  words: leaseModes,
  defaultText: '`preferred`',
  description:
    '`required`: no gate, no promotion. `preferred`: promote without one, status says so. `off`: no lease.',
};

export const leaseSchema: Schema = {
  type: ['string', 'object'],
  perNode: true,
  words: leaseModes,
  additionalProperties: false,
  properties: {
    mode: { ...leaseMode, perNode: true },
    gate_lifetime: {
      type: ['string', 'number'],
      duration: { min: 1_000, max: 123 * second, step: 1 },
      perNode: true,
      defaultText: '3 × advert_int − the larger of 100ms and advert_int / 4',
      description:
        'The kernel stops answering for the VIP this long after the last renewal. ' +
        'At most 3 × advert_int − 100ms, more than 1.2 × advert_int.',
    },
    address_lifetime: {
      type: ['string', 'number'],
      duration: { min: second, max: 3_600 * second, step: second },
      perNode: true,
      defaultText: 'gate_lifetime in whole seconds, rounded up, + 1s',
      description:
        'The kernel removes the address this long after the last renewal: clean-up, never the bound.',
    },
  },
};

const virtualAddress: Schema = {
  type: ['string', 'object'],
  ip: 'prefix',
  additionalProperties: false,
  required: ['address'],
  properties: {
    address: {
      type: 'string',
      ip: 'prefix',
      perNode: true,
      description: 'IPv4 or IPv6 address.',
      why: 'an entry without an address would move nothing',
    },
    dev: {
      ...device,
      defaultText: "the instance's interface",
      description: 'Interface that carries the address.',
    },
    label: {
      type: 'string',
      pattern: '^[!-~]{1,15}$',
      expected: 'a label of 1 to 15 characters without space',
      perNode: true,
      description: 'IPv4 only: label of the address, as in `ip address`.',
    },
    scope: {
      type: ['string', 'integer'],
      words: ['global', 'site', 'link', 'host'],
      minimum: 0,
      maximum: 254,
      perNode: true,
      description: 'Scope of the address: a word, or the number that rtnetlink uses.',
    },
    brd: { type: 'string', ip: 'address', perNode: true, description: 'IPv4 only: broadcast address.' },
    as_written: {
      ...flag,
      defaultText: "the instance's `as_written`",
      description: 'Keep the written prefix length. Otherwise the address is added as /32 or /128.',
    },
  },
};

export const advertInterval = {
  expected:
    'a duration from 10ms to 40.95s in steps of 10ms, such as 1s or 500ms (version 2: whole seconds to 255s)',
  why: 'the field of an advertisement counts 1 to 4095 hundredths of a second, in version 2 1 to 255 seconds',
} as const;

const election: Readonly<Record<string, Schema>> = {
  interface: {
    ...device,
    description: 'Interface of the advertisements, and of the addresses that name no `dev`.',
    why: 'without it this director would neither hear nor send an advertisement',
  },
  virtual_router_id: {
    type: 'integer',
    minimum: 1,
    maximum: 255,
    perNode: true,
    description: 'VRID: the same on all directors of one election, unique per interface and family.',
    why: 'routers with different VRIDs do not see each other, and both would own the address',
  },
  priority: {
    type: 'integer',
    minimum: 1,
    maximum: 255,
    perNode: true,
    default: 100,
    description:
      'The highest wins. 255 is the address owner: its address is configured anyway and has no lease.',
    why: 'the field has one octet, and 0 in it means "I am leaving"',
  },
  advert_int: {
    type: ['string', 'number'],
    // Version 3 ends at 40.95 s.
    duration: { min: 10_000, max: 255 * second, step: 10_000 },
    ...advertInterval,
    perNode: true,
    default: '1s',
    description: 'Interval of advertisements; a silent active is replaced after about 3 of them.',
  },
  state: {
    type: 'string',
    words: ['MASTER', 'BACKUP', 'ACTIVE'],
    perNode: true,
    description:
      'Accepted from keepalived files and without effect: every node starts as backup, the election decides.',
  },
  nopreempt: {
    ...flag,
    defaultText: '`false`',
    description: 'Short form of `preempt: {mode: never}`.',
  },
  preempt_delay: {
    ...upTo(1_000 * second),
    defaultText: '0s',
    description: 'Short form of `preempt: {delay: …}`.',
  },
  preempt: {
    type: 'object',
    additionalProperties: false,
    properties: {
      mode: {
        type: 'string',
        words: ['always', 'never'],
        perNode: true,
        default: 'always',
        description: '`never`: a living active of lower priority keeps the address.',
      },
      delay: {
        ...upTo(1_000 * second),
        default: '0s',
        description: 'Wait before taking over from a living active, after a start too.',
      },
      wait_for_checks: {
        ...flag,
        default: false,
        description:
          'No living active is replaced before every check of the virtual servers has spoken, nor while one of them is ' +
          'below its quorum: after a start, and after this director was cut off.',
      },
      at_most: {
        ...upTo(1_000 * second),
        default: '60s',
        description: 'How long `wait_for_checks` waits.',
      },
    },
    description: 'Whether and when a living active of lower priority is replaced.',
  },
};

const addresses: Readonly<Record<string, Schema>> = {
  virtual_ipaddress: {
    type: 'array',
    minItems: 1,
    items: virtualAddress,
    description:
      'The addresses that move: text, or a map. With both families one election goes over both. Of the IPv6 ones a ' +
      'link-local address first.',
    why: 'without it this director would hold the election but no address',
  },
  virtual_ipaddress_excluded: {
    type: 'array',
    minItems: 1,
    items: virtualAddress,
    description:
      'More addresses that move with the instance, of any family, and are not named in advertisements.',
  },
  as_written: {
    ...flag,
    default: false,
    description: 'Default of `as_written` for all addresses of the instance.',
  },
  mcast_src_ip: {
    type: 'string',
    ip: 'address',
    perNode: true,
    defaultText: "the interface's primary address, IPv6: its link-local address",
    description: 'Source address of advertisements.',
  },
  v3_checksum_as_v2: {
    ...flag,
    default: false,
    description:
      'IPv4 only: send the checksum over the message alone, without pseudo header. Both are accepted.',
  },
  first_linklocal: {
    type: 'string',
    words: ['warn', 'reject'],
    perNode: true,
    default: 'warn',
    description: 'IPv6: what to do with a received advertisement whose first address is not link-local.',
  },
};

const announcements: Readonly<Record<string, Schema>> = {
  garp_master_repeat: { ...count(1), default: 5, description: 'Announcements per address at a promotion.' },
  garp_master_delay: {
    ...upTo(1_000 * second),
    default: '5s',
    description: 'The same number again after this long; 0 = no second set.',
  },
  garp_master_refresh: {
    ...upTo(86_400 * second),
    default: '0s',
    description: 'Interval of further announcements while active; 0 = none.',
  },
  garp_master_refresh_repeat: {
    ...count(1),
    default: 1,
    description: 'Announcements per address at each refresh.',
  },
  garp_lower_prio_repeat: {
    ...count(0),
    defaultText: '`garp_master_repeat`',
    description: 'Announcements after a lower-priority active was heard.',
  },
  garp_lower_prio_delay: {
    ...upTo(1_000 * second),
    defaultText: '`garp_master_delay`',
    description: 'The same number again after this long.',
  },
  garp_interval: {
    ...upTo(10 * second),
    default: '0s',
    description: 'IPv4: pause between two announcements on one interface.',
  },
  gna_interval: {
    ...upTo(10 * second),
    default: '0s',
    description: 'IPv6: the same for neighbour advertisements.',
  },
};

export const instanceSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['interface', 'virtual_router_id', 'virtual_ipaddress'],
  properties: {
    ...election,
    ...wireSchemas,
    ...addresses,
    ...announcements,
    ...trackSchemas(device),
    lease: {
      ...leaseSchema,
      defaultText: '`global.lease`',
      description: 'How long the kernel may answer for the VIP without a living daemon: a mode, or a map.',
    },
  },
};
