/** keepalived on d2, and what a test asks of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { commandEnvironment } from '../../src/lab/command.ts';
import { eventually } from './director.ts';
import type { Site } from './site.ts';

const installed = spawnSync('keepalived', ['--version'], { env: commandEnvironment(), encoding: 'utf8' });
/** Undefined when it is not installed. */
export const keepalivedVersion = /Keepalived v(\S+)/.exec(installed.stderr ?? '')?.[1];

/**
 * What it says of its instance in a life without faults. A lower priority is named by a Backup that waits to preempt
 * and by a Master that has just done so: nobody was wrong.
 */
const ordinary =
  /^\(web\) (Entering (MASTER|BACKUP) STATE|(setting|removing) VIPs|Receive advertisement timeout|Sending\/queueing |Master received advert .* with higher priority|[Rr]eceived .*lower priority|sent 0 priority|Backup received priority 0)/;
const fault = /invalid|mismatch|checksum|error|fail|wrong/i;

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

  /** The states that it entered, in order. */
  get states(): readonly string[] {
    return Array.from(this.log.matchAll(/Entering (\w+) STATE/g), ([, state = '']) => state);
  }

  /** Lines of its log that find fault with something: what it says of its instance and is not ordinary, and errors. */
  get complaints(): readonly string[] {
    return this.log
      .split('\n')
      .map((line) => line.replace(/^.*? \d{4}: /, ''))
      .filter((line) => (line.startsWith('(web) ') ? !ordinary.test(line) : fault.test(line)));
  }

  untilState(state: 'MASTER' | 'BACKUP'): Promise<unknown> {
    return eventually(
      () => this.states.at(-1),
      (now) => now === state,
      8_000,
      () => this.log,
    );
  }

  /** What it counted as errors of packets and of authentication: "TTL: 3" and so on. Checksums stand in its log only. */
  async packetErrors(): Promise<readonly string[]> {
    const file = path.join(this.#folder, 'keepalived.stats');
    rmSync(file, { force: true });
    this.#child.kill('SIGUSR2');
    await eventually(
      () => existsSync(file) && readFileSync(file, 'utf8').includes('Sent: '),
      Boolean,
      3_000,
      () => `${readdirSync(this.#folder).join()}\n${this.log}`,
    );
    const [, errors = ''] = /Packet Errors:(.*?)Priority Zero:/s.exec(readFileSync(file, 'utf8')) ?? [];
    assert.match(errors, /Length: \d+.*Failure: \d+/s);
    return [...errors.matchAll(/^\s*(\w[\w ]+: [1-9]\d*)$/gm)].map(([, line = '']) => line);
  }

  async end(signal: NodeJS.Signals, site: Site): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    if (signal === 'SIGKILL') await site.lab.fault({ kind: 'kill', node: 'd2' });
    else this.#child.kill(signal);
    await ended;
  }
}
