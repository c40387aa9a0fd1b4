/**
 * Which services of the IPVS table are ours. The kernel has no owner field, so it is written down, in a folder that does not
 * outlive the boot, for one network namespace: a table of another boot or another namespace is not ours.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { Journal } from '../ipvs/apply.ts';

interface Written {
  readonly version: 1;
  readonly boot: string;
  readonly services: readonly string[];
}

export class IpvsJournal implements Journal {
  readonly #file: string;
  readonly #boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  #names: ReadonlySet<string>;

  /** @param folder under /run, of the daemon's own */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    this.#file = path.join(folder, `ipvs-${statSync('/proc/self/ns/net').ino}.json`);
    this.#names = new Set(this.#load());
  }

  /** A file that is absent, damaged or of another boot says that nothing is ours: then nothing is taken away. */
  #load(): readonly string[] {
    try {
      const written = JSON.parse(readFileSync(this.#file, 'utf8')) as Partial<Written>;
      const { version, boot, services } = written;
      const whole = version === 1 && boot === this.#boot && Array.isArray(services);
      return whole ? services.filter((name) => typeof name === 'string') : [];
    } catch {
      return [];
    }
  }

  read(): ReadonlySet<string> {
    return this.#names;
  }

  /** @throws when it cannot be written: then the kernel is not to be told either */
  write(names: ReadonlySet<string>): void {
    const written: Written = { version: 1, boot: this.#boot, services: [...names] };
    const file = openSync(`${this.#file}.new`, 'w', 0o640);
    try {
      writeSync(file, `${JSON.stringify(written)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${this.#file}.new`, this.#file);
    this.#names = names;
  }
}
