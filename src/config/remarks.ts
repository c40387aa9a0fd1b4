import type { Path } from './report.ts';
import type { View } from './view.ts';

/** Notes about pools. What is true of a thousand servers is one note, at the first of them. */
export class Remarks {
  readonly #view: View;
  readonly #first = new Map<string, { readonly at: Path; readonly message: string; more: number }>();

  constructor(view: View) {
    this.#view = view;
  }

  /** @param kind what makes two remarks the same one */
  add(kind: string, at: Path, message: () => string): void {
    const known = this.#first.get(kind);
    if (known === undefined) this.#first.set(kind, { at, message: message(), more: 0 });
    else known.more++;
  }

  tell(): void {
    for (const { at, message, more } of this.#first.values())
      this.#view.note(at, more === 0 ? message : `${message} (and ${more} more)`);
  }
}

/**
 * keepalived has two words for some things.
 * @returns the one that the file has; both are one too many
 */
export function synonym<Word extends string>(
  view: View,
  path: Path,
  raw: { readonly [word in Word]?: unknown },
  word: Word,
  other: Word,
): Word {
  if (raw[word] !== undefined && raw[other] !== undefined)
    view.error(
      [...path, other],
      { message: `both ${word} and ${other} in ${view.describe(path)}`, expected: 'one of the two words' },
      'key',
      'key',
    );
  return raw[word] === undefined ? other : word;
}
