import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { inActive } from './vrrp/rows-active.ts';
import { inBackup, inInitialize } from './vrrp/rows-backup.ts';
import { weighedRows } from './vrrp/rows-priority.ts';

interface Sentence {
  readonly section: string;
  readonly must: string;
  readonly shown: string;
}

/** The rows of every table of the document. */
function sentences(text: string): readonly Sentence[] {
  return text
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => {
      const [, section = '', must = '', shown = ''] = line.split('|').map((cell) => cell.trim());
      return { section, must, shown };
    });
}

const rowIds = new Set<string>(
  [...inInitialize, ...inBackup, ...inActive, ...weighedRows].map(({ id }) => id),
);

/** `receive: text` stands in a test of that name, or in the table of its cases. */
function isTested(name: string): boolean {
  const [, file, title] = /^(\w+): (.+)$/.exec(name) ?? [];
  if (file === undefined || title === undefined) return rowIds.has(name);
  return [`test/vrrp/${file}.test.ts`, `test/vrrp/${file}-cases.ts`].some(
    (path) => existsSync(path) && readFileSync(path, 'utf8').includes(title),
  );
}

describe('docs/rfc9568.md', () => {
  const table = sentences(readFileSync('docs/rfc9568.md', 'utf8'));

  it('has a row for every section that binds a router', () => {
    assert.ok(table.length >= 50, `${table.length} rows`);
    const sections = new Set(table.flatMap(({ section }) => section.split(', ')));
    const wanted = [
      '5.1.1.3',
      '5.1.2.3',
      '5.2.4',
      '5.2.7',
      '5.2.8',
      '6.1',
      '6.4.1',
      '6.4.2',
      '6.4.3',
      '7.1',
      '7.2',
      '8.1.2',
      '8.2.2',
    ];
    assert.deepEqual(
      wanted.filter((section) => !sections.has(section)),
      [],
    );
  });

  for (const { section, must, shown } of table)
    it(`${section}: ${must}`, () => {
      const names = Array.from(shown.matchAll(/`([^`]+)`/g), ([, name]) => name ?? '');
      const reason = /^\*\*(?:kernel|not yet)\*\*: .{10,}/.test(shown);
      assert.ok(reason || names.length > 0, 'neither a test nor a reason');
      assert.deepEqual(
        names.filter((name) => !isTested(name)),
        [],
      );
    });

  it('names only rows that exist', () => {
    assert.equal(isTested('backup/never'), false);
    assert.equal(isTested('receive: no such title'), false);
    assert.equal(isTested('nothing: at all'), false);
  });
});
