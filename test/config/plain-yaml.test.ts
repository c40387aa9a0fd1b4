import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parseWithLibrary } from '../../src/config/parse.ts';
import { readPlain } from '../../src/config/plain-yaml.ts';

const texts = ['examples', 'test/config/bad'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(`${folder}/${name}`, 'latin1')),
);

/** @returns whether it was read */
function agrees(text: string): boolean {
  const plain = readPlain(text);
  if (plain === undefined) return false;
  assert.deepEqual({ ok: true, value: plain }, parseWithLibrary(text), text);
  return true;
}

/** Values, and a text of each: in lines, or in one. */
interface Written {
  readonly block: readonly string[];
  readonly flow: string | undefined;
}

const plainWord = fc.constantFrom(
  'web',
  'lb_algo',
  'sh-port',
  'true',
  '7',
  '10.1.0.100:80',
  '2s',
  '/health',
  '1.5',
);
const oddWord = fc.constantFrom(
  ...[
    'web',
    'lb_algo',
    'net.ipv4.vs.conntrack',
    'sh-port',
    'true',
    'False',
    'null',
    '7',
    '-60',
    '1.5',
    '010',
    '0x1f',
  ],
  ...[
    '1e3',
    '10.1.0.100',
    '10.1.0.100:80',
    '2s',
    '0.5s',
    '5min',
    'a:b',
    'a/b',
    '/health',
    '1_000',
    '08',
    '-0',
    '-0.0',
    '1.',
  ],
  ...[
    '.5',
    '-.5',
    '-1.5',
    '200-299',
    '1.1.1',
    'x@y',
    'k=v',
    '12e03',
    '1e',
    '0o17',
    '0b1',
    '99999999999999999999',
  ],
  ...[
    'NULL',
    'nan',
    '-inf',
    'a+b',
    '+5',
    '1:30',
    '190:20:30',
    '2001-01-01',
    'Null',
    'yes',
    'no',
    '~',
    'fd00:1::7',
  ],
);
const word = fc.oneof({ weight: 20, arbitrary: plainWord }, { weight: 1, arbitrary: oddWord });
const text = fc.oneof(
  { weight: 20, arbitrary: word },
  {
    weight: 1,
    arbitrary: fc.constantFrom("'fe80::1'", '"[fd00:1::1]:80"', "'it''s'", '"a\\n"', "''", '"#"', "'a: b'"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', 'a b', '*a', '&a 1', '!x y', '|', '"a', '{}', '[]', '- a', 'é', '? a'),
  },
);

const { tree } = fc.letrec<{ tree: Written }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text.map((one) => ({ block: [one], flow: one })),
    fc
      .array(fc.tuple(word, tie('tree'), fc.boolean(), fc.constantFrom('', ' # note', '#x', ' #')), {
        maxLength: 4,
      })
      .map((entries) => ({
        block: entries.flatMap(([key, { block, flow }, inLine, note]) => {
          const [first = ''] = block;
          if (inLine && flow !== undefined) return [`${key}: ${flow}${note}`];
          return block.length === 1 && !first.includes(': ')
            ? [`${key}: ${first}${note}`]
            : [`${key}:${note}`, ...block.map((line) => `  ${line}`)];
        }),
        flow: `{ ${entries.map(([key, { flow }]) => `${key}: ${flow}`).join(', ')} }`,
      })),
    fc.array(fc.tuple(tie('tree'), fc.boolean()), { maxLength: 4 }).map((items) => ({
      block: items.flatMap(([{ block, flow }, inLine]) =>
        inLine && flow !== undefined
          ? [`- ${flow}`]
          : block.map((line, at) => (at === 0 ? `- ${line}` : `  ${line}`)),
      ),
      flow: `[${items.map(([{ flow }]) => flow).join(', ')}]`,
    })),
  ),
}));

describe('the reader of plain YAML', () => {
  it('reads every example that the library reads, and the same', () => {
    const configurations = texts.filter((one) => one.includes('config_version: 1\n'));
    const read = configurations.filter(agrees).length;
    assert.ok(read > configurations.length * 0.8, `${read} of ${configurations.length}`);
  });

  it('agrees with the library on documents of every shape, or declines', () => {
    let [read, all] = [0, 0];
    fc.assert(
      fc.property(tree, fc.boolean(), ({ block }, ends) => {
        all++;
        if (agrees(block.join('\n') + (ends ? '\n' : ''))) read++;
      }),
      { numRuns: 5_000 },
    );
    assert.ok(read > all / 10, `${read} of ${all}`);
  });

  it('agrees on examples with pieces cut out and put in, or declines', () => {
    const pieces = [
      ' ',
      '\n',
      '  ',
      ': ',
      '- ',
      '#',
      ' #',
      ',',
      '[',
      ']',
      '{',
      '}',
      "'",
      '"',
      ':',
      '-',
      'a',
      '7',
      '\n\n',
      '\n  ',
    ];
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(3),
      put: fc.constantFrom('', ...pieces),
    });
    let [read, all] = [0, 0];
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (text, edits) => {
          let changed = text;
          for (const { at, cut, put } of edits) {
            const from = Math.floor(at * changed.length);
            changed = changed.slice(0, from) + put + changed.slice(from + cut);
          }
          all++;
          if (agrees(changed)) read++;
        },
      ),
      { numRuns: 10_000 },
    );
    assert.ok(read > all / 10, `${read} of ${all}`);
  });
});
