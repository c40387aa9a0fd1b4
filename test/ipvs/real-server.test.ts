/** What a real server needs, by method and family. */
import assert from 'node:assert/strict';
import { type Ip, ip } from '../../src/base/ip.ts';
import { doing, realServerSetUp, type ServedPool, undoing } from '../../src/ipvs/real-server.ts';
import type { Destination, ServiceKey, Tunnel } from '../../src/ipvs/types.ts';

const [rs4, rs6, vip4, vip6] = ['10.2.0.21', 'fd00:2::21', '10.1.0.100', 'fd00:1::100'].map((text) =>
  ip(text),
) as [Ip, Ip, Ip, Ip];
const tcp = (address: Ip, port = 80): ServiceKey => ({ kind: 'address', protocol: 'TCP', address, port });
const server = (address: Ip, forward: Destination['forward'], tunnel?: Tunnel): Destination => ({
  ...{ address, port: 80, forward, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
  ...(tunnel !== undefined && { tunnel }),
});
const pool = (service: ServiceKey, ...servers: readonly Destination[]): ServedPool => ({
  services: [service],
  servers,
});
const ipip: Tunnel = { type: 'ipip', checksum: 'none' };
const both = new Set([rs4, rs6]);
const commands = (...pools: readonly ServedPool[]): readonly string[] =>
  realServerSetUp(pools, both).steps.map(({ step }) => doing(step).join(' '));

const silence = ['sysctl -w net.ipv4.conf.all.arp_ignore=1', 'sysctl -w net.ipv4.conf.all.arp_announce=2'];
const tunnel4 = (name: string): readonly string[] => [
  `sysctl -w net.ipv4.conf.${name}.rp_filter=2`,
  `ip link set ${name} up`,
  `ip address add 10.1.0.100/32 dev ${name}`,
];
const tunnel6 = (name: string): readonly string[] => [
  `ip link set ${name} up`,
  `ip address add fd00:1::100/128 dev ${name} nodad`,
];

describe('the set-up of a real server', () => {
  const row = (title: string, pools: readonly ServedPool[], expected: readonly string[]): void => {
    it(title, () => assert.deepEqual(commands(...pools), expected));
  };
  const on = 'local 10.2.0.21 remote any';
  const on6 = 'local fd00:2::21 remote any';

  row(
    'DR in IPv4: silence before the address',
    [pool(tcp(vip4), server(rs4, 'direct'))],
    [...silence, 'ip address add 10.1.0.100/32 dev lo'],
  );
  row(
    'DR in IPv6 needs no silence',
    [pool(tcp(vip6), server(rs6, 'direct'))],
    ['ip address add fd00:1::100/128 dev lo nodad'],
  );
  row(
    'TUN, IPv4 in IPv4',
    [pool(tcp(vip4), server(rs4, 'tunnel', ipip))],
    [...silence, `ip link add name vk-ipip type ipip ${on}`, ...tunnel4('vk-ipip')],
  );
  row(
    'TUN, IPv6 in IPv4',
    [pool(tcp(vip6), server(rs4, 'tunnel', ipip))],
    [`ip link add name vk-sit type sit ${on}`, ...tunnel6('vk-sit')],
  );
  row(
    'TUN, IPv6 in IPv6 and IPv4 in IPv6: one device',
    [pool(tcp(vip6), server(rs6, 'tunnel', ipip)), pool(tcp(vip4), server(rs6, 'tunnel', ipip))],
    [
      ...silence,
      `ip link add name vk-ip6tnl type ip6tnl mode any ${on6}`,
      'sysctl -w net.ipv4.conf.vk-ip6tnl.rp_filter=2',
      ...tunnel6('vk-ip6tnl'),
      'ip address add 10.1.0.100/32 dev vk-ip6tnl',
    ],
  );
  row(
    'TUN by GRE, with checksums and without',
    [
      pool(tcp(vip4), server(rs4, 'tunnel', { type: 'gre', checksum: 'csum' })),
      pool(tcp(vip6), server(rs6, 'tunnel', { type: 'gre', checksum: 'none' })),
    ],
    [
      ...silence,
      `ip link add name vk-gre type gre icsum ${on}`,
      ...tunnel4('vk-gre'),
      `ip link add name vk-ip6gre type ip6gre ${on6}`,
      ...tunnel6('vk-ip6gre'),
    ],
  );
  row(
    'TUN by GUE: a port, and the device behind it',
    [
      pool(tcp(vip4), server(rs4, 'tunnel', { type: 'gue', port: 6080, checksum: 'none' })),
      pool(tcp(vip6), server(rs6, 'tunnel', { type: 'gue', port: 6081, checksum: 'remcsum' })),
    ],
    [
      ...[...silence, 'modprobe fou', 'modprobe fou6', 'ip -4 fou add port 6080 gue'],
      ...['ip -6 fou add port 6081 gue', `ip link add name vk-ipip type ipip ${on}`],
      ...[...tunnel4('vk-ipip'), `ip link add name vk-ip6tnl type ip6tnl mode any ${on6}`],
      ...tunnel6('vk-ip6tnl'),
    ],
  );
  row(
    'one VIP with many ports, and a pool of other servers: each step once',
    [
      pool(tcp(vip4, 80), server(rs4, 'direct'), server(ip('10.2.0.22'), 'direct')),
      pool(tcp(vip4, 443), server(rs4, 'direct')),
      pool(tcp(vip6), server(ip('10.2.0.23'), 'tunnel', ipip)),
    ],
    [...silence, 'ip address add 10.1.0.100/32 dev lo'],
  );

  it('NAT is only said: the way back depends on the site', () => {
    const { steps, notes, servers } = realServerSetUp([pool(tcp(vip4), server(rs4, 'masq'))], both);
    assert.deepEqual([steps, servers], [[], [rs4]]);
    assert.match(notes.join(), /^NAT \(10\.2\.0\.21\): .*default route/);
  });

  it('of a mark is the device; its addresses are said to be missing', () => {
    const key: ServiceKey = { kind: 'fwmark', family: 4, fwmark: 7 };
    const { steps, notes } = realServerSetUp([pool(key, server(rs4, 'tunnel', ipip))], both);
    assert.deepEqual(
      steps.map(({ step }) => step.kind),
      ['device', 'up'],
    );
    assert.match(notes.join(), /^fwmark 7 IPv4: /);
  });

  it('says that a device takes checksums or none', () => {
    const gre = (checksum: Tunnel['checksum']) =>
      pool(tcp(vip4), server(rs4, 'tunnel', { type: 'gre', checksum }));
    assert.match(realServerSetUp([gre('none'), gre('csum')], both).notes.join(), /^gre \(10\.2\.0\.21\)/);
    assert.deepEqual(realServerSetUp([gre('csum'), gre('csum')], both).notes, []);
  });

  it('of two addresses has two devices', () => {
    const pools = ['10.2.0.21', '10.2.0.22'].map((text) => pool(tcp(vip4), server(ip(text), 'tunnel', ipip)));
    const { steps } = realServerSetUp(pools, new Set([ip('10.2.0.21'), ip('10.2.0.22')]));
    assert.deepEqual(
      steps.flatMap(({ step }) => (step.kind === 'device' ? [[step.name, step.local]] : [])),
      [
        ['vk-ipip', '10.2.0.21'],
        ['vk-ipip2', '10.2.0.22'],
      ],
    );
  });

  it('of somebody else is nothing', () => {
    const none = realServerSetUp([pool(tcp(vip4), server(rs4, 'direct'))], new Set([ip('10.2.0.99')]));
    assert.deepEqual(none, { steps: [], notes: [], servers: [] });
  });

  it('is taken back by the opposite commands', () => {
    const tunnels = pool(tcp(vip4), server(rs4, 'tunnel', { type: 'gue', port: 6080, checksum: 'none' }));
    const { steps } = realServerSetUp([tunnels, pool(tcp(vip6), server(rs6, 'direct'))], both);
    assert.deepEqual(
      steps.map(({ step }) => undoing(step, '0')?.join(' ')),
      [
        'sysctl -w net.ipv4.conf.all.arp_ignore=0',
        'sysctl -w net.ipv4.conf.all.arp_announce=0',
        'ip address del fd00:1::100/128 dev lo',
        undefined,
        'ip -4 fou del port 6080',
        'ip link del vk-ipip',
        'sysctl -w net.ipv4.conf.vk-ipip.rp_filter=0',
        'ip link set vk-ipip down',
        'ip address del 10.1.0.100/32 dev vk-ipip',
      ],
    );
  });
});
