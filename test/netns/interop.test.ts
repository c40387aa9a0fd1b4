/** Ten runs with keepalived as the other director: each side wins when it should, and nobody finds fault with the other. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Family } from '../../src/base/ip.ts';
import { commandEnvironment } from '../../src/lab/command.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, eventually } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const installed = spawnSync('keepalived', ['--version'], { env: commandEnvironment(), encoding: 'utf8' });
const version = /Keepalived v(\S+)/.exec(installed.stderr ?? '')?.[1];

const addresses = { 4: ['10.1.0.100'], 6: ['fe80::100', 'fd00:1::100'] } as const;

/** One keepalived on d2. */
class Keepalived {
  readonly #child: ChildProcess;
  readonly #folder: string;
  log = '';

  constructor(
    site: Site,
    name: string,
    settings: { readonly family: Family; readonly priority: number; readonly advert_s: number },
  ) {
    this.#folder = path.join(site.folder, name);
    mkdirSync(this.#folder);
    const vips = addresses[settings.family].map(
      (address) => `${address}/${settings.family === 4 ? 32 : 128}`,
    );
    const file = site.write(
      `global_defs {\n vrrp_version 3\n}
vrrp_instance web {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${settings.priority}
  advert_int ${settings.advert_s}
  virtual_ipaddress {\n    ${vips.join('\n    ')}\n  }
}\n`,
      `${name}.conf`,
    );
    const pid = (which: string): string => path.join(this.#folder, `${which}.pid`);
    this.#child = site.lab.exec(
      'd2',
      [
        ...['keepalived', '--vrrp', '--dont-fork', '--log-console', '--log-detail', '--use-file', file],
        ...['--pid', pid('parent'), '--vrrp_pid', pid('vrrp')],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...commandEnvironment(), TMPDIR: this.#folder } },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  /** The state that it entered last, and how often it entered one. */
  get state(): string | undefined {
    return [...this.log.matchAll(/Entering (\w+) STATE/g)].at(-1)?.[1];
  }

  untilState(state: 'MASTER' | 'BACKUP'): Promise<unknown> {
    return eventually(
      () => this.state,
      (now) => now === state,
      6_000,
      () => this.log,
    );
  }

  /** What it counted as errors of packets: "Checksum: 0" and so on. */
  async packetErrors(): Promise<readonly string[]> {
    const file = path.join(this.#folder, 'keepalived.stats');
    this.#child.kill('SIGUSR2');
    await eventually(
      () => existsSync(file) && readFileSync(file, 'utf8').includes('Sent: '),
      Boolean,
      3_000,
      () => `${readdirSync(this.#folder).join()}\n${this.log}`,
    );
    const [, errors = ''] =
      /Packet Errors:(.*?)Authentication Errors:/s.exec(readFileSync(file, 'utf8')) ?? [];
    assert.match(errors, /Length: \d+/);
    return [...errors.matchAll(/^\s*(\w[\w ]+: [1-9]\d*)$/gm)].map(([, line = '']) => line);
  }

  async end(signal: NodeJS.Signals, site: Site): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    if (signal === 'SIGKILL') await site.lab.fault({ kind: 'kill', node: 'd2' });
    else this.#child.kill(signal);
    await ended;
  }
}

async function expectClean(ours: Director, family: Family, theirs: Keepalived): Promise<void> {
  const { vrrp } = await ours.status();
  const moved = Object.entries(vrrp?.discarded[`eth0/${family}`] ?? { none: 1 }).filter(
    ([, count]) => count > 0,
  );
  assert.deepEqual(moved, [], 'we discarded');
  const heard = vrrp?.instances[0]?.heard;
  assert.deepEqual(
    heard?.map(({ remarks }) => remarks),
    [[]],
    JSON.stringify(heard),
  );
  assert.deepEqual(await theirs.packetErrors(), [], 'keepalived counted errors');
}

function defineRuns(): void {
  let site: Site;
  before(async () => {
    site = await Site.up('interop');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  const ours = (family: Family, priority: number, advert_s: number): string =>
    configuration({
      web: instance({ priority, advert_int: `${advert_s * 1_000}ms`, virtual_ipaddress: addresses[family] }),
    });

  for (const family of [4, 6] as const)
    for (const [run, advert_s] of [0.2, 0.3, 0.5].entries())
      it(`IPv${family}, ${advert_s} s, ours is better: wins, hands over, is dead, comes back`, async () => {
        const theirs = new Keepalived(site, `low${family}${run}`, { family, priority: 100, advert_s });
        await theirs.untilState('MASTER');
        const first = site.start('d1', ours(family, 150, advert_s));
        assert.equal((await first.untilState('active')).router.reason, 'preempting');
        await theirs.untilState('BACKUP');
        await expectClean(first, family, theirs);
        assert.equal(await first.stop(), 0);
        await theirs.untilState('MASTER');
        const second = site.start('d1', ours(family, 150, advert_s));
        await second.untilState('active');
        await theirs.untilState('BACKUP');
        await second.kill();
        await theirs.untilState('MASTER');
        assert.doesNotMatch(theirs.log, /[Ii]nvalid|[Mm]ismatch|checksum/);
      });

  for (const family of [4, 6] as const)
    for (const [run, advert_s] of [0.2, 0.4].entries())
      it(`IPv${family}, ${advert_s} s, keepalived is better: preempts, is dead, hands over`, async () => {
        const daemon = site.start('d1', ours(family, 100, advert_s));
        await daemon.untilState('active');
        const first = new Keepalived(site, `high${family}${run}`, { family, priority: 150, advert_s });
        await first.untilState('MASTER');
        assert.equal((await daemon.untilState('backup')).router.reason, 'higher-priority');
        await expectClean(daemon, family, first);
        await first.end('SIGKILL', site);
        assert.equal((await daemon.untilState('active')).router.reason, 'active-silent');
        const second = new Keepalived(site, `again${family}${run}`, { family, priority: 150, advert_s });
        await second.untilState('MASTER');
        await daemon.untilState('backup');
        await second.end('SIGTERM', site);
        assert.equal((await daemon.untilState('active')).router.reason, 'active-resigned');
        assert.doesNotMatch(first.log + second.log, /[Ii]nvalid|[Mm]ismatch|checksum/);
      });
}

if (version === undefined) console.log('not run, keepalived is not installed: interop with keepalived');
else
  describeAsRoot(`interop with keepalived ${version}`, function () {
    this.timeout(40_000);
    defineRuns();
  });
