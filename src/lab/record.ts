import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { LabError } from './command.ts';
import { startTime } from './processes.ts';

/** What a lab leaves on disk, so that another process can use it, and remove it when its owner was killed. */
export interface LabRecord {
  readonly prefix: string;
  /** The process that brought it up; it may have ended (`lab up`), or been killed. */
  readonly owner: { readonly pid: number; readonly startTime: number };
  readonly namespaces: readonly string[];
  /** Text of the lab file: the file itself may change while the lab is up. */
  readonly topology: string;
}

const directory = '/run/vipkeeper-lab';
export const recordPath = (prefix: string): string => `${directory}/${prefix}.json`;
/** For the logs and sockets of what runs in a lab; whoever needs it makes it, and it is removed with the lab. */
export const folderOf = (prefix: string): string => `${directory}/${prefix}`;

export const thisProcess = (): LabRecord['owner'] => ({
  pid: process.pid,
  startTime: startTime(process.pid) ?? 0,
});

export const ownerLives = (record: LabRecord): boolean =>
  startTime(record.owner.pid) === record.owner.startTime;

/**
 * Writes the record before anything is made. @returns false when another process wrote one first
 * @throws LabError when /run cannot be written
 */
export function claim(record: LabRecord): boolean {
  try {
    mkdirSync(directory, { recursive: true });
    writeFileSync(recordPath(record.prefix), JSON.stringify(record), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new LabError(`cannot write the record ${recordPath(record.prefix)}`, { cause });
  }
}

export function readRecord(prefix: string): LabRecord | undefined {
  let text: string;
  try {
    text = readFileSync(recordPath(prefix), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LabError(`cannot read ${recordPath(prefix)}`, { cause: error });
  }
  try {
    return JSON.parse(text) as LabRecord;
  } catch (cause) {
    const mend = `remove it, and the network namespaces named ${prefix}-… (ip netns)`;
    throw new LabError(`${recordPath(prefix)} is damaged`, { mend, cause });
  }
}

export function forget(prefix: string): void {
  rmSync(folderOf(prefix), { recursive: true, force: true });
  rmSync(recordPath(prefix), { force: true });
}

/** Prefixes of all labs that are up or were left behind. */
export function recordedPrefixes(): readonly string[] {
  try {
    return readdirSync(directory).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}
