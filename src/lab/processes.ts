import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from './command.ts';

/** Processes that live in the network namespace at this path; sockets that others hold in it do not count. */
export function processesIn(netns: string): number[] {
  const namespace = inode(netns);
  if (namespace === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && inode(`/proc/${name}/ns/net`) === namespace)
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

/** All namespaces are on one file system (nsfs), so the inode alone tells them apart. */
function inode(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined; // ended meanwhile, or a zombie: it has no namespace any more
  }
}

/**
 * Signals all of them within microseconds of each other, children born meanwhile included. SIGKILL stops them
 * all first: a machine that dies does not leave one process time to notice the death of another and to say
 * goodbye for it.
 */
export function signalAll(netns: string, signal: NodeJS.Signals): void {
  const signalled = new Set<number>();
  for (let found = processesIn(netns); found.length > 0;) {
    if (signal === 'SIGKILL') for (const pid of found) signalOne(pid, 'SIGSTOP');
    for (const pid of found) signalOne(pid, signal);
    for (const pid of found) signalled.add(pid);
    // Stopped or dead processes have no more children, so this ends; those that go on may have new ones for
    // ever.
    const mayEnd = signal === 'SIGKILL' || signal === 'SIGSTOP';
    found = mayEnd ? processesIn(netns).filter((pid) => !signalled.has(pid)) : [];
  }
}

/** One that has ended already is no error. */
export function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends every process in these namespaces, those that come in meanwhile too, and waits until none is left, at most 3 s. */
export async function endAll(namespaces: readonly string[]): Promise<void> {
  for (let round = 0; namespaces.some((netns) => processesIn(netns).length > 0); round++) {
    if (round > 300) throw new LabError(`processes in ${namespaces.join(', ')} do not end`);
    for (const netns of namespaces) signalAll(netns, 'SIGKILL');
    await sleep(10);
  }
}

/**
 * Start time of a living process in clock ticks since boot: with the pid it names a process for ever.
 * @returns undefined when there is none, or only its unreaped remains
 */
export function startTime(pid: number): number | undefined {
  const fields = statOf(pid);
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

export const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)?.[1]) === parent);

/** Fields 3, the state, and on of /proc/PID/stat. proc(5) */
function statOf(pid: number): readonly string[] | undefined {
  try {
    // The command name is in parentheses and may hold spaces.
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}
