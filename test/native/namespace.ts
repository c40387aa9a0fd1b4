import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from 'mocha';

/** Marks the tests of a block as not run, with the reason, where they cannot work. */
export function needRoot(context: Context): void {
  if (process.getuid?.() === 0) return;
  console.log(
    `      not run, root is needed for raw sockets and namespaces: ${context.test?.parent?.title ?? ''}`,
  );
  context.skip();
}

/** The nearest folder above with package.json; the compiled tests may lie anywhere below it. */
export function projectRoot(folder = import.meta.dirname): string {
  return existsSync(path.join(folder, 'package.json')) ? folder : projectRoot(path.dirname(folder));
}

/** Without LD_PRELOAD, so that a sanitizer run does not instrument iproute2. */
export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
}

export function ipBatch(namespace: string, lines: readonly string[]): void {
  const env = { PATH: process.env['PATH'] };
  execFileSync('ip', ['-n', namespace, '-batch', '-'], { input: lines.join('\n') + '\n', env });
}

export interface Pair {
  /**
   * Names of the two namespaces; each holds `eth0`, one end of a veth, with 192.0.2.1/24 and 192.0.2.2/24.
   */
  readonly a: string;
  readonly b: string;
  readonly pathA: string;
  readonly pathB: string;
  /** Interface indexes of eth0. */
  readonly indexA: number;
  readonly indexB: number;
  remove(): void;
}

let made = 0;
export function createPair(): Pair {
  const prefix = `vkn-${process.pid}-${made++}`;
  const [a, b] = [`${prefix}a`, `${prefix}b`];
  ip('netns', 'add', a);
  ip('netns', 'add', b);
  ip('-n', a, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', b);
  for (const [at, name] of [a, b].entries()) {
    // Duplicate address detection would keep the link-local address unusable for a second.
    execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_dad=0'], {
      env: { PATH: process.env['PATH'] },
    });
    ip('-n', name, 'address', 'add', `192.0.2.${at + 1}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }
  const index = (name: string): number =>
    Number(/^(\d+):/.exec(ip('-n', name, '-o', 'link', 'show', 'eth0'))?.[1]);
  return {
    a,
    b,
    pathA: `/run/netns/${a}`,
    pathB: `/run/netns/${b}`,
    indexA: index(a),
    indexB: index(b),
    remove: () => {
      ip('netns', 'delete', a);
      ip('netns', 'delete', b);
    },
  };
}

/** Waits until the condition holds. @throws Error after the limit, naming what was awaited */
export async function until(what: string, condition: () => boolean, limitMs = 4000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(5);
  }
}

export const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** proc(5) /proc/pid/task/tid/stat field 41: 0 SCHED_OTHER, 2 SCHED_RR */
export const schedulingPolicy = (stat: string): number =>
  Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]);

/** Policies of the threads of this process with a name. */
export function policiesOfThreads(name: string): readonly number[] {
  return readdirSync('/proc/self/task')
    .map(statOf)
    .filter((stat) => stat.includes(`(${name})`))
    .map(schedulingPolicy);
}

/** A thread may end between the listing and the reading. */
function statOf(task: string): string {
  try {
    return readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
  } catch {
    return '';
  }
}
