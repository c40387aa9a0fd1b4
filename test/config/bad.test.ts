import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { check } from '../../src/cli/check.ts';

const folder = 'test/config/bad';

/** The first lines of a wrong file say what has to be printed about it: "# expect:", "# exit:", "# node:". */
function directives(text: string): { expect: string[]; exit: number; node: string | undefined } {
  const all = (word: string): string[] =>
    [...text.matchAll(new RegExp(`^# ${word}: (.*)$`, 'gm'))].map((match) => match[1] ?? '');
  return { expect: all('expect'), exit: Number(all('exit')[0] ?? 1), node: all('node')[0] };
}

describe('wrong files', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

  it('there are enough of them', () => {
    assert.ok(files.length >= 45, `${files.length} files`);
  });

  for (const file of files) {
    it(file, () => {
      const { expect, exit, node } = directives(readFileSync(`${folder}/${file}`, 'utf8'));
      assert.ok(expect.length > 0, 'no "# expect:" line');
      const said: string[] = [];
      const io = {
        out: () => undefined,
        err: (line: string) => said.push(line),
        envNode: undefined,
        hostname: 'ci',
      };
      const code = check({ file: `${folder}/${file}`, ...(node === undefined ? {} : { node }) }, io);
      assert.deepEqual(said.slice(0, -1), expect);
      assert.equal(said.at(-1), `${file}: ${expect.length} mistake${expect.length === 1 ? '' : 's'}`);
      assert.equal(code, exit);
    });
  }
});
