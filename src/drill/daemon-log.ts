import { closeSync, openSync, readSync } from 'node:fs';

/** One line that a daemon logged. */
export interface LogEntry {
  /** Wall clock, milliseconds. */
  readonly time: number;
  /** pino: 30 info, 40 warning, 50 error, 60 fatal. */
  readonly level: number;
  readonly message: string;
}

/** Reads what a daemon has added to its log file since the last look. */
export class DaemonLog {
  readonly file: string;
  #offset = 0;
  #begun = '';

  constructor(file: string) {
    this.file = file;
  }

  /** @returns the new entries; nothing while there is no file yet */
  read(): LogEntry[] {
    const lines = (this.#begun + this.#newText()).split('\n');
    this.#begun = lines.pop() ?? '';
    return lines.filter((line) => line !== '').map(entryOf);
  }

  #newText(): string {
    let descriptor: number;
    try {
      descriptor = openSync(this.file, 'r');
    } catch {
      return '';
    }
    const buffer = Buffer.alloc(65_536);
    let text = '';
    try {
      for (let length = -1; length !== 0;) {
        length = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
        this.#offset += length;
        // A daemon writes a line at once, so no character is ever cut in two here.
        text += buffer.toString('utf8', 0, length);
      }
    } finally {
      closeSync(descriptor);
    }
    return text;
  }
}

/** What is not JSON is what Node itself says when a process cannot start. */
function entryOf(line: string): LogEntry {
  try {
    const { time, level, message } = JSON.parse(line) as Partial<LogEntry>;
    if (typeof time === 'number' && typeof level === 'number' && typeof message === 'string')
      return { time, level, message };
  } catch {
    // told as it is
  }
  return { time: Date.now(), level: 50, message: line };
}
