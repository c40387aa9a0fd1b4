/** A question to a child that may not answer: many who ask at once are one question, and an old answer is better than none. */
export class Question<Answer> {
  readonly #ask: (id: number) => void;
  readonly #limit_ms: number;
  readonly #waiting = new Map<number, () => void>();
  #nextId = 1;
  #asking: Promise<Answer | undefined> | undefined;
  #last: Answer | undefined;

  /** @param limit_ms an answer that does not come in this time is the one before it */
  constructor(ask: (id: number) => void, limit_ms: number) {
    this.#ask = ask;
    this.#limit_ms = limit_ms;
  }

  ask(): Promise<Answer | undefined> {
    this.#asking ??= this.#askAnew().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  answered(id: number, answer: Answer): void {
    this.#last = answer;
    this.#waiting.get(id)?.();
  }

  #askAnew(): Promise<Answer | undefined> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(limit);
        this.#waiting.delete(id);
        resolve(this.#last);
      };
      const limit = setTimeout(end, this.#limit_ms);
      this.#waiting.set(id, end);
      this.#ask(id);
    });
  }
}
