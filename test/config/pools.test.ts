import assert from 'node:assert/strict';
import { loadAll } from '../../src/config/load.ts';
import { serviceName } from '../../src/ipvs/types.ts';
import { head, pool, pools, second, server, usual } from './pools-file.ts';

describe('virtual servers in the file', () => {
  it('have the defaults of keepalived', () => {
    const destination = { forward: 'masq', weight: 1, upperThreshold: 0, lowerThreshold: 0, port: 80 };
    assert.deepEqual(pool(['address: 10.1.0.100:80', 'real_server: [10.2.0.21:80, 10.2.0.22]']), {
      name: 'TCP 10.1.0.100:80',
      services: [
        {
          key: { kind: 'address', protocol: 'TCP', address: '10.1.0.100', port: 80 },
          scheduler: 'wlc',
          schedulerFlags: [],
          ops: false,
        },
      ],
      real_server: ['10.2.0.21', '10.2.0.22'].map((address) => ({
        destination: { address, ...destination },
        inhibit_on_failure: false,
        checks: [],
      })),
      quorum: 1,
      hysteresis: 0,
      alpha: false,
      omega: false,
      panic_threshold: 0,
      slow_start: 0,
      drain_timeout: 300 * second,
    });
    const nothing = pools('');
    const empty = {
      data_plane: 'ipvs',
      virtual_server: [],
      ownership: 'declared',
      on_stop: 'keep',
      sysctls: {},
      snat: [],
    };
    assert.deepEqual(nothing, empty);
  });

  it('take every word of a pool', () => {
    const read = pool([
      'address: 10.1.0.100:80',
      'lvs_sched: MH',
      'mh-port: true',
      'mh-fallback: true',
      'lvs_method: { method: tun, type: gue, port: 6080, checksum: csum }',
      'persistence_timeout:',
      'persistence_granularity: 255.255.255.0',
      'quorum: 30',
      'hysteresis: 10',
      'quorum_up: [/usr/bin/logger, up]',
      'quorum_down: [/usr/bin/logger, down]',
      'alpha: true',
      'omega: true',
      'inhibit_on_failure: true',
      'sorry_server: 10.2.0.99',
      'sorry_server_lvs_method: NAT',
      'sorry_server_inhibit: true',
      'panic_threshold: 40',
      'slow_start: 10s',
      'drain_timeout: 1h',
      'real_server:',
      '  - { address: 10.2.0.21, weight: 40, uthreshold: 100, lthreshold: 50, inhibit_on_failure: false }',
      '  - { address: 10.2.0.22:80, weight: 0, lb_kind: DR }',
    ]);
    const { services, real_server, sorry_server, ...rest } = read;
    assert.deepEqual(services[0].schedulerFlags, [1, 2]);
    assert.equal(services[0].scheduler, 'mh');
    assert.deepEqual(services[0].persistence, { timeout_s: 360, granularity: 24 });
    const tunnel = { type: 'gue', port: 6080, checksum: 'csum' };
    const thresholds = { upperThreshold: 100, lowerThreshold: 50 };
    const none = { upperThreshold: 0, lowerThreshold: 0 };
    assert.deepEqual(real_server, [
      {
        destination: { address: '10.2.0.21', port: 80, forward: 'tunnel', weight: 40, ...thresholds, tunnel },
        inhibit_on_failure: false,
        checks: [],
      },
      {
        destination: { address: '10.2.0.22', port: 80, forward: 'direct', weight: 0, ...none },
        inhibit_on_failure: true,
        checks: [],
      },
    ]);
    assert.deepEqual(sorry_server, {
      destination: { address: '10.2.0.99', port: 80, forward: 'masq', weight: 1, ...none },
      inhibit_on_failure: true,
      checks: [],
    });
    assert.deepEqual(rest, {
      name: 'TCP 10.1.0.100:80',
      quorum: 30,
      hysteresis: 10,
      quorum_up: ['/usr/bin/logger', 'up'],
      quorum_down: ['/usr/bin/logger', 'down'],
      alpha: true,
      omega: true,
      panic_threshold: 40,
      slow_start: 10 * second,
      drain_timeout: 3600 * second,
    });
  });

  it('are by address of both families, by mark and by group', () => {
    const text = `virtual_server_group:
  farm: [10.1.0.100-101:8080, '10.1.0.104/31:8000-8001', '[fd00:1::fe-101]:80', { fwmark: 9, ip_family: inet6 }]
virtual_server:
  - { address: '[fd00:1::100]:443', real_server: ['[fd00:2::21]:443'] }
  - { address: 'fd00:1::100', protocol: udp, persistence_timeout: 60, real_server: ['fd00:2::21'] }
  - { fwmark: 7, real_server: ['fd00:2::21'] }
  - { fwmark: 7, ip_family: inet, lb_kind: TUN, real_server: ['fd00:2::21'] }
  - { group: farm, lb_kind: TUN, real_server: [10.2.0.21] }
  - { group: farm2, protocol: SCTP, real_server: [10.2.0.21] }
`
      .replace('virtual_server:', 'farm2: [10.1.0.100:80-81]\nvirtual_server:')
      .replace('\nfarm2', '\n  farm2');
    const all = pools(text).virtual_server;
    assert.deepEqual(
      all.map(({ name, services }) => [name, ...services.map(({ key }) => serviceName(key))]),
      [
        ['TCP [fd00:1::100]:443', 'TCP [fd00:1::100]:443'],
        ['UDP [fd00:1::100]:0', 'UDP [fd00:1::100]:0'],
        ['fwmark 7 IPv6', 'fwmark 7 IPv6'],
        ['fwmark 7 IPv4', 'fwmark 7 IPv4'],
        [
          'farm',
          ...['TCP 10.1.0.100:8080', 'TCP 10.1.0.101:8080'],
          ...['TCP 10.1.0.104:8000', 'TCP 10.1.0.104:8001', 'TCP 10.1.0.105:8000', 'TCP 10.1.0.105:8001'],
          ...['TCP [fd00:1::fe]:80', 'TCP [fd00:1::ff]:80', 'TCP [fd00:1::100]:80', 'TCP [fd00:1::101]:80'],
          'fwmark 9 IPv6',
        ],
        ['SCTP farm2', 'SCTP 10.1.0.100:80', 'SCTP 10.1.0.100:81'],
      ],
    );
    assert.deepEqual(all[1]?.services[0].persistence, { timeout_s: 60, granularity: 128 });
    assert.deepEqual(
      all.map(({ real_server }) => real_server[0]?.destination.port),
      [443, 0, 0, 0, 0, 0],
    );
  });

  it('have as many services in a group as 1,024', () => {
    const text =
      'virtual_server_group:\n  farm: [10.1.0.0/22:80]\nvirtual_server:\n  - { group: farm, real_server: [10.2.0.21] }\n';
    assert.equal(pools(text).virtual_server[0]?.services.length, 1_024);
  });

  it('are by node where values are, and the same object where not', () => {
    const words = [
      'address: 10.1.0.100:80',
      'real_server: [{ address: 10.2.0.21:80, weight: { lb1: 7, lb2: 9 } }]',
    ];
    const other =
      '  - { address: 10.1.0.100:81, real_server: [10.2.0.21:81, 10.2.0.22:81, 10.2.0.23:81, 10.2.0.24:81, 10.2.0.25:81, 10.2.0.26:81, 10.2.0.27:81], TCP_CHECK: { retry: 1, rise: 2, fall: 3, alpha: true, warmup: 0 } }\n';
    const { configs } = loadAll(head + server(...words) + other, 'x', { name: 'lb1', from: '--node' });
    const [one, two] = ['lb1', 'lb2'].map((node) => configs.get(node)?.pools.virtual_server);
    assert.deepEqual(
      [one, two].map((all) => all?.[0]?.real_server[0]?.destination.weight),
      [7, 9],
    );
    assert.ok(one?.[1] !== undefined && one[1] === two?.[1]);
  });

  it('take the words at the top level', () => {
    const read = pools(
      `${server(...usual)}lvs_timeouts: { tcp: 2h, udp: 300 }
ownership: exclusive
on_stop: remove
maintenance_dir: /run/vipkeeper/maintenance
sysctls: { net.ipv4.vs.conntrack: 1, net.ipv4.vs.sync_threshold: '3 50' }
snat: [{ from: 10.2.0.0/24, out: { lb1: eth0, lb2: ens3 } }, { from: 'fd00:2::/64', out: eth0 }]
`,
      'lb2',
    );
    const { virtual_server, ...rest } = read;
    assert.equal(virtual_server.length, 1);
    assert.deepEqual(rest, {
      lvs_timeouts: { tcp_s: 7_200, tcpFin_s: 0, udp_s: 300 },
      data_plane: 'ipvs',
      ownership: 'exclusive',
      on_stop: 'remove',
      maintenance_dir: '/run/vipkeeper/maintenance',
      sysctls: {
        'net/ipv4/vs/conntrack': '1',
        'net/ipv4/vs/sync_threshold': '3 50',
        // By NAT of IPv4, and by the second network of snat.
        'net/ipv4/ip_forward': '1',
        'net/ipv6/conf/all/forwarding': '1',
      },
      snat: [
        { from: { address: '10.2.0.0', length: 24 }, out: 'ens3' },
        { from: { address: 'fd00:2::', length: 64 }, out: 'eth0' },
      ],
    });
    assert.deepEqual(pools(server('lb_kind: DR', ...usual)).sysctls, {});
  });
});
