/** keepalived on d2, and what a test asks of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { commandEnvironment } from '../../src/lab/command.ts';
import { eventually } from './director.ts';
import type { Site } from './site.ts';

const installed = spawnSync('keepalived', ['--version'], { env: commandEnvironment(), encoding: 'utf8' });
/** Undefined when it is not installed. */
export const keepalivedVersion = /Keepalived v(\S+)/.exec(installed.stderr ?? '')?.[1];

/** One keepalived on d2. */
export class Keepalived {
  readonly #child: ChildProcess;
  readonly #folder: string;
  log = '';

  /** @param text its configuration */
  constructor(site: Site, name: string, text: string) {
    this.#folder = path.join(site.folder, name);
    mkdirSync(this.#folder);
    const file = site.write(text, `${name}.conf`);
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
