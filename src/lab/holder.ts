/**
 * Labs of an ordinary user. A holder is a process that keeps a user, mount, network and pid namespace in
 * which that user is root: a lab is made, used and taken down in there as root does it elsewhere. One for
 * each prefix, and the first process of its pid namespace, so that nothing inside outlives it.
 * user_namespaces(7), pid_namespaces(7)
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandAbsent, commandEnvironment, LabError } from './command.ts';
import { checkedPrefix, noLab } from './lab.ts';
import { childrenOf, signalOne, startTime } from './processes.ts';
import { recordPath } from './record.ts';

/** What a command does to a holder: `show` and `make` begin one where there is none, `show` to end with it. */
export type Purpose = 'show' | 'make' | 'use' | 'end';

interface Holder {
  readonly prefix: string;
  readonly pid: number;
  readonly startTime: number;
}

/**
 * Its own pid as we see it is read before its own /proc covers ours. The tmpfs is for `ip netns` and the
 * labs' records. Then it waits for ever, and thereby for every orphan, as the first process of a pid
 * namespace must.
 */
const holderScript = `read -r pid rest </proc/self/stat
mount -t tmpfs -o mode=755 tmpfs /run
mount -t proc proc /proc
echo "$pid"
exec >/dev/null 2>&1
while :; do sleep 86400 & wait; done`;

const unshare = 'unshare --user --map-root-user --net --mount --pid --fork --kill-child sh -ec'.split(' ');
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const endLimit_ms = 3_000;

/**
 * Runs this very command again, inside.
 * @returns its exit code
 * @throws LabError when there is no such lab, or when this machine gives an ordinary user no user namespace
 */
export async function runAsOrdinaryUser(purpose: Purpose, prefix: string): Promise<number> {
  const found = findHolder(checkedPrefix(prefix));
  if (found === undefined && (purpose === 'use' || purpose === 'end')) throw noLab(prefix);
  const holder = found ?? (await makeHolder(prefix, purpose === 'show'));
  const status = await runInside(holder);
  // Nothing was made, or it is taken down. The user's own processes are open to us in any namespace. ptrace(2)
  const empty = !existsSync(`/proc/${holder.pid}/root${recordPath(prefix)}`);
  if (purpose !== 'use' && empty) await end(holder);
  return status;
}

/** Prefixes of all holders of this user that live; those that do not are forgotten. */
export const heldPrefixes = (): readonly string[] =>
  readdirSync(folder()).filter((prefix) => findHolder(prefix) !== undefined);

/** Holders are noted in this user's own folder. @throws LabError when it could be somebody else's trap */
function folder(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? '';
  const uid = process.getuid?.();
  const path = existsSync(runtime) ? `${runtime}/vipkeeper-lab` : `/tmp/vipkeeper-lab-${uid}`;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new LabError(`cannot make the folder ${path}`, { cause });
  }
  const found = lstatSync(path);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return path;
  throw new LabError(`${path} is not a folder of yours alone`, { mend: `remove it, or chmod 700 ${path}` });
}

/** A note is a symbolic link that leads nowhere: made whole, only by one, and read whole. symlink(2) */
const notePath = (prefix: string): string => `${folder()}/${prefix}`;

function findHolder(prefix: string): Holder | undefined {
  let note: string;
  try {
    note = readlinkSync(notePath(prefix));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LabError(`cannot read ${notePath(prefix)}`, { mend: 'remove it', cause: error });
  }
  const [pid = 0, begun = 0] = note.split('-').map(Number);
  if (startTime(pid) === begun) return { prefix, pid, startTime: begun };
  rmSync(notePath(prefix), { force: true });
  return undefined;
}

async function makeHolder(prefix: string, endsWithUs: boolean): Promise<Holder> {
  heldPrefixes(); // the notes of killed ones go
  const note = notePath(prefix);
  // --kill-child passes on the death of unshare, and setpriv ours to unshare: a killed demo leaves nothing.
  const leash = endsWithUs ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const [program, ...args] = [...leash, ...unshare, holderScript];
  // A session of its own: what is typed at our terminal, and its end, are not for the holder.
  const child = spawn(program, args, {
    env: commandEnvironment(),
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = await firstWord(child);
  const holder = { prefix, pid, startTime: startTime(pid) ?? 0 };
  try {
    symlinkSync(`${pid}-${holder.startTime}`, note);
    return holder;
  } catch (cause) {
    await end(holder, false);
    const other = findHolder(prefix);
    if (other !== undefined) return other;
    throw new LabError(`cannot write ${note}`, { cause });
  }
}

async function firstWord(child: ChildProcess): Promise<number> {
  let said = '';
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => reject(commandAbsent(child.spawnfile, cause)));
    child.on('close', () => reject(refusal(complaint.trim())));
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.endsWith('\n')) resolve();
    });
  });
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  return Number(said);
}

/** What may keep an ordinary user from user namespaces; not every kernel has all of these. */
const gates = [
  ['kernel.unprivileged_userns_clone', 'must be 1'],
  ['kernel.apparmor_restrict_unprivileged_userns', 'must be 0'],
  ['user.max_user_namespaces', 'must have room for one more'],
] as const;

function refusal(complaint: string): LabError {
  const settings = gates.map(([name, need]) => {
    const file = `/proc/sys/${name.replaceAll('.', '/')}`;
    const value = existsSync(file) ? `is ${readFileSync(file, 'utf8').trim()}` : 'not on this kernel';
    return `    ${name} ${need} (${value})`;
  });
  const mend = [
    'what decides, as sysctl, and in a container its seccomp profile and masked paths of /proc:',
    ...settings,
    '  or run it with sudo',
  ];
  return new LabError(`a lab without root needs a user namespace, which this machine refuses: ${complaint}`, {
    mend: mend.join('\n'),
  });
}

/**
 * nsenter stays between us and the command, for the pid namespace needs a fork; what ends the command must
 * not end nsenter first. Node gives itself the default signals back when it begins.
 */
const shielded = ['-c', 'trap "" INT TERM HUP; exec "$@"', 'sh'];

async function runInside({ pid }: Holder): Promise<number> {
  const enter = ['nsenter', '--preserve-credentials', `--target=${pid}`];
  const namespaces = ['--user', '--mount', '--net', '--pid'];
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const command = [...enter, ...namespaces, 'env', '-C', process.cwd(), ...again];
  const child = spawn('sh', [...shielded, ...command], { env: commandEnvironment(), stdio: 'inherit' });
  const pass = (name: NodeJS.Signals): void => {
    for (const inner of childrenOf(child.pid ?? 0)) signalOne(inner, name);
  };
  for (const name of endSignals) process.on(name, pass);
  const [status] = (await once(child, 'exit')) as [number | null];
  for (const name of endSignals) process.off(name, pass);
  return status ?? 1;
}

/** When the first process of a pid namespace is gone, all of them are: the kernel saw to it. */
async function end(holder: Holder, noted = true): Promise<void> {
  signalOne(holder.pid, 'SIGKILL');
  for (let waited_ms = 0; startTime(holder.pid) === holder.startTime; waited_ms += 5) {
    if (waited_ms > endLimit_ms) throw new LabError(`the holder of the lab, ${holder.pid}, does not end`);
    await sleep(5);
  }
  if (noted) rmSync(notePath(holder.prefix), { force: true });
}
