import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

type Purpose = 'start' | 'test' | 'bench';
interface Machine {
  path: string;
  root: boolean;
  optedOut: boolean;
  addonBuilt: boolean;
  nodeHeaders: () => boolean;
  aptLists: string;
  policy: string;
  say: (line: string) => void;
}
const script = path.resolve('scripts/packages.mjs');
const { provide } = (await import(pathToFileURL(script).href)) as {
  provide: (purpose: Purpose, on: Machine) => void;
};

const ipvs = ['linux.uml', 'insmod', 'ipvsadm'];
const all = ['ip', 'nft', 'nsenter', 'cc', 'ping', 'tshark', 'keepalived', ...ipvs];

describe('packages that npm start, test and bench see to', () => {
  let folder: string;
  let said: string[];
  let machine: Machine;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-packages-'));
    for (const name of ['bin', 'lists']) mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, 'lists/deb.debian.org_main_binary-amd64_Packages.lz4'), '');
    said = [];
    machine = {
      path: path.join(folder, 'bin'),
      root: true,
      optedOut: false,
      addonBuilt: true,
      nodeHeaders: () => true,
      aptLists: path.join(folder, 'lists'),
      policy: path.join(folder, 'policy-rc.d'),
      say: (line) => said.push(line),
    };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const command = (name: string, body = ''): void => {
    const file = path.join(folder, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
  };
  /** An apt-get that writes down how it is called and what it may start, and that can install. */
  const apt = (...installs: string[]): void => {
    const made = installs.map((name) => `: >'${folder}/bin/${name}'; /bin/chmod 755 '${folder}/bin/${name}'`);
    const record = `echo "$DEBIAN_FRONTEND $* services: $(${machine.policy}; echo $?)" >>'${folder}/calls'`;
    command('apt-get', [record, 'case $1 in install)', ...made, ';; esac'].join('\n'));
  };
  const calls = (): string[] =>
    existsSync(`${folder}/calls`) ? readFileSync(`${folder}/calls`, 'utf8').trim().split('\n') : [];

  for (const purpose of ['start', 'test', 'bench'] as const) {
    it(`says and does nothing for ${purpose} when everything is there`, () => {
      all.forEach((name) => command(name));
      apt();
      provide(purpose, machine);
      assert.deepEqual([said, calls()], [[], []]);
    });
  }

  it('lists first, then installs what is missing, with no service started, and takes its policy away', () => {
    for (const name of all.filter((name) => name !== 'tshark' && name !== 'cc')) command(name);
    apt('tshark', 'cc');
    provide('test', machine);
    assert.equal(said[0], 'Debian packages that npm test needs and installs now: gcc libc6-dev tshark');
    assert.deepEqual(calls(), [
      'noninteractive install --yes --no-install-recommends gcc libc6-dev tshark services: 101',
    ]);
    assert.equal(said.length, 2, said.join('\n'));
    assert(!existsSync(machine.policy));
  });

  it('reads the package lists only when there are none', () => {
    all.filter((name) => name !== 'nft').forEach((name) => command(name));
    apt('nft');
    rmSync(machine.aptLists, { recursive: true });
    provide('start', machine);
    assert.deepEqual(calls(), [
      'noninteractive update services: 101',
      'noninteractive install --yes --no-install-recommends nftables services: 101',
    ]);
  });

  it('tries once more with new lists when the installation fails, then names the line and the lanes', () => {
    all.filter((name) => name !== 'keepalived').forEach((name) => command(name));
    apt();
    writeFileSync(path.join(folder, 'bin/apt-get'), '\n[ "$1" = update ] || exit 100\n', { flag: 'a' });
    provide('bench', machine);
    assert.deepEqual(
      calls().map((call) => call.split(' ')[1]),
      ['install', 'update', 'install'],
    );
    assert.deepEqual(said.slice(2), [
      'To have all of npm bench, as root: apt-get install --no-install-recommends keepalived',
      '  keepalived interop: not run',
    ]);
    assert(!existsSync(machine.policy), 'the policy goes after a failure too');
  });

  it('leaves a policy alone that somebody else has made', () => {
    all.filter((name) => name !== 'nft').forEach((name) => command(name));
    apt('nft');
    writeFileSync(machine.policy, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    provide('start', machine);
    assert.match(calls()[0] ?? '', /services: 0$/);
    assert.equal(readFileSync(machine.policy, 'utf8'), '#!/bin/sh\nexit 0\n');
  });

  const hindrances: readonly [what: string, change: (on: Machine) => void, apt: boolean][] = [
    ['without root', (on) => (on.root = false), true],
    ['when opted out', (on) => (on.optedOut = true), true],
    ['without apt-get', () => undefined, false],
  ];
  for (const [what, change, hasApt] of hindrances) {
    it(`${what} prints the one line to run and the lanes that will not run`, () => {
      all.filter((name) => name !== 'tshark' && name !== 'keepalived').forEach((name) => command(name));
      if (hasApt) apt('tshark', 'keepalived');
      change(machine);
      provide('test', machine);
      assert.deepEqual(said, [
        'To have all of npm test, as root: apt-get install --no-install-recommends tshark keepalived',
        '  packets read by tshark: not run',
        '  keepalived interop: not run',
      ]);
      assert.deepEqual(calls(), []);
    });
  }

  it('asks for a compiler only where one is needed: for the first addon, and for the tests', () => {
    all.filter((name) => name !== 'cc').forEach((name) => command(name));
    const needed = (purpose: Purpose, addonBuilt: boolean): boolean => {
      said = [];
      provide(purpose, { ...machine, addonBuilt, nodeHeaders: () => false });
      return said.some((line) => line.endsWith(' gcc libc6-dev libnode-dev'));
    };
    assert.deepEqual(
      [needed('start', true), needed('start', false), needed('test', true), needed('bench', true)],
      [false, true, true, false],
    );
  });

  it('as a program ends with 0 whatever is missing, and knows its three purposes', () => {
    const run = (purpose: string): { status: number | null; output: string } => {
      const env = { ...process.env, VIPKEEPER_NO_PACKAGES: '1' };
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, purpose], { env });
      return { status, output: `${stdout.toString()}${stderr.toString()}` };
    };
    for (const purpose of ['start', 'test', 'bench']) assert.equal(run(purpose).status, 0);
    assert.deepEqual(run('strat'), {
      status: 2,
      output: 'usage: node scripts/packages.mjs start|test|bench\n',
    });
  });
});
