import assert from 'node:assert/strict';
import fc from 'fast-check';
import { internetChecksum } from '../../src/base/checksum.ts';
import { ip, ipFromBytes, type Family } from '../../src/base/ip.ts';
import {
  decodeAdvertisement,
  encodeAdvertisement,
  pseudoHeader,
  vrrpProtocol,
  type AdvertisementFields,
  type ChecksumForm,
} from '../../src/vrrp/packet.ts';
import type { Priority, Vrid } from '../../src/vrrp/types.ts';
import { cuts, flips, hexOf, octets } from './octets.ts';

const fields = (family: Family, vrid: number, priority: number, cs: number, ...addresses: string[]) =>
  ({
    vrid: vrid as Vrid,
    priority: priority as Priority,
    maxAdvertiseIntervalCs: cs,
    addresses: addresses.map(ip),
    family,
  }) satisfies AdvertisementFields;

const twoAddresses = fields(4, 88, 140, 25, '198.51.100.88', '198.51.100.89');
const linkLocalFirst = fields(6, 99, 254, 4095, 'fe80::99', '2001:db8:9::99');
const multicast4 = { source: ip('198.51.100.7'), destination: ip('224.0.0.18') };
const unicast4 = { source: ip('198.51.100.7'), destination: ip('198.51.100.8') };
const multicast6 = { source: ip('fe80::7'), destination: ip('ff02::12') };

const golden: {
  readonly name: string;
  readonly fields: AdvertisementFields;
  readonly carrier: typeof multicast4;
  readonly form: ChecksumForm;
  readonly hex: string;
}[] = [
  {
    name: 'IPv4 with pseudo-header checksum',
    fields: twoAddresses,
    carrier: multicast4,
    form: 'pseudo_header',
    hex: '31588c02 0019 e2a4 c6336458 c6336459',
  },
  {
    name: 'IPv4 with the checksum over the message (RFC 9568 §5.2.8)',
    fields: twoAddresses,
    carrier: multicast4,
    form: 'message',
    hex: '31588c02 0019 ed72 c6336458 c6336459',
  },
  {
    name: 'IPv4 unicast: the pseudo-header has the real destination',
    fields: twoAddresses,
    carrier: unicast4,
    form: 'pseudo_header',
    hex: '31588c02 0019 987b c6336458 c6336459',
  },
  {
    name: 'IPv6',
    fields: linkLocalFirst,
    carrier: multicast6,
    form: 'pseudo_header',
    hex: '3163fe02 0fff 94f0 fe800000000000000000000000000099 20010db8000900000000000000000099',
  },
];

describe('vrrp/packet version 3', () => {
  for (const row of golden) {
    it(`encodes and decodes ${row.name}`, () => {
      const bytes = encodeAdvertisement(row.fields, { ...row.carrier, checksum: row.form });
      assert.equal(hexOf(bytes), hexOf(octets(row.hex)));
      assert.deepEqual(decodeAdvertisement(bytes, { ...row.carrier, family: row.fields.family }), {
        ok: true,
        value: { version: 3, ...row.fields, checksumForms: [row.form] },
      });
    });
  }

  it('always sums the pseudo-header over IPv6, whatever form is configured', () => {
    const bytes = (checksum: ChecksumForm) =>
      encodeAdvertisement(linkLocalFirst, { ...multicast6, checksum });
    assert.deepEqual(bytes('message'), bytes('pseudo_header'));
  });

  it('lays out pseudo-headers of RFC 793 §3.1 and RFC 8200 §8.1', () => {
    assert.equal(hexOf(pseudoHeader(multicast4, vrrpProtocol, 0x0110)), 'c6336407e000001200700110');
    assert.equal(
      hexOf(pseudoHeader(multicast6, 58, 0x0110)),
      'fe800000000000000000000000000007ff0200000000000000000000000000120000011000' + '00003a',
    );
  });

  it('says both forms when the pseudo-header sums to zero', () => {
    // 0.0.0.0 + 255.255.255.x + 112 + 12: the last group makes the sum 0xffff, which is zero.
    const carrier = { source: ip('0.0.0.0'), destination: ip('255.255.255.131') };
    const bytes = encodeAdvertisement(fields(4, 1, 1, 1, '10.0.0.1'), { ...carrier, checksum: 'message' });
    const decoded = decodeAdvertisement(bytes, { ...carrier, family: 4 });
    assert(decoded.ok);
    assert.deepEqual(decoded.value.checksumForms, ['pseudo_header', 'message']);
  });

  const refused: readonly (readonly [string, string, string])[] = [
    ['an empty message', '', 'length'],
    ['seven octets', '31588c02001998', 'length'],
    ['an address short', '31588c02 0019 e2a4 c6336458', 'length'],
    ['an octet more than the addresses', '31588c02 0019 e2a4 c6336458 c6336459 00', 'length'],
    [
      'the trailer of version 2 behind version 3',
      '31588c02 0019 ed72 c6336458 c6336459 0000000000000000',
      'length',
    ],
    ['version 1', '11588c02 0019 e2a4 c6336458 c6336459', 'version'],
    ['version 4', '41588c02 0019 e2a4 c6336458 c6336459', 'version'],
    ['type 2', '32588c02 0019 e2a4 c6336458 c6336459', 'type'],
    ['a checksum of neither form', '31588c02 0019 0000 c6336458 c6336459', 'checksum'],
  ];
  for (const [name, hex, error] of refused) {
    it(`refuses ${name} as ${error}`, () => {
      assert.deepEqual(decodeAdvertisement(octets(hex), { ...multicast4, family: 4 }), { ok: false, error });
    });
  }

  it('refuses over IPv6 a checksum without pseudo-header', () => {
    const bytes = octets('3163fe01 0fff c181 fe800000000000000000000000000099');
    assert.equal(internetChecksum(bytes), 0, 'right over the message alone');
    assert.deepEqual(decodeAdvertisement(bytes, { ...multicast6, family: 6 }), {
      ok: false,
      error: 'checksum',
    });
  });

  it('ignores the reserved bits', () => {
    const plain = octets('31588c02 0019 ed72 c6336458 c6336459');
    const reserved = octets('31588c02 f019 fd71 c6336458 c6336459');
    const decode = (bytes: Uint8Array) => decodeAdvertisement(bytes, { ...multicast4, family: 4 });
    assert.deepEqual(decode(reserved), decode(plain));
  });

  it('asserts that configuration never asks for what the format cannot say', () => {
    const encode = (wrong: AdvertisementFields) => () =>
      encodeAdvertisement(wrong, { ...multicast4, checksum: 'message' });
    const good = fields(4, 1, 100, 100, '10.0.0.1');
    for (const wrong of [
      { ...good, vrid: 0 as Vrid },
      { ...good, vrid: 256 as Vrid },
      { ...good, priority: 256 as Priority },
      { ...good, priority: -1 as Priority },
      { ...good, maxAdvertiseIntervalCs: 0 },
      { ...good, maxAdvertiseIntervalCs: 4096 },
      { ...good, maxAdvertiseIntervalCs: 1.5 },
      { ...good, addresses: [] },
      { ...good, addresses: new Array<(typeof good.addresses)[0]>(256).fill(ip('10.0.0.1')) },
      { ...good, addresses: [ip('fe80::1')] },
    ]) {
      assert.throws(encode(wrong), assert.AssertionError);
    }
    assert.doesNotThrow(encode(good));
  });

  const address = (family: Family) =>
    fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 }).map(ipFromBytes);
  const message = fc.constantFrom<Family>(4, 6).chain((family) =>
    fc.record({
      fields: fc.record({
        vrid: fc.integer({ min: 1, max: 255 }) as fc.Arbitrary<Vrid>,
        priority: fc.integer({ min: 0, max: 255 }) as fc.Arbitrary<Priority>,
        maxAdvertiseIntervalCs: fc.integer({ min: 1, max: 4095 }),
        addresses: fc.array(address(family), { minLength: 1, maxLength: 255 }),
        family: fc.constant(family),
      }),
      carrier: fc.record({ source: address(family), destination: address(family) }),
      checksum: fc.constantFrom<ChecksumForm>('pseudo_header', 'message'),
    }),
  );

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(message, ({ fields, carrier, checksum }) => {
        const bytes = encodeAdvertisement(fields, { ...carrier, checksum });
        const decoded = decodeAdvertisement(bytes, { ...carrier, family: fields.family });
        assert(decoded.ok);
        const { checksumForms, ...rest } = decoded.value;
        assert.deepEqual(rest, { version: 3, ...fields });
        assert(checksumForms.includes(fields.family === 6 ? 'pseudo_header' : checksum));
      }),
    );
  });

  it('refuses every truncation and never throws on a changed octet', () => {
    for (const row of golden) {
      const bytes = octets(row.hex);
      const carrier = { ...row.carrier, family: row.fields.family };
      for (const cut of cuts(bytes)) {
        assert.deepEqual(decodeAdvertisement(cut, carrier), { ok: false, error: 'length' });
      }
      for (const flip of flips(bytes)) assert.equal(decodeAdvertisement(flip, carrier).ok, false);
    }
  });

  it('never throws on arbitrary octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (tail, six) => {
        const bytes = Uint8Array.from([0x31, ...tail]);
        decodeAdvertisement(bytes, six ? { ...multicast6, family: 6 } : { ...multicast4, family: 4 });
      }),
    );
  });
});
