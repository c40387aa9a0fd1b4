/**
 * A reader for the plain part of YAML that nearly all files are written in: block maps and lists, flow ones, words,
 * numbers and simple quotes. What it reads it reads as the YAML library does, at a twentieth of the time, which is what
 * makes a file of tens of thousands of servers reloadable; everything else, and every mistake, it leaves to the library.
 * The two are compared in test/config/plain-yaml.test.ts.
 */
import { declined, listTree, mapTree, scalarTree, valueOf } from './plain-values.ts';
import type { Place } from './report.ts';
import { limits } from './text.ts';
import type { Entry, Tree } from './tree.ts';

/** Letters, digits and the signs that mean nothing to YAML inside a word. */
const inWord = new Uint8Array(128);
for (const sign of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:+@%=-')
  inWord[sign.charCodeAt(0)] = 1;
const startsWord = inWord.slice();
for (const sign of ':+@%=-.') startsWord[sign.charCodeAt(0)] = 0;

const [newline, space, quotes, hash, apostrophe, comma, dash, colon] = [10, 32, 34, 35, 39, 44, 45, 58];
const [openList, backslash, closeList, openMap, closeMap] = [91, 92, 93, 123, 125];
/** A key that may be longer is an error of YAML, and not ours to find. */
const longestKey = 200;

/** @returns undefined when the library has to read the text */
export function readPlain(text: string): Tree | undefined {
  try {
    return new PlainReader(text).document();
  } catch (thrown) {
    if (thrown === declined) return undefined;
    throw thrown;
  }
}

class PlainReader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Tree {
    this.#nextContent();
    if (this.#column() !== 0 || this.#ended()) throw declined;
    const tree = this.#block(0);
    if (!this.#ended()) throw declined;
    return tree;
  }

  /** A map or list whose first line begins here; afterwards at the first content behind it. */
  #block(level: number): Tree {
    if (level >= limits.depth) throw declined;
    return this.#isDash() ? this.#blockList(level) : this.#blockMap(level);
  }

  #blockList(level: number): Tree {
    const place = this.#place();
    const indent = this.#column();
    const items: Tree[] = [];
    do {
      this.#at++;
      this.#blanks();
      if (this.#atLineEnd()) throw declined;
      const inner = this.#column();
      items.push(this.#isDash() || this.#isKey() ? this.#block(level + 1) : this.#inline(level + 1, indent));
      if (this.#column() > indent && !this.#ended()) throw declined;
      // `inner` is where a map or list in this line has its own lines: those have been read.
      if (inner <= indent) throw declined;
    } while (!this.#ended() && this.#column() === indent && this.#isDash());
    return listTree(place, items);
  }

  #blockMap(level: number): Tree {
    const place = this.#place();
    const indent = this.#column();
    const entries = new Map<string, Entry>();
    do {
      const start = this.#place();
      const key = this.#key(entries);
      this.#blanks();
      const value = this.#atLineEnd() ? this.#below(level, indent) : this.#inline(level + 1, indent);
      entries.set(key, { place: start, value });
      if (this.#column() > indent && !this.#ended()) throw declined;
    } while (!this.#ended() && this.#column() === indent);
    return mapTree(place, entries);
  }

  /** What a key without a value in its line has in the lines below it. */
  #below(level: number, indent: number): Tree {
    const after = this.#place();
    this.#lineEnd();
    this.#nextContent();
    const deeper = this.#column() > indent || (this.#column() === indent && this.#isDash());
    return deeper && !this.#ended() ? this.#block(level + 1) : scalarTree(after, null);
  }

  /** A value in the rest of the line; afterwards at the next content. */
  #inline(level: number, indent: number): Tree {
    const value = this.#value(level, indent);
    this.#lineEnd();
    this.#nextContent();
    return value;
  }

  #value(level: number, indent: number): Tree {
    if (level > limits.depth) throw declined;
    const code = this.#text.charCodeAt(this.#at);
    if (code === openMap) return this.#flowMap(level, indent);
    if (code === openList) return this.#flowList(level, indent);
    const place = this.#place();
    if (code === apostrophe || code === quotes) return scalarTree(place, this.#quoted(code));
    return scalarTree(place, valueOf(this.#word()));
  }

  #flowMap(level: number, indent: number): Tree {
    const place = this.#place();
    const entries = new Map<string, Entry>();
    this.#open(indent);
    while (this.#text.charCodeAt(this.#at) !== closeMap) {
      const start = this.#place();
      const key = this.#key(entries);
      this.#blanks();
      entries.set(key, { place: start, value: this.#value(level + 1, indent) });
      this.#next(closeMap, indent);
    }
    this.#at++;
    return mapTree(place, entries);
  }

  #flowList(level: number, indent: number): Tree {
    const place = this.#place();
    const items: Tree[] = [];
    this.#open(indent);
    while (this.#text.charCodeAt(this.#at) !== closeList) {
      items.push(this.#value(level + 1, indent));
      this.#next(closeList, indent);
    }
    this.#at++;
    return listTree(place, items);
  }

  #open(indent: number): void {
    this.#at++;
    this.#flowBlanks(indent);
  }

  /** To the next entry of a flow map or list, or to its end. */
  #next(close: number, indent: number): void {
    this.#flowBlanks(indent);
    const code = this.#text.charCodeAt(this.#at);
    if (code === close) return;
    if (code !== comma) throw declined;
    this.#at++;
    this.#flowBlanks(indent);
  }

  /** Blanks, ends of lines and comments; what goes on in another line is deeper than the block around it. */
  #flowBlanks(indent: number): void {
    this.#blanks();
    if (!this.#atLineEnd()) return;
    this.#lineEnd();
    this.#nextContent();
    if (this.#ended() || this.#column() <= indent) throw declined;
  }

  /** A key with its colon, after which there is a blank or the end of the line. */
  #key(known: ReadonlyMap<string, Entry>): string {
    const key = this.#word();
    const next = this.#text.charCodeAt(this.#at + 1);
    if (this.#text.charCodeAt(this.#at) !== colon || (next !== space && next !== newline)) throw declined;
    this.#at++;
    if (key.length > longestKey || known.has(key)) throw declined;
    return key;
  }

  #isKey(): boolean {
    let at = this.#at;
    for (
      let code = this.#text.charCodeAt(at);
      code < 128 && inWord[code] === 1;
      code = this.#text.charCodeAt(++at)
    ) {
      const next = this.#text.charCodeAt(at + 1);
      if (code === colon && (next === space || next === newline)) return true;
    }
    return false;
  }

  #word(): string {
    const start = this.#at;
    const first = this.#text.charCodeAt(start);
    const minus = first === dash ? this.#text.charCodeAt(start + 1) : 0;
    if (!(startsWord[first] === 1 || (minus >= 48 && minus <= 57))) throw declined;
    let code = first;
    while (inWord[code] === 1) {
      if (code === colon && inWord[this.#text.charCodeAt(this.#at + 1)] !== 1) break;
      code = this.#text.charCodeAt(++this.#at);
    }
    return this.#text.slice(start, this.#at);
  }

  #quoted(quote: number): string {
    const start = ++this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === quote) break;
      // An escape, a fold, or no end.
      if (!(code >= space) || (code === backslash && quote === quotes)) throw declined;
      this.#at++;
    }
    this.#at++;
    // Two apostrophes are one of the text.
    if (this.#text.charCodeAt(this.#at) === quote) throw declined;
    return this.#text.slice(start, this.#at - 1);
  }

  /** Over the end of the line and whatever lines are empty or comments. */
  #nextContent(): void {
    for (;;) {
      this.#blanks();
      if (this.#ended() || !this.#atLineEnd()) return;
      this.#lineEnd();
    }
  }

  /** Over a comment and the end of the line. */
  #lineEnd(): void {
    this.#blanks();
    if (!this.#atLineEnd()) throw declined;
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end + 1;
    if (end < 0) return;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #blanks(): void {
    while (this.#text.charCodeAt(this.#at) === space) this.#at++;
  }

  #atLineEnd(): boolean {
    const code = this.#text.charCodeAt(this.#at);
    if (code === newline || this.#ended()) return true;
    if (code !== hash) return false;
    const before = this.#text.charCodeAt(this.#at - 1);
    return this.#at === this.#lineStart || before === space;
  }

  #isDash(): boolean {
    const next = this.#text.charCodeAt(this.#at + 1);
    return this.#text.charCodeAt(this.#at) === dash && next === space;
  }

  #ended = (): boolean => this.#at >= this.#text.length;
  #column = (): number => this.#at - this.#lineStart;
  #place = (): Place => ({ line: this.#line, column: this.#column() + 1 });
}
