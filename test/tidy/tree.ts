import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a build, an install or a person leaves in a checkout; and what a machine wrote. */
const notOurs =
  /^(?:\.(?!ci$|c8rc|mocharc|prettier|gitignore)|node_modules$|dist$|build$|coverage$|out$|package-lock\.json$)/;

/** Every file of the project by its path from the root, sorted. mocha runs in the root. */
export function projectFiles(folder = ''): readonly string[] {
  return readdirSync(folder === '' ? '.' : folder, { withFileTypes: true })
    .filter(({ name }) => !notOurs.test(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? projectFiles(path) : entry.isFile() ? [path] : [];
    })
    .sort();
}

export const textOf = (path: string): string => readFileSync(path, 'utf8');
