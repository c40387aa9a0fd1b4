import { instanceSchema, leaseSchema } from './instance-schema.ts';
import { namePattern, userPattern } from './patterns.ts';
import { poolSchemas } from './pools-schema.ts';
import { syncGroupsSchema } from './sync-group-schema.ts';
import { trackerSchemas } from './track-schema.ts';

type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null';

/**
 * The part of JSON Schema that we use, plus our own keywords: `duration`, `ip` and `words` check scalars, the
 * others feed messages and the generated reference. Every keyword speaks about one type only, so that "text
 * or map" needs no anyOf, whose errors would be several for one mistake.
 */
export interface Schema {
  readonly type: TypeName | readonly TypeName[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: false | Schema;
  readonly required?: readonly string[];
  readonly propertyNames?: { readonly pattern: string };
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly default?: string | number | boolean;
  /** In the reference where the default is not one value. */
  readonly defaultText?: string;
  readonly description?: string;
  /** What is right, in a message; derived from the other keywords when absent. */
  readonly expected?: string;
  /** What a director without this word, or with a wrong one, would do. */
  readonly why?: string;
  /** The value may be a map from node name to value. */
  readonly perNode?: true;
  /** Neither its value nor words in it may be in a message. */
  readonly secret?: true;
  /** Microseconds. */
  readonly duration?: { readonly min: number; readonly max: number; readonly step: number };
  /** `endpoint`: with a port or without; `range`: many of them; `network`: a prefix without bits of a host. */
  readonly ip?: 'address' | 'prefix' | 'network' | 'endpoint' | 'range';
  /** Allowed texts in any case. */
  readonly words?: readonly string[];
}

const node: Schema = {
  type: ['object', 'null'],
  description: 'One director.',
  additionalProperties: false,
  properties: {
    address: {
      type: ['string', 'array'],
      ip: 'address',
      minItems: 1,
      items: { type: 'string', ip: 'address' },
      description: 'Address of the director itself, or a list of them. No VIP may be one of these.',
    },
  },
};

const globalSchema: Schema = {
  type: 'object',
  description: 'Settings of the daemon, and defaults of all instances.',
  additionalProperties: false,
  properties: {
    lease: { ...leaseSchema, description: 'Default of every instance.' },
    parent_silence: {
      type: ['string', 'number'],
      duration: { min: 1_000_000, max: 3_600_000_000, step: 1 },
      default: '10s',
      description: 'The vrrp process resigns when the parent has been silent for this long.',
    },
    vrrp_startup_delay: {
      type: ['string', 'number'],
      perNode: true,
      duration: { min: 0, max: 3_600_000_000, step: 1 },
      default: '0s',
      description: 'After the start of the daemon no instance takes part for this long.',
    },
    vrrp_rt_priority: {
      type: 'integer',
      minimum: 0,
      maximum: 99,
      default: 50,
      description: 'SCHED_RR priority of the vrrp process; 0 leaves it in the normal class.',
    },
    checks_user: {
      type: 'string',
      pattern: userPattern,
      expected: 'a user name',
      default: 'nobody',
      description: 'User of the checks process.',
    },
    script_user: {
      type: 'string',
      pattern: userPattern,
      expected: 'a user name',
      default: 'nobody',
      description: 'User of the scripts that name none.',
    },
  },
};

/** The whole file. Validation, defaults, the editor schema and the reference are all made from this value. */
export const configSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['config_version', 'vrrp_instance'],
  properties: {
    config_version: {
      type: 'integer',
      enum: [1],
      description: 'Version of this file format.',
      why: 'a later daemon must know which rules the file was written for',
    },
    nodes: {
      type: 'object',
      minProperties: 1,
      maxProperties: 16,
      propertyNames: { pattern: namePattern },
      additionalProperties: node,
      description: 'The directors that share this file, by name. Needed where a value is given per node.',
    },
    global: globalSchema,
    ...trackerSchemas,
    vrrp_sync_group: syncGroupsSchema,
    vrrp_instance: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: namePattern },
      additionalProperties: instanceSchema,
      description: 'Elections by name. One instance is one election, over one address family or both.',
      why: 'without an instance this director would take part in no election',
    },
    ...poolSchemas,
  },
};
