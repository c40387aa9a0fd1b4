import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../src/lab/lab.ts';
import { endAll } from '../../src/lab/processes.ts';
import type { DirectorNode, ProductFiles } from './product.ts';
import { commandLine, configText, productFiles } from './product.ts';
import type { Arrangement, ProcessRole, Product } from './scenario.ts';
import { rolesOf } from './scenario.ts';

const vrrpProtocol = 112;

/** One daemon in one node of a lab. */
export class Director {
  readonly node: DirectorNode;
  readonly product: Product;
  readonly #lab: Lab;
  readonly #files: ProductFiles;
  #parent: ChildProcess | undefined;
  #startedAt = 0;

  constructor(lab: Lab, product: Product, node: DirectorNode, directory: string) {
    this.node = node;
    this.product = product;
    this.#lab = lab;
    this.#files = productFiles(directory, node);
  }

  configure(arrangement: Arrangement): void {
    writeFileSync(this.#files.config, configText(this.product, arrangement, this.node));
  }

  /** Whatever is left of an earlier life in this node is ended first. */
  async start(): Promise<void> {
    await endAll([this.#lab.netns(this.node)]);
    const { parentPid, vrrpPid, checksPid, bfdPid, control, log } = this.#files;
    // keepalived believes a file whose pid was given to another process meanwhile.
    for (const file of [parentPid, vrrpPid, checksPid, bfdPid, control]) rmSync(file, { force: true });
    const output = openSync(log, 'a');
    const argv = commandLine(this.product, this.node, this.#files);
    this.#parent = this.#lab.exec(this.node, argv, { stdio: ['ignore', output, output] });
    closeSync(output);
    this.#startedAt = Date.now();
  }

  get parentLives(): boolean {
    const parent = this.#parent;
    return parent !== undefined && parent.exitCode === null && parent.signalCode === null;
  }

  /** Milliseconds since it was last started. */
  get age_ms(): number {
    return Date.now() - this.#startedAt;
  }

  get running(): boolean {
    return this.parentLives && rolesOf(this.product).every((role) => this.pid(role) !== undefined);
  }

  /** Process of a role; undefined when there is none now. */
  pid(role: ProcessRole): number | undefined {
    const parent = this.#parent?.pid;
    if (parent === undefined || !this.parentLives) return undefined;
    if (role === 'parent') return parent;
    const children = read(`/proc/${parent}/task/${parent}/children`).split(' ').map(Number).filter(Boolean);
    if (this.product === 'ours')
      return children.find((pid) => read(`/proc/${pid}/cmdline`).startsWith(`vipkeeper: ${role}`));
    // Both children show the parent's command line; a pid file of a dead one names nobody's child.
    const pid = Number(read(role === 'vrrp' ? this.#files.vrrpPid : this.#files.checksPid));
    return children.includes(pid) ? pid : undefined;
  }

  /** It hears advertisements: a raw socket for them is open in its namespace. */
  listens(family: 4 | 6): boolean {
    const parent = this.pid('parent');
    if (parent === undefined) return false;
    const port = `:${vrrpProtocol.toString(16).toUpperCase().padStart(4, '0')} `;
    return read(`/proc/${parent}/net/${family === 4 ? 'raw' : 'raw6'}`).includes(port);
  }

  signal(role: ProcessRole, signal: NodeJS.Signals): void {
    const pid = this.pid(role);
    if (pid === undefined) throw new Error(`${this.product} on ${this.node} has no process ${role}`);
    process.kill(pid, signal);
  }

  /** SIGTERM of the parent; what has not ended after 5 s is killed. */
  async stop(): Promise<void> {
    if (this.parentLives) this.signal('parent', 'SIGTERM');
    for (let round = 0; round < 500 && this.parentLives; round++) await sleep(10);
    await endAll([this.#lab.netns(this.node)]);
  }

  /** Proportional and private memory of each process, in KiB. */
  memory(): ProcessMemory[] {
    return rolesOf(this.product).flatMap((role) => {
      const pid = this.pid(role);
      const rollup = pid === undefined ? '' : read(`/proc/${pid}/smaps_rollup`);
      const field = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
      if (rollup === '') return [];
      return [
        {
          role,
          pss_KiB: field('Pss'),
          private_KiB: field('Private_Clean') + field('Private_Dirty'),
          rss_KiB: field('Rss'),
        },
      ];
    });
  }

  /** The end of its log, for a report of what went wrong. */
  logTail(): string {
    return read(this.#files.log).split('\n').slice(-12).join('\n');
  }
}

export interface ProcessMemory {
  readonly role: ProcessRole;
  readonly pss_KiB: number;
  readonly private_KiB: number;
  readonly rss_KiB: number;
}

/** A file of a process that may end at any moment. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
