import { Lexer } from 'yaml';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import type { Finding, Path, Place } from './report.ts';

/** `tokens`: words and signs of a text that the YAML library has to read. */
export const limits = { bytes: 1 << 22, values: 500_000, tokens: 600_000, depth: 32, aliases: 100 } as const;

export interface TextProblem extends Finding {
  readonly place: Place;
  readonly path: Path;
}

const start: Place = { line: 1, column: 1 };
export const problem = (place: Place, finding: Finding, path: Path = []): TextProblem => ({
  place,
  path,
  ...finding,
});

/** Bytes to text: at most 4 MiB of UTF-8. */
export function decode(input: string | Uint8Array): Result<string, TextProblem> {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  if (bytes.length > limits.bytes) {
    const message = `the file has ${bytes.length} bytes`;
    return err(problem(start, { message, expected: `at most ${limits.bytes} (4 MiB)` }));
  }
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(text);
  const wrong = again.findIndex((byte, at) => byte !== bytes[at]);
  if (wrong >= 0) {
    const before = new TextDecoder().decode(bytes.subarray(0, wrong)).split('\n');
    const place = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
    return err(problem(place, { message: 'a byte sequence that is not UTF-8', expected: 'UTF-8 text' }));
  }
  return ok(text.replace(/^\ufeff/, ''));
}

/** What is refused before the YAML library builds anything: it recurses, and its cost grows with its food. */
export function scan(text: string): TextProblem | undefined {
  const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/.exec(text);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return problem(placeIn(text, control.index), {
      message: `a control character (U+${code})`,
      expected: 'text',
    });
  }
  const tab = /^ *\t/m.exec(text);
  if (tab !== null) {
    const place = placeIn(text, tab.index + tab[0].length - 1);
    return problem(place, { message: 'a tab in the indentation', expected: 'spaces' });
  }
  let [offset, tokens, flowDepth, lineDepth] = [0, 0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    const first = token[0] ?? '';
    if (first === '%')
      return problem(placeIn(text, offset), { message: 'a YAML directive', expected: 'plain YAML' });
    if (token === '[' || token === '{') flowDepth++;
    else if (token === ']' || token === '}') flowDepth--;
    else if (first === '\n' || first === '\r') lineDepth = 0;
    else if (token === '-' || token === '?') lineDepth++;
    if (flowDepth > limits.depth || lineDepth > limits.depth) return tooDeep(placeIn(text, offset));
    if (!/^[\s#\x02\x18\x1f]/.test(token) && ++tokens > limits.tokens)
      return problem(placeIn(text, offset), {
        message: 'too many words and signs',
        expected: `at most ${limits.tokens} in a file that is not all plain`,
      });
    // Two marks that the lexer puts between source texts and that have no length in the file.
    if (token !== '\x02' && token !== '\x1f' && token !== '\x18') offset += token.length;
  }
  return undefined;
}

export const tooDeep = (place: Place, path: Path = []): TextProblem =>
  problem(place, { message: 'values inside values', expected: `at most ${limits.depth} levels` }, path);
export const tooMany = (place: Place, path: Path = []): TextProblem =>
  problem(
    place,
    { message: 'too many values', expected: `at most ${limits.values}, aliases counted in full` },
    path,
  );

function placeIn(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
