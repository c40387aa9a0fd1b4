/** How the directors of one election speak to each other: version, password, unicast. */
import type { Schema } from './schema.ts';

const hops = {
  type: 'integer',
  minimum: 0,
  maximum: 255,
  perNode: true,
} as const satisfies Schema;

const authPass: Schema = {
  type: ['string', 'object'],
  secret: true,
  additionalProperties: false,
  required: ['file'],
  expected: 'a text of 1 to 8 octets in quotes, or {file: path}',
  description: 'The password: text, or a map with the file that holds it.',
  why: 'directors with different passwords do not hear each other, and both would own the address',
  properties: {
    file: {
      type: 'string',
      pattern: '^[!-~]{1,255}$',
      expected: 'a path without spaces',
      description: "File with the password in its only line; relative to this file's folder.",
    },
  },
};

const authentication: Schema = {
  type: 'object',
  secret: true,
  additionalProperties: false,
  required: ['auth_type', 'auth_pass'],
  expected: 'a map as {auth_type: PASS, auth_pass: …}',
  description:
    'Version 2 over IPv4 only: a password in clear text, as in keepalived. It keeps mistakes out, not attackers.',
  properties: {
    auth_type: {
      type: 'string',
      words: ['PASS'],
      secret: true,
      description: 'The only kind there is.',
      why: 'RFC 3768 has no authentication any more; keepalived has PASS and AH, and AH is not built',
    },
    auth_pass: authPass,
  },
};

const unicastPeer: Schema = {
  type: ['string', 'array'],
  perNode: true,
  words: ['nodes'],
  minItems: 1,
  expected: '"nodes", or a list of addresses',
  description:
    'Advertisements go to these directors and not to the group. `nodes`: the first address of the family that each ' +
    'other node has under `nodes`, and from our own. Entries that are this node itself are left out.',
  why: 'a director that is not named hears nothing, and would own the address too',
  items: {
    type: ['string', 'object'],
    ip: 'address',
    additionalProperties: false,
    required: ['address'],
    expected: 'an address, or a map as {address: 10.1.0.12, min_ttl: 254}',
    properties: {
      address: {
        type: 'string',
        ip: 'address',
        description: 'Address of the other director.',
        why: 'a peer without an address cannot be reached',
      },
      min_ttl: {
        ...hops,
        description: 'Its advertisements must arrive with at least this TTL or hop limit.',
      },
      max_ttl: { ...hops, description: 'And with at most this one.' },
    },
  },
};

export const wireSchemas: Readonly<Record<string, Schema>> = {
  version: {
    type: 'integer',
    enum: [2, 3],
    perNode: true,
    default: 3,
    description: 'VRRP version; 2 is for IPv4, with intervals of whole seconds.',
    why: 'a router of the other version is not heard, and both would own the address',
  },
  authentication,
  unicast_peer: unicastPeer,
  unicast_src_ip: {
    type: ['string', 'array'],
    ip: 'address',
    minItems: 1,
    items: { type: 'string', ip: 'address' },
    perNode: true,
    defaultText: "with `unicast_peer: nodes` this node's address there, else the interface's primary address",
    description: 'Source address of unicast advertisements, or a list with one of each family.',
  },
  unicast_ttl: {
    ...hops,
    minimum: 1,
    defaultText: '`255`',
    description: 'TTL or hop limit of unicast advertisements.',
  },
  check_unicast_src: {
    type: 'boolean',
    perNode: true,
    defaultText: '`false`; true when a peer has a TTL limit',
    description: 'Believe only the directors of `unicast_peer`.',
  },
};
