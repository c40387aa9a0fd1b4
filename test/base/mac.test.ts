import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import { broadcastMac, macBytes, macFromBytes, multicastMac, virtualMac } from '../../src/base/mac.ts';

describe('a MAC address', () => {
  it('goes to octets and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        assert.deepEqual(macBytes(macFromBytes(bytes)), bytes);
      }),
    );
  });

  it('is lower-case text of two digits an octet', () => {
    assert.equal(macFromBytes(Uint8Array.from([0, 0x0a, 0xff, 1, 2, 0xb0])), '00:0a:ff:01:02:b0');
    assert.deepEqual([...macBytes(broadcastMac)], [255, 255, 255, 255, 255, 255]);
  });

  it('takes the first 6 octets of a longer field, as sockaddr_ll has 8', () => {
    assert.equal(macFromBytes(Uint8Array.from([2, 0, 0, 0, 0, 1, 9, 9])), '02:00:00:00:00:01');
  });

  it('of a virtual router ends in the VRID: RFC 9568 §7.3', () => {
    assert.equal(virtualMac(4, 51), '00:00:5e:00:01:33');
    assert.equal(virtualMac(6, 51), '00:00:5e:00:02:33');
    assert.equal(virtualMac(4, 1), '00:00:5e:00:01:01');
    assert.equal(virtualMac(6, 255), '00:00:5e:00:02:ff');
  });

  it('of an IPv4 group has its low 23 bits: RFC 1112 §6.4', () => {
    assert.equal(multicastMac(ip('224.0.0.18')), '01:00:5e:00:00:12');
    assert.equal(multicastMac(ip('239.255.255.255')), '01:00:5e:7f:ff:ff');
    assert.equal(multicastMac(ip('224.128.0.1')), multicastMac(ip('224.0.0.1')));
  });

  it('of an IPv6 group has its last 4 octets: RFC 2464 §7', () => {
    assert.equal(multicastMac(ip('ff02::12')), '33:33:00:00:00:12');
    assert.equal(multicastMac(ip('ff02::1:ff00:100')), '33:33:ff:00:01:00');
  });
});
