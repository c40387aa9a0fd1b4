import { namePattern, userPattern } from './patterns.ts';
import type { Schema } from './schema.ts';

const second = 1_000_000;
const hour = 3_600 * second;

const flag = { type: 'boolean', perNode: true } as const;
const duration = (min: number): Pick<Schema, 'type' | 'duration' | 'perNode'> => ({
  type: ['string', 'number'],
  duration: { min, max: hour, step: 1 },
  perNode: true,
});
const count = (minimum: number): Pick<Schema, 'type' | 'minimum' | 'maximum' | 'perNode'> => ({
  type: 'integer',
  minimum,
  maximum: 65_535,
  perNode: true,
});

const weight: Schema = {
  type: 'integer',
  minimum: -253,
  maximum: 253,
  perNode: true,
  description:
    'What it does to the priority. 0: a failure takes the instance out of the election. ' +
    '+w is added while it is up, -w taken while it is down.',
  why: 'a priority is 1 to 254',
};
const reverse: Schema = { ...flag, description: 'Up counts as down, and down as up; of a weight: its sign.' };
const defaults: Readonly<Record<string, Schema>> = {
  weight: { ...weight, defaultText: '0', description: 'Default of the instances that track it.' },
  reverse: { ...reverse, defaultText: '`false`', description: 'Default of the instances that track it.' },
};

/** No shell reads it, so a text could only be split by guessing. */
export const argv: Pick<Schema, 'type' | 'minItems' | 'items' | 'expected'> = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'string',
    expected: 'a text, a number in quotes',
    why: 'each entry is one argument, as it is written',
  },
  expected: 'a list of a program and its arguments, as [/usr/bin/test, -e, /run/ready]',
};

export const account = (description: string): Schema => ({
  type: 'string',
  pattern: userPattern,
  expected: 'a name of a user or group',
  perNode: true,
  description,
});

const script: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['script'],
  properties: {
    script: {
      ...argv,
      perNode: true,
      description: 'The program, with its absolute path, and its arguments. No shell reads them.',
      why: 'no shell reads a text: pipes, redirections, quotes and variables would do nothing',
    },
    interval: { ...duration(100_000), default: '1s', description: 'From one start to the next.' },
    timeout: {
      ...duration(100_000),
      defaultText: '`interval`',
      description: 'A run that takes longer is ended with its children, and is a failure.',
    },
    rise: {
      ...count(1),
      default: 1,
      description: 'Successes in a row until it is up. The first run decides alone.',
    },
    fall: { ...count(1), default: 1, description: 'Failures in a row until it is down.' },
    init_fail: { ...flag, default: false, description: 'Down until it has risen, instead of unknown.' },
    user: { ...account('Who runs it.'), defaultText: '`global.script_user`' },
    group: { ...account('With which group.'), defaultText: "the user's" },
    ...defaults,
  },
};

const file: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['file'],
  properties: {
    file: {
      type: 'string',
      pattern: '^/[^]*[^/]$',
      expected: 'an absolute path',
      perNode: true,
      description: 'A file with one whole number in it. Without the file, or when it is empty: 0.',
      why: 'there would be nothing to read',
    },
    init_file: {
      type: 'object',
      additionalProperties: false,
      properties: {
        value: {
          type: 'integer',
          minimum: -1_000_000_000,
          maximum: 1_000_000_000,
          perNode: true,
          default: 0,
          description: 'The number that is written when the daemon starts.',
        },
        overwrite: { ...flag, default: false, description: 'Also when there is a file.' },
      },
      description: 'Make the file at the start, so that an operator finds it.',
    },
    weight: {
      ...weight,
      defaultText: '0',
      description:
        'Default of the instances that track it. 0: a number other than 0 takes the instance out of the ' +
        'election. Otherwise number × weight is added; a product below -253 takes it out.',
    },
    reverse: defaults['reverse'] as Schema,
  },
};

const processes: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['process'],
  properties: {
    process: {
      type: ['string', 'array'],
      minItems: 1,
      items: { type: 'string', expected: 'a text, a number in quotes' },
      pattern: '^\\S+$',
      expected: 'a name without space, or a list of a name and its arguments, as [nginx, -g, daemon off;]',
      perNode: true,
      description: "The kernel's name of the process; as a list, the words that it was started with.",
      why: 'no process would be found',
    },
    param_match: {
      type: 'string',
      words: ['initial', 'partial'],
      perNode: true,
      defaultText: 'all arguments are compared',
      description: '`partial`: more arguments may follow. `initial`: besides, the last one given may go on.',
    },
    full_command: {
      ...flag,
      default: false,
      description: 'Compare the first word that it was started with, not the name.',
    },
    quorum: { ...count(1), default: 1, description: 'How many must run.' },
    quorum_max: { ...count(1), description: 'More than so many is a failure too.' },
    fork_delay: {
      ...duration(0),
      defaultText: '`delay`',
      description: 'A quorum counts when it has held for so long.',
    },
    terminate_delay: { ...duration(0), defaultText: '`delay`', description: 'The same for a lost one.' },
    delay: { ...duration(0), defaultText: '0s', description: 'Short form of both.' },
    ...defaults,
  },
};

const byName = (schema: Schema, description: string): Schema => ({
  type: 'object',
  propertyNames: { pattern: namePattern },
  additionalProperties: schema,
  description,
});

export const trackerSchemas: Readonly<Record<string, Schema>> = {
  vrrp_script: byName(script, 'Scripts by name, for `track_script`.'),
  vrrp_track_file: byName(file, 'Files by name, for `track_file`.'),
  vrrp_track_process: byName(processes, 'Processes by name, for `track_process`.'),
};

const list = (name: Schema, description: string): Schema => ({
  type: 'array',
  minItems: 1,
  perNode: true,
  description,
  items: {
    type: ['string', 'object'],
    ...(name.pattern !== undefined && { pattern: name.pattern }),
    expected: `${name.expected}, or a map as {name: NAME, weight: -60}`,
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: { ...name, description: 'What is tracked.', why: 'an entry without a name would track nothing' },
      weight: { ...weight, defaultText: "the definition's, else 0" },
      reverse: { ...reverse, defaultText: "the definition's, else `false`" },
    },
  },
});
/** "10.1.0.100:80", "[fd00:1::100]:80", "UDP 10.1.0.100:53", "fwmark 7", or a group. */
const virtualServer: Schema = {
  type: 'string',
  pattern: '^[A-Za-z0-9_[][A-Za-z0-9_.:[\\]]{0,79}( [A-Za-z0-9_.:[\\]-]{1,79}){0,2}$',
  expected: 'a virtual_server by its address, fwmark or group, as 10.1.0.100:80, or "fwmark 7"',
};
const named = (section: string): Schema => ({
  type: 'string',
  pattern: namePattern,
  expected: `a name under \`${section}\``,
});

/** In a vrrp_instance. @param device schema of an interface name */
export const trackSchemas = (device: Schema): Readonly<Record<string, Schema>> => ({
  track_interface: list(device, 'Interfaces that must be up. The own one is tracked anyway.'),
  track_script: list(named('vrrp_script'), 'Scripts that must succeed.'),
  track_file: list(named('vrrp_track_file'), 'Files whose number counts: a maintenance switch.'),
  track_process: list(named('vrrp_track_process'), 'Processes that must run.'),
  track_virtual_server: list(
    virtualServer,
    'Pools that must have their quorum, each by `address`, `fwmark 7` or `group` of its `virtual_server`, with the ' +
      'protocol before it where two differ in that alone. Better with a weight: as a fault a pool that is down ' +
      'everywhere leaves the address on no director.',
  ),
});
