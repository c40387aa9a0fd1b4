import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import { laterWords } from '../../src/config/later.ts';
import { loadAll, loadConfig } from '../../src/config/load.ts';
import { renderError, renderNote } from '../../src/config/report.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';

const lb1 = { name: 'lb1', from: '--node' };

function instance(words: string, node = lb1, head = ''): InstanceConfig {
  const loaded = loadConfig(file(words, head), 'test.yaml', node);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(renderError).join('\n'));
  const [first] = loaded.value.config.vrrp_instance;
  assert.ok(first);
  return first;
}

function notes(words: string, head = ''): readonly string[] {
  const loaded = loadConfig(file(words, head), 'test.yaml', lb1);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(renderError).join('\n'));
  return loaded.value.notes.map(renderNote);
}

function errors(words: string, head = ''): readonly string[] {
  const loaded = loadConfig(file(words, head), 'test.yaml', lb1);
  return loaded.ok ? [] : loaded.error.map(renderError);
}

const file = (words: string, head: string): string => {
  const all = { interface: 'eth0', virtual_router_id: '51', virtual_ipaddress: '[10.1.0.100]' };
  const given = Object.entries(all).filter(([word]) => !new RegExp(`(^|\n)${word}:`).test(words));
  const lines = [...given.map(([word, value]) => `${word}: ${value}`), ...words.split('\n')];
  return `config_version: 1\n${head}vrrp_instance:\n  web:\n${lines.map((line) => `    ${line}\n`).join('')}`;
};
const nodes = 'nodes: { lb1: { address: 10.1.0.11 }, lb2: { address: 10.1.0.12 } }\n';

describe('a good file', () => {
  it("has keepalived's defaults", () => {
    const second = 1_000_000;
    assert.deepEqual(instance(''), {
      name: 'web',
      interface: 'eth0',
      families: [4],
      virtual_router_id: 51,
      priority: 100,
      advert_int: second,
      preempt: { mode: 'always', delay: 0 },
      virtual_ipaddress: [{ address: '10.1.0.100', length: 32 }],
      checksum: 'pseudo_header',
      first_linklocal: 'warn',
      announce: {
        garp_master_repeat: 5,
        garp_master_delay: 5 * second,
        garp_master_refresh: 0,
        garp_master_refresh_repeat: 1,
        garp_lower_prio_repeat: 5,
        garp_lower_prio_delay: 5 * second,
        garp_interval: 0,
        gna_interval: 0,
      },
      lease: { mode: 'preferred', gate_lifetime: 2_750_000, address_lifetime_s: 4 },
    });
  });

  it('has defaults of the processes, and takes others', () => {
    const read = (head: string): unknown => {
      const loaded = loadConfig(file('', head), 'test.yaml', lb1);
      assert.ok(loaded.ok);
      return loaded.value.config.process;
    };
    const usual = {
      parent_silence: 10_000_000,
      vrrp_startup_delay: 0,
      vrrp_rt_priority: 50,
      checks_user: 'nobody',
      script_user: 'nobody',
    };
    assert.deepEqual(read(''), usual);
    const given =
      'global: { parent_silence: 5, vrrp_startup_delay: 30, vrrp_rt_priority: 0, checks_user: probe, script_user: runner }\n';
    const other = {
      parent_silence: 5_000_000,
      vrrp_startup_delay: 30_000_000,
      vrrp_rt_priority: 0,
      checks_user: 'probe',
      script_user: 'runner',
    };
    assert.deepEqual(read(given), other);
  });

  it('reads every unit of a duration exactly, and a bare number as seconds', () => {
    const written = {
      '1s': 1e6,
      '100ms': 1e5,
      '10cs': 1e5,
      '0.1': 1e5,
      '1.13': 1_130_000,
      '40.95s': 40_950_000,
    };
    for (const [text, advertInt] of Object.entries(written)) {
      assert.equal(instance(`advert_int: ${text}`).advert_int, advertInt, text);
    }
    const delays = { '2min': 120e6, '0.25h': 900e6, '7us': 7, '0.000001': 1, '1000': 1e9 };
    for (const [text, delay] of Object.entries(delays)) {
      assert.equal(instance(`preempt_delay: ${text}`).preempt.delay, delay, text);
    }
  });

  it('chooses the value of the node, in nested words too', () => {
    const words = [
      'priority: { lb1: 150, lb2: 100 }',
      'interface: { lb1: eth0, lb2: ens3 }',
      'preempt: { mode: { lb1: always, lb2: never } }',
      'lease: { lb1: required, lb2: off }',
      'virtual_ipaddress: [{ address: 10.1.0.100, dev: { lb1: eth1, lb2: ens4 } }]',
    ].join('\n');
    const pairs = ['lb1', 'lb2'].map((name) => {
      const read = instance(words, { name, from: '--node' }, nodes);
      return [
        read.priority,
        read.interface,
        read.preempt.mode,
        read.lease.mode,
        read.virtual_ipaddress[0]?.dev,
      ];
    });
    assert.deepEqual(pairs, [
      [150, 'eth0', 'always', 'required', 'eth1'],
      [100, 'ens3', 'never', 'off', 'ens4'],
    ]);
  });

  it('reads a virtual address with all its words', () => {
    const words =
      'virtual_ipaddress:\n  - { address: 10.1.0.100/24, as_written: true, dev: eth1, label: "eth1:v", ' +
      'scope: link, brd: 10.1.0.255 }';
    assert.deepEqual(instance(words).virtual_ipaddress, [
      { address: '10.1.0.100', length: 24, dev: 'eth1', label: 'eth1:v', scope: 253, brd: ip('10.1.0.255') },
    ]);
    assert.equal(
      instance('as_written: true\nvirtual_ipaddress: [10.1.0.100/24]').virtual_ipaddress[0]?.length,
      24,
    );
  });

  it('reads preemption in both forms', () => {
    assert.deepEqual(instance('nopreempt: true').preempt, { mode: 'never', delay: 0 });
    assert.deepEqual(instance('preempt: { delay: 10 }').preempt, { mode: 'always', delay: 10_000_000 });
    assert.deepEqual(instance('preempt: { mode: Never }').preempt, { mode: 'never', delay: 0 });
    assert.deepEqual(instance('preempt: { wait_for_checks: true }').preempt, {
      mode: 'always',
      delay: 0,
      wait_for_checks: { at_most: 60_000_000 },
    });
  });

  it('reads the rest of an instance', () => {
    const read = instance(
      'v3_checksum_as_v2: true\nmcast_src_ip: 10.1.0.11\nfirst_linklocal: reject\n' +
        'garp_master_delay: 1\ngarp_master_repeat: 3',
    );
    assert.equal(read.checksum, 'message');
    assert.equal(read.mcast_src_ip, '10.1.0.11');
    assert.equal(read.first_linklocal, 'reject');
    assert.equal(read.announce.garp_lower_prio_repeat, 3);
    assert.equal(read.announce.garp_lower_prio_delay, 1_000_000);
  });

  it('serves a node that is not named when nothing in it is per node', () => {
    assert.equal(loadConfig(file('', ''), 'x', { name: 'anything', from: 'the host name' }).ok, true);
  });

  it('takes an alias of a whole value', () => {
    const text =
      file('virtual_ipaddress: &vips [10.1.0.100]', '') +
      '  other:\n    interface: eth1\n    virtual_router_id: 52\n    virtual_ipaddress: *vips\n';
    const loaded = loadConfig(text, 'test.yaml', lb1);
    assert.deepEqual(loaded.ok ? [] : loaded.error.map(renderError), [
      'test.yaml:6:31: 10.1.0.100 is also in vrrp_instance web, expected an address in one instance — two directors could own it, one by each election',
    ]);
  });
});

describe('the lease of an instance', () => {
  const gate = (words: string, head = ''): number => instance(words, lb1, head).lease.gate_lifetime;

  it('closes at least 100 ms before 3 advertisements, more for long intervals', () => {
    assert.equal(gate('advert_int: 10cs'), 200_000);
    assert.equal(gate('advert_int: 60ms'), 80_000);
    assert.equal(gate('advert_int: 4s'), 11_000_000);
  });

  it('is refused for an interval that is too short, unless off', () => {
    assert.equal(errors('advert_int: 5cs').length, 1);
    assert.equal(instance('advert_int: 5cs\nlease: off').lease.mode, 'off');
    // What counts as a pause of ours: a shorter one would make a router give up whenever its loop turns.
    assert.equal(gate('advert_int: 1cs\nlease: off'), 30_000);
  });

  it('takes the bounds themselves: 3 × advert_int − 0.1 s, and not 1.2 × advert_int', () => {
    assert.equal(gate('lease: { gate_lifetime: 2.9s }'), 2_900_000);
    assert.equal(errors('lease: { gate_lifetime: 2900001us }').length, 1);
    assert.equal(gate('lease: { gate_lifetime: 1200001us }'), 1_200_001);
    assert.equal(errors('lease: { gate_lifetime: 1.2s }').length, 1);
  });

  it('counts the shortest interval of any node', () => {
    assert.equal(gate('advert_int: { lb1: 1s, lb2: 0.8s }', nodes), 2_200_000);
  });

  it('takes from global what the instance does not say', () => {
    const head = 'global: { lease: { mode: required, gate_lifetime: 2s } }\n';
    assert.deepEqual(instance('', lb1, head).lease, {
      mode: 'required',
      gate_lifetime: 2_000_000,
      address_lifetime_s: 3,
    });
    const own = instance('lease: { mode: preferred, address_lifetime: 9s }', lb1, head).lease;
    assert.deepEqual(own, { mode: 'preferred', gate_lifetime: 2_000_000, address_lifetime_s: 9 });
  });

  it('is off for the address owner, with a note', () => {
    assert.equal(instance('priority: 255\nlease: required').lease.mode, 'off');
    assert.deepEqual(notes('priority: 255'), [
      'test.yaml:7:15: note: priority of vrrp_instance web is 255, the address owner: its address is configured anyway, so there is no lease (lease: off)',
    ]);
  });
});

describe('notes', () => {
  it('say what is accepted but not what it seems', () => {
    assert.deepEqual(notes('state: master\nvirtual_ipaddress: [10.1.0.100/24]\npriority: 100', nodes), [
      'test.yaml:7:12: note: state of vrrp_instance web has no effect: every node starts as backup and the election by priority decides',
      'test.yaml:8:25: note: "10.1.0.100/24" is added as 10.1.0.100/32; as_written: true keeps /24',
      'test.yaml:9:15: note: priority of vrrp_instance web is 100 on lb1 and lb2: the one with the higher interface address wins',
    ]);
    assert.match(notes('virtual_ipaddress: ["fd00:1::100"]').join(), /link-local address first/);
    assert.match(
      notes('virtual_ipaddress: ["fe80::1"]\nv3_checksum_as_v2: true').join(),
      /has no effect: an IPv6/,
    );
    assert.match(notes('nopreempt: true\npreempt_delay: 5').join(), /its preempt delay has no effect/);
  });

  it('are not there for a plain file', () => {
    assert.deepEqual(notes('virtual_ipaddress: ["fe80::100", "fd00:1::100"]\npriority: 150'), []);
  });
});

describe('mistakes that need no file of their own', () => {
  it('let the address owner have its own address as VIP', () => {
    const words = 'virtual_ipaddress: [10.1.0.11]\npriority: { lb1: 255, lb2: 100 }';
    assert.deepEqual(errors(words, nodes), []);
    assert.equal(errors(words.replace('255', '254'), nodes).length, 1);
  });

  it('are found in the part of another node', () => {
    assert.match(errors('priority: { lb1: 150, lb2: 0 }', nodes).join(), /for node lb2 is 0/);
  });

  it('end at the limits of size and aliases', () => {
    const one = (text: string): string => loadAll(text, 'x', lb1).errors.map(renderError).join('\n');
    assert.match(one('#'.repeat((1 << 22) + 1)), /^x:1:1: the file has 4194305 bytes/);
    assert.match(one(`a: &a 1\nb: [${'*a, '.repeat(101)}]\n`), /too many aliases, expected at most 100/);
    assert.match(one(`a: [${'1,'.repeat(600_000)}]`), /too many words/);
  });

  it('name every word of a later version once, wherever it stands', () => {
    for (const word of laterWords()) {
      const [said, ...more] = [...errors(`${word}: { a: [1] }`), ...errors('', `${word}: 1\n`)];
      assert.match(
        said ?? '',
        new RegExp(`"${word}" in vrrp_instance web is a known word, but not built yet`),
      );
      assert.match(more.join(), new RegExp(`^test.yaml:2:1: "${word}" at the top level is a known word`));
    }
  });

  it('are at most 100 for one file', () => {
    const text = Array.from({ length: 300 }, (_, at) => `word${at}: 1\n`).join('');
    assert.equal(loadAll(text, 'x', lb1).errors.length, 100);
  });

  it('show nothing that could drive a terminal', () => {
    assert.match(errors('"\\e[31mred": 1').join(), /unknown key "\\u\{1b\}\[31mred"/);
  });

  it('treat the names of JavaScript as any other key', () => {
    for (const word of ['__proto__', 'constructor', 'toString']) {
      assert.match(errors(`${word}: 1`).join(), new RegExp(`unknown key "${word}" in vrrp_instance web`));
    }
  });
});
