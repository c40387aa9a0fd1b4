/**
 * Runs one command inside a User Mode Linux kernel, which has IPVS whatever the host's kernel has: the guest sees the
 * host's files, is root, and has a network of its own. What it writes is gone with it, but for `shared` folders.
 *
 *   npm run guest                                  all guest tests, reported by mocha as they run
 *   npm run guest -- test/ipvs/guest/smoke.test.ts one file of them
 *   npm run guest -- ipvsadm -Ln                   any other command
 *
 * A guest test is a mocha test in test/ipvs/guest/NAME.test.ts. All of them run in ONE process in one guest, for an exec
 * costs 20 to 60 ms there: speak netlink, make namespaces with `ip -batch` or the Lab. The host imports the file too, to
 * list its tests (test/ipvs/lane.test.ts), so nothing may happen outside `before`, `it` and `after`. The guest has one
 * CPU and HZ=100: a busy process makes timers 10 to 20 ms late. Use a network namespace per suite: the table is its own.
 * For traffic from a client through directors to real servers there is traffic-site.ts. What a test writes to stdout or
 * stderr is shown on the host; a file that shall be there afterwards needs a folder in `shared`.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { commandEnvironment } from '../../src/lab/command.ts';

export interface GuestKernel {
  readonly program: string;
  /** Folder with one folder of modules for each release. */
  readonly modules: string;
}

export interface GuestRun {
  readonly command: readonly string[];
  /** Folders that exist on the host, and in which the guest's writes are the host's. */
  readonly shared?: readonly string[];
  /** After this the guest and all in it is ended. The time to wait for a free CPU counts. */
  readonly limit_s: number;
}

export interface Guest {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The command's exit status. Rejects with what the console said when the guest died or had to be ended. */
  readonly ended: Promise<number>;
  /** Ends it at once, with everything in it. */
  end(): void;
}

/** Taken from the host only when it is touched. */
const memory_MiB = 1024;

/** @returns its path, also where an ordinary user's PATH does not lead */
export const findProgram = (name: string): string | undefined =>
  (commandEnvironment()['PATH'] ?? '')
    .split(':')
    .map((folder) => path.join(folder, name))
    .find((file) => path.isAbsolute(file) && existsSync(file));

/** Debian's package user-mode-linux, also one that is only unpacked and on the PATH. */
export function findKernel(): GuestKernel | undefined {
  const program = findProgram('linux.uml');
  if (program === undefined) return undefined;
  return { program, modules: path.join(path.dirname(program), '../lib/uml/modules') };
}

/**
 * The kernel hears of our death, and was seen to leave a process of its own behind, which holds the CPU's lock. So a shell
 * waits for either end, and then ends the group. @param group of the guest
 */
function watchOver(group: number): void {
  const script =
    'while kill -0 "$1" && kill -0 -"$2"; do sleep 0.2; done 2>/dev/null; kill -KILL -"$2" 2>/dev/null';
  const words = ['-c', script, 'sh', String(process.pid), String(group)];
  spawn('sh', words, { detached: true, stdio: 'ignore', env: commandEnvironment() }).unref();
}

/** Starts a guest with this process's environment and current folder. It does not outlive this process. */
export function boot({ program, modules }: GuestKernel, { command, shared = [], limit_s }: GuestRun): Guest {
  const folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-guest-'));
  const console = path.join(folder, 'console');
  writeList(path.join(folder, 'shared'), [folder, ...shared]);
  writeList(path.join(folder, 'command'), ['env', '-C', process.cwd(), '-i', ...environment(), ...command]);
  // A copy: the kernel's command line takes no spaces, which the path of a checkout may have.
  const init = path.join(folder, 'init');
  writeFileSync(init, readFileSync('test/guest/init.sh'), { mode: 0o755 });
  const log = openSync(console, 'a');
  const cpu = freeCpu();
  // Every one of these becomes the next, so the pid is the kernel's and the lock ends with its last process.
  const kernel = [
    ...['setpriv', '--pdeathsig', 'TERM'],
    ...['flock', '--no-fork', lockOf(cpu)],
    ...['taskset', '--cpu-list', String(cpu)],
    program,
    ...[`mem=${memory_MiB}M`, 'rootfstype=hostfs', 'rootflags=/', 'rw', `init=${init}`],
    ...[`uml_dir=${folder}/`, 'umid=uml', 'con=null', 'ssl=null'],
    ...['con0=null,fd:3', 'ssl0=null,fd:4', 'ssl1=null,fd:5', `RUN=${folder}`, `MODULES=${modules}`],
  ];
  const [first = '', ...rest] = kernel;
  // Its own session and group: they are ended as one. UML makes its descriptors non-blocking, so these are its own.
  const child = spawn(first, rest, {
    detached: true,
    env: { ...commandEnvironment(), TMPDIR: memoryFolder() },
    stdio: ['ignore', log, log, log, 'pipe', 'pipe'],
  });
  closeSync(log);
  if (child.pid !== undefined) watchOver(child.pid);
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limit_s * 1_000);
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      const status = late ? undefined : readIfThere(path.join(folder, 'status'));
      const said = (readIfThere(console) ?? '').trimEnd().split('\n').slice(-40).join('\n');
      rmSync(folder, { recursive: true, force: true });
      const what = late ? `was ended after ${limit_s} s` : `died (${child.exitCode ?? child.signalCode})`;
      if (status === undefined) reject(new Error(`the guest ${what}; its console:\n${said}`));
      else resolve(Number(status));
    });
  });
  // Whoever waits for it gets it; until then it is no unhandled rejection.
  ended.catch(() => undefined);
  const [stdout, stderr] = (child.stdio as readonly (Readable | null)[]).slice(4);
  assert(stdout != null && stderr != null);
  return { stdout, stderr, ended, end };
}

const writeList = (file: string, words: readonly string[]): void =>
  writeFileSync(file, words.map((word) => `${word}\0`).join(''));

const readIfThere = (file: string): string | undefined =>
  existsSync(file) ? readFileSync(file, 'utf8') : undefined;

const environment = (): readonly string[] =>
  Object.entries(commandEnvironment()).map(([name, value]) => `${name}=${value ?? ''}`);

/** Its folder in sysfs is there for every user, and flock(2) wants no more than to read it. */
const lockOf = (cpu: number): string => `/sys/devices/system/cpu/cpu${cpu}`;

/**
 * A guest has one CPU of its own, but consists of several processes of the host that hand over at every system call: on
 * two CPUs it is 2.5 to 3.5 times slower. Two guests on one CPU halve each other's speed, so each locks its own.
 */
function freeCpu(): number {
  const [, list = '0'] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const cpus = list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
  // The first one has most of the interrupts.
  const last = cpus.at(-1);
  assert(last !== undefined);
  const free = (cpu: number): boolean =>
    spawnSync('flock', ['--nonblock', lockOf(cpu), 'true'], { env: commandEnvironment() }).status === 0;
  return cpus.toReversed().find(free) ?? last;
}

/** UML's memory is an unlinked file that it executes from; a full file system is a bus error in the guest. */
function memoryFolder(): string {
  const folder = '/dev/shm';
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, where]) => where === folder);
  if (mount === undefined || /\b(?:noexec|ro)\b/.test(mount[3] ?? '')) return tmpdir();
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > memory_MiB * 2 ** 20 ? folder : tmpdir();
}
