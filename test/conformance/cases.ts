/**
 * Protocol cases gathered from many implementations. They are not part of this project: a folder
 * `../shared/conformance` beside the checkout is read where it exists.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** npm and mocha run in the root of the project, whatever folder the tests were compiled to. */
const folder = resolve('../shared/conformance');

/**
 * Declares the tests of one file. Where it is absent one test says so and counts as not run.
 * @param declare gets the parsed file; the caller says its shape, and only what is used of it
 */
export function describeCases(file: string, declare: (data: unknown) => void): void {
  describe(`conformance ${file}`, () => {
    const path = resolve(folder, file);
    if (existsSync(path)) {
      declare(JSON.parse(readFileSync(path, 'utf8')));
      return;
    }
    it('has no cases here', function () {
      console.log(`      not run: ../shared/conformance/${file} is absent`);
      this.skip();
    });
  });
}

/** Tags of cases where a miss is a choice to state, not a failure. */
const choiceTags = [
  'disputed',
  'policy',
  'preempt-delay-policy',
  'optional',
  'keepalived-extension',
  'strict',
  'lenient',
];

export const isChoice = (tags: readonly string[] | undefined): boolean =>
  tags?.some((tag) => choiceTags.includes(tag)) ?? false;

/** Prints lines after the tests of a describe block; call it inside one. */
export function printAfter(lines: readonly string[]): void {
  after(() => lines.forEach((line) => console.log(`      ${line}`)));
}
