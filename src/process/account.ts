import { readFileSync } from 'node:fs';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Looks a group up in /etc/group. @returns undefined when there is none of that name */
export function gidOf(group: string): number | undefined {
  for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
    const [name, , gid] = line.split(':');
    if (name === group) return Number(gid);
  }
  return undefined;
}

/** Looks a user up in /etc/passwd. @returns undefined when there is none of that name */
export function accountOf(user: string): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === user) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Arguments of the checks process. @throws when there is no such user */
export function checksAccount(user: string): readonly string[] {
  const account = accountOf(user);
  if (account === undefined)
    throw new Error(
      `user ${user} for the checks process is not in /etc/passwd: create it, or name another as global.checks_user`,
    );
  return [String(account.uid), String(account.gid)];
}
