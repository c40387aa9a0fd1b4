import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { planLab } from '../../src/lab/plan.ts';
import { linkLocalOf, parseTopology } from '../../src/lab/topology.ts';
import type { Mac } from '../../src/base/mac.ts';

const macExpected =
  'nodes.cl.links.eth0.mac: expected a unicast MAC address in lower case and quotes, as "02:a0:00:00:00:11"';
const example = readFileSync('examples/lab.yaml', 'utf8');

describe('lab file', () => {
  it('of the examples holds a client, two directors and three real servers', () => {
    const topology = parseTopology(example);
    assert(topology.ok, JSON.stringify(topology));
    assert.deepEqual(
      topology.value.nodes.map(({ name, role, configNode }) => [name, role, configNode]),
      [
        ['cl', 'client', 'cl'],
        ['d1', 'director', 'lb1'],
        ['d2', 'director', 'lb2'],
        ['rs1', 'server', 'rs1'],
        ['rs2', 'server', 'rs2'],
        ['rs3', 'server', 'rs3'],
      ],
    );
    assert.equal(topology.value.judge.linkLocal, 'fe80::a0:ff:fe00:fa');
  });

  const wrong: readonly [mistake: string, from: string, to: string, message: string][] = [
    ['a bad MAC', "'02:a0:00:00:00:02'", "'02:a0:00:00:00'", `${macExpected}, found "02:a0:00:00:00"`],
    [
      'a group MAC',
      "'02:a0:00:00:00:02'",
      "'03:a0:00:00:00:02'",
      `${macExpected}, found "03:a0:00:00:00:02"`,
    ],
    [
      'no prefix length',
      '10.1.0.2/24',
      '10.1.0.2',
      'nodes.cl.links.eth0.address[0]: expected an address with a prefix length, found "10.1.0.2"',
    ],
    [
      'an absent bridge',
      "eth0: { bridge: brA, mac: '02:a0:00:00:00:02'",
      "eth0: { bridge: brX, mac: '02:a0:00:00:00:02'",
      'nodes.cl.links.eth0.bridge: expected one of brA, brB',
    ],
    [
      'an unknown key',
      'role: client',
      'rolle: client',
      'nodes.cl.rolle: unknown; known are role, config_node, links, routes, sysctl',
    ],
    [
      'a dash in a name',
      '  cl:\n',
      '  c-l:\n',
      'nodes.c-l: expected up to 12 letters and digits, a letter first, found "c-l"',
    ],
    [
      'a long port name',
      '  rs1:\n',
      '  realserver1:\n',
      'nodes.realserver1.links.eth0: the switch port p-realserver1-eth0 is longer than 15 letters',
    ],
    ['the switch as a node', '  rs1:\n', '  sw:\n', 'nodes.sw: this name is the switch itself'],
    [
      'a MAC given twice',
      '02:a0:00:00:00:11',
      '02:a0:00:00:00:02',
      'nodes.d1.links.eth0: 02:a0:00:00:00:02 is used already in nodes.cl.links.eth0',
    ],
    [
      'an address given twice',
      '10.1.0.12/24',
      '10.1.0.11/24',
      'nodes.d2.links.eth0: 10.1.0.11 is used already in nodes.d1.links.eth0',
    ],
    [
      'families mixed in a route',
      'to: 0.0.0.0/0, via: 10.2.0.1',
      "to: 0.0.0.0/0, via: 'fd00:2::1'",
      'nodes.rs1.routes[0]: to and via differ in family',
    ],
    [
      'a judge without a link',
      'judge: { node: cl, link: eth0',
      'judge: { node: cl, link: eth1',
      'judge: there is no link eth1 on a node cl',
    ],
    [
      'a setting outside net.',
      'role: client',
      'role: client\n    sysctl: {kernel.panic: 1}',
      'nodes.cl.sysctl: expected a dotted name that begins with net., found "kernel.panic"',
    ],
    [
      'a setting with a quote',
      'role: client',
      `role: client\n    sysctl: {net.core.x: "1'; reboot"}`,
      `nodes.cl.sysctl.net.core.x: expected a plain value, found "1'; reboot"`,
    ],
    ['another version', 'lab_version: 1', 'lab_version: 2', 'lab_version: expected 1'],
  ];
  for (const [mistake, from, to, message] of wrong) {
    it(`is refused for ${mistake}`, () => {
      assert(example.includes(from));
      const topology = parseTopology(example.replace(from, to));
      assert(!topology.ok);
      assert(topology.error.includes(message), topology.error.join('\n'));
    });
  }

  it('is refused when it is no YAML, or no map', () => {
    for (const text of ['a: [', 'a: b: c', '7', '']) assert.equal(parseTopology(text).ok, false, text);
  });
});

describe('lab plan', () => {
  const topology = parseTopology(example);
  assert(topology.ok);
  const plan = planLab(topology.value, 'p');

  it('names namespaces after the prefix and makes every link in the switch', () => {
    assert.deepEqual(plan.namespaces, ['p-sw', 'p-cl', 'p-d1', 'p-d2', 'p-rs1', 'p-rs2', 'p-rs3']);
    assert(
      plan.switch.batch.includes(
        'link add name p-d1-eth1 type veth peer name eth1 address 02:b0:00:00:00:11 netns p-d1',
      ),
    );
    assert(plan.switch.batch.includes('link set dev p-d1-eth1 master brB up'));
  });

  it('gives a node its addresses, and the judge as a fixed neighbour only where the judge is', () => {
    assert.deepEqual(plan.nodes.find(({ node }) => node === 'd1')?.batch, [
      'link set dev lo up',
      'address add 10.1.0.11/24 broadcast + dev eth0',
      'address add fd00:1::11/64 dev eth0 nodad',
      'link set dev eth0 up',
      'neighbour add 10.1.0.250 lladdr 02:a0:00:00:00:fa dev eth0 nud permanent',
      'neighbour add fe80::a0:ff:fe00:fa lladdr 02:a0:00:00:00:fa dev eth0 nud permanent',
      'address add 10.2.0.11/24 broadcast + dev eth1',
      'address add fd00:2::11/64 dev eth1 nodad',
      'link set dev eth1 up',
    ]);
  });

  it('forms link-local addresses from MACs', () => {
    // The universal/local bit is turned.
    assert.equal(linkLocalOf('00:00:5e:00:01:33' as Mac), 'fe80::200:5eff:fe00:133');
  });
});
