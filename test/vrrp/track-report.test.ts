import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  decodeReport,
  encodeReport,
  maxReportLength,
  printable,
  reportFaults,
} from '../../src/vrrp/track-report.ts';
import { trackerKinds } from '../../src/vrrp/track.ts';

const name = fc.stringMatching(/^[\w.@:-]{1,60}$/);
const anyReport = fc
  .record({
    kind: fc.constantFrom(...trackerKinds),
    name,
    verdict: fc.constantFrom('up', 'down'),
    number: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { nil: undefined }),
    words: fc.string({ unit: 'grapheme', maxLength: 200 }).map(printable),
  })
  .map(({ number, ...rest }) => (number === undefined ? rest : { ...rest, number }));

const good = encodeReport({ kind: 'file', name: 'web', verdict: 'up', number: -7, words: 'says -7' });
const changed = (at: number, value: number): Uint8Array => {
  const bytes = Uint8Array.from(good);
  bytes[at] = value;
  return bytes;
};

describe('a report as a datagram', () => {
  it('has a fixed shape', () => {
    assert.equal(
      Buffer.from(good).toString('hex'),
      '01020101f9ffffff03' + Buffer.from('websays -7').toString('hex'),
    );
  });

  it('comes out as it went in', () => {
    fc.assert(
      fc.property(anyReport, (report) => {
        assert.deepEqual(decodeReport(encodeReport(report)), { ok: true, value: report });
      }),
    );
  });

  it('is cut at a whole character, and its controls become spaces', () => {
    const long = encodeReport({ kind: 'script', name: 's', verdict: 'down', words: '—'.repeat(2_000) });
    assert.ok(long.length <= maxReportLength);
    const decoded = decodeReport(long);
    assert.ok(decoded.ok && /^—+$/.test(decoded.value.words));
    const wild = encodeReport({ kind: 'script', name: 's', verdict: 'down', words: 'a\x1b[2J\u202eb\n' });
    const tame = decodeReport(wild);
    assert.ok(tame.ok);
    assert.equal(tame.value.words, 'a [2J b ');
  });

  const faults: Readonly<Record<(typeof reportFaults)[number], Uint8Array>> = {
    'too-short': good.subarray(0, 8),
    'too-long': new Uint8Array(maxReportLength + 1),
    version: changed(0, 2),
    kind: changed(1, trackerKinds.length),
    verdict: changed(2, 2),
    number: changed(3, 2),
    name: changed(8, 200),
    text: changed(10, 0xff),
  };
  for (const [reason, bytes] of Object.entries(faults))
    it(`refused: ${reason}`, () => {
      assert.deepEqual(decodeReport(bytes), { ok: false, error: reason });
    });
  it('refused: no name, a control in the words', () => {
    assert.deepEqual(decodeReport(changed(8, 0)), { ok: false, error: 'name' });
    assert.deepEqual(decodeReport(changed(14, 7)), { ok: false, error: 'text' });
  });

  it('any octets: an answer from the closed sets', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0, 3, ...rest)),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => changed(at, value)),
      fc.constant(new Uint8Array(70_000)),
    );
    fc.assert(
      fc.property(some, (bytes) => {
        const decoded = decodeReport(bytes);
        if (!decoded.ok) assert.ok(reportFaults.includes(decoded.error));
        else {
          assert.ok(trackerKinds.includes(decoded.value.kind));
          assert.ok(decoded.value.name.length > 0);
          assert.equal(printable(decoded.value.words), decoded.value.words);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
