import { isPasswordWord } from './hidden.ts';
import { nearest } from './nearest.ts';
import type { Finding, Path, Place, Report } from './report.ts';
import { describe, plainNames, pointer, quote, shownName } from './report.ts';
import type { Schema } from './schema.ts';
import type { Entry, ScalarTree, Tree } from './tree.ts';

type Plain = string | number | boolean | null | PlainMap | Plain[];
export interface PlainMap {
  [word: string]: Plain;
}

/** What has no value by node looks the same to all: made once for a file, and then shared. */
export type SharedParts = Map<Tree, { readonly schema: Schema | undefined; readonly plain: Plain }>;
/** Values in a part, from which sharing it is cheaper than to make it again. */
const worthSharing = 16;

/**
 * A map of the file: a key such as "constructor" is a key like any other. An object without any prototype would be
 * that too, but is a hash table to V8, with several times the memory.
 */
const Bare = function () {
  // It is only there for its prototype, which has nothing in it.
} as unknown as new () => PlainMap;
Bare.prototype = Object.create(null) as object;

export const isMap = (value: Plain): value is PlainMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The document as one node sees it: every per-node map replaced by that node's value. */
export class View {
  readonly plain: Plain;
  readonly node: string;
  readonly #tree: Tree;
  readonly #nodes: readonly string[];
  readonly #report: Report;
  /** Pointers of values that came out of a per-node map. */
  readonly #chosen = new Set<string>();
  readonly #shared: SharedParts;
  /** Paths without a value because their per-node map is wrong, which has been said. */
  readonly broken: Path[] = [];

  /** @param nodes the names under `nodes`; empty when the file has none */
  constructor(
    tree: Tree,
    schema: Schema,
    node: string,
    nodes: readonly string[],
    report: Report,
    shared: SharedParts = new Map(),
  ) {
    this.#tree = tree;
    this.#shared = shared;
    this.#report = report;
    this.#nodes = nodes;
    this.node = node;
    this.plain = this.#resolve(tree, schema, []) ?? null;
  }

  error(path: Path, finding: Finding, kind?: string, on: 'value' | 'key' = 'value'): void {
    this.#report.error(this.#place(path, on), path, finding, kind);
  }

  note(path: Path, message: string): void {
    this.#report.note(this.#place(path, 'value'), path, message);
  }

  /** "priority of vrrp_instance web", with the node when the value is one node's. */
  describe(path: Path): string {
    return describe(path) + (this.#chosen.has(pointer(path)) ? ` for node ${shownName(this.node)}` : '');
  }

  /** Whether the file itself has a value there: `plain` has the defaults too. */
  has(path: Path): boolean {
    return this.#walk(path).complete;
  }

  isBroken(path: Path): boolean {
    return this.broken.some((other) => pointer(other) === pointer(path));
  }

  #resolve(tree: Tree, schema: Schema | undefined, path: Path, mayChoose = true): Plain | undefined {
    if (tree.kind === 'scalar') return tree.value;
    if (tree.size < worthSharing) return this.#make(tree, schema, path, mayChoose);
    const shared = this.#shared.get(tree);
    if (shared !== undefined && shared.schema === schema) return shared.plain;
    const before = this.#chosen.size + this.broken.length;
    const plain = this.#make(tree, schema, path, mayChoose);
    const same = this.#chosen.size + this.broken.length === before;
    if (plain !== undefined && same) this.#shared.set(tree, { schema, plain });
    return plain;
  }

  #make(
    tree: Exclude<Tree, ScalarTree>,
    schema: Schema | undefined,
    path: Path,
    mayChoose: boolean,
  ): Plain | undefined {
    if (tree.kind === 'list')
      return tree.items.map((item, at) => this.#resolve(item, schema?.items, [...path, at]) ?? null);
    if (mayChoose && schema !== undefined && isPerNode(tree.entries, schema, this.#nodes)) {
      const value = this.#choose(tree.entries, path);
      if (value === undefined) this.broken.push(path);
      else this.#chosen.add(pointer(path));
      return value && this.#resolve(value, schema, path, false);
    }
    const plain = new Bare();
    for (const [key, { value }] of tree.entries) {
      const sub =
        schema?.properties !== undefined && Object.hasOwn(schema.properties, key)
          ? schema.properties[key]
          : undefined;
      const rest = schema?.additionalProperties === false ? undefined : schema?.additionalProperties;
      const resolved = this.#resolve(value, sub ?? rest, [...path, key]);
      if (resolved !== undefined) plain[key] = resolved;
    }
    return plain;
  }

  #choose(entries: ReadonlyMap<string, Entry>, path: Path): Tree | undefined {
    if (this.#nodes.length === 0) {
      const message = `${describe(path)} is a map, but the file has no nodes`;
      this.error(path, { message, expected: 'one value, or a map by the names under "nodes"' });
      return undefined;
    }
    const missing = this.#nodes.filter((name) => !entries.has(name));
    const unknown = [...entries].filter(([name]) => !this.#nodes.includes(name));
    const hides = [...entries.keys()].some(isPasswordWord);
    for (const [name, { place }] of unknown.slice(0, 20)) {
      const hint = nearest(name, plainNames(missing));
      const message = `unknown node ${hides ? '(not shown)' : quote(name)} in ${describe(path)}`;
      this.#report.error(place, hides ? path : [...path, name], {
        message,
        ...(hint === undefined ? { expected: oneOf(this.#nodes.map(shownName)) } : { hint }),
      });
    }
    if (unknown.length > 0) return undefined;
    if (missing.length === 0) return entries.get(this.node)?.value;
    const without = missing.map(shownName).join(' and ');
    const message = `${describe(path)} has no value for node ${without}`;
    this.error(path, { message, why: `${without} could not start from this file` }, 'value', 'key');
    return undefined;
  }

  #place(path: Path, on: 'value' | 'key'): Place {
    const { tree, key, complete } = this.#walk(path);
    return on === 'key' || !complete ? key : tree.place;
  }

  /** The deepest part of the document that the path leads to. */
  #walk(path: Path): { readonly tree: Tree; readonly key: Place; readonly complete: boolean } {
    let tree = this.#tree;
    let key = tree.place;
    for (const [at, step] of path.entries()) {
      const entry = tree.kind === 'map' ? tree.entries.get(String(step)) : undefined;
      const next = tree.kind === 'list' ? tree.items[Number(step)] : entry?.value;
      if (next === undefined) return { tree, key, complete: false };
      key = entry?.place ?? next.place;
      tree = next;
      if (tree.kind !== 'map' || !this.#chosen.has(pointer(path.slice(0, at + 1)))) continue;
      const mine = tree.entries.get(this.node);
      if (mine !== undefined) [key, tree] = [mine.place, mine.value];
    }
    return { tree, key, complete: true };
  }
}

export const oneOf = (words: readonly (string | number)[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;

/** A map where a scalar belongs is per node; where a map is right too, a node's name among the keys decides. */
function isPerNode(entries: ReadonlyMap<string, Entry>, schema: Schema, nodes: readonly string[]): boolean {
  if (schema.perNode !== true) return false;
  return !schema.type.includes('object') || nodes.some((name) => entries.has(name));
}
