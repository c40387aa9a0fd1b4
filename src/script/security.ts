/**
 * Whether a script may be run at all. As root only what nobody but root can change, or any account that can
 * write to it, or to a folder on its way, is root: keepalived's enable_script_security, without the choice.
 * PURE over `Files`.
 */

/** The part of lstat(2) that matters. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly uid: number;
  readonly gid: number;
  /** Permission bits with set-id and sticky, 0o7777. */
  readonly mode: number;
}

export interface Files {
  /** @returns undefined when there is nothing, or it may not be looked at */
  lstat(path: string): FileFacts | undefined;
  readlink(path: string): string;
}

export type ScriptFault =
  | { readonly reason: 'not-absolute' | 'absent' | 'not-a-file' | 'not-executable' | 'too-many-links' }
  /** `path` is the script or the folder on its way that others may change. */
  | { readonly reason: 'writable-by-others'; readonly path: string };

const maxLinks = 40;

/**
 * Walks the path as the kernel does, so that every folder that names a part of it is looked at, links too.
 */
export function scriptFault(path: string, files: Files, asRoot: boolean): ScriptFault | undefined {
  if (!path.startsWith('/')) return { reason: 'not-absolute' };
  let rest = segments(path);
  let here = '';
  for (let links = 0; rest.length > 0;) {
    const [name = '', ...after] = rest;
    const next = name === '..' ? here.replace(/\/[^/]*$/, '') : `${here}/${name}`;
    const facts = files.lstat(next === '' ? '/' : next);
    if (facts === undefined) return { reason: 'absent' };
    if (facts.kind === 'link') {
      if (++links > maxLinks) return { reason: 'too-many-links' };
      const target = files.readlink(next);
      if (target.startsWith('/')) here = '';
      rest = [...segments(target), ...after];
      continue;
    }
    if (asRoot && writableByOthers(facts)) return { reason: 'writable-by-others', path: next };
    if (after.length === 0) return finalFault(facts);
    if (facts.kind !== 'directory') return { reason: 'absent' };
    here = next;
    rest = after;
  }
  return { reason: 'not-a-file' };
}

export function faultText(path: string, fault: ScriptFault): string {
  switch (fault.reason) {
    case 'not-absolute':
      return `${path} is not an absolute path`;
    case 'absent':
      return `${path} is not there`;
    case 'not-a-file':
      return `${path} is not a file`;
    case 'not-executable':
      return `${path} is not executable`;
    case 'too-many-links':
      return `${path} is behind more than ${maxLinks} symbolic links`;
    case 'writable-by-others':
      return `${fault.path} can be changed by others than root: not run by a daemon that is root`;
  }
}

const segments = (path: string): readonly string[] =>
  path.split('/').filter((part) => part !== '' && part !== '.');

function finalFault({ kind, mode }: FileFacts): ScriptFault | undefined {
  if (kind !== 'file') return { reason: 'not-a-file' };
  return (mode & 0o111) === 0 ? { reason: 'not-executable' } : undefined;
}

/** In a sticky folder others can make files, but neither rename nor remove root's. */
function writableByOthers({ kind, uid, gid, mode }: FileFacts): boolean {
  if (uid !== 0) return true;
  if (kind === 'directory' && (mode & 0o1000) !== 0) return false;
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0);
}
