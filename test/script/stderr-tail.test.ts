import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StderrTail } from '../../src/script/stderr-tail.ts';

const tailOf = (...chunks: readonly string[]): StderrTail => {
  const tail = new StderrTail();
  for (const chunk of chunks) tail.add(Buffer.from(chunk));
  return tail;
};

describe('the last words of a script', () => {
  it('are whole lines over any cuts, without blanks and controls', () => {
    assert.deepEqual(tailOf('fir', 'st\nsec', 'ond\n\n  \x1b[31mthird\x07').lines, [
      'first',
      'second',
      '[31mthird',
    ]);
    assert.deepEqual(tailOf().lines, []);
  });
  it('are the last ten', () => {
    const lines = Array.from({ length: 30 }, (_, at) => `line ${at}`);
    assert.deepEqual(tailOf(lines.join('\n')).lines, lines.slice(-10));
  });
  it('are as many octets of a flood, and all are counted', () => {
    const tail = new StderrTail();
    for (let chunk = 0; chunk < 100; chunk++) tail.add(Buffer.alloc(65_536, 'x'));
    tail.add(Buffer.from('the end'));
    assert.equal(tail.octets, 6_553_607);
    assert.equal(tail.lines.join('').length, 2_048);
    assert.match(tail.lines[0] ?? '', /xthe end$/);
  });
  it('are the same however they are cut', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 900 }), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, (chunks) => {
        const cut = new StderrTail();
        for (const chunk of chunks) cut.add(chunk);
        const whole = new StderrTail();
        whole.add(Buffer.concat(chunks));
        assert.deepEqual(cut.lines, whole.lines);
        assert.ok(cut.lines.length <= 10);
      }),
    );
  });
});
