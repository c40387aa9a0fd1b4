/** Checks over plain text and paths. Every check returns its findings as sentences. */
import { posix } from 'node:path';

export const limits = { src: 300, test: 400 } as const;

export function tooLong(path: string, text: string): readonly string[] {
  const limit = path.startsWith('test/') ? limits.test : limits.src;
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines > limit ? [`${path} has ${lines} lines, more than ${limit}`] : [];
}

/** A name that says nothing gathers everything. */
export function emptyNames(path: string): readonly string[] {
  const parts = path.split('/').map((part) => part.replace(/\..*$/, ''));
  return parts
    .filter((part) => /^(utils?|helpers?|common|core|misc|manager)$/.test(part))
    .map((part) => `${path}: "${part}" says nothing`);
}

// Put together here, so that this file is clean of what it looks for.
const folders = ['work', 'home', 'root', 'Users'].join('|');
const machinePath = new RegExp(`(?<![\\w.~/-])/(?:${folders})/[\\w.-]+`, 'g');
const registryHost = new RegExp(`\\b(?:registry|repo|mirrors?)\\.[a-z0-9-]+\\.(?:org|com|net|cloud)\\b`, 'g');
const unfinished = new RegExp(
  `\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK', 'TB' + 'D'].join('|')})\\b`,
  'g',
);

/** What belongs to one machine, or is not finished. */
export function strayText(path: string, text: string): readonly string[] {
  return [machinePath, registryHost, unfinished].flatMap((pattern) =>
    Array.from(text.matchAll(pattern), ([found]) => `${path} has "${found}"`),
  );
}

/** A test that is switched off by hand, or that switches the others off. */
export function switchedOff(path: string, text: string): readonly string[] {
  const pattern = /\b(?:(?:it|describe)\.(?:only|skip)|xit|xdescribe|xcontext)\(/g;
  return Array.from(text.matchAll(pattern), ([found]) => `${path} has "${found}"`);
}

/** @param exists asks for a path relative to the project root */
export function deadLinks(path: string, text: string, exists: (path: string) => boolean): readonly string[] {
  const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link);
  return links
    .filter((link) => !/^(?:[a-z]+:|#)/.test(link))
    .filter((link) => !exists(posix.normalize(posix.join(posix.dirname(path), link.replace(/#.*$/, '')))))
    .map((link) => `${path} links to ${link}, which is not there`);
}

/** Every npm script and every verb that the code of a document uses exists. */
export function deadCommands(
  path: string,
  text: string,
  scripts: readonly string[],
  verbs: readonly string[],
): readonly string[] {
  const code = Array.from(text.matchAll(/```[^]*?```|`[^`]*`/g), ([found]) => found).join('\n');
  const wordsAfter = (pattern: RegExp): readonly string[] =>
    Array.from(code.matchAll(pattern), ([, word = '']) => word);
  const run = wordsAfter(/\bnpm (?:run )?(start|test|(?<=run )[\w:-]+)/g);
  const typed = wordsAfter(/(?:\bvipkeeper|\bcli\.js) ([a-z]+)/g);
  return [
    ...run.filter((name) => !scripts.includes(name)).map((name) => `${path}: npm has no script "${name}"`),
    ...typed
      .filter((name) => !verbs.includes(name))
      .map((name) => `${path}: vipkeeper has no verb "${name}"`),
  ];
}
