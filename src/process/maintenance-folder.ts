/** Files that are named like real servers and take them out of service: what is there is looked at once a second. */
import { readdirSync } from 'node:fs';

const interval_ms = 1_000;
/** Whoever may write there may not make us remember everything. */
const mostNames = 10_000;

export class MaintenanceFolder {
  readonly #changed: (names: readonly string[]) => void;
  #folder: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(changed: (names: readonly string[]) => void) {
    this.#changed = changed;
  }

  /** @param folder undefined: no more */
  watch(folder: string | undefined): void {
    if (folder !== this.#folder) clearInterval(this.#timer);
    const isNew = folder !== undefined && folder !== this.#folder;
    this.#folder = folder;
    if (isNew) this.#timer = setInterval(() => this.#look(), interval_ms);
    this.#look();
  }

  /** A folder that is not there holds nothing. */
  #look(): void {
    const names = this.#folder === undefined ? [] : namesIn(this.#folder);
    const text = names.join('\n');
    if (text === this.#last) return;
    this.#last = text;
    this.#changed(names);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort().slice(0, mostNames);
  } catch {
    return [];
  }
}
