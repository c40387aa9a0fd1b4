import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { AttributeReader, AttributeWriter } from '../../src/netlink/attribute.ts';

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('netlink attributes', () => {
  const rows: readonly (readonly [string, (writer: AttributeWriter) => void, string])[] = [
    ['u8 with padding', (w) => w.u8(1, 0xab), '0500 0100 ab000000'],
    ['u16', (w) => w.u16(2, 0x1234), '0600 0200 34120000'],
    ['u32', (w) => w.u32(3, 0xdeadbeef), '0800 0300 efbeadde'],
    ['i32', (w) => w.i32(3, -1), '0800 0300 ffffffff'],
    ['u64', (w) => w.u64(4, 0x0102030405060708n), '0c00 0400 0807060504030201'],
    ['be16', (w) => w.be16(5, 0x1234), '0600 0500 12340000'],
    ['be32', (w) => w.be32(5, 0x12345678), '0800 0500 12345678'],
    ['be64', (w) => w.be64(6, 600n), '0c00 0600 0000000000000258'],
    ['string with its NUL', (w) => w.string(3, 'va'), '0700 0300 76610000'],
    ['IPv4', (w) => w.ip(1, ip('192.0.2.7')), '0800 0100 c0000207'],
    ['MAC with padding', (w) => w.mac(2, '02:00:00:00:00:09' as Mac), '0a00 0200 0200000000090000'],
    ['empty nest', (w) => w.nested(7, () => undefined), '0400 0780'],
    ['nest', (w) => w.nested(1, (nest) => nest.u8(2, 3)), '0c00 0180 0500 0200 03000000'],
  ];
  for (const [name, write, hex] of rows)
    it(`writes ${name}`, () => {
      const writer = new AttributeWriter();
      write(writer);
      assert.equal(toHex(writer.bytes()), hex.replaceAll(' ', ''));
      assert.equal(writer.length, writer.bytes().length);
    });

  it('puts the fixed header first', () => {
    assert.equal(
      toHex(new AttributeWriter(fromHex('02000000')).u8(1, 1).bytes()),
      '020000000500010001000000',
    );
  });

  it('grows past its first buffer for every width', () => {
    const writer = new AttributeWriter();
    for (let n = 0; n < 100; n++)
      writer.u8(1, n).u16(2, n).u32(3, n).u64(4, BigInt(n)).string(5, 'x'.repeat(n));
    const reader = new AttributeReader(writer.bytes());
    for (let n = 0; n < 100; n++) {
      assert(reader.next() && reader.u8() === n);
      assert(reader.next() && reader.u16() === n);
      assert(reader.next() && reader.u32() === n);
      assert(reader.next() && reader.u64() === BigInt(n));
      assert(reader.next() && reader.string().length === n);
    }
    assert.equal(reader.next(), false);
    assert.equal(reader.fault, undefined);
  });

  it('refuses values out of range as bugs of ours', () => {
    assert.throws(() => new AttributeWriter().u8(1, 256), /u8 256/);
    assert.throws(() => new AttributeWriter().u16(1, -1), /u16 -1/);
    assert.throws(() => new AttributeWriter().u32(1, 2 ** 32), /u32 4294967296/);
    assert.throws(() => new AttributeWriter().string(1, 'a\0b'), /no NUL/);
    assert.throws(() => new AttributeWriter().raw(1, new Uint8Array(65_533)), /its length is a u16/);
    assert.throws(
      () => new AttributeWriter().nested(1, (nest) => nest.raw(1, new Uint8Array(65_530))),
      /its length is a u16/,
    );
  });

  it('masks the two flag bits off the type', () => {
    const reader = new AttributeReader(fromHex('0400 05c0'));
    assert(reader.next());
    assert.equal(reader.type, 5);
  });

  it('keeps the first fault and reads nothing after it', () => {
    const reader = new AttributeReader(fromHex('0700 0500 aabbcc00 0800 0600 01000000'));
    assert(reader.next());
    assert.equal(reader.u16(), 0);
    assert.deepEqual(reader.fault, {
      reason: 'attribute-width',
      text: 'attribute 5 is not a u16: 3 octets',
    });
    assert.equal(reader.next(), false);
    assert.equal(reader.u32(), 0);
    assert.equal(reader.string(), '');
    assert.equal(reader.fault?.text, 'attribute 5 is not a u16: 3 octets');
  });

  const faults: readonly (readonly [string, string, string])[] = [
    ['a header cut short', '0400', '2 octets left where an attribute header has 4'],
    ['a length below the header', '0300 0100', 'attribute 1 has length 3 of 4 octets left'],
    ['a length beyond the end', '0900 0100 00000000', 'attribute 1 has length 9 of 8 octets left'],
  ];
  for (const [name, hex, text] of faults)
    it(`reports ${name}`, () => {
      const reader = new AttributeReader(fromHex(hex));
      assert.equal(reader.next(), false);
      assert.deepEqual(reader.fault, { reason: 'attribute-length', text });
    });

  it('carries a fault out of a nest, and stops at a bounded depth', () => {
    const deep = new AttributeWriter();
    const nest = (writer: AttributeWriter, depth: number): void => {
      if (depth > 0) writer.nested(1, (inside) => nest(inside, depth - 1));
    };
    nest(deep, 20);
    let reached = 0;
    const walk = (reader: AttributeReader): void => {
      reached++;
      while (reader.next()) reader.nested(walk);
    };
    const reader = new AttributeReader(deep.bytes());
    walk(reader);
    assert.equal(reader.fault?.reason, 'attribute-depth');
    assert.equal(reached, 10);
  });

  it('never throws on any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const walk = (reader: AttributeReader): void => {
          while (reader.next()) {
            reader.raw();
            reader.string();
            reader.mac();
            if (reader.type % 3 === 0) reader.nested(walk);
            else if (reader.type % 3 === 1) reader.ip();
            else reader.be64();
          }
        };
        walk(new AttributeReader(bytes));
      }),
    );
  });
});
