import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readNumber } from '../../src/vrrp/track-file.ts';

const text = (content: string, last?: number): ReturnType<typeof readNumber> =>
  readNumber({ state: 'text', text: content }, last);

describe('the number of a file', () => {
  it('is a whole number with or without a sign and blanks', () => {
    assert.deepEqual(text('-20\n'), { number: -20, words: 'says -20' });
    assert.equal(text(' +7 ').number, 7);
    assert.equal(text('9999999999').number, 1_000_000_000);
    assert.ok(Object.is(text('-0').number, 0));
  });
  it('is 0 without a file or without text, whatever it was', () => {
    assert.deepEqual(readNumber({ state: 'absent' }, -20), { number: 0, words: 'no file' });
    assert.deepEqual(text('\n', -20), { number: 0, words: 'empty' });
  });
  it('stays when the text is none, or cannot be read', () => {
    for (const wrong of ['twenty', '1.5', '1 2', '0x10', '1e3', '12345678901'])
      assert.deepEqual(text(wrong, -20), { number: -20, words: 'its text is no whole number' });
    assert.equal(text('twenty').number, 0);
    assert.deepEqual(readNumber({ state: 'unreadable', why: 'EACCES' }, 5), { number: 5, words: 'EACCES' });
  });
  it('any text: a whole number that fits a report', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.bigInt().map(String)), (any) => {
        const { number } = text(any, 3);
        assert.ok(Number.isInteger(number) && Math.abs(number) <= 1e9);
      }),
    );
  });
});
