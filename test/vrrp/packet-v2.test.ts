import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip, ipFromBytes, type Family } from '../../src/base/ip.ts';
import {
  carriesPassword,
  decodeAdvertisement,
  encodeAdvertisement,
  type AdvertisementFields,
  type ChecksumForm,
} from '../../src/vrrp/packet.ts';
import type { Priority, Vrid } from '../../src/vrrp/types.ts';
import { cuts, flips, hexOf, octets } from './octets.ts';

const fields = (family: Family, vrid: number, priority: number, s: number, ...addresses: string[]) =>
  ({
    version: 2,
    vrid: vrid as Vrid,
    priority: priority as Priority,
    maxAdvertiseIntervalCs: s * 100,
    addresses: addresses.map(ip),
    family,
  }) satisfies AdvertisementFields;

const multicast4 = { source: ip('192.0.2.11'), destination: ip('224.0.0.18') };
const unicast4 = { source: ip('192.0.2.11'), destination: ip('192.0.2.12') };
const multicast6 = { source: ip('fe80::ff:fe00:1'), destination: ip('ff02::12') };

const golden: {
  readonly name: string;
  readonly fields: AdvertisementFields;
  readonly carrier: typeof multicast4;
  readonly auth_pass?: string;
  readonly form: ChecksumForm;
  readonly hex: string;
}[] = [
  {
    name: 'without authentication, as keepalived sent it',
    fields: fields(4, 51, 150, 1, '192.0.2.101', '192.0.2.102'),
    carrier: multicast4,
    form: 'message',
    hex: '21339602 0001 c3fc c0000265 c0000266 0000000000000000',
  },
  {
    name: 'without authentication by unicast: no pseudo-header, so the same octets',
    fields: fields(4, 51, 150, 1, '192.0.2.101', '192.0.2.102'),
    carrier: unicast4,
    form: 'message',
    hex: '21339602 0001 c3fc c0000265 c0000266 0000000000000000',
  },
  {
    name: 'a password of eight octets, as keepalived sent it',
    fields: fields(4, 52, 150, 1, '192.0.2.103'),
    carrier: multicast4,
    auth_pass: 'abcdefgh',
    form: 'message',
    hex: '21349601 0101 f3cb c0000267 6162636465666768',
  },
  {
    name: 'a shorter password',
    fields: fields(4, 77, 140, 3, '198.51.100.77'),
    carrier: multicast4,
    auth_pass: 'alpha',
    form: 'message',
    hex: '214d8c01 0103 f457 c633644d 616c706861000000',
  },
  {
    name: 'IPv6, as keepalived sent it',
    fields: fields(6, 57, 150, 1, 'fe80::57', '2001:db8:1::107'),
    carrier: multicast6,
    form: 'pseudo_header',
    hex: '21399602 0001 1dfb fe800000000000000000000000000057 20010db8000100000000000000000107',
  },
];

describe('vrrp/packet version 2', () => {
  for (const row of golden) {
    it(`encodes and decodes ${row.name}`, () => {
      // The form is chosen for version 3: here it must not matter.
      for (const checksum of ['message', 'pseudo_header'] as const) {
        const bytes = encodeAdvertisement(row.fields, { ...row.carrier, checksum, auth_pass: row.auth_pass });
        assert.equal(hexOf(bytes), hexOf(octets(row.hex)));
      }
      const authType = row.auth_pass === undefined ? 0 : 1;
      assert.deepEqual(decodeAdvertisement(octets(row.hex), { ...row.carrier, family: row.fields.family }), {
        ok: true,
        value: { ...row.fields, authType, checksumForms: [row.form] },
      });
    });
  }

  const refused: readonly (readonly [string, string, string])[] = [
    ['seven octets', '21339602 0001 c3', 'length'],
    ['a message without authentication data', '21016403 0001 38fa c0a80001 c0a80002 c0a80003', 'length'],
    ['authentication data cut short', '21339601 0001 c663 c0000265 00000000000000', 'length'],
    ['an octet too many', '21339601 0001 c663 c0000265 000000000000000000', 'length'],
    ['type 2', '22339601 0001 c563 c0000265 0000000000000000', 'type'],
    ['a wrong checksum', '21339601 0001 0000 c0000265 0000000000000000', 'checksum'],
  ];
  for (const [name, hex, error] of refused) {
    it(`refuses ${name} as ${error}`, () => {
      assert.deepEqual(decodeAdvertisement(octets(hex), { ...multicast4, family: 4 }), { ok: false, error });
    });
  }

  it('refuses authentication data over IPv6', () => {
    const bytes = Uint8Array.from([...octets(golden.at(-1)!.hex), ...new Uint8Array(8)]);
    assert.deepEqual(decodeAdvertisement(bytes, { ...multicast6, family: 6 }), {
      ok: false,
      error: 'length',
    });
  });

  it('reads any authentication type, for the ladder to judge', () => {
    for (const type of [2, 3, 255]) {
      const bytes = octets('21339601 0001 c663 c0000265 0000000000000000');
      const sum = 0x21_33 + 0x96_01 + ((type << 8) | 1) + 0xc0_00 + 0x02_65;
      const checksum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
      const changed = bytes
        .with(4, type)
        .with(6, checksum >> 8)
        .with(7, checksum & 0xff);
      const decoded = decodeAdvertisement(changed, { ...multicast4, family: 4 });
      assert(decoded.ok && decoded.value.authType === type);
    }
  });

  it('asserts that configuration never asks for what the format cannot say, and says no password', () => {
    const good = fields(4, 1, 100, 1, '10.0.0.1');
    const encode = (wrong: AdvertisementFields, auth_pass?: string) => () =>
      encodeAdvertisement(wrong, { ...multicast4, checksum: 'message', auth_pass });
    for (const s of [0, 0.5, 1.5, 256])
      assert.throws(encode({ ...good, maxAdvertiseIntervalCs: s * 100 }), assert.AssertionError);
    assert.throws(encode({ ...good, addresses: [] }), assert.AssertionError);
    const six = fields(6, 1, 100, 1, 'fe80::1');
    for (const refused of [
      encode(good, ''),
      encode(good, 'S3cr3t123'),
      encode(good, 'пароли'),
      encode({ ...good, version: 3 }, 'S3cr3t'),
      () => encodeAdvertisement(six, { ...multicast6, checksum: 'message', auth_pass: 'S3cr3t' }),
    ]) {
      assert.throws(
        refused,
        (error) => error instanceof assert.AssertionError && !/S3cr3t|пароли/.test(error.message),
      );
    }
    for (const s of [1, 255]) assert.doesNotThrow(encode({ ...good, maxAdvertiseIntervalCs: s * 100 }));
    assert.doesNotThrow(encode(good, 'S3cr3t12'));
  });

  const address = (family: Family) =>
    fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 }).map(ipFromBytes);
  const password = fc
    .oneof(
      ...(['binary-ascii', 'grapheme'] as const).map((unit) =>
        fc.string({ unit, minLength: 1, maxLength: 8 }),
      ),
    )
    .filter((text) => new TextEncoder().encode(text).length <= 8);
  const message = fc.constantFrom<Family>(4, 6).chain((family) =>
    fc.record({
      fields: fc.record({
        version: fc.constant(2 as const),
        vrid: fc.integer({ min: 1, max: 255 }) as fc.Arbitrary<Vrid>,
        priority: fc.integer({ min: 0, max: 255 }) as fc.Arbitrary<Priority>,
        maxAdvertiseIntervalCs: fc.integer({ min: 1, max: 255 }).map((s) => s * 100),
        addresses: fc.array(address(family), { minLength: 1, maxLength: 255 }),
        family: fc.constant(family),
      }),
      carrier: fc.record({ source: address(family), destination: address(family) }),
      auth_pass: family === 4 ? fc.option(password, { nil: undefined }) : fc.constant(undefined),
    }),
  );

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(message, ({ fields, carrier, auth_pass }) => {
        const bytes = encodeAdvertisement(fields, { ...carrier, checksum: 'message', auth_pass });
        const size = fields.family === 4 ? 4 : 16;
        assert.equal(bytes.length, (fields.family === 4 ? 16 : 8) + size * fields.addresses.length);
        const decoded = decodeAdvertisement(bytes, { ...carrier, family: fields.family });
        assert(decoded.ok);
        const { checksumForms, ...rest } = decoded.value;
        assert.deepEqual(rest, { ...fields, authType: auth_pass === undefined ? 0 : 1 });
        assert.deepEqual(checksumForms, [fields.family === 4 ? 'message' : 'pseudo_header']);
        if (auth_pass !== undefined) assert(carriesPassword(bytes, auth_pass));
      }),
    );
  });

  it('tells passwords apart', () => {
    fc.assert(
      fc.property(password, fc.option(password), (theirs, other) => {
        const ours = other ?? theirs;
        const good = fields(4, 1, 100, 1, '10.0.0.1');
        const bytes = encodeAdvertisement(good, { ...multicast4, checksum: 'message', auth_pass: theirs });
        // Zeros fill a password up, so those at its end are not told.
        const bare = (text: string) => text.replace(/\0+$/, '');
        assert.equal(carriesPassword(bytes, ours), bare(theirs) === bare(ours));
      }),
    );
  });

  it('refuses every truncation and every changed octet', () => {
    for (const row of golden) {
      const bytes = octets(row.hex);
      const carrier = { ...row.carrier, family: row.fields.family };
      for (const cut of cuts(bytes))
        assert.deepEqual(decodeAdvertisement(cut, carrier), { ok: false, error: 'length' });
      for (const flip of flips(bytes)) assert.equal(decodeAdvertisement(flip, carrier).ok, false);
    }
  });

  it('never throws on arbitrary octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (tail, six) => {
        const bytes = Uint8Array.from([0x21, ...tail]);
        decodeAdvertisement(bytes, six ? { ...multicast6, family: 6 } : { ...multicast4, family: 4 });
      }),
    );
  });
});
