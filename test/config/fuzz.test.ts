import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/load.ts';
import { renderError } from '../../src/config/report.ts';

const lb1 = { name: 'lb1', from: '--node' };
const examples = ['vipkeeper', 'failover', 'fast'].map((name) => readFileSync(`examples/${name}.yaml`));
const sequences = [
  '\t',
  '*a ',
  '&a ',
  '[',
  '{',
  '- ',
  '? ',
  ': ',
  '<<: ',
  '!!set ',
  '---\n',
  '"',
  '|\n',
  '\xff',
  '%YAML 1.1\n',
  '0',
  'lb1: ',
];

/** Whatever comes in: an answer, in time, and every error on one line with a place. */
function holds(bytes: Uint8Array): void {
  // Processor time: the machine may be busy with other tests.
  const before = process.cpuUsage();
  const loaded = loadConfig(bytes, 'fuzz.yaml', lb1);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 10_000_000, `slow: ${user + system} us`);
  if (loaded.ok) return;
  assert.ok(loaded.error.length > 0, 'refused without a reason');
  for (const error of loaded.error) assert.match(renderError(error), /^fuzz\.yaml:\d+:\d+: [ -~…×−—]+$/u);
}

describe('any bytes', () => {
  it('random ones', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), holds), { numRuns: 1000 });
    const yamlish = fc.array(fc.oneof(fc.constantFrom(...sequences, '\n', '  ', 'web:', '1'), fc.string()), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(yamlish, (parts) => holds(Buffer.from(parts.join(''), 'utf8'))),
      { numRuns: 1000 },
    );
  });

  it('examples with bytes replaced, cut out and put in', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(30),
      put: fc.oneof(fc.constantFrom(...sequences), fc.string({ maxLength: 8 })),
    });
    const mutated = fc.tuple(fc.constantFrom(...examples), fc.array(edit, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(mutated, ([example, edits]) => {
        let text = example.toString('latin1');
        for (const { at, cut, put } of edits) {
          const from = Math.floor(at * text.length);
          text = text.slice(0, from) + put + text.slice(from + cut);
        }
        holds(Buffer.from(text, 'latin1'));
      }),
      { numRuns: 1500 },
    );
  });

  it('much of the same', () => {
    const size = 1 << 16;
    const units = [
      '[',
      '{a: ',
      '- ',
      '? ',
      '"',
      '&a ',
      '\n',
      '! ',
      '%\n',
      '}',
      ', ',
      '- *a\n',
      ': ',
      '\r\n',
      'a:\n',
      '#\n',
    ];
    for (const unit of units) holds(Buffer.from(unit.repeat(Math.floor(size / unit.length))));
    holds(
      Buffer.from(
        Array.from({ length: 1 << 17 }, (_, at) => `k${at}: 1`)
          .join('\n')
          .slice(0, 1 << 20),
      ),
    );
  }).timeout(60_000);
});
