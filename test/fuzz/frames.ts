/** Ethernet frames of ARP, neighbour discovery and echo: what instruments and announcements hear. */
import { ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import * as frameCodec from '../../src/vrrp/frames.ts';
import type { HeardFrame, Station } from '../../src/vrrp/frames.ts';
import { faultOfIp, firstFault } from './bounds.ts';
import { ipPacket, isIp6, messageOffset, often, repairChecksum, repairLength } from './ip-packet.ts';
import { joined, longest, mutated } from './octet-mutator.ts';
import type { Random } from './random.ts';
import { newTarget, type Target } from './target.ts';

const ethernetHeaderLength = 14;
const here: Station = { mac: '02:a0:00:00:00:11' as Mac, ip: ip('10.1.0.11') };
const there: Station = { mac: '02:a0:00:00:00:12' as Mac, ip: ip('10.1.0.12') };
const here6: Station = { ...here, ip: ip('fe80::11') };
const there6: Station = { ...there, ip: ip('fe80::12') };

/** The answer to an echo request: type and checksum differ. */
function replied(request: Uint8Array, type: number): Uint8Array {
  const six = type === 129;
  const frame = request.with(ethernetHeaderLength + (six ? 40 : 20), type);
  const protocol = six ? 58 : 1;
  repairChecksum(frame.subarray(ethernetHeaderLength), { at: 2, protocol, withPseudoHeader: six });
  return frame;
}

/** A solicited answer with options before and behind the one that is read. RFC 4861 §4.4, §4.6 */
const advertisement = (): Uint8Array => {
  const plain = frameCodec.unsolicitedNeighbourAdvertisement(ip('fd00:1::100'), here.mac, true);
  const header = plain.slice(0, ethernetHeaderLength);
  const option = (type: number, length: number): Uint8Array =>
    new Uint8Array(8 * length).fill(7).with(0, type).with(1, length);
  const message = joined(plain.slice(54, 78), option(1, 1), option(14, 2), option(2, 1), option(2, 3));
  const packet = ipPacket({ source: here6.ip, destination: there6.ip }, 58, 255, message);
  repairChecksum(packet, { at: 2, protocol: 58, withPseudoHeader: true });
  return joined(header, packet);
};

const corpus: readonly Uint8Array[] = [
  frameCodec.gratuitousArp(ip('10.1.0.100'), here.mac),
  frameCodec.gratuitousArp(ip('10.1.0.100'), here.mac, 'reply'),
  frameCodec.arpRequest(there.ip, here),
  frameCodec.unsolicitedNeighbourAdvertisement(ip('fd00:1::100'), here.mac, true),
  frameCodec.unsolicitedNeighbourAdvertisement(ip('fe80::100'), here.mac, false),
  advertisement(),
  frameCodec.neighbourSolicitation(there6.ip, here6),
  frameCodec.echoRequest(here, there, 7, 9),
  replied(frameCodec.echoRequest(here, there, 7, 9), 0),
  replied(frameCodec.echoRequest(here6, there6, 0xffff, 0), 129),
].flatMap((frame) => [frame, frame.length < 60 ? joined(frame, new Uint8Array(60 - frame.length)) : frame]);

function make(random: Random): Uint8Array {
  const frame = mutated(random, corpus);
  const packet = frame.subarray(ethernetHeaderLength);
  const six = isIp6(packet);
  if (frame[12] === 0x08 && frame[13] === 0x06) return frame;
  often(random, () => repairLength(packet));
  often(random, () => {
    const message = messageOffset(packet);
    if (six && packet[message] === 136) repairOptions(packet.subarray(message + 24));
  });
  if (random.chance(0.9)) repairChecksum(packet, { at: 2, protocol: six ? 58 : 1, withPseudoHeader: six });
  return frame.subarray(0, longest);
}

/** Makes the lengths of options add up to the end. */
function repairOptions(options: Uint8Array): void {
  for (let at = 0; at + 8 <= options.length;) {
    const length = options[at + 1]! * 8;
    if (length === 0 || at + length > options.length)
      options[at + 1] = Math.min(255, (options.length - at) >> 3);
    at += options[at + 1]! * 8;
  }
}

const macPattern = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const faultOfMac = (mac: Mac | undefined, what: string): string | false =>
  mac !== undefined && !macPattern.test(mac) && `${what} is ${mac}`;
const faultOfU16 = (value: number, what: string): string | false =>
  !(Number.isInteger(value) && value >= 0 && value <= 0xffff) && `${what} is ${value}`;

function faultOf(frame: HeardFrame | undefined): string | undefined {
  if (frame === undefined) return undefined;
  const common = faultOfMac(frame.sourceMac, 'source MAC');
  switch (frame.kind) {
    case 'arp-request':
    case 'arp-reply':
      return firstFault([
        common,
        ...[frame.sender, frame.target].flatMap((station) => [
          faultOfMac(station.mac, 'a MAC'),
          faultOfIp(station.ip, 'an address'),
          station.ip.includes(':') && 'ARP with an IPv6 address',
        ]),
      ]);
    case 'neighbour-advertisement':
      return firstFault([
        common,
        faultOfMac(frame.targetMac, 'target MAC'),
        faultOfIp(frame.source, 'source'),
        faultOfIp(frame.target, 'target'),
      ]);
    case 'echo-reply':
      return firstFault([
        common,
        faultOfIp(frame.source, 'source'),
        faultOfIp(frame.destination, 'destination'),
        faultOfU16(frame.id, 'id'),
        faultOfU16(frame.sequence, 'sequence'),
      ]);
  }
}

function outcomesOf(frame: HeardFrame | undefined): readonly string[] {
  if (frame === undefined) return ['nothing'];
  if (frame.kind === 'echo-reply')
    return [frame.source.includes(':') ? 'echo-reply IPv6' : 'echo-reply IPv4'];
  if (frame.kind !== 'neighbour-advertisement') return [frame.kind];
  return [`${frame.kind} ${frame.targetMac === undefined ? 'without' : 'with'} MAC`];
}

export const framesTarget = (decodeFrame: typeof frameCodec.decodeFrame): Target =>
  newTarget({
    name: 'frames',
    expected: [
      'nothing',
      'arp-request',
      'arp-reply',
      'neighbour-advertisement with MAC',
      'neighbour-advertisement without MAC',
      'echo-reply IPv4',
      'echo-reply IPv6',
    ],
    make,
    read: decodeFrame,
    faultOf,
    outcomesOf,
  });

export const frames = framesTarget(frameCodec.decodeFrame);
