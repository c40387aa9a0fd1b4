import type { Path } from './report.ts';
import { pointer } from './report.ts';
import type { View } from './view.ts';

/** Notes about pools, by what makes two of them the same one. */
export type RemarkBook = Map<
  string,
  { readonly view: View; readonly at: Path; readonly message: string; readonly of: Set<string> }
>;

/** What is true of a thousand servers, or on both nodes, is one note, at the first of them. */
export class Remarks {
  readonly #view: View;
  readonly #book: RemarkBook;

  constructor(view: View, book: RemarkBook) {
    this.#view = view;
    this.#book = book;
  }

  /** @param of what it is about, when that is not the place */
  add(kind: string, at: Path, message: () => string, of = pointer(at)): void {
    const known = this.#book.get(kind);
    if (known !== undefined) known.of.add(of);
    else this.#book.set(kind, { view: this.#view, at, message: message(), of: new Set([of]) });
  }
}

export function tellRemarks(book: RemarkBook): void {
  for (const { view, at, message, of } of book.values())
    view.note(at, of.size === 1 ? message : `${message} (and ${of.size - 1} more)`);
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
