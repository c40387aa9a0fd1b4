/** Every refusal of the kernel that the port can meet. protocols: results and traps of IPVS over netlink */
import assert from 'node:assert/strict';
import type { IpvsLink, Write } from '../../src/ipvs/link.ts';
import type { Destination } from '../../src/ipvs/types.ts';
import { fwmarkKey, keyOf, serverOf, serviceOf } from './samples.ts';

const [ENOENT, ESRCH, EEXIST, EINVAL, ERANGE] = [2, 3, 17, 22, 34];

const web = keyOf('10.1.0.100', 80);
const web6 = keyOf('fd00:1::100', 80);
const absent = keyOf('10.1.0.199', 80);
const server = serverOf('10.2.0.21', 8080);

/** What is there before each case. */
const given: readonly Write[] = [
  { command: 'new-service', service: serviceOf(web) },
  { command: 'new-dest', key: web, destination: server },
  { command: 'new-service', service: serviceOf(web6) },
];

interface Case {
  readonly title: string;
  readonly write: Write;
  readonly errno: number;
  readonly text: RegExp;
}

const newServer = (
  title: string,
  destination: Destination,
  errno: number,
  text = /^cannot add server /,
): Case => ({
  title,
  write: { command: 'new-dest', key: destination.address.includes(':') ? web6 : web, destination },
  errno,
  text,
});

const changed = (title: string, more: Partial<Destination>, errno: number, text: RegExp): Case => ({
  title,
  write: { command: 'set-dest', key: web, destination: { ...server, ...more } },
  errno,
  text,
});

const gueWithout = { forward: 'tunnel', tunnel: { type: 'gue', checksum: 'none' } } as const;
const timeouts = { tcp_s: 0, tcpFin_s: 0, udp_s: 0 };
const service = /^cannot \w+ service TCP 10\.1\.0\.199:80: there is no such service: ESRCH \(3\)$/;
const noServer = /there is no such server: ENOENT \(2\)$/;

const cases: readonly Case[] = [
  {
    title: 'a service that is there',
    write: { command: 'new-service', service: serviceOf(web, { scheduler: 'rr' }) },
    errno: EEXIST,
    text: /^cannot add service TCP 10\.1\.0\.100:80: the service is there already: EEXIST \(17\)$/,
  },
  newServer('a server that is there', { ...server, weight: 9 }, EEXIST, /the server is there already/),
  {
    title: 'to change no service',
    write: { command: 'set-service', service: serviceOf(absent) },
    errno: ESRCH,
    text: service,
  },
  {
    title: 'to remove no service',
    write: { command: 'del-service', key: absent },
    errno: ESRCH,
    text: service,
  },
  {
    title: 'to remove a mark of the other family',
    write: { command: 'del-service', key: fwmarkKey(7, 6) },
    errno: ESRCH,
    text: /fwmark 7 IPv6/,
  },
  {
    title: 'to zero no service',
    write: { command: 'zero', key: absent },
    errno: ESRCH,
    text: /no such service/,
  },
  ...(['new-dest', 'set-dest', 'del-dest'] as const).map((command) => ({
    title: `${command} of no service`,
    write: { command, key: absent, destination: server },
    errno: ESRCH,
    text: /of service TCP 10\.1\.0\.199:80: there is no such service/,
  })),
  changed('to change no server', { port: 8081 }, ENOENT, noServer),
  {
    title: 'to remove no server',
    write: { command: 'del-dest', key: web, destination: { ...server, port: 8081 } },
    errno: ENOENT,
    text: noServer,
  },
  ...(['new-service', 'set-service'] as const).map((command) => ({
    title: `${command} with an unknown scheduler`,
    write: { command, service: serviceOf(command === 'new-service' ? absent : web, { scheduler: 'nope' }) },
    errno: ENOENT,
    text: /the kernel has no scheduler nope: ENOENT \(2\)$/,
  })),
  {
    title: 'a scheduler of no name',
    write: { command: 'new-service', service: serviceOf(absent, { scheduler: '' }) },
    errno: ENOENT,
    text: /no scheduler/,
  },
  {
    title: 'an unknown scheduler for a service that is there',
    write: { command: 'new-service', service: serviceOf(web, { scheduler: 'nope' }) },
    errno: EEXIST,
    text: /already/,
  },
  {
    title: 'a scheduler of 16 letters',
    write: { command: 'new-service', service: serviceOf(absent, { scheduler: 'abcdefghijklmnop' }) },
    errno: EINVAL,
    text: /EINVAL \(22\)$/,
  },
  {
    title: 'IPv6 clients taken for one by 0 bits',
    write: {
      command: 'new-service',
      service: serviceOf(keyOf('fd00:1::199', 80), { persistence: { timeout_s: 9, granularity: 0 } }),
    },
    errno: EINVAL,
    text: /EINVAL/,
  },
  {
    title: 'IPv6 clients taken for one by 129 bits',
    write: {
      command: 'set-service',
      service: serviceOf(web6, { persistence: { timeout_s: 9, granularity: 129 } }),
    },
    errno: EINVAL,
    text: /EINVAL/,
  },
  ...[
    '0.0.0.0',
    '224.0.0.18',
    '239.255.255.255',
    '255.255.255.255',
    '::',
    'ff02::18',
    'fe80::1',
    'fe80::1:2',
  ].map((address) =>
    newServer(`a server ${address}`, serverOf(address, 80), EINVAL, /not one of a single host/),
  ),
  newServer('a weight of -1', serverOf('10.2.0.22', 80, { weight: -1 }), ERANGE),
  newServer(
    'a lower threshold without an upper one',
    serverOf('10.2.0.22', 80, { lowerThreshold: 1 }),
    ERANGE,
  ),
  newServer('GUE without a port', serverOf('10.2.0.22', 80, gueWithout), EINVAL, /GUE has no port/),
  changed('to change the weight to -1', { weight: -1 }, ERANGE, /weight is negative/),
  changed('a lower threshold above the upper one', { upperThreshold: 5, lowerThreshold: 6 }, ERANGE, /lower/),
  changed('to change to GUE without a port', gueWithout, EINVAL, /GUE has no port/),
  changed('a weight of -1 of no server', { port: 8081, weight: -1 }, ERANGE, /weight is negative/),
  newServer('a weight of -1 of a server that is there', { ...server, weight: -1 }, ERANGE),
  newServer('GUE without a port of a server that is there', { ...server, ...gueWithout }, EINVAL),
  changed('GUE without a port of no server', { port: 8081, ...gueWithout }, EINVAL, /GUE has no port/),
  ...(['masq', 'direct'] as const).map((forward) => ({
    title: `an IPv6 server of an IPv4 service by ${forward}`,
    write: { command: 'new-dest' as const, key: web, destination: serverOf('fd00:2::21', 80, { forward }) },
    errno: EINVAL,
    text: /mixes address families without a tunnel/,
  })),
  {
    title: 'an IPv4 server of an IPv6 service by masq',
    write: { command: 'new-dest', key: web6, destination: serverOf('10.2.0.21', 80) },
    errno: EINVAL,
    text: /mixes address families/,
  },
  ...(['tcp_s', 'tcpFin_s', 'udp_s'] as const).map((name) => ({
    title: `${name} of 2^31`,
    write: { command: 'set-config' as const, timeouts: { ...timeouts, [name]: 0x80000000 } },
    errno: EINVAL,
    text: /^cannot set the timeouts of IPVS: a timeout is out of range: EINVAL \(22\)$/,
  })),
];

export function describeRefusals(link: () => IpvsLink): void {
  describe('refuses, and changes nothing', () => {
    beforeEach(async () => {
      const answers = await link().write(given);
      assert.ok(answers.every(({ ok }) => ok));
    });

    for (const { title, write, errno, text } of cases)
      it(title, async () => {
        const before = [await link().read(), await link().timeouts()];
        const [answer] = await link().write([write]);
        assert.ok(answer && !answer.ok, 'it was done');
        assert.equal(answer.error.errno, errno, answer.error.text);
        assert.match(answer.error.text, text);
        assert.deepEqual([await link().read(), await link().timeouts()], before);
      });
  });
}
