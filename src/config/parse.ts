import { LineCounter, parseDocument } from 'yaml';
import type { Node, YAMLParseError } from 'yaml';
import type { Result } from '../base/result.ts';
import { err, ok } from '../base/result.ts';
import { Converter, placeAt, Refusal } from './convert.ts';
import { readPlain } from './plain-yaml.ts';
import type { TextProblem } from './text.ts';
import { decode, problem, scan } from './text.ts';
import type { Tree } from './tree.ts';

/**
 * Bytes to values with places. A document that cannot be read gives exactly one problem: what a YAML reader
 * says after its first complaint is guesswork.
 */
export function parseText(input: string | Uint8Array): Result<Tree, TextProblem> {
  const text = decode(input);
  if (!text.ok) return text;
  const plain = readPlain(text.value);
  return plain === undefined ? parseWithLibrary(text.value) : ok(plain);
}

/** Any YAML, and what is wrong with it. */
export function parseWithLibrary(text: string): Result<Tree, TextProblem> {
  const refused = scan(text);
  if (refused !== undefined) return err(refused);
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, logLevel: 'error', merge: false } as const;
  // The library compares every new key with all earlier ones; the converter finds repeats in linear time.
  const document = parseDocument(text, { ...options, version: '1.2', uniqueKeys: false });
  const [first] = document.errors;
  if (first !== undefined) {
    const place = placeAt(lines, first.pos[0]);
    if (first.code === 'MULTIPLE_DOCS')
      return err(problem(place, { message: 'a second document', expected: 'one document' }));
    const said = withoutPieces(first);
    return err(
      problem(place, { message: `not readable as YAML: ${said.replace(/[^ -~]/gu, '?').slice(0, 160)}` }),
    );
  }
  try {
    return ok(new Converter(lines).convert(document.contents as Node | null, [], 0));
  } catch (thrown) {
    if (thrown instanceof Refusal) return err(thrown.problem);
    throw thrown;
  }
}

/** What the library says, without pieces of the file: one may be a secret. Most of them come after a colon. */
function withoutPieces({ code, message }: Pick<YAMLParseError, 'code' | 'message'>): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag without a meaning';
  if (code === 'BAD_DQ_ESCAPE') return 'Invalid escape sequence';
  return message.split(/\n|: /)[0] ?? '';
}
