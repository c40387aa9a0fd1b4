import assert from 'node:assert/strict';
import { ip, parsePrefix, type Ip } from '../../src/base/ip.ts';
import { seconds } from '../../src/base/time.ts';
import { encodeAdvertisement, type ChecksumForm } from '../../src/vrrp/packet.ts';
import {
  discardCounters,
  discardReasons,
  receive,
  remarks,
  splitIp4,
  type DiscardReason,
  type Listener,
  type ReceivedPacket,
  type Remark,
} from '../../src/vrrp/receive.ts';
import type { Priority, VirtualAddress, Vrid } from '../../src/vrrp/types.ts';
import { cuts, flips, octets } from './octets.ts';

const virtual = (text: string): VirtualAddress => {
  const prefix = parsePrefix(text);
  assert(prefix.ok);
  return prefix.value;
};

const config: Listener['config'] = {
  priority: 100 as Priority,
  advert_int: seconds(1),
  virtual_ipaddress: [virtual('10.1.0.100'), virtual('10.1.0.101/24')],
  checksum: 'pseudo_header',
  first_linklocal: 'warn',
};
const ownAddresses = [ip('10.1.0.11'), ip('fe80::11')];
const config6 = { ...config, virtual_ipaddress: [virtual('fe80::100'), virtual('fd00:1::100')] };

interface Sent {
  readonly ttl?: number | undefined;
  readonly source?: Ip;
  readonly vrid?: number;
  readonly priority?: number;
  readonly interval?: number;
  readonly addresses?: readonly string[];
  readonly checksum?: ChecksumForm;
}

function sent(family: 4 | 6, what: Sent = {}): ReceivedPacket {
  const carrier =
    family === 4
      ? { source: what.source ?? ip('10.1.0.12'), destination: ip('224.0.0.18') }
      : { source: what.source ?? ip('fe80::12'), destination: ip('ff02::12') };
  const addresses =
    what.addresses ?? (family === 4 ? ['10.1.0.100', '10.1.0.101'] : ['fe80::100', 'fd00:1::100']);
  const data = encodeAdvertisement(
    {
      vrid: (what.vrid ?? 51) as Vrid,
      priority: (what.priority ?? 150) as Priority,
      maxAdvertiseIntervalCs: what.interval ?? 100,
      addresses: addresses.map(ip),
      family,
    },
    { ...carrier, checksum: what.checksum ?? 'pseudo_header' },
  );
  return { family, ...carrier, ttl: 'ttl' in what ? what.ttl : 255, data };
}

/** On our interface VRID 51 listens for IPv4 as `four` and for IPv6 as `six`. */
const hear = (packet: ReceivedPacket, four: Listener['config'] = config, six: Listener['config'] = config6) =>
  receive(packet, (vrid, family) =>
    vrid === 51 ? { config: family === 4 ? four : six, ownAddresses } : undefined,
  );

const reasonOf = (packet: ReceivedPacket, ...configs: Listener['config'][]): DiscardReason | 'accepted' => {
  const result = hear(packet, ...configs);
  return result.verdict === 'discard' ? result.reason : 'accepted';
};

const withData = (packet: ReceivedPacket, data: Uint8Array): ReceivedPacket => ({ ...packet, data });

/** Messages that the encoder refuses to write; each has a right checksum over the message. */
const intervalZero = octets('31339601 0000 2e66 0a010064');
const countZero = octets('31339600 0064 3868');
const intervalAndCountZero = octets('31339600 0000 38cc');
const strict6 = { ...config6, first_linklocal: 'reject' as const };

/** One row for each reason of the ladder but ip-header, in its order. */
const ladder: readonly {
  readonly reason: DiscardReason;
  readonly name: string;
  readonly packet: ReceivedPacket;
}[] = [
  { reason: 'ttl', name: 'TTL 254', packet: sent(4, { ttl: 254 }) },
  { reason: 'ttl', name: 'hop limit 1', packet: sent(6, { ttl: 1 }) },
  { reason: 'ttl', name: 'a TTL nobody told', packet: sent(4, { ttl: undefined }) },
  { reason: 'length', name: 'four octets', packet: withData(sent(4), octets('31339601')) },
  {
    reason: 'version',
    name: 'version 2',
    packet: withData(sent(4), octets('2133960100010000 0a010064 0000000000000000')),
  },
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
  { reason: 'interval', name: 'interval 0', packet: withData(sent(4), intervalZero) },
  { reason: 'count-zero', name: 'no address', packet: withData(sent(4), countZero) },
  {
    reason: 'first-not-link-local',
    name: 'a global first address where that is refused',
    packet: sent(6, { addresses: ['fd00:1::100', 'fe80::100'] }),
  },
];

describe('vrrp/receive', () => {
  for (const { reason, name, packet } of ladder) {
    it(`discards ${name} as ${reason}`, () => {
      assert.deepEqual(hear(packet, config, strict6), { verdict: 'discard', reason, vrid: packet.data[1] });
    });
  }

  it('has a row for every reason', () => {
    const rows = new Set<string>(['ip-header', ...ladder.map(({ reason }) => reason)]);
    assert.deepEqual([...rows], [...discardReasons]);
  });

  /** Two faults at once: the earlier rung is the reason. */
  const wrongSum = octets('31349600 0000 0000');
  const twoFaults: readonly (readonly [DiscardReason, DiscardReason, ReceivedPacket])[] = [
    ['ttl', 'length', withData(sent(4, { ttl: 64 }), octets('31'))],
    ['length', 'version', withData(sent(4), octets('51000000'))],
    ['version', 'type', withData(sent(4), octets('22339601 0064 0000 0a010064'))],
    ['type', 'length', withData(sent(4), octets('32339602 0064 0000 0a010064'))],
    ['length', 'checksum', withData(sent(4), octets('31339602 0064 0000 0a010064'))],
    ['checksum', 'vrid', withData(sent(4), wrongSum)],
    ['vrid', 'own-source', sent(4, { vrid: 52, source: ip('10.1.0.11') })],
    ['own-source', 'interval', withData(sent(4, { source: ip('10.1.0.11') }), intervalZero)],
    ['interval', 'count-zero', withData(sent(4), intervalAndCountZero)],
  ];
  for (const [first, second, packet] of twoFaults) {
    it(`says ${first} before ${second}`, () => assert.equal(reasonOf(packet), first));
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
    assert.deepEqual(only4, { verdict: 'discard', reason: 'vrid', vrid: 51 });
  });

  it('takes the priorities of a leaving router and of an owner', () => {
    for (const priority of [0, 255]) assert.equal(reasonOf(sent(4, { priority })), 'accepted');
  });

  const remarked: readonly (readonly [readonly Remark[], string, ReceivedPacket, Listener['config']?])[] = [
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
