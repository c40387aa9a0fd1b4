/**
 * Regular expressions over what a hostile server sends, in a thread of their own: the loop with the timers of all
 * checks never waits for one. How a single one is bounded: regex-worker.ts.
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

export interface RegexPort {
  /** @returns whether it matches, or a sentence when that could not be found out */
  matches(pattern: string, text: Uint8Array): Promise<boolean | string>;
}

export interface RegexQuestion {
  readonly id: number;
  readonly pattern: string;
  readonly text: Uint8Array;
}

export interface RegexAnswer {
  readonly id: number;
  readonly matches: boolean | string;
}

/**
 * Read with the rest of the program: later its file may be closed to the user that we have become. Without the name of
 * its source map, which is relative to a file: with source maps on, Node fails to find it beside a data URL.
 */
const program = readFileSync(new URL('./regex-worker.js', import.meta.url), 'utf8').replace(
  /^\/\/# sourceMappingURL=.*$/m,
  '',
);

/** The thread begins with the first question: most configurations have none. */
export class RegexThread implements RegexPort {
  readonly #waiting = new Map<number, (matches: boolean | string) => void>();
  #worker: Worker | undefined;
  #lastId = 0;

  matches(pattern: string, text: Uint8Array): Promise<boolean | string> {
    this.#worker ??= this.#begin();
    const id = ++this.#lastId;
    const question: RegexQuestion = { id, pattern, text };
    this.#worker.postMessage(question);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    worker.unref();
    worker.on('message', ({ id, matches }: RegexAnswer) => this.#answer(id, matches));
    // An expression may use up the thread's memory: the next question gets a new thread.
    worker.on('error', (error) => this.#lose(`it could not be matched: ${error.message}`));
    worker.on('exit', () => this.#lose('its thread has ended'));
    return worker;
  }

  #answer(id: number, matches: boolean | string): void {
    this.#waiting.get(id)?.(matches);
    this.#waiting.delete(id);
  }

  #lose(why: string): void {
    this.#worker = undefined;
    for (const id of [...this.#waiting.keys()]) this.#answer(id, why);
  }
}
