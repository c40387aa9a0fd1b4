import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IpvsJournal } from '../../src/kernel/ipvs-journal.ts';

describe('kernel/ipvs-journal', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-journal-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (): string => path.join(folder, readdirSync(folder)[0] ?? '');

  it('a next life finds what an earlier one wrote, whole', () => {
    const names = new Set(['TCP 10.1.0.100:80', 'fwmark 7 IPv4']);
    new IpvsJournal(folder).write(names);
    assert.deepEqual(new IpvsJournal(folder).read(), names);
    assert.deepEqual(readdirSync(folder).length, 1);
  });

  it('nothing is ours without a journal, with a damaged one, or with one of another boot', () => {
    assert.equal(new IpvsJournal(folder).read().size, 0);
    new IpvsJournal(folder).write(new Set(['TCP 10.1.0.100:80']));
    const good = readFileSync(file(), 'utf8');
    for (const bad of [
      good.slice(0, 20),
      '',
      '[]',
      'null',
      good.replace(/"boot":"[^"]*"/, '"boot":"other"'),
      good.replace('"version":1', '"version":2'),
      good.replace(/"services":.*\]/, '"services":"all"'),
    ]) {
      writeFileSync(file(), bad);
      assert.equal(new IpvsJournal(folder).read().size, 0, bad);
    }
  });

  it('says so when it cannot write, and goes on with what was written before', () => {
    const journal = new IpvsJournal(folder);
    rmSync(folder, { recursive: true });
    assert.throws(() => journal.write(new Set(['TCP 10.1.0.100:80'])), /ENOENT/);
    assert.equal(journal.read().size, 0);
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-journal-'));
  });
});
