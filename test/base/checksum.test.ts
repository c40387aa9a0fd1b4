import assert from 'node:assert/strict';
import fc from 'fast-check';
import { internetChecksum, onesComplementSum } from '../../src/base/checksum.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
/** The definition, slow and exact: words summed in unlimited width, carries folded at the end. */
function byDefinition(data: Uint8Array): number {
  const even = data.length % 2 === 0 ? data : Uint8Array.from([...data, 0]);
  let sum = 0n;
  for (let at = 0; at < even.length; at += 2) sum += BigInt(Buffer.from(even).readUInt16BE(at));
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n);
  return Number(sum);
}

describe('the internet checksum', () => {
  it('is the example of RFC 1071 §3', () => {
    assert.equal(onesComplementSum(bytes('0001 f203 f4f5 f6f7')), 0xddf2);
    assert.equal(internetChecksum(bytes('0001 f203 f4f5 f6f7')), 0x220d);
  });

  it('is the one of a known IPv4 header', () => {
    const header = bytes('4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7');
    assert.equal(internetChecksum(header), 0xb861);
  });

  it('pads an odd octet on the right', () => {
    assert.equal(onesComplementSum(bytes('ab')), 0xab00);
    assert.equal(onesComplementSum(bytes('0001 02')), 0x0201);
  });

  it('of nothing is all ones', () => {
    assert.equal(onesComplementSum(), 0);
    assert.equal(internetChecksum(), 0xffff);
    assert.equal(internetChecksum(new Uint8Array(8)), 0xffff);
  });

  it('folds every carry, that of the fold too', () => {
    assert.equal(onesComplementSum(bytes('ffff 0001')), 1);
    assert.equal(onesComplementSum(bytes('ffff ffff')), 0xffff);
    assert.equal(onesComplementSum(new Uint8Array(65_536).fill(0xff)), 0xffff);
  });

  it('is what the definition says', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        assert.equal(onesComplementSum(data), byDefinition(data));
      }),
    );
  });

  it('does not depend on where chunks of even length part', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(100), (data, half) => {
        const cut = Math.min(half * 2, data.length - (data.length % 2));
        assert.equal(onesComplementSum(data.subarray(0, cut), data.subarray(cut)), onesComplementSum(data));
      }),
    );
  });

  it('put into its place makes the whole come to 0, and any other value does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 60 }),
        fc.integer({ min: 1, max: 0xfffe }),
        (data, difference) => {
          data[6] = data[7] = 0;
          const checksum = internetChecksum(data);
          Buffer.from(data.buffer).writeUInt16BE(checksum, 6);
          assert.equal(internetChecksum(data), 0);
          Buffer.from(data.buffer).writeUInt16BE((checksum + difference) & 0xffff, 6);
          const other = internetChecksum(data);
          // 0x0000 and 0xffff are the same number to this sum.
          if ([checksum, (checksum + difference) & 0xffff].every((value) => value !== 0 && value !== 0xffff))
            assert.notEqual(other, 0);
        },
      ),
    );
  });
});
