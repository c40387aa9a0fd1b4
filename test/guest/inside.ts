/**
 * `node inside.js spec|lines|list [FILE ...]`: mocha over these compiled tests, or over all guest tests. "spec" is for
 * people; "lines" writes an Outcome a line, and so does "list", which runs nothing.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

/** A test, or a hook that failed. An outcome is the only JSON object in a line by itself that has this shape. */
export interface Outcome {
  readonly guestTest: readonly string[];
  readonly state: 'passed' | 'failed' | 'pending';
  readonly hook: boolean;
  readonly error?: Failure;
}

/** What of an error can be read outside. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: Failure;
}

const failure = (error: unknown): Failure =>
  error instanceof Error
    ? {
        name: error.name,
        message: error.message,
        stack: error.stack ?? '',
        ...(error.cause !== undefined && { cause: failure(error.cause) }),
      }
    : { name: 'thrown', message: String(error), stack: '' };

class Lines extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner) {
    super(runner);
    const say = (state: Outcome['state'], runnable: Mocha.Runnable, error?: unknown): void => {
      const outcome: Outcome = {
        guestTest: runnable.titlePath(),
        state,
        hook: 'type' in runnable && runnable.type === 'hook',
        ...(error !== undefined && { error: failure(error) }),
      };
      // At once: what comes after it may end the guest.
      process.stdout.write(`${JSON.stringify(outcome)}\n`);
    };
    runner.on('pass', (test) => say('passed', test));
    runner.on('pending', (test) => say('pending', test));
    runner.on('fail', (test: Mocha.Runnable, error: unknown) => say('failed', test, error));
  }
}

/** Compiled guest tests beside this file. */
function allTests(): readonly string[] {
  const folder = path.join(import.meta.dirname, '../ipvs/guest');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .sort()
    .map((name) => path.join(folder, name));
}

if (process.argv[1] === import.meta.filename) {
  const [how, ...files] = process.argv.slice(2);
  const mocha = new Mocha({
    reporter: how === 'spec' ? 'spec' : Lines,
    dryRun: how === 'list',
    timeout: 20_000,
  });
  for (const file of files.length > 0 ? files : allTests()) mocha.addFile(file);
  await mocha.loadFilesAsync();
  // What a test left open must not keep the guest: it is powered off in any case.
  mocha.run((failures) => process.exit(failures > 0 ? 1 : 0));
}
