import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, LineCounter, Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import { isPasswordWord, isSecret } from './hidden.ts';
import type { Finding, Path, Place } from './report.ts';
import { describe, quote } from './report.ts';
import type { TextProblem } from './text.ts';
import { limits, problem, tooDeep, tooMany } from './text.ts';
import type { Entry, Tree } from './tree.ts';

export function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Ends the conversion at the first thing that is refused. */
export class Refusal extends Error {
  readonly problem: TextProblem;
  constructor(refused: TextProblem) {
    super(refused.message);
    this.problem = refused;
  }
}

/** The library's nodes to values with places; aliases are followed here, within the limits. */
export class Converter {
  readonly #lines: LineCounter;
  readonly #anchors = new Map<string, { readonly tree: Tree; readonly secret: boolean }>();
  #aliases = 0;
  /** The outermost map around here with a word for a password among its keys: its other words may be one by mistake. */
  #besidePassword: Path | undefined;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  convert(node: Node | null, path: Path, offset: number): Tree {
    const place = placeAt(this.#lines, node?.range?.[0] ?? offset);
    if (node === null) return { kind: 'scalar', place, value: null, ...leaf };
    if (path.length > limits.depth) throw new Refusal(tooDeep(place, path));
    if (isAlias(node)) return this.#alias(node, path, place);
    if (node.tag !== undefined)
      this.#refuse(place, path, {
        message: `a tag ${this.#hides(path) ? '' : `(${quote(node.tag)})`}`.trim(),
        expected: 'plain YAML',
      });
    const tree = isMap(node)
      ? this.#map(node, path, place)
      : isSeq(node)
        ? this.#list(node, path, place)
        : { kind: 'scalar' as const, place, value: scalarOf(node), ...leaf };
    if (tree.size > limits.values) throw new Refusal(tooMany(place, path));
    // Registered when complete: an alias to something around itself finds nothing, so there are no cycles.
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, { tree, secret: this.#hides(path) });
    return tree;
  }

  #alias(node: Alias, path: Path, place: Place): Tree {
    const target = this.#anchors.get(node.source);
    const name = this.#shown(node.source, path);
    if (target === undefined) {
      this.#refuse(place, path, {
        message: `alias ${name} names no finished value before it`,
        expected: 'an anchor earlier in the file',
      });
    }
    if (++this.#aliases > limits.aliases) {
      this.#refuse(place, path, { message: 'too many aliases', expected: `at most ${limits.aliases}` });
    }
    const { tree, secret } = target;
    if (path.length + tree.depth > limits.depth) throw new Refusal(tooDeep(place, path));
    // There its value would be shown.
    if (secret && !isSecret(path))
      this.#refuse(place, path, { message: 'an alias of a secret', expected: 'it in authentication only' });
    return tree;
  }

  #list(node: YAMLSeq, path: Path, place: Place): Tree {
    const items = node.items.map((item, at) =>
      this.convert(item as Node | null, [...path, at], node.range?.[0] ?? 0),
    );
    let [size, depth] = [1, 0];
    for (const item of items) {
      size += item.size;
      depth = Math.max(depth, item.depth + 1);
    }
    return { kind: 'list', place, items, size, depth };
  }

  #map(node: YAMLMap, path: Path, place: Place): Tree {
    const entries = new Map<string, Entry>();
    let [size, depth] = [1, 0];
    const outer = this.#besidePassword;
    if (node.items.some(({ key }) => isScalar(key) && isPasswordWord(String(key.value))))
      this.#besidePassword ??= path;
    for (const pair of node.items as readonly Pair<Node | null, Node | null>[]) {
      const offset = pair.key?.range?.[0] ?? node.range?.[0] ?? 0;
      const keyPlace = placeAt(this.#lines, offset);
      const key = this.#key(pair.key, path, keyPlace);
      const earlier = entries.get(key);
      if (earlier !== undefined) {
        const again = `${this.#shown(key, path)} is here for the second time in ${describe(path)}`;
        const message = `${again}, first in line ${earlier.place.line}`;
        const why = 'only one of the two would count, and a reader cannot know which';
        this.#refuse(keyPlace, this.#hides(path) ? path : [...path, key], { message, why });
      }
      const value = this.convert(pair.value, [...path, key], offset);
      size += value.size;
      depth = Math.max(depth, value.depth + 1);
      if (size > limits.values) throw new Refusal(tooMany(keyPlace, path));
      entries.set(key, { place: keyPlace, value });
    }
    this.#besidePassword = outer;
    return { kind: 'map', place, entries, size, depth };
  }

  #hides(path: Path): boolean {
    return this.#besidePassword !== undefined || isSecret(path);
  }

  #shown(text: string, path: Path): string {
    return this.#hides(path) ? '(not shown)' : quote(text);
  }

  #key(key: Node | null, path: Path, place: Place): string {
    if (!isScalar(key) || key.tag !== undefined || key.anchor !== undefined || key.source === '') {
      return this.#refuse(place, path, {
        message: `a key that is not plain text in ${describe(path)}`,
        expected: 'a word',
      });
    }
    if (key.value === '<<') {
      const expected = 'the words written out, or an alias of a whole value';
      return this.#refuse(place, path, { message: 'merge keys ("<<") are not read', expected });
    }
    return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
  }

  #refuse(place: Place, path: Path, finding: Finding): never {
    throw new Refusal(problem(place, finding, this.#besidePassword ?? path));
  }
}

const leaf = { size: 1, depth: 0 } as const;

const scalarOf = (node: Node): string | number | boolean | null => {
  const value = isScalar(node) ? node.value : null;
  // JSON has no -0: what crosses processes would come out as another value.
  if (typeof value === 'number') return value === 0 ? 0 : value;
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
};
