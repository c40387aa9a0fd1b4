/** virtual_server, its real_server and virtual_server_group. */
import { checkSchemas } from './checkers-schema.ts';
import { namePattern } from './patterns.ts';
import type { Schema } from './schema.ts';
import { argv } from './track-schema.ts';

const second = 1_000_000;
const day = 86_400 * second;

export const schedulers = [
  ...['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'mh', 'dh', 'fo', 'ovf', 'sed', 'nq', 'twos'],
] as const;

const count = (
  minimum: number,
  maximum: number,
): Pick<Schema, 'type' | 'minimum' | 'maximum' | 'perNode'> => ({
  type: 'integer',
  minimum,
  maximum,
  perNode: true,
});
const largest = 0x7fff_ffff;

const server: Schema = {
  type: 'string',
  ip: 'endpoint',
  description: 'Address, and port unless it is that of the service.',
  why: 'no connection would reach this server',
};

const method = (fallback: string): Schema => ({
  type: ['string', 'object'],
  words: ['NAT', 'DR', 'TUN'],
  additionalProperties: false,
  required: ['method'],
  expected: 'NAT, DR or TUN, or a map as {method: TUN, type: gue, port: 6080}',
  defaultText: fallback,
  description: 'How packets go to a real server.',
  properties: {
    method: { type: 'string', words: ['NAT', 'DR', 'TUN'], description: 'The method.' },
    type: {
      type: 'string',
      words: ['ipip', 'gue', 'gre'],
      defaultText: '`ipip`',
      description: 'Tunnel of TUN.',
    },
    port: { ...count(1, 65_535), description: 'UDP port of a gue tunnel.' },
    checksum: {
      type: 'string',
      words: ['nocsum', 'csum', 'remcsum'],
      defaultText: '`nocsum`',
      description: 'Checksum of a gue or gre tunnel; `remcsum` (remote checksum offload) of gue only.',
    },
  },
});

const methods = (fallback: string): Readonly<Record<string, Schema>> => ({
  lb_kind: method(fallback),
  lvs_method: { ...method(fallback), description: 'Another word for `lb_kind`.' },
});

const realServer: Schema = {
  type: ['string', 'object'],
  ip: 'endpoint',
  additionalProperties: false,
  required: ['address'],
  expected: 'an address with a port, or a map as {address: 10.2.0.21:80, weight: 100}',
  why: 'no connection would reach this server',
  properties: {
    address: server,
    weight: {
      ...count(0, 65_535),
      defaultText: '1',
      description: 'Its share of the connections; 0: no new ones.',
    },
    ...methods("the virtual_server's"),
    inhibit_on_failure: {
      type: 'boolean',
      defaultText: "the virtual_server's",
      description: 'A server that is down gets weight 0, and is not taken out.',
    },
    uthreshold: {
      ...count(0, largest),
      defaultText: '0',
      description: 'Connections from which it takes no more.',
    },
    lthreshold: {
      ...count(0, largest),
      defaultText: '0',
      description: 'Connections below which it takes some again.',
    },
    ...checkSchemas('virtual_server'),
  },
};

const flags: Readonly<Record<string, Schema>> = Object.fromEntries(
  Object.entries({
    'sh-fallback': 'Of sh: another server when the chosen one has weight 0.',
    'sh-port': 'Of sh: the source port counts too.',
    'mh-fallback': 'Of mh: another server when the chosen one has weight 0.',
    'mh-port': 'Of mh: the source port counts too.',
    'flag-1': 'First flag of the scheduler, whatever it means.',
    'flag-2': 'Second flag.',
    'flag-3': 'Third flag.',
  }).map(([word, description]) => [word, { type: 'boolean', default: false, description }]),
);

const persistence: Readonly<Record<string, Schema>> = {
  persistence_timeout: {
    type: ['string', 'number', 'null'],
    duration: { min: second, max: 31 * day, step: second },
    description: 'A client stays with its server for so long. Without a value: 360s.',
  },
  persistence_granularity: {
    type: ['integer', 'string'],
    minimum: 1,
    maximum: 128,
    ip: 'address',
    expected: 'a prefix length, or an IPv4 netmask',
    defaultText: 'single clients',
    description: 'Clients of one network are taken for one.',
  },
  persistence_engine: {
    type: 'string',
    words: ['sip'],
    description: 'Another mark of a client than its address: the Call-ID of SIP.',
  },
};

const policy: Readonly<Record<string, Schema>> = {
  quorum: {
    ...count(1, largest),
    default: 1,
    description: 'Sum of the weights of living servers from which the pool is up.',
  },
  hysteresis: {
    ...count(0, largest),
    default: 0,
    description: 'So much above `quorum` to come up, and below it to go down.',
  },
  quorum_up: { ...argv, description: 'A program that is run when the pool comes up.' },
  quorum_down: { ...argv, description: 'A program that is run when it goes down.' },
  omega: {
    type: 'boolean',
    default: false,
    description: '`quorum_down` is run when the daemon stops with a pool that is up.',
  },
  inhibit_on_failure: {
    type: 'boolean',
    default: false,
    description: 'A server that is down gets weight 0, and is not taken out: its connections go on.',
  },
  sorry_server: {
    ...server,
    description: 'Serves while the pool is down.',
    why: 'clients would see an error where they should see an apology',
  },
  sorry_server_lvs_method: method("the virtual_server's"),
  sorry_server_inhibit: {
    type: 'boolean',
    default: false,
    description: 'The sorry server is always in the table, with weight 0 while the pool is up.',
  },
  panic_threshold: {
    ...count(0, 100),
    default: 0,
    description: 'Percentage of living servers under which all are treated as living. 0: off.',
  },
  slow_start: {
    type: ['string', 'number'],
    duration: { min: 0, max: day, step: 1 },
    perNode: true,
    default: '0s',
    description: 'A server that comes up grows to its weight over this time.',
  },
  drain_timeout: {
    type: ['string', 'number'],
    duration: { min: 0, max: 31 * day, step: 1 },
    perNode: true,
    default: '5min',
    description:
      'A server that is drained, or removed from the file, keeps its connections for at most so long.',
  },
};

const scheduler: Schema = {
  type: 'string',
  words: schedulers,
  defaultText: '`wlc`',
  description: 'Scheduler of the kernel.',
  why: 'the kernel would refuse the service',
};

const family: Schema = {
  type: 'string',
  words: ['inet', 'inet6'],
  defaultText: "the real servers'",
  description: 'Family of the packets with this mark.',
};
const fwmark: Schema = {
  type: 'integer',
  minimum: 1,
  maximum: 0xffff_ffff,
  description: 'Packets with this mark.',
  why: '0 is no mark, and the kernel would take it for a service on every address',
};

const virtualServer: Schema = {
  type: 'object',
  additionalProperties: false,
  expected: 'a map, as {address: 10.1.0.100:80, real_server: [10.2.0.21:80]}',
  required: ['real_server'],
  properties: {
    address: {
      type: 'string',
      ip: 'endpoint',
      description: 'Address and port; without a port every port, which needs persistence.',
      why: 'no connection would reach a real server through it',
    },
    fwmark,
    ip_family: family,
    group: { type: 'string', description: 'A name under `virtual_server_group`.' },
    protocol: {
      type: 'string',
      words: ['TCP', 'UDP', 'SCTP'],
      defaultText: '`TCP`',
      description: 'Protocol; a mark has any.',
    },
    lb_algo: scheduler,
    lvs_sched: { ...scheduler, description: 'Another word for `lb_algo`.' },
    ...flags,
    ops: {
      type: 'boolean',
      default: false,
      description: 'Every datagram is scheduled on its own. UDP only.',
    },
    ...methods('`NAT`'),
    ...persistence,
    ...policy,
    ...checkSchemas(),
    real_server: {
      type: 'array',
      minItems: 1,
      items: realServer,
      expected: 'a list of at least one, as [{address: 10.2.0.21:80, weight: 100}]',
      description: 'Who serves.',
      why: 'no connection would reach a real server through it',
    },
  },
};

export const virtualServersSchema: Schema = {
  type: 'array',
  minItems: 1,
  items: virtualServer,
  expected: 'a list of at least one, as [{address: 10.1.0.100:80, real_server: [10.2.0.21:80]}]',
  description: 'Services and their real servers.',
};

export const groupsSchema: Schema = {
  type: 'object',
  minProperties: 1,
  propertyNames: { pattern: namePattern },
  description: 'Services that share one pool of real servers, by name.',
  additionalProperties: {
    type: 'array',
    minItems: 1,
    expected: 'a list of at least one, as [10.1.0.100:80, 10.1.0.101-105:80, {fwmark: 7}]',
    description: 'Its services.',
    items: {
      type: ['string', 'object'],
      ip: 'range',
      additionalProperties: false,
      required: ['fwmark'],
      expected: 'an address, range or network with a port or ports, as 10.1.0.100-105:80, or {fwmark: 7}',
      why: 'no connection would reach a real server through it',
      properties: { fwmark, ip_family: family },
    },
  },
};
