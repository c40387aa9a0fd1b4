/** What the YAML mutator puts into documents. Texts are Latin-1, one sign for each octet. */

export const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const listed = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Where the syntax is made of; with a blank where it takes one to count. */
export const tokens: readonly string[] = [
  ...listed(`[ ] { } : - ? | > " ' # *a \\ \\u0000 \\x41 \\U0010ffff @ \` ~`),
  ...listed('-_ :_ ?_ ,_ _# &a_ *a_ &a_*a <<:_ <<:_*a !!str_ !!set_ !x_ !<tag:x>_ !_ _ __').map((text) =>
    text.replaceAll('_', ' '),
  ),
  ...['&\n', '|2-\n', '>+\n', '%YAML 1.1\n', '---\n', '...\n', '\n', '\n\n', '\t'],
];

/** Values of every type, at the edges of ranges, and texts that are something else to some reader. */
export const scalars: readonly string[] = [
  ...listed(`0 -0 1 -1 2 254 255 256 40.95 65535 4294967296 9007199254740993 1e308 1e999 0x10 0o17 010 1_000 .5 5.
    -.inf .nan NaN true yes null ~ "" '' 0s -1s 1s 10ms 100ms 1.5s 1e3s 255s 99999999999999999999s 2001-01-01
    10.1.0.100 10.1.0.101/24 10.1.0.100/33 010.1.0.1 224.0.0.18 127.0.0.1 fe80::1 'fe80::1' 'fe80::1/64' 'fd00:1::7'
    '::' '::ffff:10.1.0.1' fe80::1%eth0 eth0 eth0:1 __proto__ constructor toString hasOwnProperty lb1 lb3 web
    [] {} [1] [[]] "\\u001b[2J"`),
  ...[
    '{a: 1}',
    '{ lb1: 1, lb2: 2 }',
    '{ lb1: 1s }',
    "['fe80::1', 'fd00:1::7/64']",
    '[10.1.0.100, 10.1.0.101]',
  ],
];

/** Signs outside ASCII: combining, right to left, without width, beyond the first plane, byte order marks. */
export const signs: readonly string[] = listed('é 😀 ß 中 e\u0301 \u202e \u200b \u0085 \ufffd')
  .concat('\ufeff', '\u2028', '\u00a0')
  .map(utf8);
export const wrongOctets: readonly string[] = [
  ...['\xff', '\xc0\x80', '\xed\xa0\x80', '\xf8', '\x80', '\xe2\x82'],
  ...['\0', '\x1b', '\x7f', '\r'],
];
