import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import {
  addAddress,
  decodeAddress,
  deleteAddress,
  dumpAddresses,
  encodeAddress,
  replaceAddress,
} from '../../src/netlink/address.ts';
import { decodeFamily, getFamily } from '../../src/netlink/generic.ts';
import {
  decodeLink,
  dumpLinks,
  encodeLink,
  getLink,
  isOperational,
  setLinkState,
} from '../../src/netlink/link.ts';
import type { Request } from '../../src/netlink/message.ts';
import { decodeNeighbour, dumpNeighbours, encodeNeighbour } from '../../src/netlink/neighbour.ts';
import { decodeRouteEvent } from '../../src/netlink/route-event.ts';
import { decodeRoute, dumpRoutes, encodeRoute } from '../../src/netlink/route.ts';
import { decodeRule, dumpRules, encodeRule } from '../../src/netlink/rule.ts';
import * as arbitrary from './arbitraries.ts';

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Payloads that `ip` (iproute2 6.1) sent, and that a 6.18 kernel reported. */
const captured: readonly (readonly [string, (payload: Uint8Array) => unknown, string, unknown])[] = [
  [
    'ip -6 address add 2001:db8::7/128 dev va nodad',
    (payload) => decodeAddress({ payload }),
    '0a800200 03000000 14000200 20010db8000000000000000000000007 14000100 20010db8000000000000000000000007',
    { index: 3, local: '2001:db8::7', prefixLength: 128, flags: 2, scope: 0 },
  ],
  [
    'ip route add 198.51.100.0/24 via inet6 fe80::1 dev va table 1000 proto 77 metric 5',
    (payload) => decodeRoute({ payload }),
    '02180000004d0001 00000000 08000100c6336400 16001200 0a00fe80000000000000000000000000 0001 0000' +
      '08000f00e8030000 0800060005000000 0800040003000000',
    {
      destination: { address: '198.51.100.0', length: 24 },
      tos: 0,
      table: 1000,
      protocol: 77,
      scope: 0,
      type: 1,
      flags: 0,
      gateway: 'fe80::1',
      outputIndex: 3,
      priority: 5,
    },
  ],
  [
    'a rule as the kernel reports it',
    (payload) => decodeRule({ payload }),
    '02001800fc000001 00000000 08000f00e8030000 08000e00ffffffff 050015004d000000 0700030076610000' +
      '0800060064000000 08000a0001000000 08001000ff000000 08000200c0000200',
    {
      family: 4,
      source: { address: '192.0.2.0', length: 24 },
      tos: 0,
      table: 1000,
      action: 1,
      flags: 0,
      inputName: 'va',
      priority: 100,
      mark: 1,
      mask: 255,
      protocol: 77,
    },
  ],
  [
    'a neighbour as the kernel reports it',
    (payload) => decodeNeighbour({ payload }),
    '02000000 03000000 8000 00 01 08000100c0000209 0a0002000200000000090000 0800040000000000' +
      '140003000c0000000c0000000c00000000000000',
    { index: 3, address: '192.0.2.9', mac: '02:00:00:00:00:09', state: 0x80, flags: 0, type: 1 },
  ],
  [
    'a veth as the kernel reports it (some attributes left out)',
    (payload) => decodeLink({ payload }),
    '00000100 02000000 43100100 00000000 0700030076620000 08000d00e8030000 0500100006000000' +
      '08000400dc050000' +
      '0500210001000000 0800230002000000 0a00010002000000000b0000 0a000200ffffffffffff0000' +
      '10001200 0900010076657468 00000000 0800050003000000',
    {
      index: 2,
      name: 'vb',
      deviceType: 1,
      flags: 0x11043,
      mac: '02:00:00:00:00:0b',
      broadcast: 'ff:ff:ff:ff:ff:ff',
      mtu: 1500,
      parent: 3,
      operState: 6,
      carrier: true,
      carrierChanges: 2,
      kind: 'veth',
    },
  ],
  [
    'the generic netlink controller describing itself',
    (payload) => decodeFamily({ payload }),
    '01020000 0b0002006e6c6374726c0000 0600010010000000 0800030002000000 0800040000000000 0800050000000000' +
      '2c000600 14000100 0800010003000000 080002000e000000 14000200 080001000a000000 080002000c000000' +
      '1c000700 18000100 0800020010000000 0b0001006e6f746966790000',
    { id: 16, name: 'nlctrl', version: 2, maxAttribute: 0, multicastGroups: new Map([['notify', 16]]) },
  ],
];

describe('rtnetlink codecs', () => {
  for (const [name, decode, hex, value] of captured)
    it(`reads ${name}`, () => assert.deepEqual(decode(fromHex(hex)), { ok: true, value }));

  const vip = { index: 3, local: ip('192.0.2.7'), prefixLength: 32, flags: 0, scope: 0 };
  const requests: readonly (readonly [Request, number, number, string])[] = [
    [dumpLinks(), 18, 0x300, '00000000 00000000 00000000 00000000'],
    [getLink('va'), 18, 0, '00000000 00000000 00000000 00000000 0700030076610000'],
    [setLinkState(3, 'down'), 16, 0, '00000000 03000000 00000000 01000000'],
    [setLinkState(3, 'up'), 16, 0, '00000000 03000000 01000000 01000000'],
    [dumpAddresses(4), 22, 0x300, '02000000 00000000'],
    [dumpAddresses(undefined, 3), 22, 0x300, '00000000 03000000'],
    [dumpRoutes(6, 1000), 26, 0x300, '0a00000000000000 00000000 08000f00e8030000'],
    [dumpRules(), 34, 0x300, '0000000000000000 00000000'],
    [dumpNeighbours(4, 3), 30, 0x300, '02000000 00000000 00000000 0800080003000000'],
    [
      { ...deleteAddress(vip) },
      21,
      0,
      '02200000 03000000 08000200c0000207 08000100c0000207 0800080000000000', // as `ip`, with FLAGS
    ],
    [getFamily('IPVS'), 16, 0, '03020000 09000200 4950565300000000'],
  ];
  for (const [request, type, flags, hex] of requests)
    it(`writes "${request.operation}" ${request.payload.length}`, () => {
      assert.deepEqual([request.type, request.flags], [type, flags]);
      assert.equal(toHex(request.payload), hex.replaceAll(' ', ''));
    });

  it('writes an address with all that a VIP carries', () => {
    const request = addAddress({
      ...vip,
      flags: 0x200,
      scope: 200,
      label: 'va:v',
      broadcast: ip('192.0.2.255'),
      lifetimes: { preferred: Infinity, valid: 2 },
      protocol: 77,
    });
    assert.equal(
      toHex(request.payload),
      (
        '022000c8 03000000 08000200c0000207 08000100c0000207 0800080000020000 08000400c00002ff' +
        '0900030076613a7600000000 14000600 ffffffff 02000000 00000000 00000000 05000b004d000000'
      ).replaceAll(' ', ''),
    );
    assert.equal(request.operation, 'add address 192.0.2.7/32 on interface 3');
    assert.equal(request.flags, 0x600);
    assert.equal(replaceAddress(vip).flags, 0x500);
  });

  it('reads back every value it writes', () => {
    const check = <T>(
      values: fc.Arbitrary<T>,
      encode: (value: T) => Uint8Array,
      decode: (m: Payload) => unknown,
    ) =>
      fc.assert(
        fc.property(values, (value) => {
          assert.deepEqual(decode({ payload: encode(value) }), { ok: true, value });
        }),
      );
    check(arbitrary.address, encodeAddress, decodeAddress);
    check(arbitrary.link, encodeLink, decodeLink);
    check(arbitrary.route, encodeRoute, decodeRoute);
    check(arbitrary.rule, encodeRule, decodeRule);
    check(arbitrary.neighbour, encodeNeighbour, decodeNeighbour);
  });

  it('never throws on damaged or arbitrary payloads of any type', () => {
    const payload = fc.oneof(
      arbitrary.damaged(arbitrary.address.map(encodeAddress)),
      arbitrary.damaged(arbitrary.link.map(encodeLink)),
      arbitrary.damaged(arbitrary.route.map(encodeRoute)),
      arbitrary.damaged(arbitrary.rule.map(encodeRule)),
      arbitrary.damaged(arbitrary.neighbour.map(encodeNeighbour)),
      fc.uint8Array({ maxLength: 120 }),
    );
    const type = fc.constantFrom(16, 17, 20, 21, 24, 25, 28, 29, 32, 33);
    fc.assert(
      fc.property(payload, type, (bytes, number) => {
        decodeRouteEvent({ type: number, flags: 0, seq: 0, portId: 0, payload: bytes });
        decodeFamily({ payload: bytes });
      }),
      { numRuns: 1_000 },
    );
  });

  it('tells arrivals from departures, and passes over other messages', () => {
    const payload = encodeAddress(vip);
    const message = { flags: 0, seq: 0, portId: 0, payload };
    const gone = (type: number): unknown => {
      const event = decodeRouteEvent({ ...message, type });
      return event?.ok === true ? event.value.gone : event;
    };
    assert.equal(gone(20), false);
    assert.equal(gone(21), true);
    assert.equal(gone(80), undefined);
  });

  const reasons: readonly (readonly [string, unknown, string])[] = [
    ['a bridge port as a link', decodeLink({ payload: fromHex('07'.padEnd(32, '0')) }), 'family'],
    ['a multicast route', decodeRoute({ payload: fromHex('80'.padEnd(24, '0')) }), 'family'],
    ['an address with none', decodeAddress({ payload: fromHex('0220000003000000') }), 'family'],
    ['half a header', decodeRule({ payload: fromHex('0200') }), 'fixed-header'],
    [
      'a wide MTU',
      decodeLink({ payload: fromHex('0'.repeat(32) + '0c00040000000000' + '00000000') }),
      'attribute-width',
    ],
  ];
  for (const [name, decoded, reason] of reasons)
    it(`refuses ${name}`, () =>
      assert.equal((decoded as { error?: { reason: string } }).error?.reason, reason));

  const states: readonly (readonly [string, number, number | undefined, boolean])[] = [
    ['up', 0x11043, 6, true],
    ['a driver without operstate that is running', 0x41, 0, true],
    ['a driver without operstate that is not running', 0x01, 0, false],
    ['no operstate at all', 0x41, undefined, true],
    ['dormant: 802.1X or LACP waits', 0x41, 5, false],
    ['lower layer down', 0x1003, 3, false],
    ['administratively down', 0x40, 6, false],
  ];
  for (const [name, flags, operState, expected] of states)
    it(`judges readiness: ${name}`, () =>
      assert.equal(isOperational({ flags, ...(operState !== undefined && { operState }) }), expected));
});

interface Payload {
  readonly payload: Uint8Array;
}
