/** How a script's definition becomes a command: whether it may run, as whom, and in which environment. */
import { lstatSync, readlinkSync } from 'node:fs';
import type { ScriptDefinition } from '../script/definition.ts';
import type { RunPort } from '../script/runner.ts';
import { type FileFacts, type Files, faultText, scriptFault } from '../script/security.ts';
import type { Command, Spawner } from '../script/spawner.ts';
import { type Account, accountOf, gidOf } from './account.ts';

/** All of it, so that no variable of ours (LD_PRELOAD, IFS, NODE_OPTIONS, NOTIFY_SOCKET) reaches a script. */
const environmentOf = (node: string, script: string): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C',
  VIPKEEPER_NODE: node,
  VIPKEEPER_SCRIPT: script,
});

export function scriptCommands(spawner: Spawner, node: () => string): RunPort {
  return {
    start(definition, events) {
      const command = commandOf(definition, node());
      if (typeof command === 'string') {
        queueMicrotask(() => events.refused(command));
        return { kill: () => undefined, cancel: () => undefined };
      }
      return spawner.start(command, events);
    },
  };
}

/**
 * Permissions and accounts are looked at before each run: both may change while the daemon lives.
 * @returns a sentence when it may not run
 */
export function commandOf(
  definition: Pick<ScriptDefinition, 'name' | 'argv' | 'user' | 'group'>,
  node: string,
): Command | string {
  const { argv, name } = definition;
  const fault = scriptFault(argv[0], realFiles, process.getuid?.() === 0);
  const account = fault === undefined ? accountFor(definition) : faultText(argv[0], fault);
  return typeof account === 'string' ? account : { argv, account, environment: environmentOf(node, name) };
}

/** @returns undefined: we are that user already; text: why not */
export function accountFor({
  user,
  group,
}: Pick<ScriptDefinition, 'user' | 'group'>): Account | undefined | string {
  const account = accountOf(user);
  if (account === undefined) return `user ${user} is not in /etc/passwd`;
  const gid = group === undefined ? account.gid : gidOf(group);
  if (gid === undefined) return `group ${group} is not in /etc/group`;
  const [ownUid, ownGid] = [process.getuid?.(), process.getgid?.()];
  if (ownUid === 0) return { uid: account.uid, gid };
  const same = account.uid === ownUid && (group === undefined || gid === ownGid);
  return same ? undefined : `only root can run a script as ${user}`;
}

export const realFiles: Files = {
  lstat(path): FileFacts | undefined {
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts === undefined) return undefined;
    const kind = facts.isSymbolicLink()
      ? 'link'
      : facts.isDirectory()
        ? 'directory'
        : facts.isFile()
          ? 'file'
          : 'other';
    return { kind, uid: facts.uid, gid: facts.gid, mode: facts.mode & 0o7777 };
  },
  readlink: (path) => readlinkSync(path),
};
