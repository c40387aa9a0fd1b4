/**
 * The receive path of VRRP. A case is a whole IP packet. For IPv6 the kernel takes the header off and tells hop limit
 * and addresses beside the message: the target does the same, and tells no hop limit when the next header is not VRRP.
 */
import { ip, ipFromBytes, isMulticast, parsePrefix, type Ip } from '../../src/base/ip.ts';
import { seconds } from '../../src/base/time.ts';
import * as packetCodec from '../../src/vrrp/packet.ts';
import type { Advertisement, ChecksumForm } from '../../src/vrrp/packet.ts';
import * as ladder from '../../src/vrrp/receive.ts';
import type { Listener, Received, ReceivedPacket } from '../../src/vrrp/receive.ts';
import { vrrpGroup, type Priority, type VirtualAddress, type Vrid } from '../../src/vrrp/types.ts';
import { faultOfIp, firstFault } from './bounds.ts';
import {
  ip6HeaderLength,
  ipPacket,
  isIp6,
  messageOffset,
  often,
  repairChecksum,
  repairLength,
} from './ip-packet.ts';
import { longest, mutated } from './octet-mutator.ts';
import type { Random } from './random.ts';
import { newTarget, type Target } from './target.ts';

/** The decoders under fire; the harness tests itself with broken ones. */
export interface VrrpDecoders {
  readonly splitIp4: typeof ladder.splitIp4;
  readonly receive: typeof ladder.receive;
  readonly decodeAdvertisement: typeof packetCodec.decodeAdvertisement;
}

const { encodeAdvertisement, vrrpProtocol } = packetCodec;
const auth_pass = 'secret';
const ownAddresses = [ip('10.1.0.11'), ip('fe80::11')];
const peers = { 4: ip('10.1.0.12'), 6: ip('fe80::12') } as const;
const lists = {
  4: ['10.1.0.100', '10.1.0.101'].map(ip),
  6: ['fe80::100', 'fd00:1::100'].map(ip),
} as const;

const virtual = (address: Ip): VirtualAddress => {
  const prefix = parsePrefix(address);
  if (!prefix.ok) throw new TypeError(address);
  return prefix.value;
};

function listenersOf(family: 4 | 6): ReadonlyMap<number, Listener> {
  const plain: Listener['config'] = {
    priority: 100 as Priority,
    advert_int: seconds(1),
    virtual_ipaddress: lists[family].map(virtual),
    checksum: 'pseudo_header',
    first_linklocal: 'warn',
  };
  const unicast = { sources: [], peers: [{ address: peers[family] }], ttl: 255, check_source: false };
  const limited = {
    ...unicast,
    peers: [{ address: peers[family], min_ttl: 100, max_ttl: 200 }],
    check_source: true,
  };
  const configs: readonly Listener['config'][] = [
    plain,
    { ...plain, unicast },
    { ...plain, unicast: limited },
    { ...plain, version: 2 },
    { ...plain, version: 2, ...(family === 4 && { authentication: { auth_type: 'PASS', auth_pass } }) },
    { ...plain, version: 2, unicast },
    { ...plain, priority: 255 as Priority },
    { ...plain, checksum: 'message', first_linklocal: 'reject' },
  ];
  return new Map(configs.map((config, at) => [51 + at, { config, ownAddresses }]));
}

const listeners = { 4: listenersOf(4), 6: listenersOf(6) } as const;

/** Something right for every listener, in either checksum form, and rows that some rung refuses. */
function corpus(): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (const family of [4, 6] as const)
    for (const [vrid, { config }] of [...listeners[family], [99, listeners[family].get(51)!] as const])
      for (const checksum of ['pseudo_header', 'message'] as const)
        for (const [priority, interval, count, ttl] of rows) {
          const destination =
            config.unicast === undefined ? vrrpGroup[family] : ownAddresses[family === 4 ? 0 : 1]!;
          const carrier = { source: peers[family], destination };
          const { version = 3, authentication } = config;
          const message = encodeAdvertisement(
            {
              version,
              vrid: vrid as Vrid,
              priority: priority as Priority,
              maxAdvertiseIntervalCs: interval,
              addresses: Array.from({ length: count }, (_, at) => lists[family][at % 2]!),
              family,
            },
            { ...carrier, checksum, auth_pass: authentication?.auth_pass },
          );
          const options = new Uint8Array(family === 4 && priority === 1 ? 4 : 0).fill(1);
          packets.push(ipPacket(carrier, vrrpProtocol, ttl, message, options));
        }
  return packets;
}

const rows = [
  [150, 100, 2, 255],
  [0, 100, 2, 255],
  [255, 100, 2, 255],
  [1, 100, 1, 150],
  [254, 300, 20, 255],
] as const;

const packets = corpus();

/** After the damage most packets get their lengths and their checksum back, each by its own chance. */
function make(random: Random): Uint8Array {
  const packet = mutated(random, packets);
  const message = packet.subarray(messageOffset(packet));
  const six = isIp6(packet);
  often(
    random,
    () => repairLength(packet),
    () => {
      const trailer = message[0] === 0x21 && !six ? 8 : 0;
      if (message.length >= 8) message[3] = (message.length - 8 - trailer) / (six ? 16 : 4);
    },
    () => {
      if (message.length >= 8 && random.chance(0.5)) message[0] = random.pick([0x21, 0x31]);
    },
    () => {
      if (message.length >= 8 && random.chance(0.3)) message[1] = random.between(51, 59);
    },
  );
  if (random.chance(0.9)) {
    const withPseudoHeader = six || (message[0] === 0x31 && random.chance(0.5));
    repairChecksum(packet, { at: 6, protocol: vrrpProtocol, withPseudoHeader });
  }
  return packet.subarray(0, longest);
}

interface Heard {
  readonly packet: ReceivedPacket;
  readonly received: Received<Listener>;
  readonly decoded: ReturnType<VrrpDecoders['decodeAdvertisement']>;
}

function read(decoders: VrrpDecoders, octets: Uint8Array): Heard | undefined {
  const packet = isIp6(octets) ? received6(octets) : received4(decoders, octets);
  if (packet === undefined) return undefined;
  const received = decoders.receive(packet, (vrid, family) => listeners[family].get(vrid));
  return { packet, received, decoded: decoders.decodeAdvertisement(packet.data, packet) };
}

function received4(decoders: VrrpDecoders, octets: Uint8Array): ReceivedPacket | undefined {
  const split = decoders.splitIp4(octets);
  return split.ok ? split.value : undefined;
}

function received6(octets: Uint8Array): ReceivedPacket | undefined {
  if (octets.length < ip6HeaderLength) return undefined;
  return {
    family: 6,
    ttl: octets[6] === vrrpProtocol ? octets[7]! : undefined,
    source: ipFromBytes(octets.subarray(8, 24)),
    destination: ipFromBytes(octets.subarray(24, 40)),
    data: octets.subarray(ip6HeaderLength),
  };
}

function faultOf(heard: Heard | undefined): string | undefined {
  if (heard === undefined) return undefined;
  const { packet, received, decoded } = heard;
  return firstFault([
    decoded.ok && (faultOfFields(decoded.value) ?? faultOfEncoding(decoded.value, packet)),
    received.verdict === 'accept' && faultOfAccepted(received, packet),
    received.verdict === 'accept' && !decoded.ok && 'accepts what does not decode',
  ]);
}

function faultOfFields({
  version,
  vrid,
  priority,
  maxAdvertiseIntervalCs,
  addresses,
  family,
}: Advertisement) {
  const interval = version === 3 ? maxAdvertiseIntervalCs : maxAdvertiseIntervalCs / 100;
  return firstFault([
    !isWithin(vrid, 255) && `VRID ${vrid}`,
    !isWithin(priority, 255) && `priority ${priority}`,
    !isWithin(interval, version === 3 ? 4095 : 255) && `version ${version} with ${maxAdvertiseIntervalCs} cs`,
    !isWithin(addresses.length, 255) && `${addresses.length} addresses`,
    ...addresses.map((address) => faultOfIp(address, `an address of family ${family}`)),
  ]);
}

const isWithin = (value: number, high: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= high;

/** What was taken apart gives the same octets when put together, where there is one way to write it. */
function faultOfEncoding(
  heard: Advertisement,
  { data, source, destination }: ReceivedPacket,
): string | undefined {
  const { version, vrid, maxAdvertiseIntervalCs, addresses, checksumForms, authType = 0 } = heard;
  const [form = 'message'] = checksumForms;
  const writable = vrid > 0 && maxAdvertiseIntervalCs > 0 && addresses.length > 0;
  if (!writable || !isCanonical(data, version, heard.family, authType)) return undefined;
  const password = version === 2 && authType === 1 ? auth_pass : undefined;
  const envelope = { source, destination, checksum: form satisfies ChecksumForm, auth_pass: password };
  const again = encodeAdvertisement(heard, envelope);
  if (Buffer.compare(again, data) === 0) return undefined;
  return `re-encodes as ${Buffer.from(again).toString('hex')}`;
}

/** Reserve is sent as zero, and so is authentication data nobody uses; of two forms of no sum one is written. */
function isCanonical(data: Uint8Array, version: number, family: number, authType: number): boolean {
  if (data[6] === 0xff && data[7] === 0xff) return false;
  if (version === 3) return (data[4]! & 0xf0) === 0;
  if (family === 6) return authType === 0;
  const tail = Buffer.from(data.subarray(-8)).toString('latin1');
  return authType === 0 ? tail === '\0'.repeat(8) : authType === 1 && tail === auth_pass.padEnd(8, '\0');
}

/** What RFC 9568 §7.1 and RFC 3768 §7.1 ask of a packet, once more and apart from the ladder. */
function faultOfAccepted(received: Received<Listener> & { verdict: 'accept' }, packet: ReceivedPacket) {
  const { listener, advertisement, remarks } = received;
  const { version = 3, unicast } = listener.config;
  return firstFault([
    listeners[packet.family].get(advertisement.vrid) !== listener && 'accepts for another listener',
    advertisement.version !== version && `accepts version ${advertisement.version} for ${version}`,
    unicast === undefined && packet.ttl !== 255 && `accepts TTL ${String(packet.ttl)}`,
    isMulticast(packet.destination) !== (unicast === undefined) &&
      `accepts what went to ${packet.destination}`,
    listener.ownAddresses.includes(packet.source) && 'accepts its own address',
    advertisement.maxAdvertiseIntervalCs === 0 && 'accepts interval 0',
    advertisement.addresses.length === 0 && 'accepts no addresses',
    version === 2 && remarks.includes('interval-differs') && 'accepts another interval of version 2',
    remarks.some((remark) => !ladder.remarks.includes(remark)) && 'an unknown remark',
  ]);
}

function outcomesOf(heard: Heard | undefined): readonly string[] {
  if (heard === undefined) return ['ip-header'];
  const { received, packet } = heard;
  if (received.verdict === 'discard') return [received.reason];
  return [`accepted version ${received.advertisement.version} IPv${packet.family}`, ...received.remarks];
}

export const vrrpTarget = (decoders: VrrpDecoders): Target =>
  newTarget({
    name: 'vrrp',
    expected: [
      ...([2, 3] as const).flatMap((v) =>
        ([4, 6] as const).map((family) => `accepted version ${v} IPv${family}`),
      ),
      ...ladder.discardReasons,
      ...ladder.remarks,
    ],
    make,
    read: (octets) => read(decoders, octets),
    faultOf,
    outcomesOf,
  });

export const vrrp = vrrpTarget({ ...ladder, ...packetCodec });
