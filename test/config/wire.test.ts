/** Version 2, passwords, unicast and excluded addresses. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { err, ok } from '../../src/base/result.ts';
import { check } from '../../src/cli/check.ts';
import { loadAll, loadConfig } from '../../src/config/load.ts';
import { renderError, renderNote } from '../../src/config/report.ts';
import type { ReadSecret } from '../../src/config/secret.ts';
import { secretReader } from '../../src/kernel/secret-file.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';

const two = {
  lb1: { address: ['fd00:1::11', '10.1.0.11', '10.2.0.11'] },
  lb2: { address: ['10.1.0.12', 'fd00:1::12'] },
};
const file = (words: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    config_version: 1,
    nodes: two,
    vrrp_instance: {
      web: {
        interface: 'eth0',
        virtual_router_id: 51,
        priority: { lb1: 150, lb2: 100 },
        virtual_ipaddress: ['10.1.0.100'],
        ...words,
      },
    },
  });

function read(
  words: Readonly<Record<string, unknown>>,
  node = 'lb1',
  readSecret?: ReadSecret,
): { readonly instance: InstanceConfig; readonly notes: readonly string[] } {
  const loaded = loadConfig(file(words), 'test.yaml', { name: node, from: '--node' }, readSecret);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(renderError).join('\n'));
  const [instance] = loaded.value.config.vrrp_instance;
  assert.ok(instance);
  return { instance, notes: loaded.value.notes.map(renderNote) };
}

const version2 = (auth_pass: unknown): Readonly<Record<string, unknown>> => ({
  version: 2,
  authentication: { auth_type: 'pass', auth_pass },
});

describe('unicast in a file', () => {
  it('nodes: each node speaks from its first address of the family to those of the others', () => {
    const words = { unicast_peer: 'nodes', check_unicast_src: true };
    const peer = (address: string, source: string): unknown => ({
      sources: [source],
      peers: [{ address }],
      ttl: 255,
      check_source: true,
    });
    assert.deepEqual(read(words).instance.unicast, peer('10.1.0.12', '10.1.0.11'));
    assert.deepEqual(read(words, 'lb2').instance.unicast, peer('10.1.0.11', '10.1.0.12'));
    const six = { ...words, virtual_ipaddress: ['fd00:1::100'] };
    assert.deepEqual(read(six).instance.unicast, peer('fd00:1::12', 'fd00:1::11'));
    assert.deepEqual(read(words).notes, []);
  });

  it('a list: this node is left out of it, and says so', () => {
    const unicast_peer = ['10.1.0.11', '10.1.0.12', { address: '10.1.0.13', min_ttl: 254 }];
    const words = { unicast_peer, unicast_ttl: 64, unicast_src_ip: { lb1: '10.1.0.11', lb2: '10.1.0.12' } };
    const { instance, notes } = read(words);
    assert.deepEqual(instance.unicast, {
      sources: ['10.1.0.11'],
      peers: [{ address: '10.1.0.12' }, { address: '10.1.0.13', min_ttl: 254 }],
      ttl: 64,
      check_source: false,
    });
    assert.equal(notes.length, 2);
    assert.match(notes[0] ?? '', /10\.1\.0\.11 is this node, lb1: left out$/);
    assert.match(notes[1] ?? '', /10\.1\.0\.12 is this node, lb2: left out$/);
  });

  it('a list by node, and a note where anybody would be believed', () => {
    const { instance, notes } = read({ unicast_peer: { lb1: ['10.1.0.12'], lb2: ['10.1.0.11'] } });
    assert.deepEqual(instance.unicast?.peers, [{ address: '10.1.0.12' }]);
    assert.deepEqual(instance.unicast?.sources, []);
    assert.match(notes.join(), /any host that can reach this one is believed; check_unicast_src: true/);
  });
});

describe('virtual_ipaddress_excluded', () => {
  it('may be of any family, with the words of an address', () => {
    const { instance } = read({
      virtual_ipaddress_excluded: [
        'fd00:1::100',
        { address: '10.2.0.100/24', dev: 'eth1', as_written: true },
      ],
    });
    assert.deepEqual(instance.families, [4]);
    assert.deepEqual(instance.virtual_ipaddress, [{ address: '10.1.0.100', length: 32 }]);
    assert.deepEqual(instance.virtual_ipaddress_excluded, [
      { address: 'fd00:1::100', length: 128 },
      { address: '10.2.0.100', length: 24, dev: 'eth1' },
    ]);
  });
});

describe('version 2 and its password in a file', () => {
  it('is read, with intervals to 255 s; version 3 leaves no trace', () => {
    const { instance, notes } = read({ ...version2('S3cr3t'), advert_int: 255 });
    assert.equal(instance.version, 2);
    assert.deepEqual(instance.authentication, { auth_type: 'PASS', auth_pass: 'S3cr3t' });
    assert.match(notes.join(), /the password goes over the link in clear text/);
    assert(!notes.join().includes('S3cr3t'));
    assert(!('version' in read({ version: 3 }).instance));
  });

  it('comes from a file through the port; without one it is not read', () => {
    const asked: string[] = [];
    const words = version2({ file: 'secrets/vrrp' });
    const { instance } = read(words, 'lb1', (name) => {
      asked.push(name);
      return ok('S3cr3t');
    });
    assert.equal(instance.authentication?.auth_pass, 'S3cr3t');
    assert.deepEqual(new Set(asked), new Set(['secrets/vrrp']));
    const refused = loadConfig(file(words), 'x', { name: 'lb1', from: '--node' }, () => err('EACCES'));
    assert(!refused.ok);
    assert.match(
      refused.error.map(renderError).join(),
      /the password file "secrets\/vrrp" cannot be read: EACCES/,
    );
    assert(!loadConfig(file(words), 'x', { name: 'lb1', from: '--node' }).ok);
    // A laptop or a build server has the file and not the secret.
    const all = loadAll(file(words), 'x', { name: 'ci', from: 'the host name' });
    assert.deepEqual(all.errors, []);
    assert.match(all.notes.map(renderNote).join(), /"secrets\/vrrp" is not read on this host/);
  });
});

describe('secrets', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-secret-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const forms: Readonly<Record<string, string>> = {
    good: 'authentication: { auth_type: PASS, auth_pass: hunter2 }',
    'too long': 'authentication: { auth_type: PASS, auth_pass: hunter2-hunter2 }',
    'a tag': 'authentication: { auth_type: PASS, auth_pass: !hunter2 }',
    'a tag in a block': 'authentication:\n  auth_type: PASS\n  auth_pass: !hunter2 x',
    'an alias': 'authentication: { auth_type: PASS, auth_pass: *hunter2 }',
    'a block scalar': 'authentication:\n  auth_type: PASS\n  auth_pass: |hunter2',
    'text after quotes': 'authentication: { auth_type: PASS, auth_pass: "x"hunter2 }',
    'a map': 'authentication: { auth_type: PASS, auth_pass: { hunter2: x } }',
    'keys twice': 'authentication: { auth_type: PASS, auth_pass: { hunter2: x, hunter2: y } }',
    'no colon': 'authentication: { auth_type: PASS, auth_pass hunter2 }',
    'the type': 'authentication: { auth_type: hunter2, auth_pass: x }',
    'all of it': 'authentication: hunter2',
    'a list': 'authentication: { auth_type: PASS, auth_pass: [hunter2] }',
    'version 3': 'authentication: { auth_type: PASS, auth_pass: hunter2 }\nversion: 3',
    'in the instance': 'auth_pass: hunter2',
    'a tag in the instance': 'auth_pass: !hunter2 x',
    'a tag without suffix': 'authentication: { auth_type: PASS, auth_pass: !hunter2! }',
    'an escape': 'authentication: { auth_type: PASS, auth_pass: "\\Uhunter2x" }',
    'an alias under a misspelt word': 'authenticaton: { auth_type: PASS, auth_pass: *hunter2 }',
    'keys twice under a misspelt word': 'auth: { hunter2: x, hunter2: y }',
    'keys twice beside it': 'x: { auth_pass: y, hunter2: y, hunter2: y }',
    'an alias beside it': 'authentication_: { auth_pass: &a hunter2 }\nfirst_linklocal: *a',
    'a node beside it': 'state: { auth_pas: y, hunter2: x }',
    'a tag beside it': 'x: { auth_type: { y: !hunter2 y }, auth_pass: y }',
    'a key above a tag': 'authentication: { auth_type: PASS, hunter2: !x y }',
    'an equals sign': 'auth_pass=hunter2: x',
    'a list by mistake': 'authentication: { hunter2: [x] }',
    'a line of a text above': 'first_linklocal: "warn\n  auth_pass: hunter2"',
    'a bracket in a text': 'first_linklocal: "auth_pass[ &hunter2"',
    'an alias elsewhere': 'authentication: { auth_type: PASS, auth_pass: &a hunter2 }\nfirst_linklocal: *a',
    'in a file that is too long': 'authentication: { auth_type: PASS, auth_pass: { file: long } }',
  };
  for (const [what, words] of Object.entries(forms))
    it(`are in no word of check: ${what}`, () => {
      writeFileSync(path.join(folder, 'long'), 'hunter2-hunter2\n');
      const version = words.includes('version') ? '' : 'version: 2\n';
      const lines = `interface: eth0\nvirtual_router_id: 51\nvirtual_ipaddress: [10.1.0.100]\n${version}${words}`;
      const text = `config_version: 1\nvrrp_instance:\n  web:\n${lines.replace(/^/gm, '    ')}\n`;
      const config = path.join(folder, 'x.yaml');
      writeFileSync(config, text);
      for (const json of [false, true]) {
        const said: string[] = [];
        const io = {
          out: (line: string) => said.push(line),
          err: (line: string) => said.push(line),
          envNode: 'lb1',
          hostname: 'h',
        };
        assert.equal(check({ file: config, json }, io), what === 'good' ? 0 : 1, said.join('\n'));
        assert(said.length > 0 && !said.join('\n').includes('hunter2'), said.join('\n'));
      }
    });

  it('are in no word where an instance has their name', () => {
    const text =
      'config_version: 1\nvrrp_instance:\n  authentication: { hunter2: !x y }\n  auth_pass: hunter2\n';
    for (const document of [text, text.replace('!x ', '')]) {
      const loaded = loadConfig(document, 'test.yaml', { name: 'lb1', from: '--node' });
      assert(!loaded.ok && !JSON.stringify(loaded.error).includes('hunter2'), JSON.stringify(loaded));
    }
  });

  it('are read from a regular file of one line, with a reason where not', () => {
    const readIt = secretReader(path.join(folder, 'vipkeeper.yaml'));
    const write = (name: string, text: string): string => {
      writeFileSync(path.join(folder, name), text);
      return name;
    };
    assert.deepEqual(readIt(write('a', 'S3cr3t\n')), ok('S3cr3t'));
    assert.deepEqual(readIt(path.join(folder, 'a')), ok('S3cr3t'));
    assert.deepEqual(readIt(write('b', 'one\ntwo\n')), err('it is not one line of text'));
    assert.deepEqual(readIt(write('c', 'x'.repeat(2_000))), err('it has more than 1024 octets'));
    assert.deepEqual(readIt('absent'), err('ENOENT'));
    mkdirSync(path.join(folder, 'd'));
    assert.deepEqual(readIt('d'), err('it is no regular file'));
  });
});
