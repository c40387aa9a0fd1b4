/** `realserver` as it is typed: whose steps it shows, and what it refuses. What the steps do: ipvs/guest/realserver.test.ts */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { program } from '../netns/director.ts';

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('realserver', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-realserver-'));
  const file = path.join(folder, 'site.yaml');
  before(() =>
    writeFileSync(
      file,
      JSON.stringify({
        config_version: 1,
        nodes: { lb1: null, lb2: null },
        vrrp_instance: {
          web: {
            ...{ interface: 'eth0', virtual_router_id: 51, priority: { lb1: 150, lb2: 100 } },
            virtual_ipaddress: ['192.0.2.100', '192.0.2.101'],
          },
        },
        virtual_server: [
          {
            address: '192.0.2.100:80',
            lb_kind: 'DR',
            real_server: ['192.0.2.21:80', '192.0.2.22:80'],
            sorry_server: '192.0.2.29:80',
          },
          { address: '192.0.2.101:80', lb_kind: 'NAT', real_server: ['192.0.2.22:8080'] },
        ],
      }),
    ),
  );
  after(() => rmSync(folder, { recursive: true }));

  const realserver = (...args: readonly string[]): Said => {
    const env = { ...process.env, VIPKEEPER_NODE: '' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'realserver', ...args], {
      encoding: 'utf8',
      env,
    });
    return { status, stdout, stderr };
  };
  const commands = ({ stdout }: Said): readonly string[] =>
    stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  it('print shows the commands of one server, the sorry server too, and why', () => {
    for (const server of ['192.0.2.21', '192.0.2.29']) {
      const said = realserver('print', '--config', file, '--for', server);
      assert.equal(said.status, 0, said.stderr);
      assert.deepEqual(commands(said), [
        'sysctl -w net.ipv4.conf.all.arp_ignore=1',
        'sysctl -w net.ipv4.conf.all.arp_announce=2',
        'ip address add 192.0.2.100/32 dev lo',
      ]);
      assert.match(said.stdout, new RegExp(`^# real server ${server}\n# `));
      assert.doesNotMatch(said.stdout, /NAT/);
    }
    const both = realserver('print', '--config', file, '--for', '192.0.2.22', '--node', 'lb2');
    assert.match(both.stdout, /^# NAT \(192\.0\.2\.22\): /m);
  });

  it('a host that is none of them is told which there are', () => {
    const { status, stderr } = realserver('print', '--config', file);
    assert.equal(status, 1);
    assert.match(stderr, /^no address of this host is .*192\.0\.2\.21, 192\.0\.2\.22, 192\.0\.2\.29; /);
  });

  it('apply does nothing for a server that is another host', () => {
    const record = path.join(folder, 'record.json');
    const { status, stdout, stderr } = realserver(
      ...['apply', '--config', file, '--for', '192.0.2.21', '--record', record],
    );
    assert.deepEqual([status, stdout], [1, '']);
    assert.equal(stderr, '192.0.2.21 is no address of this host: nothing is done\n');
    assert.equal(existsSync(record), false);
    const undone = realserver('undo', '--record', record);
    assert.deepEqual([undone.status, undone.stdout], [0, 'nothing to take back: apply did nothing here\n']);
  });

  it('wrong words have exit codes of their own', () => {
    assert.equal(realserver('print', '--config', path.join(folder, 'none.yaml')).status, 3);
    assert.equal(realserver('print', '--config', file, '--for', 'rs1').status, 2);
    assert.equal(realserver('print', '--config', file, '--node', 'lb3').status, 2);
    const bad = path.join(folder, 'bad.yaml');
    writeFileSync(bad, 'config_version: 1\nvirtual_sever: []\n');
    const { status, stderr } = realserver('print', '--config', bad);
    assert.equal(status, 1);
    assert.match(stderr, /virtual_sever/);
  });
});
