/** What the guest tells of its tests (inside.ts), for those who wait for it on the host. */
import { createInterface } from 'node:readline';
import type { Guest } from './boot.ts';
import type { Failure, Outcome } from './inside.ts';

/** Of the suites from the outermost on, and of the test. */
export type Title = readonly string[];
export const keyOf = (title: Title): string => JSON.stringify(title);

/** @returns undefined for a line that somebody else wrote */
export function outcomeIn(line: string): Outcome | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'guestTest' in value
      ? (value as Outcome)
      : undefined;
  } catch {
    return undefined;
  }
}

function errorOf({ name, message, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: errorOf(cause) });
  return Object.assign(error, { name, stack });
}

/** One guest, and what it has told of its tests so far. */
export class Lane {
  readonly #guest: Guest;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #failedHooks: Outcome[] = [];
  readonly #waiting = new Map<string, () => void>();
  #over: Error | undefined;

  /** @param say gets every other line that comes out of the guest */
  constructor(guest: Guest, say: (line: string) => void) {
    this.#guest = guest;
    for (const stream of [guest.stdout, guest.stderr])
      createInterface(stream).on('line', (line) => {
        const outcome = outcomeIn(line);
        if (outcome === undefined) say(line);
        else this.#take(outcome);
      });
    void this.#end();
  }

  #take(outcome: Outcome): void {
    if (outcome.hook) this.#failedHooks.push(outcome);
    else {
      const key = keyOf(outcome.guestTest);
      this.#outcomes.set(key, outcome);
      this.#waiting.get(key)?.();
    }
  }

  async #end(): Promise<void> {
    this.#over = await this.#guest.ended.then(
      (status) => new Error(`the guest ended with status ${status}`),
      (cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause))),
    );
    for (const wake of this.#waiting.values()) wake();
  }

  /** Waits for a test's own result. @throws what the test threw, or why there is no result */
  async result(title: Title): Promise<'passed' | 'pending'> {
    const key = keyOf(title);
    if (!this.#outcomes.has(key) && this.#over === undefined)
      await new Promise<void>((wake) => void this.#waiting.set(key, wake));
    const outcome = this.#outcomes.get(key);
    if (outcome === undefined) {
      const hook = this.#failedHooks.find(({ guestTest }) =>
        guestTest.slice(0, -1).every((suite, at) => suite === title[at]),
      );
      throw new Error('was not run', { cause: hook?.error === undefined ? this.#over : errorOf(hook.error) });
    }
    if (outcome.state === 'failed') throw errorOf(outcome.error ?? failedSilently);
    return outcome.state;
  }

  /** A guest whose tests all have run ends by itself and writes its coverage first. @throws when a hook failed */
  async close(all: number): Promise<void> {
    if (this.#outcomes.size < all) this.#guest.end();
    await this.#guest.ended.catch(() => undefined);
    for (const { guestTest, error } of this.#failedHooks)
      throw new Error(guestTest.join(' '), { cause: errorOf(error ?? failedSilently) });
  }
}

const failedSilently: Failure = { name: 'Error', message: 'failed without an error', stack: '' };
