import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { macFromBytes } from '../../src/base/mac.ts';
import { packetInfo, readControl, readReception, writeControl } from '../../src/kernel/control-message.ts';
import { errnoText } from '../../src/kernel/errno.ts';
import * as so from '../../src/kernel/sockaddr.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const i32 = fc.nat(0x7fffffff);

describe('socket addresses as bytes', () => {
  it('has the layout of the kernel headers', () => {
    assert.equal(hex(so.inetAddress(ip('192.0.2.1'), 8080)), '02001f90c00002010000000000000000');
    assert.equal(
      hex(so.inetAddress(ip('fe80::1'), 80, 7)),
      '0a00005000000000fe80000000000000000000000000000107000000',
    );
    const mac = '00:00:5e:00:01:33' as Mac;
    assert.equal(
      hex(so.packetAddress(3, so.ETH_P_ARP, mac)),
      '110008060300000000000006' + '00005e000133' + '0000',
    );
    assert.equal(hex(so.netlinkAddress(0x01020304, 0x11)), '100000000403020111000000');
    assert.equal(hex(so.unixAddress('/a')), '01002f6100');
    assert.equal(hex(so.unixAddress('@a')), '01000061');
    assert.equal(hex(so.membership(ip('224.0.0.18'), 2)), 'e00000120000000002000000');
    assert.equal(hex(so.membership(ip('ff02::12'), 2)), 'ff02' + '00'.repeat(13) + '1202000000');
    assert.equal(
      hex(so.packetMembership(2, so.PACKET_MR_MULTICAST, mac)),
      '020000000000060000005e0001330000',
    );
    assert.equal(so.networkOrder(so.ETH_P_ARP), 0x0608);
    assert.throws(() => so.unixAddress('/'.repeat(108)), RangeError);
  });

  it('reads what it writes', () => {
    const address = fc.oneof(octets(4), octets(16)).map(ipFromBytes);
    fc.assert(
      fc.property(address, u16, u32, (host, port, index) => {
        const scope = host.includes(':') ? index : 0;
        assert.deepEqual(so.readAddress(so.inetAddress(host, port, scope)), {
          kind: 'inet',
          address: host,
          port,
          scope,
        });
      }),
    );
    fc.assert(
      fc.property(i32, u16, octets(6), (ifindex, protocol, bytes) => {
        const mac = macFromBytes(bytes);
        const read = so.readAddress(so.packetAddress(ifindex, protocol, mac));
        assert.deepEqual(read, { kind: 'packet', ifindex, protocol, type: 0, address: mac });
      }),
    );
    fc.assert(
      fc.property(u32, u32, (port, groups) => {
        assert.deepEqual(so.readAddress(so.netlinkAddress(port, groups)), { kind: 'netlink', port, groups });
      }),
    );
    for (const path of ['/run/a.sock', '@abstract', '@with\0nul'])
      assert.deepEqual(so.readAddress(so.unixAddress(path)), { kind: 'unix', path });
  });

  it('reads any bytes without an exception', () => {
    const family = fc.constantFrom(0, so.AF_UNIX, so.AF_INET, so.AF_INET6, so.AF_PACKET, so.AF_NETLINK, 99);
    fc.assert(
      fc.property(family, fc.uint8Array({ maxLength: 128 }), (first, rest) => {
        const bytes = Uint8Array.of(first, 0, ...rest);
        const read = so.readAddress(bytes);
        assert.ok(read === undefined || [1, 2, 10, 16, 17].includes(first));
      }),
    );
    assert.equal(so.readAddress(new Uint8Array()), undefined);
  });
});

describe('control messages', () => {
  it('reads what it writes, whatever the lengths', () => {
    const one = fc.record(
      { level: i32, type: i32, data: fc.uint8Array({ maxLength: 40 }) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(one, { maxLength: 6 }), (messages) => {
        const bytes = writeControl(messages);
        assert.equal(bytes.length % 8, 0);
        assert.deepEqual(readControl(bytes), messages);
      }),
    );
  });

  it('leaves out what is cut short, and never reads past the end', () => {
    const bytes = writeControl([
      { level: 0, type: 2, data: Uint8Array.of(255, 0, 0, 0) },
      { level: 0, type: 8, data: new Uint8Array(12) },
    ]);
    assert.equal(readControl(bytes.subarray(0, bytes.length - 8)).length, 1);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (any) => {
        assert.ok(readControl(any).every(({ data }) => data.length <= any.length - 16));
        readReception(any);
      }),
    );
  });

  it('reads hop limit, destination and interface of both families; other levels mean nothing', () => {
    const to4 = { ...packetInfo(ip('0.0.0.0'), 5), data: Buffer.from('05000000c0000201e0000012', 'hex') };
    const ttl = { level: so.IPPROTO_IP, type: so.IP_TTL, data: Uint8Array.of(254, 0, 0, 0) };
    assert.deepEqual(readReception(writeControl([ttl, to4])), {
      ttl: 254,
      destination: '224.0.0.18',
      ifindex: 5,
    });
    const hops = { level: so.IPPROTO_IPV6, type: so.IPV6_HOPLIMIT, data: Uint8Array.of(255, 0, 0, 0) };
    const six = readReception(writeControl([packetInfo(ip('ff02::12'), 6), hops]));
    assert.deepEqual(six, { ttl: 255, destination: 'ff02::12', ifindex: 6 });
    assert.deepEqual(readReception(writeControl([{ ...ttl, level: so.SOL_SOCKET }])), {});
  });

  it('asks for a source and an interface when sending', () => {
    const { level, type, data } = packetInfo(ip('192.0.2.1'), 3);
    assert.deepEqual([level, type, hex(data)], [so.IPPROTO_IP, so.IP_PKTINFO, '03000000c000020100000000']);
  });
});

describe('errno names', () => {
  it('knows those that sockets and netlink answer with, by the name kernel code uses', () => {
    const texts = [1, 11, 17, 95, 100, 105, 110, 112, 115, 125].map(errnoText);
    assert.equal(
      texts.join(' '),
      'EPERM (1) EAGAIN (11) EEXIST (17) EOPNOTSUPP (95) ENETDOWN (100) ENOBUFS (105) ETIMEDOUT (110) ' +
        'EHOSTDOWN (112) EINPROGRESS (115) ECANCELED (125)',
    );
    assert.equal(errnoText(-100), 'ENETDOWN (100)');
    assert.equal(errnoText(4095), 'errno 4095');
  });
});
