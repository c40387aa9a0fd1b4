/**
 * Thread of regex.ts. V8's own engine backtracks, and takes years for /^(a+)+$/ on 40 letters. After 50,000 steps
 * back it is made to go over to V8's linear one (1 MiB in at most 0.9 s); what that one cannot do (lookaround,
 * backreferences, large counts) is ended by the time limit.
 */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { createContext, Script } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import type { RegexAnswer, RegexQuestion } from './regex.ts';

const limit_ms = 1_000;

setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
const context = createContext(Object.create(null) as Record<string, unknown>);
const test = new Script('regex.test(text)');
const decoder = new TextDecoder();

assert(parentPort !== null);
const port = parentPort;
port.on('message', ({ id, pattern, text }: RegexQuestion) => {
  const answer: RegexAnswer = { id, matches: matches(pattern, text) };
  port.postMessage(answer);
});

function matches(pattern: string, text: Uint8Array): boolean | string {
  try {
    context['regex'] = new RegExp(pattern);
    context['text'] = decoder.decode(text);
    return test.runInContext(context, { timeout: limit_ms }) === true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return `not decided within ${limit_ms} ms, it backtracks too much`;
    return (error as Error).message;
  }
}
