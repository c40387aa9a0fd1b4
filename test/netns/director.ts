/** One daemon in a namespace, and what a test asks of it. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Micros } from '../../src/base/time.ts';
import { readStatus } from '../../src/cli/status.ts';
import type { ProcessName, Snapshot } from '../../src/control.ts';
import { native } from '../../src/kernel/native.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { State } from '../../src/vrrp/events.ts';
import type { InstanceStatus } from '../../src/vrrp/status.ts';

export type DirectorName = 'd1' | 'd2';
/** The program that the tests run: the build of this checkout, or an installed one. */
export const program = path.resolve(process.env['VIPKEEPER_CLI'] ?? 'dist/cli.js');

export interface DirectorOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
  /** What the program is started by: setpriv(1) and its like, which become it. */
  readonly by?: readonly string[];
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
  readonly #lab: Lab;

  constructor(
    { lab, folder }: { readonly lab: Lab; readonly folder: string },
    node: DirectorName,
    config: string,
    options: DirectorOptions,
  ) {
    this.#lab = lab;
    this.node = node;
    this.control = path.join(folder, node, 'control.sock');
    this.file = path.join(folder, `${node}.yaml`);
    writeFileSync(this.file, config);
    const configNode = node === 'd1' ? 'lb1' : 'lb2';
    this.child = lab.exec(
      node,
      [
        ...(options.by ?? []),
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

  reload(config: string | Uint8Array): void {
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
    await this.#lab.fault({ kind: 'kill', node: this.node });
    await this.ended;
  }

  describe(): string {
    const lines = this.log.map((line) => JSON.stringify(line)).join('\n');
    return `${this.node}: ${this.complaints}\n${lines}`;
  }
}

/** A daemon that has just begun has none. */
export const everyInstance =
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
