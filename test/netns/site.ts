/**
 * A pair of real daemons in a lab of their own, and what a test asks of them. Configurations are JSON, which is YAML too.
 * Everything is bounded: a daemon that does not do as expected fails the test with its own log lines.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Ip } from '../../src/base/ip.ts';
import { milliseconds, type Micros } from '../../src/base/time.ts';
import { AdvertObserver, type HeardAdvert } from '../../src/drill/advert-observer.ts';
import { judgeSeat, type JudgeSeat } from '../../src/drill/judge-seat.ts';
import { frameReceiveOptions, openPacketSocket } from '../../src/drill/packet-socket.ts';
import { OwnerSampler } from '../../src/drill/owner-sampler.ts';
import { native } from '../../src/kernel/native.ts';
import { Lab } from '../../src/lab/lab.ts';
import { decodeFrame, type HeardFrame } from '../../src/vrrp/frames.ts';
import { labPrefix } from '../lab/as-root.ts';
import { Director, type DirectorName, type DirectorOptions, everyInstance, program } from './director.ts';

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

/** Classic BPF `ret #65535` */
const acceptAll = Uint8Array.from([0x06, 0, 0, 0, 0xff, 0xff, 0, 0]);

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
  start(node: DirectorName, config: string, options: DirectorOptions = {}): Director {
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

  /** Records what the client hears of address resolution from now on. */
  watchNeighbours(): readonly (HeardFrame & { readonly at: Micros })[] {
    const heard: (HeardFrame & { readonly at: Micros })[] = [];
    const fd = openPacketSocket(native, this.seat.client, acceptAll);
    native.receive(
      fd,
      frameReceiveOptions,
      ({ data }) => {
        const frame = decodeFrame(data);
        if (frame !== undefined) heard.push({ ...frame, at: native.now() as Micros });
      },
      () => undefined,
    );
    this.#closers.push(() => native.close(fd));
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

  /** @returns the path of a file with this text */
  write(text: string, name = 'config.yaml'): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  onClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** Ends every process on the directors, the instruments and the faults of one test; the lab stays. */
  async clear(): Promise<void> {
    for (const close of this.#closers.splice(0)) close();
    for (const node of ['d1', 'd2']) await this.lab.fault({ kind: 'kill', node });
    await Promise.all(this.#directors.splice(0).map(({ ended }) => ended));
    await this.lab.fault({ kind: 'heal' });
    for (const node of ['d1', 'd2'] as const)
      for (const { local, prefixlen } of await this.addresses(node))
        if (/^(10\.[12]\.0\.[12]\d\d|fe80::[12]\d\d|fd00:1::[12]\d\d)$/.test(local))
          // One with a lifetime may go at this very moment.
          await this.lab
            .run(node, ['ip', 'address', 'del', `${local}/${prefixlen}`, 'dev', 'eth0'])
            .catch(() => undefined);
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
