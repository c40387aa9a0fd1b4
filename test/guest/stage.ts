/**
 * A traffic site with daemons of the product on its directors, and the file they read: one pool of all real servers by
 * direct routing, checked over HTTP every 200 ms. Everything of it is in this process but the
 * daemons, which are those of dist/: `npm run build` comes before `npm run guest`.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endpoint, serviceName } from '../../src/ipvs/types.ts';
import { openKernelIpvs, type KernelIpvs } from '../../src/kernel/ipvs.ts';
import { mustRead } from '../ipvs/suite.ts';
import { Director, type DirectorName, eventually, program } from '../netns/director.ts';
import { clients, type Server, servers, TrafficSite, vips } from './traffic-site.ts';

export type Settings = Readonly<Record<string, unknown>>;

export const realServer = (server: Server, port = 80): string => `10.2.0.2${server.slice(2)}:${port}`;

export const pool = (settings: Settings = {}): Settings => ({
  address: '10.1.0.100:80',
  lb_algo: 'rr',
  lb_kind: 'DR',
  delay_loop: '200ms',
  timeout: '1s',
  retry: 0,
  warmup: '0s',
  HTTP_GET: { url: [{ path: '/' }] },
  real_server: servers.map((server) => realServer(server)),
  ...settings,
});

const instance = (settings: Settings): Settings => ({
  priority: { lb1: 150, lb2: 100 },
  advert_int: '200ms',
  ...settings,
});

/** @param more over the top level of the file */
export const fileOf = (virtual_server: readonly Settings[], more: Settings = {}): string =>
  JSON.stringify({
    config_version: 1,
    nodes: { lb1: null, lb2: null },
    vrrp_sync_group: { gateway: { group: ['web', 'inside'] } },
    vrrp_instance: {
      web: instance({ interface: 'eth0', virtual_router_id: 51, virtual_ipaddress: ['10.1.0.100'] }),
      inside: instance({ interface: 'eth1', virtual_router_id: 52, virtual_ipaddress: ['10.2.0.1'] }),
    },
    ...(virtual_server.length > 0 && { virtual_server }),
    // A connection that its client has ended is forgotten at once.
    lvs_timeouts: { tcpfin: '1s' },
    ...more,
  });

/** Coverage is not measured of what is built for users, and takes its time. */
const env = { NODE_V8_COVERAGE: '' };

export class Stage {
  readonly site: TrafficSite;
  /** Nobody but root writes here, so scripts in it may be run. */
  readonly folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-stage-'));
  readonly #closers = new Map<string, () => void>();
  readonly #links: KernelIpvs[] = [];

  private constructor(site: TrafficSite) {
    this.site = site;
  }

  static async up(): Promise<Stage> {
    assert(existsSync(program), `${program} is not built: npm run build`);
    const stage = new Stage(await TrafficSite.up({ director: null }));
    chmodSync(stage.folder, 0o755);
    for (const server of servers) await stage.serve(server);
    return stage;
  }

  /** A web server begins or goes on. */
  async serve(server: Server, port = 80): Promise<void> {
    this.#closers.set(`${server}:${port}`, await this.site.serve(server, port));
  }

  /** It is gone, and its connections with it. */
  silence(server: Server, port = 80): void {
    this.#closers.get(`${server}:${port}`)?.();
  }

  /** A daemon; one without checks is ready at once. @returns it when it is Active, or a Backup, and its checks have spoken */
  async start(node: DirectorName, file: string): Promise<Director> {
    const director = new Director({ lab: this.site.lab, folder: this.folder }, node, file, { env });
    const state = node === 'd1' ? 'active' : 'backup';
    await director.until(
      ({ vrrp, pools }) =>
        pools.ready &&
        vrrp !== undefined &&
        vrrp.instances.length > 0 &&
        vrrp.instances.every(({ router }) => router.state === state),
      30_000,
    );
    return director;
  }

  /** The file of a director as it will be read next. */
  write(node: DirectorName, text: string): void {
    writeFileSync(path.join(this.folder, `${node}.yaml`), text);
  }

  /** A script of sh. @returns its path */
  script(name: string, text: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  }

  /** A file that scripts may write, whoever runs them. */
  note(name: string, text = ''): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, text);
    chmodSync(file, 0o666);
    return file;
  }

  read(name: string): string {
    return readFileSync(path.join(this.folder, name), 'utf8');
  }

  /** Reads a director's table as its kernel has it. */
  async link(node: DirectorName): Promise<KernelIpvs> {
    const link = await openKernelIpvs({ netns: this.site.lab.netns(node) });
    this.#links.push(link);
    return link;
  }

  async down(): Promise<void> {
    for (const link of this.#links.splice(0)) link.close();
    await this.site.down();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The program's own commands, as people give them; a second each in the guest. */
export function command(
  { control }: Director,
  ...words: readonly string[]
): Promise<{ readonly exit: number; readonly text: string }> {
  const argv = [program, ...words, '--control', control];
  return new Promise((resolve) =>
    execFile(process.execPath, argv, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ exit: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` }),
    ),
  );
}

/** Requests of several clients at once, for as long as something is done. */
export async function underLoad(
  site: TrafficSite,
  work: () => Promise<void>,
): Promise<{ readonly answers: number; readonly failures: readonly string[] }> {
  let [answers, over] = [0, false];
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    while (!over) {
      await site.getFrom(clients[4], vips[4]).then(
        () => answers++,
        (error: unknown) => failures.push((error as Error).message),
      );
      await sleep(30);
    }
  };
  const load = Array.from({ length: 4 }, client);
  try {
    await work();
  } finally {
    over = true;
    await Promise.all(load);
  }
  return { answers, failures };
}

/** Lines of the log that tell of a write into the table: "+ TCP 10.1.0.100:80", "~ … weight 1 → 2". */
export const writesIn = ({ log }: Director, from = 0): readonly string[] =>
  log.slice(from).flatMap(({ message }) => (/^[+~-] /.test(message) ? [message] : []));

export type Weights = Readonly<Record<string, number>>;

/** Weights of the real servers of one service in a kernel's table; undefined when there is no such service. */
export async function weightsIn(link: KernelIpvs, service: string): Promise<Weights | undefined> {
  const found = (await mustRead(link)).find((one) => serviceName(one.service.key) === service);
  return found && Object.fromEntries(found.destinations.map((one) => [endpoint(one), one.weight]));
}

/** Waits until the kernel's table is so. */
export async function untilWeights(
  link: KernelIpvs,
  wanted: Weights | undefined,
  director: Director,
  service = 'TCP 10.1.0.100:80',
  limit_ms = 10_000,
): Promise<void> {
  const text = (weights: Weights | undefined): string => JSON.stringify(Object.entries(weights ?? []).sort());
  await eventually(
    () => weightsIn(link, service),
    (found) => (found === undefined) === (wanted === undefined) && text(found) === text(wanted),
    limit_ms,
    () => director.describe(),
  );
}
