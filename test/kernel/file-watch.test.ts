import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileWatch, initialiseFile, readSmallFile } from '../../src/kernel/file-watch.ts';
import { native } from '../../src/kernel/native.ts';
import type { FileContent } from '../../src/vrrp/track-file.ts';
import { openDescriptors, until } from '../native/namespace.ts';

describe('a file that is watched', () => {
  let root: string;
  let folder: string;
  let file: string;
  let watch: FileWatch | undefined;
  let said: FileContent[] = [];
  const last = (): string => {
    const content = said.at(-1);
    return content?.state === 'text' ? content.text : (content?.state ?? 'nothing');
  };
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'vipkeeper-file-'));
    folder = path.join(root, 'run');
    file = path.join(folder, 'maintenance');
    mkdirSync(folder);
    said = [];
  });
  afterEach(() => {
    watch?.close();
    watch = undefined;
    rmSync(root, { recursive: true });
  });
  const open = (): void => {
    watch = new FileWatch(file, (content) => said.push(content));
  };

  it('is read at once, and well before the next look when it changes', async () => {
    writeFileSync(file, '1\n');
    open();
    assert.deepEqual(said, [{ state: 'text', text: '1\n' }]);
    const changes: readonly (readonly [() => void, string])[] = [
      [() => writeFileSync(file, '-20\n'), '-20\n'],
      [
        () => {
          writeFileSync(`${file}.new`, '7');
          renameSync(`${file}.new`, file);
        },
        '7',
      ],
      [() => rmSync(file), 'absent'],
      [() => writeFileSync(file, '3'), '3'],
    ];
    for (const [change, expected] of changes) {
      const at = native.now();
      change();
      await until(expected, () => last() === expected);
      assert.ok(native.now() - at < 900_000, `${expected}: ${native.now() - at} us`);
    }
  });

  it('tells nothing twice', async () => {
    writeFileSync(file, '1');
    open();
    for (let round = 0; round < 5; round++) writeFileSync(file, '1');
    writeFileSync(path.join(folder, 'other'), '9');
    writeFileSync(file, '2');
    await until('the change', () => last() === '2');
    assert.equal(said.filter((content) => content.state === 'text' && content.text === '1').length, 1);
  });

  it('is found when its folder comes later, or is another one', async () => {
    rmSync(folder, { recursive: true });
    open();
    assert.equal(last(), 'absent');
    mkdirSync(folder);
    writeFileSync(file, '4');
    await until('the new folder', () => last() === '4');
    renameSync(folder, `${folder}.old`);
    mkdirSync(folder);
    writeFileSync(file, '5');
    await until('another folder', () => last() === '5');
    writeFileSync(file, '6');
    await until('a change in it', () => last() === '6');
  });

  it('is nothing but a small regular file', () => {
    execFileSync('mkfifo', [file]);
    assert.deepEqual(readSmallFile(file), { state: 'unreadable', why: 'it is not a regular file' });
    assert.deepEqual(readSmallFile(folder), { state: 'unreadable', why: 'it is not a regular file' });
    const long = path.join(folder, 'long');
    writeFileSync(long, ' '.repeat(65));
    assert.deepEqual(readSmallFile(long), { state: 'unreadable', why: 'it has more than 64 octets' });
    assert.deepEqual(readSmallFile(path.join(long, 'x')), { state: 'absent' });
  });

  it('is made when it is not there, never through a link', () => {
    initialiseFile(file, -5, false);
    assert.equal(readFileSync(file, 'utf8'), '-5\n');
    initialiseFile(file, 6, false);
    assert.equal(readFileSync(file, 'utf8'), '-5\n');
    initialiseFile(file, 6, true);
    assert.equal(readFileSync(file, 'utf8'), '6\n');
    const link = path.join(folder, 'link');
    symlinkSync(path.join(folder, 'elsewhere'), link);
    initialiseFile(link, 7, false);
    assert.throws(() => initialiseFile(link, 7, true), /ELOOP/);
    assert.ok(!existsSync(path.join(folder, 'elsewhere')));
    assert.throws(() => initialiseFile(path.join(root, 'none', 'file'), 1, false), /ENOENT/);
  });

  it('leaves no descriptor', () => {
    writeFileSync(file, '1');
    open();
    watch?.close();
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      open();
      watch?.close();
    }
    assert.ok(openDescriptors() <= before);
  });
});
