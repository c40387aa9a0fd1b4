import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Ip, ipFromBytes } from '../../src/base/ip.ts';
import {
  endpointsOf,
  isNetwork,
  parseEndpoint,
  parseEndpointRange,
  sizeOf,
} from '../../src/config/endpoint.ts';
import { endpoint } from '../../src/ipvs/types.ts';

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(ipFromBytes);
const port = fc.integer({ min: 1, max: 65_535 });

/** @returns the endpoints as texts; undefined when the text is none */
const range = (text: string): readonly string[] | undefined => {
  const parsed = parseEndpointRange(text);
  return parsed && [...endpointsOf(parsed)].map(endpoint);
};

describe('an endpoint in the file', () => {
  it('is what endpoint() writes, with or without a port', () => {
    fc.assert(
      fc.property(address, port, (ip: Ip, number) => {
        assert.deepEqual(parseEndpoint(endpoint({ address: ip, port: number })), {
          address: ip,
          port: number,
        });
        assert.deepEqual(parseEndpoint(ip), { address: ip, port: 0 });
      }),
    );
  });

  it('is nothing else', () => {
    const wrong = [
      '',
      ':80',
      '10.1.0.1:',
      '10.1.0.1:0',
      '10.1.0.1:080',
      '10.1.0.1:65536',
      '10.1.0:80',
      '10.1.0.1 80',
    ];
    const brackets = [
      '[fd00::1',
      '[fd00::1]80',
      '[fd00::1]:',
      '[10.1.0.1]:80',
      'fd00::1]:80',
      '[]:80',
      '[fd00::1]:80:81',
    ];
    for (const text of [...wrong, ...brackets, '10.1.0.1:8a', '10.1.0.1:-1', '10.01.0.1:80', 'fd00::1%eth0'])
      assert.equal(parseEndpoint(text), undefined, text);
  });
});

describe('a range of endpoints in the file', () => {
  it('counts by the last part, by a whole address, by a prefix and by ports', () => {
    assert.deepEqual(range('10.1.0.254-255:80'), ['10.1.0.254:80', '10.1.0.255:80']);
    assert.deepEqual(range('10.1.0.255-10.1.1.1:80'), ['10.1.0.255:80', '10.1.1.0:80', '10.1.1.1:80']);
    assert.deepEqual(range('10.1.0.6/31:80-81'), [
      '10.1.0.6:80',
      '10.1.0.6:81',
      '10.1.0.7:80',
      '10.1.0.7:81',
    ]);
    assert.deepEqual(range('[fd00::e-10]:80'), ['[fd00::e]:80', '[fd00::f]:80', '[fd00::10]:80']);
    assert.deepEqual(range('fd00::fffe/127'), ['[fd00::fffe]:0', '[fd00::ffff]:0']);
    assert.deepEqual(range('10.1.0.1'), ['10.1.0.1:0']);
    const all = parseEndpointRange('[::/0]:1-65535');
    assert.equal(all && sizeOf(all), (1n << 128n) * 65_535n);
  });

  it('is not one that ends before it begins, joins families or could be meant otherwise', () => {
    const wrong = ['10.1.0.5-4:80', '10.1.0.5-256:80', '10.1.0.5-:80', '10.1.0.1-2-3:80', '10.1.0.1-fd00::1'];
    for (const text of [
      ...wrong,
      '10.1.0.1/24:80',
      '10.1.0.0/33:80',
      '10.1.0.1:81-80',
      '10.1.0.1:80-',
      '10.1.0.1:80-81-82',
    ])
      assert.equal(parseEndpointRange(text), undefined, text);
  });

  it('has as many as it says, one after the other', () => {
    fc.assert(
      fc.property(address, fc.nat(40), fc.nat(3), (ip, count, ports) => {
        const last = ip.includes(':') ? (/[0-9a-f]{1,3}$/.exec(ip)?.[0] ?? '') : (/\d+$/.exec(ip)?.[0] ?? '');
        const base = ip.includes(':') ? 16 : 10;
        const to = parseInt(last, base) + count;
        if (last === '' || to > (base === 16 ? 0xffff : 255)) return;
        const host = `${ip}-${to.toString(base)}`;
        const text = `${base === 16 ? `[${host}]` : host}:80-${80 + ports}`;
        const parsed = parseEndpointRange(text);
        // The last group of an IPv6 address may have four digits, of which only some were taken here.
        if (base === 16 && /[0-9a-f]{4}$/.test(ip)) return;
        assert.ok(parsed, text);
        const all = [...endpointsOf(parsed)];
        assert.equal(all.length, (count + 1) * (ports + 1));
        assert.equal(sizeOf(parsed), BigInt(all.length));
        assert.equal(new Set(all.map(endpoint)).size, all.length);
      }),
    );
  });
});

describe('a network in the file', () => {
  it('has a length, and no bits behind it', () => {
    for (const text of ['10.2.0.0/24', '0.0.0.0/0', '10.2.0.1/32', 'fd00:2::/64'])
      assert.ok(isNetwork(text), text);
    for (const text of ['10.2.0.0', '10.2.0.1/24', '10.2.0.0/33', 'fd00:2::1/64', '/24', ''])
      assert.ok(!isNetwork(text), text);
  });
});
