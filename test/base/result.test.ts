import assert from 'node:assert/strict';
import { err, ok, type Result } from '../../src/base/result.ts';

describe('a result', () => {
  const half = (n: number): Result<number, 'odd'> => (n % 2 === 0 ? ok(n / 2) : err('odd'));

  it('is a value or a reason, and says which', () => {
    assert.deepEqual(half(8), { ok: true, value: 4 });
    assert.deepEqual(half(7), { ok: false, error: 'odd' });
  });

  it('holds values that are falsy', () => {
    assert.deepEqual(half(0), { ok: true, value: 0 });
    assert.deepEqual(ok(undefined), { ok: true, value: undefined });
  });
});
