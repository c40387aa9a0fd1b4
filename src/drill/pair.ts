import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpawnOptions } from 'node:child_process';
import type { Lab } from '../lab/lab.ts';
import { folderOf } from '../lab/record.ts';
import { DaemonLog } from './daemon-log.ts';
import type { SeenDirector } from './judge-seat.ts';

/** What is known about a daemon from outside, without asking it. */
export type DaemonState = 'not started' | 'running' | 'frozen' | 'ended';

interface Seat {
  readonly log: DaemonLog;
  readonly control: string;
  daemon: ChildProcess | undefined;
  frozen: boolean;
}

const stopLimit_ms = 10_000;

/** A daemon on each director of a lab: started, killed, frozen and stopped as by operators and disasters. */
export class DirectorPair {
  readonly directors: readonly SeenDirector[];
  readonly #lab: Lab;
  readonly #command: readonly string[];
  readonly #seats: ReadonlyMap<string, Seat>;

  /**
   * Their logs and sockets are in the lab's folder and go with it.
   * @param command what runs one daemon; --node and --control are added to it
   */
  constructor(lab: Lab, directors: readonly SeenDirector[], command: readonly string[]) {
    this.#lab = lab;
    this.directors = directors;
    this.#command = command;
    const folder = folderOf(lab.prefix);
    mkdirSync(folder, { recursive: true });
    this.#seats = new Map(
      directors.map(({ name }) => [
        name,
        {
          log: new DaemonLog(path.join(folder, `${name}.log`)),
          control: path.join(folder, `${name}.sock`),
          daemon: undefined,
          frozen: false,
        },
      ]),
    );
  }

  log(director: SeenDirector): DaemonLog {
    return this.#seat(director).log;
  }

  /** Unix socket that `vipkeeper status --control` asks. */
  control(director: SeenDirector): string {
    return this.#seat(director).control;
  }

  state(director: SeenDirector): DaemonState {
    const { daemon, frozen } = this.#seat(director);
    if (daemon === undefined) return 'not started';
    if (daemon.exitCode !== null || daemon.signalCode !== null) return 'ended';
    return frozen ? 'frozen' : 'running';
  }

  start(director: SeenDirector): void {
    const seat = this.#seat(director);
    const output = openSync(seat.log.file, 'a');
    // Its own session: Ctrl-C at our terminal is for us, and we end the daemons in order.
    const options: SpawnOptions = { stdio: ['ignore', output, output], detached: true };
    const node = ['--node', director.configNode, '--control', seat.control];
    seat.daemon = this.#lab.exec(director.name, [...this.#command, ...node, '--log-format', 'json'], options);
    // An nsenter that cannot be started ends like a daemon that cannot: by the log being silent.
    seat.daemon.on('error', () => undefined);
    seat.frozen = false;
    closeSync(output);
  }

  /** kill -9 of every process on the director, all within microseconds: the machine is dead. */
  async kill(director: SeenDirector): Promise<void> {
    await this.#lab.fault({ kind: 'kill', node: director.name });
    this.#seat(director).frozen = false;
  }

  /** SIGSTOP of every process on the director: nothing runs, but its kernel still answers. */
  async freeze(director: SeenDirector): Promise<void> {
    await this.#lab.fault({ kind: 'stop', node: director.name });
    this.#seat(director).frozen = true;
  }

  async thaw(director: SeenDirector): Promise<void> {
    await this.#lab.fault({ kind: 'cont', node: director.name });
    this.#seat(director).frozen = false;
  }

  /** Pulls the cable that the judge sees, at the switch. */
  async unplug({ name, link }: SeenDirector): Promise<void> {
    await this.#lab.fault({ kind: 'link-down', node: name, link });
  }

  async plug({ name, link }: SeenDirector): Promise<void> {
    await this.#lab.fault({ kind: 'link-up', node: name, link });
  }

  /** Asks the daemon to hand over and end, as `systemctl stop` does. @throws Error when it does not end */
  async stop(director: SeenDirector): Promise<void> {
    const { daemon } = this.#seat(director);
    if (daemon === undefined || this.state(director) === 'ended') return;
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    const limit = new AbortController();
    const late = sleep(stopLimit_ms, 'late' as const, { signal: limit.signal }).catch(() => 'ended' as const);
    const first = await Promise.race([ended, late]);
    limit.abort();
    if (first === 'late')
      throw new Error(`the daemon on ${director.name} did not stop in ${stopLimit_ms} ms`);
  }

  #seat({ name }: SeenDirector): Seat {
    const seat = this.#seats.get(name);
    assert(seat !== undefined);
    return seat;
  }
}
