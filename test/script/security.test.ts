import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type FileFacts, type Files, faultText, scriptFault } from '../../src/script/security.ts';

const file = (mode: number, uid = 0, gid = 0): FileFacts => ({ kind: 'file', uid, gid, mode });
const folder = (mode: number, uid = 0, gid = 0): FileFacts => ({ kind: 'directory', uid, gid, mode });
const files = (entries: Readonly<Record<string, FileFacts | string>>): Files => ({
  lstat(path) {
    const entry = entries[path];
    return typeof entry === 'string' ? { kind: 'link', uid: 0, gid: 0, mode: 0o777 } : entry;
  },
  readlink(path) {
    const entry = entries[path];
    return typeof entry === 'string' ? entry : assert.fail(`${path} is no link`);
  },
});
const tree = files({
  '/': folder(0o755),
  '/opt': folder(0o755),
  '/opt/check': file(0o755),
  '/opt/plain': file(0o644),
  '/opt/owned': file(0o755, 1_000),
  '/opt/group': file(0o775, 0, 1_000),
  '/opt/root-group': file(0o775),
  '/opt/world': file(0o757),
  '/opt/theirs': folder(0o755, 1_000),
  '/opt/theirs/check': file(0o755),
  '/opt/theirs/link': '/opt/check',
  '/opt/open': folder(0o777),
  '/opt/open/check': file(0o755),
  '/tmp': folder(0o1777),
  '/tmp/check': file(0o755),
  '/tmp/fifo': { kind: 'other', uid: 0, gid: 0, mode: 0o755 },
  '/opt/link': '../opt/./check',
  '/opt/absolute': '/opt/theirs/check',
  '/opt/loop': '/opt/loop',
  '/opt/dangling': 'nowhere',
});
const fault = (path: string, asRoot = true): string | undefined => {
  const found = scriptFault(path, tree, asRoot);
  return found && (found.reason === 'writable-by-others' ? `writable ${found.path}` : found.reason);
};

describe('what may be run as root', () => {
  const table: Readonly<Record<string, string | undefined>> = {
    '/opt/check': undefined,
    '/opt/root-group': undefined,
    '/tmp/check': undefined,
    '/opt/link': undefined,
    '/opt/../opt//check': undefined,
    'opt/check': 'not-absolute',
    '/opt/none': 'absent',
    '/opt/check/more': 'absent',
    '/opt/dangling': 'absent',
    '/opt': 'not-a-file',
    '/': 'not-a-file',
    '/tmp/fifo': 'not-a-file',
    '/opt/plain': 'not-executable',
    '/opt/loop': 'too-many-links',
    '/opt/owned': 'writable /opt/owned',
    '/opt/group': 'writable /opt/group',
    '/opt/world': 'writable /opt/world',
    '/opt/open/check': 'writable /opt/open',
    '/opt/theirs/check': 'writable /opt/theirs',
    '/opt/theirs/link': 'writable /opt/theirs',
    '/opt/absolute': 'writable /opt/theirs',
  };
  for (const [path, reason] of Object.entries(table))
    it(`${path}: ${reason ?? 'yes'}`, () => {
      assert.equal(fault(path), reason);
    });
  it('does not matter to a daemon that is not root', () => {
    for (const path of ['/opt/owned', '/opt/world', '/opt/open/check', '/opt/theirs/link'])
      assert.equal(fault(path, false), undefined);
    assert.equal(fault('/opt/plain', false), 'not-executable');
  });
  it('is said in a sentence that names the part', () => {
    const found = scriptFault('/opt/open/check', tree, true);
    assert.ok(found !== undefined);
    assert.equal(
      faultText('/opt/open/check', found),
      '/opt/open can be changed by others than root: not run by a daemon that is root',
    );
  });
  it('any path and any links: an answer', () => {
    const part = fc.constantFrom('opt', 'loop', 'link', 'theirs', 'absolute', '..', '.', '', 'check', 'tmp');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const found = scriptFault(`/${parts.join('/')}`, tree, true);
        assert.ok(found === undefined || faultText('/x', found).length > 5);
      }),
    );
  });
});
