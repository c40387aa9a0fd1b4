import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import { decodeAdvertisement } from '../../src/vrrp/packet.ts';
import {
  discardCounters,
  discardReasons,
  receive,
  remarks,
  splitIp4,
  type DiscardReason,
  type ReceivedPacket,
  type Remark,
} from '../../src/vrrp/receive.ts';
import type { Priority } from '../../src/vrrp/types.ts';
import { cuts, flips, octets } from './octets.ts';
import {
  config,
  config6,
  hear,
  ownAddresses,
  pass,
  reasonOf,
  sent,
  unicast,
  withData,
  type Config,
} from './receive-cases.ts';

/** Messages that the encoder refuses to write; each has a right checksum over the message. */
const intervalZero = octets('31339601 0000 2e66 0a010064');
const countZero = octets('31339600 0064 3868');
const intervalAndCountZero = octets('31339600 0000 38cc');
const strict6 = { ...config6, first_linklocal: 'reject' as const };
const version2 = { ...config, version: 2 as const };
const checksSource = { ...config, unicast: unicast({ check_source: true }) };
const toUs = { destination: ip('10.1.0.11') };
const stranger = { ...toUs, source: ip('10.9.0.9') };
/** Auth type 2, AH, with a right checksum. */
const inAh = octets('21339601 0201 3c65 0a010064 0000000000000000');

interface Rung {
  readonly reason: DiscardReason;
  readonly name: string;
  readonly packet: ReceivedPacket;
  readonly own?: Config;
}

/** At least one row for each reason of the ladder but ip-header, in its order. */
const ladder: readonly Rung[] = [
  { reason: 'length', name: 'four octets', packet: withData(sent(4), octets('31339601')) },
  { reason: 'version', name: 'version 1', packet: withData(sent(4), octets('11339601 0064 0000 0a010064')) },
  { reason: 'version', name: 'version 2 at an instance of version 3', packet: sent(4, { version: 2 }) },
  { reason: 'version', name: 'version 3 at an instance of version 2', packet: sent(4), own: version2 },
  { reason: 'type', name: 'type 3', packet: withData(sent(4), octets('33339601 0064 0000 0a010064')) },
  {
    reason: 'length',
    name: 'a missing address',
    packet: withData(sent(4), octets('31339602 0064 0000 0a010064')),
  },
  {
    reason: 'checksum',
    name: 'a wrong checksum',
    packet: withData(sent(4), octets('31339601 0064 0000 0a010064')),
  },
  { reason: 'vrid', name: "another network's VRID", packet: sent(4, { vrid: 52 }) },
  { reason: 'own-source', name: 'our own IPv4 address', packet: sent(4, { source: ip('10.1.0.11') }) },
  { reason: 'own-source', name: 'our own IPv6 address', packet: sent(6, { source: ip('fe80::11') }) },
  { reason: 'destination', name: 'unicast where we use the group', packet: sent(4, toUs) },
  { reason: 'destination', name: 'the group where we use unicast', packet: sent(4), own: checksSource },
  { reason: 'unicast-source', name: 'a stranger', packet: sent(4, stranger), own: checksSource },
  { reason: 'ttl', name: 'TTL 254', packet: sent(4, { ttl: 254 }) },
  { reason: 'ttl', name: 'hop limit 1', packet: sent(6, { ttl: 1 }) },
  { reason: 'ttl', name: 'a TTL nobody told', packet: sent(4, { ttl: undefined }) },
  { reason: 'auth-ah', name: 'what AH protects', packet: withData(sent(4), inAh), own: version2 },
  {
    reason: 'auth-type',
    name: 'a password nobody asked for',
    packet: sent(4, { version: 2, auth_pass: 'secret12' }),
    own: version2,
  },
  {
    reason: 'auth-failure',
    name: 'another password',
    packet: sent(4, { version: 2, auth_pass: 'secret13' }),
    own: { ...version2, authentication: pass('secret12') },
  },
  { reason: 'interval', name: 'interval 0', packet: withData(sent(4), intervalZero) },
  {
    reason: 'interval',
    name: 'another interval in version 2',
    packet: sent(4, { version: 2, interval: 200 }),
    own: version2,
  },
  { reason: 'count-zero', name: 'no address', packet: withData(sent(4), countZero) },
  {
    reason: 'address-list',
    name: 'other addresses in version 2',
    packet: sent(4, { version: 2, addresses: ['10.1.0.100'] }),
    own: version2,
  },
  {
    reason: 'first-not-link-local',
    name: 'a global first address where that is refused',
    packet: sent(6, { addresses: ['fd00:1::100', 'fe80::100'] }),
  },
];

describe('vrrp/receive', () => {
  for (const { reason, name, packet, own = config } of ladder) {
    it(`discards ${name} as ${reason}`, () => {
      const result = hear(packet, own, strict6);
      assert(result.verdict === 'discard');
      assert.equal(result.reason, reason);
      const [first = 0, vrid] = packet.data;
      const listener = { config: packet.family === 4 ? own : strict6, ownAddresses };
      const decoded = decodeAdvertisement(packet.data, packet);
      const advertisement = decoded.ok ? decoded.value : undefined;
      const claim = { listener, reason, vrid, version: first >> 4, source: packet.source, advertisement };
      assert.deepEqual(result.foreign, vrid === 51 ? claim : undefined);
    });
  }

  it('has a row for every reason', () => {
    const rows = new Set<string>(['ip-header', ...ladder.map(({ reason }) => reason)]);
    assert.deepEqual([...rows], [...discardReasons]);
  });

  /** Two faults at once: the earlier rung is the reason. */
  const wrongSum = octets('31349600 0000 0000');
  const twoFaults: readonly (readonly [DiscardReason, DiscardReason, ReceivedPacket, Config?])[] = [
    ['length', 'version', withData(sent(4), octets('51000000'))],
    ['version', 'type', withData(sent(4), octets('12339601 0064 0000 0a010064'))],
    ['type', 'length', withData(sent(4), octets('32339602 0064 0000 0a010064'))],
    ['length', 'checksum', withData(sent(4), octets('31339602 0064 0000 0a010064'))],
    ['length', 'ttl', withData(sent(4, { ttl: 64 }), octets('31'))],
    ['checksum', 'vrid', withData(sent(4), wrongSum)],
    ['vrid', 'own-source', sent(4, { vrid: 52, source: ip('10.1.0.11') })],
    ['vrid', 'ttl', sent(4, { vrid: 52, ttl: 64 })],
    ['own-source', 'destination', sent(4, { source: ip('10.1.0.11'), destination: ip('10.1.0.11') })],
    ['destination', 'unicast-source', sent(4, { source: ip('10.9.0.9') }), checksSource],
    ['destination', 'ttl', sent(4, { ...toUs, ttl: 64 })],
    ['ttl', 'version', sent(4, { ttl: 64, version: 2 })],
    ['version', 'auth-type', sent(4, { version: 2, auth_pass: 'x' })],
    ['auth-ah', 'address-list', withData(sent(4), inAh), version2],
    ['auth-type', 'interval', sent(4, { version: 2, auth_pass: 'x', interval: 200 }), version2],
    ['own-source', 'interval', withData(sent(4, { source: ip('10.1.0.11') }), intervalZero)],
    ['interval', 'count-zero', withData(sent(4), intervalAndCountZero)],
    ['interval', 'address-list', sent(4, { version: 2, interval: 200, addresses: ['10.1.0.9'] }), version2],
  ];
  for (const [first, second, packet, own] of twoFaults) {
    it(`says ${first} before ${second}`, () => assert.equal(reasonOf(packet, own ?? config), first));
  }

  it('accepts a good advertisement of either family without remark', () => {
    for (const family of [4, 6] as const) {
      const result = hear(sent(family));
      assert(result.verdict === 'accept');
      assert.deepEqual(result.remarks, []);
      assert.equal(result.advertisement.priority, 150);
      assert.deepEqual(result.listener, { config: family === 4 ? config : config6, ownAddresses });
    }
  });

  it('accepts an IPv6 sender that is not link-local, as keepalived may be', () => {
    assert.equal(reasonOf(sent(6, { source: ip('fd00:1::12') })), 'accepted');
  });

  it('keeps the families apart', () => {
    const only4 = receive(sent(6), (_, family) => (family === 4 ? { config, ownAddresses } : undefined));
    assert.deepEqual(only4, { verdict: 'discard', reason: 'vrid', foreign: undefined });
  });

  it('takes the priorities of a leaving router and of an owner', () => {
    for (const priority of [0, 255]) assert.equal(reasonOf(sent(4, { priority })), 'accepted');
  });

  const remarked: readonly (readonly [readonly Remark[], string, ReceivedPacket, Config?])[] = [
    [['interval-differs'], 'another interval', sent(4, { interval: 101 })],
    [['address-list-differs'], 'a missing address', sent(4, { addresses: ['10.1.0.100'] })],
    [['address-list-differs'], 'a foreign address', sent(4, { addresses: ['10.1.0.100', '10.1.0.102'] })],
    [
      ['address-list-differs'],
      'one more address',
      sent(6, { addresses: ['fe80::100', 'fd00:1::100', 'fd00:1::101'] }),
    ],
    [[], 'another order', sent(4, { addresses: ['10.1.0.101', '10.1.0.100'] })],
    [
      ['first-not-link-local'],
      'a global first address',
      sent(6, { addresses: ['fd00:1::100', 'fe80::100'] }),
    ],
    [['owner-conflict'], 'two owners', sent(4, { priority: 255 }), { ...config, priority: 255 as Priority }],
    [['owner-conflict'], 'an owner and a lesser one', sent(4), { ...config, priority: 255 as Priority }],
    [['checksum-form'], 'the form of RFC 9568', sent(4, { checksum: 'message' })],
    [['checksum-form'], 'the deployed form', sent(4), { ...config, checksum: 'message' }],
    [[], 'IPv6 whatever form we configure for IPv4', sent(6), { ...config6, checksum: 'message' }],
    [
      ['interval-differs', 'address-list-differs', 'checksum-form'],
      'several things at once',
      sent(4, { interval: 4095, addresses: ['10.1.0.9'], checksum: 'message' }),
    ],
  ];
  for (const [expected, name, packet, own] of remarked) {
    it(`accepts ${name} and remarks ${expected.join(', ') || 'nothing'}`, () => {
      const result = own === undefined ? hear(packet) : hear(packet, own, own);
      assert(result.verdict === 'accept');
      assert.deepEqual(result.remarks, expected);
    });
  }

  it('has a row for every remark', () => {
    const rows = new Set(remarked.flatMap(([expected]) => expected));
    assert.deepEqual([...rows].toSorted(), [...remarks].toSorted());
  });

  it('discards every truncation and every changed octet of an accepted packet', () => {
    for (const packet of [sent(4), sent(6)]) {
      for (const data of [...cuts(packet.data), ...flips(packet.data)]) {
        assert.notEqual(reasonOf(withData(packet, data)), 'accepted');
      }
    }
  });

  it('never throws on arbitrary octets, whoever listens', () => {
    const listeners = [config, version2, { ...version2, authentication: pass('secret12') }, checksSource];
    fc.assert(
      fc.property(
        fc.constantFrom(...listeners),
        fc.constantFrom(0x21, 0x31),
        fc.uint8Array({ maxLength: 64 }),
        fc.boolean(),
        (own, first, tail, six) => {
          hear(withData(sent(six ? 6 : 4), Uint8Array.from([first, 51, ...tail])), own, own);
        },
      ),
    );
  });

  it('keeps nothing of the octets', () => {
    const packet = sent(4);
    const result = hear(packet);
    packet.data.fill(0);
    assert(result.verdict === 'accept');
    assert.deepEqual(result.advertisement.addresses, ['10.1.0.100', '10.1.0.101']);
  });

  it('counts from zero for every reason', () => {
    assert.deepEqual(Object.keys(discardCounters()), [...discardReasons]);
    assert(Object.values(discardCounters()).every((count) => count === 0));
  });
});

describe('vrrp/receive splitIp4', () => {
  const header = '45c0 001c 0001 4000 ff70 0000 0a01000c e0000012';
  const message = '3133960000643868';

  it('takes the header off', () => {
    const split = splitIp4(octets(header + message));
    assert(split.ok);
    assert.deepEqual(split.value, {
      family: 4,
      ttl: 255,
      protocol: 112,
      source: '10.1.0.12',
      destination: '224.0.0.18',
      data: octets(message),
    });
  });

  it('skips options by IHL and padding by Total Length', () => {
    const split = splitIp4(octets(`46c0 0020 ${header.slice(10)} 94040000 ${message} 000000000000`));
    assert(split.ok);
    assert.deepEqual(split.value.data, octets(message));
  });

  const broken: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['version 6', `65${header.slice(2)}${message}`],
    ['IHL 4', `44${header.slice(2)}${message}`],
    ['options longer than the packet', `4f${header.slice(2)}${message}`],
    ['a Total Length below the header', `45c00013${header.slice(9)}${message}`],
    ['a Total Length beyond the packet', `45c0001d${header.slice(9)}${message}`],
  ];
  for (const [name, hex] of broken) {
    it(`refuses ${name}`, () => assert.deepEqual(splitIp4(octets(hex)), { ok: false, error: 'ip-header' }));
  }

  it('refuses every truncation', () => {
    for (const cut of cuts(octets(header + message))) assert.equal(splitIp4(cut).ok, false);
  });
});
