import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import { loadAll, loadConfig } from '../../src/config/load.ts';
import { renderError, renderNote } from '../../src/config/report.ts';
import type { Config } from '../../src/config/types.ts';

const instance = (lines: readonly string[]): string =>
  [
    'vrrp_instance:',
    '  web:',
    ...['interface: eth0', 'virtual_router_id: 51', 'virtual_ipaddress: [10.1.0.100]', ...lines].map(
      (line) => `    ${line}`,
    ),
  ].join('\n');

/** @param head lines at the top level @param lines of the instance */
const text = (head: readonly string[], lines: readonly string[]): string =>
  ['config_version: 1', ...head, instance(lines)].join('\n');

function load(head: readonly string[], lines: readonly string[], node = 'lb1'): Config {
  const loaded = loadConfig(text(head, lines), 'test.yaml', { name: node, from: '--node' });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(renderError).join('\n'));
  return loaded.value.config;
}

function said(head: readonly string[], lines: readonly string[]): readonly string[] {
  const { errors, notes } = loadAll(text(head, lines), 'test.yaml', { name: 'lb1', from: '--node' });
  return [...errors.map(renderError), ...notes.map(renderNote)];
}

const nodes = 'nodes: { lb1: null, lb2: null }';
const haproxy = ['vrrp_script:', '  haproxy: { script: [/usr/bin/true, -x], weight: -60 }'];

describe('trackers in the file', () => {
  it('a script has the defaults of keepalived, and the user of global', () => {
    const { trackers, vrrp_instance } = load(haproxy, ['track_script: [haproxy]']);
    assert.deepEqual(trackers, {
      scripts: [
        {
          name: 'haproxy',
          argv: ['/usr/bin/true', '-x'],
          interval: seconds(1),
          timeout: seconds(1),
          rise: 1,
          fall: 1,
          init_fail: false,
          user: 'nobody',
        },
      ],
      files: [],
      processes: [],
    });
    assert.deepEqual(vrrp_instance[0]?.track, [
      { kind: 'script', name: 'haproxy', weight: -60, reverse: false },
    ]);
  });

  it('an entry goes over the definition, and every list is read', () => {
    const head = [
      ...haproxy,
      'vrrp_track_file:',
      '  maintenance: { file: /run/maintenance, init_file: { overwrite: true }, reverse: true }',
      'vrrp_track_process:',
      "  nginx: { process: [nginx, '-g'], param_match: Partial, quorum: 2, delay: 2s, fork_delay: 500ms }",
    ];
    const lines = [
      'track_interface: [eth1]',
      'track_script: [{ name: haproxy, weight: 10, reverse: true }]',
      'track_file: [maintenance]',
      'track_process: [nginx]',
    ];
    const { trackers, vrrp_instance } = load(head, lines);
    assert.deepEqual(vrrp_instance[0]?.track, [
      { kind: 'interface', name: 'eth1', weight: 0, reverse: false },
      { kind: 'script', name: 'haproxy', weight: 10, reverse: true },
      { kind: 'file', name: 'maintenance', weight: 0, reverse: true },
      { kind: 'process', name: 'nginx', weight: 0, reverse: false },
    ]);
    assert.deepEqual(trackers.files, [
      { name: 'maintenance', path: '/run/maintenance', init_file: { number: 0, overwrite: true } },
    ]);
    assert.deepEqual(trackers.processes, [
      {
        name: 'nginx',
        process: { name: 'nginx', args: ['-g'], param_match: 'partial', full_command: false },
        quorum: 2,
        quorum_max: undefined,
        fork_delay: seconds(0.5),
        terminate_delay: seconds(2),
      },
    ]);
  });

  it('a weight of -0 is 0: the configuration crosses processes as JSON', () => {
    const { vrrp_instance } = load(haproxy, ['track_script: [{ name: haproxy, weight: -0 }]']);
    assert(Object.is(vrrp_instance[0]?.track?.[0]?.weight, 0));
  });

  it('what a node does not track is not run on it', () => {
    const lines = ['priority: { lb1: 150, lb2: 100 }', 'track_script: { lb1: [haproxy], lb2: [other] }'];
    const head = [nodes, ...haproxy, '  other: { script: [/usr/bin/false] }'];
    const names = (node: string): readonly string[] =>
      load(head, lines, node).trackers.scripts.map(({ name }) => name);
    assert.deepEqual([names('lb1'), names('lb2')], [['haproxy'], ['other']]);
    assert.deepEqual(said(head, lines), []);
  });

  it('what nobody tracks, and an own interface, is worth a note', () => {
    assert.deepEqual(said(haproxy, ['track_interface: [eth0]']), [
      'test.yaml:3:12: note: no instance tracks vrrp_script haproxy',
      'test.yaml:9:23: note: vrrp_instance web leaves the election without its own interface eth0 anyway',
    ]);
  });

  it('a shell may be named, and then reads what it likes; a pattern for another program is no operator', () => {
    const scripts = [
      'vrrp_script:',
      "  a: { script: [/bin/sh, -c, 'pidof haproxy | grep -q 1'] }",
      "  b: { script: [/usr/bin/grep, -q, 'a|b;c & d$', /run/state, '-', '--x=>'] }",
    ];
    assert.deepEqual(said(scripts, ['track_script: [a, b]']), []);
  });

  describe('a pool', () => {
    const at = (service: string, more = 'TCP_CHECK: {}'): string =>
      `  - { ${service}, real_server: [10.2.0.21:80], ${more} }`;
    const pools = [
      'virtual_server_group: { shop: [10.1.0.101:80, 10.1.0.101:443] }',
      'virtual_server:',
      at("address: '10.1.0.100:80'"),
      at("address: '10.1.0.100:53'"),
      at("address: '10.1.0.100:53'", 'protocol: UDP, ops: true, PING_CHECK: {}'),
      at('fwmark: 7'),
      at('group: shop'),
      at("address: '10.1.0.100'", 'persistence_timeout: 60s, PING_CHECK: {}'),
      "  - { address: '[fd00:1::100]:80', real_server: ['[fd00:2::21]:80'], TCP_CHECK: {} }",
      '  - { fwmark: 8, ip_family: inet, real_server: [10.2.0.21:80], TCP_CHECK: {} }',
      "  - { fwmark: 8, ip_family: inet6, real_server: ['[fd00:2::21]:80'], TCP_CHECK: {} }",
    ];
    const named = (written: string): string | undefined =>
      load(pools, [`track_virtual_server: [${written}]`]).vrrp_instance[0]?.track?.[0]?.name;

    for (const [written, name] of [
      ['10.1.0.100:80', 'TCP 10.1.0.100:80'],
      ['TCP 10.1.0.100:80', 'TCP 10.1.0.100:80'],
      ['udp 10.1.0.100:53', 'UDP 10.1.0.100:53'],
      ['fwmark 7', 'fwmark 7 IPv4'],
      ['fwmark 8 IPv6', 'fwmark 8 IPv6'],
      ['shop', 'shop'],
      ['10.1.0.100', 'TCP 10.1.0.100:0'],
      ["'[fd00:1:0::100]:80'", 'TCP [fd00:1::100]:80'],
    ] as const)
      it(`${written} is ${name}`, () => {
        assert.equal(named(written), name);
      });

    it('has a weight of its own, or is a fault', () => {
      const lines = ['track_virtual_server: [shop, { name: 10.1.0.100:80, weight: -60, reverse: true }]'];
      assert.deepEqual(load(pools, lines).vrrp_instance[0]?.track, [
        { kind: 'virtual_server', name: 'shop', weight: 0, reverse: false },
        { kind: 'virtual_server', name: 'TCP 10.1.0.100:80', weight: -60, reverse: true },
      ]);
    });

    it('of both families by one mark wants to be told which', () => {
      assert.match(
        said(pools, ['track_virtual_server: [fwmark 8]'])[0] ?? '',
        /"fwmark 8", which is fwmark 8 IPv4 and fwmark 8 IPv6, expected one of the two names/,
      );
    });
  });

  describe('a weight that can never change who wins', () => {
    const weights = (priorities: string, list: string, head: readonly string[] = []): readonly string[] =>
      said([nodes, ...head], [`priority: ${priorities}`, `track_interface: ${list}`]).map(
        (line) => /weight (-?\d+) of \w+ (\w+) can never/.exec(line)?.slice(1).join(' ') ?? line,
      );
    const gap = '{ lb1: 150, lb2: 100 }';

    it('is one that is smaller than the distance, or larger but on the wrong side', () => {
      assert.deepEqual(weights(gap, '[{ name: a, weight: -49 }]'), ['-49 a']);
      assert.deepEqual(weights(gap, '[{ name: a, weight: -49 }, { name: b, weight: 0 }]'), ['-49 a']);
      assert.deepEqual(weights(gap, '{ lb1: [b], lb2: [{ name: a, weight: -60 }] }'), ['-60 a']);
      assert.deepEqual(weights(gap, '{ lb1: [{ name: a, weight: 60 }], lb2: [b] }'), ['60 a']);
    });

    it('is none that reaches the other, alone or together, on one of the nodes', () => {
      assert.deepEqual(weights(gap, '[{ name: a, weight: -50 }]'), []);
      assert.deepEqual(weights(gap, '[{ name: a, weight: -30 }, { name: b, weight: -30 }]'), []);
      assert.deepEqual(weights(gap, '{ lb1: [b], lb2: [{ name: a, weight: 60 }] }'), []);
      assert.deepEqual(weights('100', '[{ name: a, weight: 1 }]').slice(0, -1), []);
    });

    it('is held within 1 to 254', () => {
      assert.deepEqual(weights('{ lb1: 254, lb2: 253 }', '{ lb1: [b], lb2: [{ name: a, weight: 2 }] }'), []);
      assert.deepEqual(weights('{ lb1: 254, lb2: 1 }', '{ lb1: [{ name: a, weight: 9 }], lb2: [b] }'), [
        '9 a',
      ]);
    });

    it('is not known beside a number in a file', () => {
      const file = ['vrrp_track_file:', '  f: { file: /run/f, weight: -1 }'];
      const lines = [`priority: ${gap}`, 'track_file: [f]', 'track_interface: [{ name: a, weight: -1 }]'];
      assert.deepEqual(said([nodes, ...file], lines), []);
    });
  });
});
