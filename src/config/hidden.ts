/** No message holds a password, wherever in the file it came to stand. */
import type { Path } from './report.ts';
import { configSchema, type Schema } from './schema.ts';

/** Behind a word like these a password may stand: spelt well or not, in the right place or not. */
const likeSecret = /auth|pass/i;
const isSecretWord = (step: string | number): boolean => typeof step === 'string' && likeSecret.test(step);

/** Of a key: its value is one, and what stands beside it may be, in a file that got out of order. */
export const isPasswordWord = (word: string): boolean => likeSecret.test(word) && word !== 'authentication';

/** Whether what stands there may be a password. Without quotes that may look like a tag, an alias, a map or a key. */
export const isSecret = (path: Path): boolean => path.some(isSecretWord);

const keysOf = ({ properties = {}, additionalProperties, items }: Schema): readonly string[] => [
  ...Object.keys(properties),
  ...[...Object.values(properties), additionalProperties, items].flatMap((inside) =>
    typeof inside === 'object' ? keysOf(inside) : [],
  ),
];
let known: ReadonlySet<string | number> | undefined;

/** A key behind such a word may be the password itself, or the word and the password may be one key. */
export function withoutSecret(path: Path): Path {
  const first = path.findIndex(isSecretWord);
  if (first < 0) return path;
  const words = (known ??= new Set(keysOf(configSchema)));
  const end = path.findIndex((step, at) => at > first && typeof step === 'string' && !words.has(step));
  return path
    .slice(0, end < 0 ? path.length : end)
    .map((step) => (typeof step === 'string' ? cutSecret(step) : step));
}

/** A quote that is not closed where it should be swallows what comes next, and that may be a password. */
export const cutSecret = (text: string): string => text.replace(/((?:auth|pass)[\w-]*[^\w./-]).+$/is, '$1…');
