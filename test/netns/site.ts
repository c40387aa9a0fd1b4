/**
 * A pair of real daemons in a lab of their own, and what a test asks of them. Configurations are JSON, which is YAML too.
 * Everything is bounded: a daemon that does not do as expected fails the test with its own log lines.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ip } from '../../src/base/ip.ts';
import { milliseconds, type Micros } from '../../src/base/time.ts';
import { readStatus } from '../../src/cli/status.ts';
import type { ProcessName, Snapshot } from '../../src/control.ts';
import { AdvertObserver, type HeardAdvert } from '../../src/drill/advert-observer.ts';
import { judgeSeat, type JudgeSeat } from '../../src/drill/judge-seat.ts';
import { OwnerSampler } from '../../src/drill/owner-sampler.ts';
import { native } from '../../src/kernel/native.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { State } from '../../src/vrrp/events.ts';
import type { InstanceStatus } from '../../src/vrrp/status.ts';
import { labPrefix } from '../lab/as-root.ts';

export type DirectorName = 'd1' | 'd2';

/** Two directors with two cables each and a client; smaller than the example, because many of them are built. */
const topology = `
lab_version: 1
bridges: [brA, brB]
nodes:
  cl: { role: client, links: { eth0: { bridge: brA, mac: '02:a0:00:00:00:02', address: [10.1.0.2/24, 'fd00:1::2/64'] } } }
  d1:
    role: director
    config_node: lb1
    links:
      eth0: { bridge: brA, mac: '02:a0:00:00:00:11', address: [10.1.0.11/24, 'fd00:1::11/64'] }
      eth1: { bridge: brB, mac: '02:b0:00:00:00:11', address: [10.2.0.11/24] }
  d2:
    role: director
    config_node: lb2
    links:
      eth0: { bridge: brA, mac: '02:a0:00:00:00:12', address: [10.1.0.12/24, 'fd00:1::12/64'] }
      eth1: { bridge: brB, mac: '02:b0:00:00:00:12', address: [10.2.0.12/24] }
judge: { node: cl, link: eth0, mac: '02:a0:00:00:00:fa', address: 10.1.0.250 }
`;

export type Settings = Readonly<Record<string, unknown>>;

/** One instance "web" at adverts of 100 ms; `settings` go over it. Priority 150 on d1, 100 on d2. */
export const instance = (settings: Settings = {}): Settings => ({
  interface: 'eth0',
  virtual_router_id: 51,
  priority: { lb1: 150, lb2: 100 },
  advert_int: '100ms',
  virtual_ipaddress: ['10.1.0.100'],
  ...settings,
});

export const configuration = (instances: Settings = { web: instance() }, global: Settings = {}): string =>
  JSON.stringify({
    config_version: 1,
    nodes: { lb1: null, lb2: null },
    global,
    vrrp_instance: instances,
  });

export interface KernelAddress {
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly label?: string;
  readonly broadcast?: string;
  readonly protocol?: string;
  readonly valid_life_time: number;
  readonly flags: readonly string[];
}

/** The program that the tests run: the build of this checkout, or an installed one. */
export const program = path.resolve(process.env['VIPKEEPER_CLI'] ?? 'dist/cli.js');

export class Site {
  readonly lab: Lab;
  readonly folder: string;
  readonly seat: JudgeSeat;
  readonly #directors: Director[] = [];
  readonly #closers: (() => void)[] = [];

  private constructor(lab: Lab, folder: string, seat: JudgeSeat) {
    this.lab = lab;
    this.folder = folder;
    this.seat = seat;
  }

  static async up(purpose: string): Promise<Site> {
    assert(existsSync(program), `${program} is not built: npm run build`);
    const folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-test-'));
    const lab = await Lab.up(topology, { prefix: `vke-${labPrefix(purpose)}` });
    return new Site(lab, folder, await judgeSeat(lab));
  }

  /** Starts a daemon, which writes its file and its socket here; `start` of the same node again is its next life. */
  start(
    node: DirectorName,
    config: string,
    options: { readonly env?: NodeJS.ProcessEnv; readonly args?: readonly string[] } = {},
  ): Director {
    const director = new Director(this, node, config, options);
    this.#directors.push(director);
    return director;
  }

  /** A pair, once d1 is active and d2 has heard it. */
  async startPair(config: string): Promise<readonly [Director, Director]> {
    const d1 = this.start('d1', config);
    await d1.until(everyInstance(({ router }) => router.state === 'active'));
    const d2 = this.start('d2', config);
    await d2.until(everyInstance(({ router, heard }) => router.state === 'backup' && heard.length > 0));
    return [d1, d2];
  }

  /** Records every advertisement on the client's link from now on. */
  listen(): readonly HeardAdvert[] {
    const heard: HeardAdvert[] = [];
    const observer = new AdvertObserver(native, this.seat.client);
    observer.listen((advert) => heard.push(advert));
    this.#closers.push(() => observer.close());
    return heard;
  }

  /** Asks every 5 ms who answers for the addresses. */
  sample(...addresses: readonly Ip[]): OwnerSampler {
    const sampler = new OwnerSampler(native, {
      ...this.seat.client,
      judge: this.seat.judge,
      addresses,
      directors: this.seat.directors.map(({ mac }) => mac),
      period: milliseconds(5),
    });
    this.#closers.push(() => sampler.stop());
    return sampler;
  }

  onClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** Ends the daemons, the instruments and the faults of one test; the lab stays. */
  async clear(): Promise<void> {
    for (const close of this.#closers.splice(0)) close();
    await Promise.all(this.#directors.splice(0).map((director) => director.kill()));
    await this.lab.fault({ kind: 'heal' });
    for (const node of ['d1', 'd2'] as const)
      for (const { local, prefixlen } of await this.addresses(node))
        if (/^(10\.[12]\.0\.[12]\d\d|fe80::[12]\d\d|fd00:1::[12]\d\d)$/.test(local))
          await this.lab.run(node, ['ip', 'address', 'del', `${local}/${prefixlen}`, 'dev', 'eth0']);
  }

  async down(): Promise<void> {
    await this.clear();
    await this.lab.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async addresses(node: DirectorName, link = 'eth0'): Promise<readonly KernelAddress[]> {
    const text = await this.lab.run(node, ['ip', '-json', 'address', 'show', 'dev', link]);
    const [found] = JSON.parse(text) as readonly {
      readonly addr_info: readonly (Omit<KernelAddress, 'flags'> & Readonly<Record<string, unknown>>)[];
    }[];
    return (found?.addr_info ?? []).map((info) => ({
      ...info,
      flags: Object.keys(info).filter((key) => info[key] === true),
    }));
  }

  async address(node: DirectorName, address: string, link = 'eth0'): Promise<KernelAddress | undefined> {
    return (await this.addresses(node, link)).find(({ local }) => local === address);
  }
}

/** One line of the daemon's JSON log. */
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly level: number;
  readonly message: string;
};

export class Director {
  readonly node: DirectorName;
  readonly control: string;
  readonly file: string;
  readonly child: ChildProcess;
  readonly log: LogLine[] = [];
  complaints = '';
  readonly ended: Promise<number | null>;
  readonly #site: Site;

  constructor(
    site: Site,
    node: DirectorName,
    config: string,
    options: { readonly env?: NodeJS.ProcessEnv; readonly args?: readonly string[] },
  ) {
    this.#site = site;
    this.node = node;
    this.control = path.join(site.folder, node, 'control.sock');
    this.file = path.join(site.folder, `${node}.yaml`);
    writeFileSync(this.file, config);
    const configNode = node === 'd1' ? 'lb1' : 'lb2';
    this.child = site.lab.exec(
      node,
      [
        process.execPath,
        program,
        'run',
        ...['--config', this.file, '--node', configNode, '--control', this.control],
        ...['--log-format', 'json', ...(options.args ?? [])],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
    );
    let rest = '';
    this.child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.log.push(JSON.parse(line) as LogLine);
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code)));
  }

  status(): Promise<Snapshot> {
    return readStatus(this.control);
  }

  async instance(name = 'web'): Promise<InstanceStatus> {
    const found = (await this.status()).vrrp?.instances.find(({ config }) => config.name === name);
    assert(found !== undefined, `no instance ${name}`);
    return found;
  }

  /** @returns the first snapshot that satisfies `wanted` */
  async until(wanted: (snapshot: Snapshot) => boolean, limit_ms = 8_000): Promise<Snapshot> {
    return eventually(
      () => this.status(),
      wanted,
      limit_ms,
      () => this.describe(),
    );
  }

  async untilState(state: State, name = 'web', limit_ms = 8_000): Promise<InstanceStatus> {
    const wanted = (snapshot: Snapshot): InstanceStatus | undefined =>
      snapshot.vrrp?.instances.find(({ config, router }) => config.name === name && router.state === state);
    const found = wanted(await this.until((snapshot) => wanted(snapshot) !== undefined, limit_ms));
    assert(found !== undefined);
    return found;
  }

  async pid(name: ProcessName): Promise<number> {
    const { processes } = await this.until(
      (snapshot) => snapshot.processes.every(({ state }) => state === 'running'),
      8_000,
    );
    const pid = processes.find((process) => process.name === name)?.pid;
    assert(pid !== undefined);
    return pid;
  }

  reload(config: string): void {
    writeFileSync(this.file, config);
    this.child.kill('SIGHUP');
  }

  /** Lines of state changes: "backup → active (active-silent)". */
  get transitions(): readonly string[] {
    return this.log.flatMap(({ from, to, reason }) =>
      typeof reason === 'string' ? [`${String(from)} → ${String(to)} (${reason})`] : [],
    );
  }

  /** SIGTERM. @returns its exit code */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  /** Ends the daemon and everything it started, whatever state they are in: no farewell is said. */
  async kill(): Promise<void> {
    await this.#site.lab.fault({ kind: 'kill', node: this.node });
    await this.ended;
  }

  describe(): string {
    const lines = this.log.map((line) => JSON.stringify(line)).join('\n');
    return `${this.node}: ${this.complaints}\n${lines}`;
  }
}

/** A daemon that has just begun has none. */
const everyInstance =
  (wanted: (instance: InstanceStatus) => boolean) =>
  ({ vrrp }: Snapshot): boolean =>
    vrrp !== undefined && vrrp.instances.length > 0 && vrrp.instances.every(wanted);

export const alive = (pid: number): boolean => {
  try {
    // A zombie has ended; its parent has not looked yet.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Asks again and again. @throws when it is not so within the limit; an answer that fails counts as "not yet" */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  wanted: (value: T) => boolean,
  limit_ms = 8_000,
  describe: () => string = () => '',
): Promise<T> {
  const end = native.monotonic() + limit_ms * 1_000;
  for (;;) {
    let last: unknown;
    try {
      const value = await ask();
      if (wanted(value)) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (native.monotonic() > end) {
      const shown = last instanceof Error ? last.message : JSON.stringify(last);
      assert.fail(`not so within ${limit_ms} ms\n${shown}\n${describe()}`);
    }
    await sleep(20);
  }
}

export const elapsed_ms = (since: Micros): number => (native.now() - since) / 1_000;
export const clock = (): Micros => native.now() as Micros;
