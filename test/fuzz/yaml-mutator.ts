/** Damage to YAML as people and machines do it: lines, indentation, words, anchors, quotes, and a few octets. */
import type { Random } from './random.ts';
import { plantSecret } from './yaml-secret.ts';
import {
  groups,
  instances,
  options,
  scalars,
  sections,
  signs,
  tokens,
  utf8,
  wrongOctets,
} from './yaml-words.ts';

/** Small documents: a million of them must be read. */
const longestText = 4_000;

export interface Words {
  /** Keys that the schema knows. */
  readonly keys: readonly string[];
  readonly documents: readonly string[];
}

type Mutation = (lines: string[], random: Random, words: Words) => void;

/** @returns a document of Latin-1 signs, one for each octet; most have one to four faults */
export function mutatedText(random: Random, words: Words): string {
  if (random.chance(0.02)) return Buffer.from(random.bytes(random.below(300))).toString('latin1');
  if (random.chance(0.03))
    return Array.from({ length: random.below(60) }, () => random.pick([...tokens, ...scalars])).join('');
  const lines = random.pick(words.documents).split('\n');
  const blocks = random.chance(0.3);
  if (blocks) addBlocks(lines, random);
  if (random.chance(0.3)) plantSecret(lines, random);
  const rounds = random.chance(blocks ? 0.2 : 0.03) ? 0 : random.chance(0.5) ? 1 : random.between(2, 6);
  for (let round = 0; round < rounds; round++) random.pick(mutations)(lines, random, words);
  const text = lines.join(random.chance(0.02) ? '\r\n' : '\n');
  const octets = random.chance(0.05) ? damagedOctets(text, random) : text;
  return octets.slice(0, random.chance(0.03) ? random.below(octets.length) : longestText);
}

const lineAt = (lines: readonly string[], random: Random): number => random.below(lines.length);

const duplicateLine: Mutation = (lines, random) => {
  const at = lineAt(lines, random);
  lines.splice(random.chance(0.5) ? at : lineAt(lines, random), 0, lines[at] ?? '');
};
const deleteLine: Mutation = (lines, random) => {
  lines.splice(lineAt(lines, random), random.chance(0.8) ? 1 : random.between(2, 5));
};
const moveLine: Mutation = (lines, random) => {
  const [line = ''] = lines.splice(lineAt(lines, random), 1);
  lines.splice(lineAt(lines, random), 0, line);
};
const indent: Mutation = (lines, random) => {
  const at = lineAt(lines, random);
  const end = random.chance(0.7) ? at + 1 : lineAt(lines, random);
  const more = random.pick([' ', '  ', '    ', '\t', ' '.repeat(60)]);
  const less = random.chance(0.5);
  for (let line = at; line < end; line++)
    lines[line] = less ? lines[line]!.replace(/^ {1,2}/, '') : more + lines[line]!;
};

const insertAt = (line: string, at: number, text: string): string =>
  line.slice(0, at) + text + line.slice(at);
const insertToken: Mutation = (lines, random) => {
  const at = lineAt(lines, random);
  const line = lines[at] ?? '';
  lines[at] = insertAt(line, random.below(line.length + 1), random.pick(tokens));
};
const insertSign: Mutation = (lines, random) => {
  const at = lineAt(lines, random);
  const line = lines[at] ?? '';
  const text = random.pick(random.chance(0.8) ? signs : wrongOctets);
  lines[at] = insertAt(line, random.below(line.length + 1), text);
};

/** Without a colon: a key stays a key. */
const word = /[\w.'"/-]+/g;
/** One word, key or value, becomes another. */
const replaceWord: Mutation = (lines, random, { keys, documents }) => {
  const at = lineAt(lines, random);
  const line = lines[at] ?? '';
  const [start, end] = spanOf(line, random);
  const others = random.pick(documents).match(word) ?? ['x'];
  const choice = random.below(3);
  const other = choice === 0 ? random.pick(scalars) : choice === 1 ? random.pick(keys) : random.pick(others);
  lines[at] = line.slice(0, start) + other + line.slice(end);
};
function spanOf(line: string, random: Random): readonly [number, number] {
  const found = [...line.matchAll(word)];
  if (found.length === 0) return [line.length, line.length];
  const match = random.pick(found);
  return [match.index, match.index + match[0].length];
}

const replaceValue: Mutation = (lines, random) => {
  const at = lineAt(lines, random);
  const value = random.chance(0.85) ? random.pick(scalars) : nest(random);
  lines[at] = (lines[at] ?? '').replace(/([:-]) +.*$/, `$1 ${value}`);
};

/** A key of the schema beside the line, as deep as it, with any value. */
const addKey: Mutation = (lines, random, { keys }) => {
  const at = lineAt(lines, random);
  const depth = /^ */.exec(lines[at] ?? '')![0];
  const value = random.chance(0.85) ? random.pick(scalars) : nest(random);
  lines.splice(at, 0, `${depth}${random.pick(keys)}: ${value}`);
};

/** Blocks in their places: words that mean something only together seldom meet by chance. */
function addBlocks(lines: string[], random: Random): void {
  const filled = (line: string): string => line.replaceAll('%', () => random.pick(scalars));
  for (let times = random.between(0, 2); times > 0; times--)
    putBlock(lines, 'vrrp_instance', random.pick(sections).map(filled));
  for (let times = random.between(0, 2); times > 0; times--)
    putBlock(
      lines,
      '    interface',
      random.pick(options).map((line) => `    ${filled(line)}`),
    );
  if (random.chance(0.6)) return;
  lines.push(filled(random.pick(instances)));
  if (random.chance(0.7)) putBlock(lines, 'vrrp_instance', random.pick(groups).map(filled));
}

/** In the place of the block of the same key, or before the first line that begins so. */
function putBlock(lines: string[], before: string, block: readonly string[]): void {
  const key = block[0]!.split(':', 1)[0]!;
  const there = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (there < 0) {
    const at = lines.findIndex((line) => line.startsWith(before));
    lines.splice(Math.max(at, 0), 0, ...block);
    return;
  }
  const deeper = new RegExp(`^ {${key.search(/\S/) + 1}}`);
  let end = there + 1;
  while (end < lines.length && deeper.test(lines[end]!)) end++;
  lines.splice(there, end - there, ...block);
}

const nest = (random: Random): string => {
  const depth = random.between(1, random.chance(0.9) ? 40 : 400);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{a: ', '}'],
    ['- ', ''],
    ['? ', ''],
    ['[{a: ', '}]'],
    ['"', '"'],
  ] as const);
  return open.repeat(depth) + (random.chance(0.7) ? close.repeat(depth) : '');
};
const deepBlock: Mutation = (lines, random) => {
  const depth = random.between(2, 60);
  const levels = Array.from(
    { length: depth },
    (_, at) => `${' '.repeat(at)}${random.pick(['a:', '-', '? a', '- a:'])}`,
  );
  lines.splice(lineAt(lines, random), 0, ...levels);
};

const anchor: Mutation = (lines, random) => {
  const name = random.pick(['a', 'b', 'é', 'a:', '1']);
  const [from, to] = [lineAt(lines, random), lineAt(lines, random)];
  lines[from] = (lines[from] ?? '').replace(/([:-]) */, `$1 &${utf8(name)} `);
  if (random.chance(0.8)) lines[to] = (lines[to] ?? '').replace(/([:-]) *.*$/, `$1 *${utf8(name)}`);
};
/** Each line doubles the one before: a few lines that mean a million values. */
const bomb: Mutation = (lines, random) => {
  const names = Array.from({ length: random.between(2, 20) }, (_, at) => `n${at}`);
  const more = names.map(
    (name, at) => `${name}: &${name} [${at === 0 ? '1, 1' : `*n${at - 1}, *n${at - 1}`}]`,
  );
  lines.splice(random.chance(0.5) ? lines.length : lineAt(lines, random), 0, ...more);
};

const longKey: Mutation = (lines, random) => {
  const long = random
    .pick(['k', 'a b ', '🔑', '"', '\\', '- '])
    .repeat(random.between(30, 1_500))
    .slice(0, 2_000);
  const at = lineAt(lines, random);
  lines[at] = random.chance(0.5) ? (lines[at] ?? '').replace(/[\w-]+/, utf8(long)) : `${utf8(long)}: 1`;
};
const quotes: Mutation = (lines, random) => {
  const at = lineAt(lines, random);
  const [start, end] = spanOf(lines[at] ?? '', random);
  const mark = random.pick(['"', "'", '`', '|', '>']);
  const line = lines[at] ?? '';
  lines[at] = line.slice(0, start) + mark + line.slice(start, end) + mark + line.slice(end);
};
/** Part of another document behind this one, or under one of its lines. */
const splice: Mutation = (lines, random, { documents }) => {
  const other = random.pick(documents).split('\n');
  const from = lineAt(other, random);
  lines.splice(lineAt(lines, random), 0, ...other.slice(from, from + random.between(1, 12)));
};
const repeatLines: Mutation = (lines, random) => {
  const from = lineAt(lines, random);
  const chunk = lines.slice(from, from + random.between(1, 4));
  for (let times = random.between(1, 20); times > 0; times--) lines.splice(from, 0, ...chunk);
};

/** Mostly what leaves the document readable: the rungs behind the reader are ours. */
const mutations: readonly Mutation[] = [
  ...[replaceValue, replaceValue, replaceValue, replaceValue, addKey, addKey, addKey, addKey],
  ...[
    replaceWord,
    replaceWord,
    replaceWord,
    duplicateLine,
    deleteLine,
    moveLine,
    indent,
    splice,
    repeatLines,
  ],
  ...[insertToken, insertSign, deepBlock, anchor, bomb, longKey, quotes],
];

function damagedOctets(text: string, random: Random): string {
  const octets = Buffer.from(text, 'latin1');
  for (let times = random.between(1, 4); times > 0 && octets.length > 0; times--)
    octets[random.below(octets.length)]! ^= 1 << random.below(8);
  return octets.toString('latin1');
}
