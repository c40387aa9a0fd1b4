/** What a director does for virtual servers, at the top level of the file. */
import { device } from './instance-schema.ts';
import type { Schema } from './schema.ts';
import { sysctlsSchema } from './sysctls.ts';
import { groupsSchema, virtualServersSchema } from './virtual-server-schema.ts';

const second = 1_000_000;

const timeout = (description: string): Schema => ({
  type: ['string', 'number'],
  duration: { min: second, max: 31 * 86_400 * second, step: second },
  perNode: true,
  defaultText: "the kernel's",
  description,
});

export const poolSchemas: Readonly<Record<string, Schema>> = {
  virtual_server: virtualServersSchema,
  virtual_server_group: groupsSchema,
  data_plane: {
    type: 'string',
    words: ['ipvs', 'nftables'],
    default: 'ipvs',
    description:
      'What forwards: `ipvs`, or `nftables` for kernels without it: NAT only, in turn by weight, and no persistence.',
  },
  lvs_timeouts: {
    type: 'object',
    additionalProperties: false,
    minProperties: 1,
    expected: 'a map, as {tcp: 2h, tcpfin: 2min, udp: 5min}',
    description: 'After how much silence the kernel forgets a connection.',
    properties: {
      tcp: timeout('An established one of TCP.'),
      tcpfin: timeout('One of TCP that one side has ended.'),
      udp: timeout('One of UDP.'),
    },
  },
  ownership: {
    type: 'string',
    words: ['declared', 'exclusive'],
    default: 'declared',
    description:
      'Services in the kernel that are neither in the file nor ours by the journal: `declared` leaves them alone, `exclusive` takes them out.',
  },
  on_stop: {
    type: 'string',
    words: ['keep', 'remove'],
    default: 'keep',
    description: 'What happens to our services when the daemon stops.',
  },
  maintenance_dir: {
    type: 'string',
    pattern: '^/[^]*[^/]$',
    expected: 'an absolute path',
    perNode: true,
    description: 'A file in it named like a real server (`10.2.0.21`, `10.2.0.21:80`) drains that server.',
    why: 'nobody would see the files',
  },
  sysctls: sysctlsSchema,
  snat: {
    type: 'array',
    minItems: 1,
    expected: 'a list of at least one, as [{from: 10.2.0.0/24, out: eth0}]',
    description: 'Networks behind this director that go out with its address.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['from', 'out'],
      expected: 'a map, as {from: 10.2.0.0/24, out: eth0}',
      properties: {
        from: {
          type: 'string',
          ip: 'network',
          description: 'The inside network.',
          why: 'its hosts would not reach the outside',
        },
        out: { ...device, description: 'The outside interface.', why: 'the rule would match no packet' },
      },
    },
  },
};
