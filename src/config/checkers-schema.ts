/** Checkers: the words of keepalived, and a few of our own. */
import { device } from './instance-schema.ts';
import type { Schema } from './schema.ts';
import { account, argv } from './track-schema.ts';

const hour = 3_600_000_000;

const duration = (min: number, max: number = hour): Pick<Schema, 'type' | 'duration' | 'perNode'> => ({
  type: ['string', 'number'],
  duration: { min, max, step: 1 },
  perNode: true,
});
const count = (minimum: number): Pick<Schema, 'type' | 'minimum' | 'maximum' | 'perNode'> => ({
  type: 'integer',
  minimum,
  maximum: 1_000,
  perNode: true,
});
const flag = { type: 'boolean', perNode: true } as const;

export const hostName: Schema = {
  type: 'string',
  pattern: '^[!-~]{1,255}$',
  expected: 'a host name',
  description: 'Host that is asked for over HTTP.',
};

export const commonWords = [
  ...['delay_loop', 'timeout', 'connect_timeout', 'retry', 'delay_before_retry', 'warmup', 'rise', 'fall'],
  ...['alpha', 'bindto', 'bind_if', 'virtualhost'],
] as const;

/** @param outer who has the default; undefined at the outermost level */
export function commonSchemas(outer?: string): Readonly<Record<string, Schema>> {
  const fallback = (own: string): Pick<Schema, 'defaultText'> => ({
    defaultText: outer === undefined ? own : `the ${outer}'s`,
  });
  return {
    delay_loop: {
      ...duration(10_000),
      ...fallback('60s'),
      description: 'From the start of one check to the start of the next.',
    },
    timeout: {
      ...duration(10_000),
      ...fallback('5s; of MISC_CHECK `delay_loop`'),
      description: 'Total, from the start of a check to the end of its answer.',
    },
    connect_timeout: {
      ...duration(10_000),
      description: "keepalived's word for `timeout`; there it counts every step anew.",
    },
    retry: {
      ...count(0),
      ...fallback('1; of MISC_CHECK 0'),
      description: 'Failures that are tried again, after `delay_before_retry`, before the check has failed.',
    },
    delay_before_retry: {
      ...duration(0),
      ...fallback('1s; of HTTP_GET and SSL_GET 3s'),
      description: 'Before a failure is tried again.',
    },
    warmup: {
      ...duration(0),
      ...fallback('`delay_loop`'),
      description: 'The first check comes after a random part of this. 0: at once.',
    },
    rise: { ...count(1), ...fallback('1'), description: 'Checks in a row that must pass to be up.' },
    fall: { ...count(1), ...fallback('1'), description: 'Checks in a row that must fail to be down.' },
    alpha: { ...flag, ...fallback('`false`'), description: 'Down until the first verdict, instead of up.' },
    bindto: {
      type: 'string',
      ip: 'address',
      perNode: true,
      ...fallback("the route's"),
      description: 'Source address of the checks.',
    },
    bind_if: { ...device, ...fallback("the route's"), description: 'Interface of the checks.' },
    virtualhost: { ...hostName, ...fallback('the address') },
  };
}

const checker = (
  description: string,
  own: Readonly<Record<string, Schema>> = {},
  required: readonly string[] = [],
): Schema => ({
  type: required.length === 0 ? ['object', 'null'] : 'object',
  expected: 'a map of its options',
  description,
  additionalProperties: false,
  ...(required.length > 0 && { required }),
  properties: {
    ...own,
    connect_ip: {
      type: 'string',
      ip: 'address',
      defaultText: "the server's",
      description: 'Another address to check.',
    },
    connect_port: {
      type: 'integer',
      minimum: 1,
      maximum: 65_535,
      defaultText: "the server's",
      description: 'Another port to check.',
    },
    fwmark: {
      type: 'integer',
      minimum: 1,
      maximum: 0xffff_ffff,
      description: 'Mark of the packets of the check.',
    },
    ...commonSchemas('real_server'),
  },
});

const statusCode: Schema = {
  type: ['integer', 'string'],
  minimum: 100,
  maximum: 999,
  pattern: '^[1-9]\\d\\d-[1-9]\\d\\d$',
  expected: 'a status code, or a range such as 200-299',
};

const url: Schema = {
  type: 'object',
  additionalProperties: false,
  expected: 'a map, as {path: /health, status_code: 200}',
  properties: {
    path: {
      type: 'string',
      pattern: '^/[!-~]*$',
      default: '/',
      expected: 'a path that begins with /, without spaces',
      description: 'What is asked for.',
    },
    status_code: {
      ...statusCode,
      type: ['integer', 'string', 'array'],
      minItems: 1,
      items: statusCode,
      defaultText: '200-299',
      expected: 'a status code, a range such as 200-299, or a list of them',
      description: 'Codes that pass.',
    },
    digest: {
      type: 'string',
      pattern: '^[0-9a-fA-F]{32}$',
      expected: 'an MD5 of 32 hexadecimal digits',
      description: 'MD5 of the body.',
    },
    virtualhost: { ...hostName, defaultText: "the checker's" },
    regex: { type: 'string', description: 'A regular expression (of JavaScript) that the body must match.' },
    regex_no_match: { type: 'boolean', default: false, description: 'The body must not match.' },
  },
};

const http: Readonly<Record<string, Schema>> = {
  url: {
    type: 'array',
    minItems: 1,
    items: url,
    expected: 'a list of at least one, as [{path: /health}]',
    description: 'All must pass, one after the other, within one `timeout`.',
    why: 'nothing would be asked, and a server that answers nothing would be up',
  },
  http_protocol: {
    type: ['string', 'number'],
    enum: ['1.0', '1.0C', '1.0c', '1.1', 1, 1.1],
    expected: '1.0, 1.0C or 1.1',
    defaultText: '1.1',
    description: 'Version of HTTP; 1.0C: with `Connection: close`.',
  },
  client: {
    type: 'string',
    words: ['axios', 'node:http'],
    default: 'axios',
    description: 'The HTTP client that is used.',
  },
};

const file = (description: string): Schema => ({
  type: 'string',
  pattern: '^/[^]*[^/]$',
  expected: 'an absolute path',
  perNode: true,
  description,
});

const tls: Readonly<Record<string, Schema>> = {
  enable_sni: { type: 'boolean', default: false, description: 'Send `virtualhost` as server name.' },
  sni_name: { ...hostName, description: 'Send this as server name.' },
  verify: {
    type: 'boolean',
    default: false,
    description: 'The certificate must be valid, and for the server name.',
  },
  ca: { ...file('Who must have signed it, as PEM.'), defaultText: "the system's" },
  certificate: file('Our own certificate, as PEM.'),
  key: file('Its key, as PEM.'),
  expiry_warning: {
    ...duration(0, 8_784 * hour),
    default: '336h',
    description: 'A certificate that ends sooner is told.',
  },
};

const misc: Readonly<Record<string, Schema>> = {
  misc_path: {
    ...argv,
    perNode: true,
    description: 'The program, with its absolute path, and its arguments. No shell reads them.',
    why: 'no shell reads a text: pipes, redirections, quotes and variables would do nothing',
  },
  misc_timeout: { ...duration(10_000), description: "keepalived's word for `timeout`." },
  misc_dynamic: {
    type: 'boolean',
    default: false,
    description: 'Exit code 2 to 255 passes, and sets the weight to code − 2.',
  },
  ldirectord_arguments: {
    type: 'boolean',
    default: false,
    description:
      'VIP, its port, real server and its port come as four more arguments, as ldirectord gives them.',
  },
  user: { ...account('Who runs it.'), defaultText: '`global.script_user`' },
  group: { ...account('With which group.'), defaultText: "the user's" },
};

const checkers: Readonly<Record<string, Schema>> = {
  TCP_CHECK: checker('A TCP connection.'),
  HTTP_GET: checker('Answers over HTTP.', http, ['url']),
  SSL_GET: checker('Answers over HTTPS.', { ...http, ...tls }, ['url']),
  MISC_CHECK: checker('A script that exits with 0.', misc, ['misc_path']),
  PING_CHECK: checker('An ICMP echo.'),
};

/** The words of a virtual_server and of a real_server for its checks. */
export const checkSchemas = (outer?: string): Readonly<Record<string, Schema>> => ({
  ...commonSchemas(outer),
  ...checkers,
  checks: {
    type: 'array',
    expected: 'a list of checkers, as [{TCP_CHECK: {}}]',
    description: 'Several checkers, all of which must pass; an empty list: none.',
    items: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      expected: 'one checker, as {TCP_CHECK: {}}',
      properties: checkers,
    },
  },
});
