/** The guest's traffic site with the web server and the daemons that check it: ours on one director, keepalived on the other. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ip } from '../../../src/base/ip.ts';
import type { KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { native } from '../../../src/kernel/native.ts';
import { AF_INET, inetAddress } from '../../../src/kernel/sockaddr.ts';
import { fileOf, Stage } from '../../guest/stage.ts';
import { clear } from '../../ipvs/suite.ts';
import type { Product } from '../scenario.ts';
import { addressesIn, costServers, keepalivedText, type Life, oursPool, type PoolPlan } from './plan.ts';
import { WebServer } from './web-server.ts';

/** rs1 is all servers that are checked: by its own address, and by all of a network. */
export const web = { address: '10.2.0.21', port: 8_080 };
const network = '10.3';
const nodes = { ours: 'd1', keepalived: 'd2' } as const;
const startLimit_ms = 10_000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

/** A daemon that runs. */
export interface Subject {
  /** Of the process that checks. */
  readonly pid: number;
  readonly link: KernelIpvs;
  stop(): Promise<void>;
}

/** Of a life: 200 servers, or the one that is taken away beside two that stay. */
const poolOf = ({ part, kind, delayLoop }: Life): PoolPlan => ({
  ...{ kind, delayLoop },
  servers:
    part === 'cost'
      ? addressesIn(network, costServers, web.port)
      : [web, { address: '10.2.0.22', port: 80 }, { address: '10.2.0.23', port: 80 }],
});

export class Scene {
  readonly #stage: Stage;
  readonly #links: Readonly<Record<Product, KernelIpvs>>;
  server = new WebServer();

  private constructor(stage: Stage, links: Readonly<Record<Product, KernelIpvs>>) {
    this.#stage = stage;
    this.#links = links;
  }

  static async up(): Promise<Scene> {
    const stage = await Stage.up();
    // A prefix on lo makes all of its addresses this node's own.
    await stage.site.ip('rs1', `address add ${network}.0.1/16 dev lo`);
    for (const node of Object.values(nodes))
      await stage.site.ip(node, `route add ${network}.0.0/16 via ${web.address}`);
    const scene = new Scene(stage, { ours: await stage.link('d1'), keepalived: await stage.link('d2') });
    await scene.serve();
    return scene;
  }

  /** The web server begins, or begins again; its count goes on. */
  async serve(): Promise<void> {
    const fd = this.#stage.site.socket('rs1', AF_INET);
    for (const done of [
      native.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1),
      native.bind(fd, inetAddress(ip('0.0.0.0'), web.port)),
    ])
      if (done < 0) throw new Error(`the web server does not begin: errno ${-done}`);
    await this.server.listen({ fd });
  }

  async start(life: Life): Promise<Subject> {
    const link = this.#links[life.product];
    await clear(link);
    return life.product === 'ours' ? this.#ours(life, link) : this.#keepalived(life, link);
  }

  async #ours(life: Life, link: KernelIpvs): Promise<Subject> {
    const pool = oursPool(poolOf(life), { address: '10.1.0.100:80', lb_kind: 'NAT' });
    const director = await this.#stage.start('d1', fileOf([pool]));
    const stop = async (): Promise<void> => {
      await director.stop();
    };
    return { pid: await director.pid('checks'), link, stop };
  }

  async #keepalived(life: Life, link: KernelIpvs): Promise<Subject> {
    const file = (name: string): string => path.join(this.#stage.folder, `keepalived.${name}`);
    writeFileSync(file('conf'), keepalivedText(poolOf(life)));
    rmSync(file('checks'), { force: true });
    const argv = ['keepalived', '--check', '-n', '-f', file('conf'), '-p', file('pid'), '-c', file('checks')];
    const child = this.#stage.site.lab.exec(nodes.keepalived, argv, { stdio: 'ignore' });
    const ended = once(child, 'close');
    const pid = await pidIn(file('checks'), child);
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await ended;
    };
    return { pid, link, stop };
  }

  async down(): Promise<void> {
    this.server.close();
    await this.#stage.down();
  }
}

async function pidIn(file: string, child: ChildProcess): Promise<number> {
  for (let waited_ms = 0; waited_ms < startLimit_ms && child.exitCode === null; waited_ms += 20) {
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (pid > 0) return pid;
    await sleep(20);
  }
  throw new Error('keepalived has no process that checks');
}
