/**
 * A small file that tells something: read when inotify says that its folder changed (a file is often replaced
 * by rename, and a watch on the file itself would then watch the old one), and once a second besides: the
 * folder may not be there yet, may be replaced, or may be on a file system without inotify.
 */
import {
  closeSync,
  constants,
  fstatSync,
  type FSWatcher,
  openSync,
  readSync,
  statSync,
  watch,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import type { FileContent } from '../vrrp/track-file.ts';

const lookInterval_ms = 1_000;
/** A writer truncates, then writes: what is read in between would be an empty file. */
const settle_ms = 10;
const maxOctets = 64;

export class FileWatch {
  readonly #path: string;
  readonly #changed: (content: FileContent) => void;
  readonly #look: NodeJS.Timeout;
  #settle: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #folder: string | undefined;
  #said: string | undefined;

  /** @param changed the first content comes from within the constructor */
  constructor(path: string, changed: (content: FileContent) => void) {
    this.#path = path;
    this.#changed = changed;
    this.#look = setInterval(() => this.#readAll(), lookInterval_ms);
    this.#readAll();
  }

  close(): void {
    clearInterval(this.#look);
    clearTimeout(this.#settle);
    this.#watcher?.close();
  }

  #readAll(): void {
    this.#watchFolder();
    this.#read();
  }

  #watchFolder(): void {
    const path = dirname(this.#path);
    const folder = identityOf(path);
    if (folder === this.#folder) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#folder = folder;
    if (folder === undefined) return;
    try {
      const name = basename(this.#path);
      this.#watcher = watch(path, { persistent: false }, (_, changed) => {
        if (changed === name) this.#settle ??= setTimeout(() => this.#read(), settle_ms);
      });
      this.#watcher.on('error', () => (this.#folder = undefined));
    } catch {
      // No inotify watch to be had: the look every second remains.
    }
  }

  #read(): void {
    clearTimeout(this.#settle);
    this.#settle = undefined;
    const content = readSmallFile(this.#path);
    const text = JSON.stringify(content);
    if (text === this.#said) return;
    this.#said = text;
    this.#changed(content);
  }
}

function identityOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder);
    return `${dev}/${ino}`;
  } catch {
    return undefined;
  }
}

/** Never waits: a named pipe in its place is no file. */
export function readSmallFile(path: string): FileContent {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { state: 'absent' }
      : { state: 'unreadable', why: message };
  }
  try {
    if (!fstatSync(fd).isFile()) return { state: 'unreadable', why: 'it is not a regular file' };
    const bytes = Buffer.alloc(maxOctets + 1);
    const length = readSync(fd, bytes);
    if (length > maxOctets) return { state: 'unreadable', why: `it has more than ${maxOctets} octets` };
    return { state: 'text', text: bytes.toString('utf8', 0, length) };
  } catch (error) {
    return { state: 'unreadable', why: (error as Error).message };
  } finally {
    closeSync(fd);
  }
}

/**
 * init_file: makes the file with this number, before it is watched. Never through a symbolic link, which
 * could lead root's pen anywhere.
 * @param overwrite also when there is a file
 */
export function initialiseFile(path: string, number: number, overwrite: boolean): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (overwrite ? O_TRUNC : O_EXCL), 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  try {
    writeSync(fd, `${number}\n`);
  } finally {
    closeSync(fd);
  }
}
