import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import {
  addressBits,
  compareIp,
  familyOf,
  type Ip,
  ip,
  ipBytes,
  ipFromBytes,
  isLinkLocal,
  isMulticast,
  parseIp,
  parsePrefix,
} from '../../src/base/ip.ts';

const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
/** Half of the groups zero, so that "::" finds its place. */
const sparse = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));
const anyBytes = fc.oneof(octets(4), octets(16), sparse);
const anyIp: fc.Arbitrary<Ip> = anyBytes.map(ipFromBytes);

describe('an IP address as text', () => {
  it('goes to octets and back', () => {
    fc.assert(fc.property(anyBytes, (bytes) => assert.deepEqual(ipBytes(ipFromBytes(bytes)), bytes)));
  });

  it('is its own canonical form', () => {
    fc.assert(fc.property(anyIp, (address) => assert.equal(parseIp(address), address)));
  });

  it('reads what Node reads, and nothing else', () => {
    const part = fc.oneof(
      fc.constantFrom('', '0', '00', '1', '01', '255', '256', 'ffff', 'FFFF', '10000', 'g', '1.2.3.4', ' 1'),
      fc.nat(300).map(String),
    );
    const joined = (separator: string): fc.Arbitrary<string> =>
      fc.array(part, { minLength: 1, maxLength: 9 }).map((parts) => parts.join(separator));
    fc.assert(
      fc.property(fc.oneof(joined(':'), joined('.'), anyIp, fc.string()), (text) => {
        const known = isIPv4(text) || (isIPv6(text) && !text.includes('%'));
        assert.equal(parseIp(text) !== undefined, known, text);
      }),
      { numRuns: 2_000 },
    );
  });

  const canonical = [
    // RFC 5952 §1 and §2: one address, many texts
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    // §4.1 no leading zeros
    ['2001:0db8::0001', '2001:db8::1'],
    // §4.2.1 shortened as far as it goes
    ['2001:db8::0:1', '2001:db8::1'],
    // §4.2.2 one group alone is not shortened
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    // §4.2.3 the longest run, and of equals the first
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    // §4.3 lower case
    ['2001:DB8::AAAA:BBBB', '2001:db8::aaaa:bbbb'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
  ] as const;
  for (const [text, expected] of canonical)
    it(`${text} is ${expected}`, () => assert.equal(parseIp(text), expected));

  const wrong = [
    ...[
      '',
      ' ',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.04',
      '1.2.3.-1',
      '1.2.3.4 ',
      '0x1.2.3.4',
    ],
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::', '::g'],
    ...[
      '::1.2.3',
      '::1.2.3.256',
      '1.2.3.4::',
      '::1.2.3.4:5',
      'fe80::1%eth0',
      '1:2:3:4:5:6:7:1.2.3.4',
      ':1::',
    ],
    `${'0000:'.repeat(9)}:1`,
  ];
  for (const text of wrong)
    it(`"${text}" is none`, () => {
      assert.equal(parseIp(text), undefined);
      assert.throws(() => ip(text), TypeError);
    });

  it('has 4 or 16 octets and no other number', () => {
    for (const length of [0, 3, 5, 15, 17])
      assert.throws(() => ipFromBytes(new Uint8Array(length)), /4 or 16 octets/);
  });

  it('knows its family', () => {
    fc.assert(fc.property(octets(4), (bytes) => familyOf(ipFromBytes(bytes)) === 4));
    fc.assert(fc.property(sparse, (bytes) => familyOf(ipFromBytes(bytes)) === 6));
  });
});

describe('a prefix', () => {
  it('is an address and a length, or a whole address', () => {
    const row = (text: string, address: string, length: number): void =>
      assert.deepEqual(parsePrefix(text), { ok: true, value: { address, length } });
    row('10.1.0.100/24', '10.1.0.100', 24);
    row('10.1.0.100', '10.1.0.100', 32);
    row('FD00:1::100/64', 'fd00:1::100', 64);
    row('fd00:1::100', 'fd00:1::100', 128);
    row('0.0.0.0/0', '0.0.0.0', 0);
  });

  it('says which part is wrong', () => {
    const row = (text: string, error: string): void =>
      assert.deepEqual(parsePrefix(text), { ok: false, error }, text);
    for (const text of ['', '/24', '10.1.0/24', 'x/24']) row(text, 'address');
    for (const text of ['10.1.0.1/33', '::/129', '10.1.0.1/', '10.1.0.1/-1', '10.1.0.1/1.5', '10.1.0.1/0024'])
      row(text, 'prefix-length');
    for (const text of ['10.1.0.1/255.255.255.0', '10.1.0.1/ 24', '10.1.0.1/24/1'])
      row(text, 'prefix-length');
  });

  it('never has more bits than its family', () => {
    fc.assert(
      fc.property(anyIp, fc.nat(200), (address, length) => {
        const parsed = parsePrefix(`${address}/${length}`);
        assert.equal(parsed.ok, length <= addressBits(familyOf(address)));
      }),
    );
  });
});

describe('compareIp', () => {
  it('orders like unsigned octets, IPv4 before IPv6', () => {
    const ordered = ['0.0.0.0', '10.0.0.2', '10.0.0.10', '127.255.255.255', '128.0.0.0', '255.255.255.255'];
    ordered.push('::', '::1', '::100', 'fd00::', 'fe80::2', 'fe80::10', 'ff02::12');
    const sorted = ordered.map(ip);
    for (const [a, x] of sorted.entries())
      for (const [b, y] of sorted.entries())
        assert.equal(Math.sign(compareIp(x, y)), Math.sign(a - b), `${x} and ${y}`);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(anyIp, anyIp, anyIp, (a, b, c) => {
        assert.equal(Math.sign(compareIp(a, b)), -Math.sign(compareIp(b, a)) + 0);
        assert.equal(compareIp(a, b) === 0, a === b);
        if (compareIp(a, b) <= 0 && compareIp(b, c) <= 0) assert.ok(compareIp(a, c) <= 0);
      }),
    );
  });

  it('is the order of the octets that Buffer knows', () => {
    fc.assert(
      fc.property(sparse, sparse, (x, y) => {
        assert.equal(Math.sign(compareIp(ipFromBytes(x), ipFromBytes(y))), Buffer.compare(x, y));
      }),
    );
  });
});

describe('what an address is for', () => {
  const row = (text: string, linkLocal: boolean, multicast: boolean): void => {
    it(`${text}${linkLocal ? ' is link-local' : ''}${multicast ? ' is multicast' : ''}`, () => {
      assert.equal(isLinkLocal(ip(text)), linkLocal);
      assert.equal(isMulticast(ip(text)), multicast);
    });
  };
  row('169.254.0.1', true, false);
  row('169.253.255.255', false, false);
  row('169.255.0.1', false, false);
  row('fe80::1', true, false);
  row('febf::1', true, false);
  row('fe7f::1', false, false);
  row('fec0::1', false, false);
  row('223.255.255.255', false, false);
  row('224.0.0.18', false, true);
  row('239.255.255.255', false, true);
  row('240.0.0.0', false, false);
  row('ff02::12', false, true);
  row('feff::1', false, false);
});
