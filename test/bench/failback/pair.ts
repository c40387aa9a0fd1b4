/** Two directors of one product on the traffic site, and what is seen of them from outside. In the guest. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, between, type Micros, seconds } from '../../../src/base/time.ts';
import { readClock } from '../../../src/drill/clock.ts';
import { native } from '../../../src/kernel/native.ts';
import type { TrafficSite } from '../../guest/traffic-site.ts';
import { Director } from '../director.ts';
import { activeNode, type DirectorNode, directorNodes, productFiles, standbyNode } from '../product.ts';
import type { Product } from '../scenario.ts';
import type { Observer } from './observer.ts';
import { failbackConfigText, realServerCount } from './plan.ts';
import type { Switchboard } from './switchboard.ts';

const folder = '/run/vipkeeper-bench-failback';
const pollInterval_ms = 20;
const limit = seconds(60);

/** When what happened, from the moment at which the director could come back. */
export interface Arrival {
  /** Its first advertisement. */
  readonly preempted_us: number;
  /** Its table had one real server to give connections to; all of them. */
  readonly firstServer_us: number;
  readonly allServers_us: number;
}

/** What one pair after another plays on. */
export interface Stage {
  readonly site: TrafficSite;
  readonly observer: Observer;
  readonly switchboard: Switchboard;
}

export class Pair {
  readonly product: Product;
  readonly #stage: Stage;
  readonly #observer: Observer;
  readonly #directors: Readonly<Record<DirectorNode, Director>>;

  private constructor(stage: Stage, product: Product) {
    this.product = product;
    this.#stage = stage;
    this.#observer = stage.observer;
    const make = (node: DirectorNode): Director => new Director(stage.site.lab, product, node, folder);
    this.#directors = { d1: make('d1'), d2: make('d2') };
  }

  /** The preferred one serves, and the other could. */
  static async start(stage: Stage, product: Product): Promise<Pair> {
    const { observer } = stage;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    observer.forget();
    const pair = new Pair(stage, product);
    for (const node of directorNodes) {
      writeFileSync(productFiles(folder, node).config, failbackConfigText(product, node));
      await pair.#directors[node].start();
    }
    try {
      await pair.until('the pair serves', () => pair.#serves());
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  async #serves(): Promise<boolean> {
    if (this.#observer.speaks(activeNode) === undefined) return false;
    const counts = await Promise.all(directorNodes.map((node) => this.#observer.serving(node)));
    return counts.every((count) => count === realServerCount);
  }

  cables(state: 'up' | 'down'): void {
    this.#stage.switchboard.cables(activeNode, state);
  }

  async untilStandbyServes(): Promise<void> {
    await this.until('the standby serves', () => this.#observer.speaks(standbyNode) !== undefined);
  }

  async untilServersAreOut(): Promise<void> {
    await this.until(
      'the isolated one has no servers',
      async () => (await this.#observer.serving(activeNode)) === 0,
    );
  }

  /** @param from when it could come back */
  async untilReturned(from: Micros): Promise<Arrival> {
    const seen: { preempted?: Micros | undefined; first?: Micros; all?: Micros } = {};
    await this.until('it is back', async () => {
      const count = await this.#observer.serving(activeNode);
      const now = readClock(native);
      if (count > 0) seen.first ??= now;
      if (count === realServerCount) seen.all ??= now;
      seen.preempted = this.#observer.speaks(activeNode);
      return seen.all !== undefined && seen.preempted !== undefined;
    });
    const { preempted = from, first = from, all = from } = seen;
    return {
      preempted_us: between(from, preempted),
      firstServer_us: between(from, first),
      allServers_us: between(from, all),
    };
  }

  async stopActive(): Promise<void> {
    await this.#directors[activeNode].stop();
  }

  async startActive(): Promise<void> {
    await this.#directors[activeNode].start();
  }

  async stop(): Promise<void> {
    await Promise.all(directorNodes.map((node) => this.#directors[node].stop()));
    await this.#observer.empty();
  }

  logTail(): string {
    return directorNodes.map((node) => `--- ${node}\n${this.#directors[node].logTail()}`).join('\n');
  }

  /** @throws with the logs when it is not so in time */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const end = after(readClock(native), limit);
    while (!(await isSo())) {
      if (readClock(native) > end) throw new Error(`not so in time: ${what}\n${this.logTail()}`);
      await sleep(pollInterval_ms);
    }
  }
}
