/**
 * Raw sockets for IP protocol 112: one per interface and family. RFC 9568 §5.1.1, §5.1.2; protocols §3.1
 * All are in the VRRP group, those of unicast instances too: a peer that multicasts has to be named, not missed.
 */
import type { Family } from '../base/ip.ts';
import { ip } from '../base/ip.ts';
import type { VrrpDatagram, VrrpSocket, VrrpSocketEvents } from '../vrrp/link.ts';
import { vrrpProtocol } from '../vrrp/packet.ts';
import { vrrpGroup } from '../vrrp/types.ts';
import { type ReceivedPacket, splitIp4 } from '../vrrp/receive.ts';
import { hopLimit, packetInfo, readReception, writeControl } from './control-message.ts';
import { errnoText } from './errno.ts';
import { type Datagram, native } from './native.ts';
import * as so from './sockaddr.ts';

const SO_PRIORITY = 12;
/** IP precedence "internetwork control", as routers send their protocols. */
const trafficClass = 0xc0;
/** Classic BPF `ret #0`: a socket that only sends must not collect what it will never read. */
const dropAll = Uint8Array.from([0x06, 0, 0, 0, 0, 0, 0, 0]);

interface Interface {
  readonly name: string;
  readonly index: number;
}

/** @param events absent for a socket that only sends. @returns a sentence when the socket cannot be had */
export function openVrrpSocket(
  { name, index }: Interface,
  family: Family,
  events: VrrpSocketEvents | undefined,
): VrrpSocket | string {
  const fd = native.socket(family === 4 ? so.AF_INET : so.AF_INET6, so.SOCK_RAW, vrrpProtocol);
  if (fd < 0) return `no raw socket for VRRP: ${errnoText(fd)}; CAP_NET_RAW is needed`;
  const refused = configure(fd, { name, index }, family, events !== undefined);
  if (refused !== undefined) {
    native.close(fd);
    return `VRRP socket on ${name}: ${refused}`;
  }
  const receiver =
    events &&
    native.receive(
      fd,
      { slots: 64, slotSize: 2048, controlSize: 128, budget: 256 },
      (datagram) => deliver(datagram, family, events),
      (errno) => events.onError(errno),
    );
  return {
    send({ message, source, destination, ttl }: VrrpDatagram): number {
      // Source and TTL go with each message: instances on one interface may speak with different ones.
      const control = writeControl([packetInfo(source, index), hopLimit(family, ttl)]);
      const to = so.inetAddress(destination, 0, family === 6 ? index : 0);
      const sent = native.send(fd, message, to, control);
      return sent < 0 ? -sent : 0;
    },
    drain(): void {
      // The queue holds about 280 datagrams (net.core.rmem_default): what comes after those is a flood, which must not
      // hold up our own advertisements.
      for (let round = 0; round < 4; round++) if (receiver === undefined || receiver.drain() < 256) return;
    },
    close(): void {
      receiver?.stop();
      native.close(fd);
    },
  };
}

/** @returns what the kernel refused, in words */
function configure(
  fd: number,
  { name, index }: Interface,
  family: Family,
  receives: boolean,
): string | undefined {
  const deviceName = new TextEncoder().encode(`${name}\0`);
  const common: readonly Option[] = [
    ['SO_BINDTODEVICE', so.SOL_SOCKET, so.SO_BINDTODEVICE, deviceName],
    ['SO_PRIORITY', so.SOL_SOCKET, SO_PRIORITY, 6],
  ];
  const options = [...common, ...(family === 4 ? options4(index, receives) : options6(index, receives))];
  for (const [what, level, option, value] of options) {
    const result = native.setsockopt(fd, level, option, value);
    if (result < 0) return `${what}: ${errnoText(result)}`;
  }
  if (receives) return undefined;
  const filtered = native.attachFilter(fd, dropAll);
  return filtered < 0 ? `SO_ATTACH_FILTER: ${errnoText(filtered)}` : undefined;
}

type Option = readonly [what: string, level: number, option: number, value: Uint8Array | number];

const options4 = (index: number, receives: boolean): readonly Option[] => [
  ['IP_MULTICAST_LOOP', so.IPPROTO_IP, so.IP_MULTICAST_LOOP, 0],
  ['IP_TOS', so.IPPROTO_IP, so.IP_TOS, trafficClass],
  ['IP_MULTICAST_IF', so.IPPROTO_IP, so.IP_MULTICAST_IF, so.membership(ip('0.0.0.0'), index)],
  ['IP_MULTICAST_ALL', so.IPPROTO_IP, so.IP_MULTICAST_ALL, 0],
  ...(receives
    ? [
        [
          'IP_ADD_MEMBERSHIP',
          so.IPPROTO_IP,
          so.IP_ADD_MEMBERSHIP,
          so.membership(vrrpGroup[4], index),
        ] as const,
      ]
    : []),
];

/**
 * IPV6_CHECKSUM stays off: with it the kernel would drop damaged advertisements before they could be counted.
 * No IPV6_V6ONLY: a raw socket has no mapped addresses, and the kernel answers EINVAL to one with a protocol.
 */
const options6 = (index: number, receives: boolean): readonly Option[] => [
  ['IPV6_MULTICAST_LOOP', so.IPPROTO_IPV6, so.IPV6_MULTICAST_LOOP, 0],
  ['IPV6_TCLASS', so.IPPROTO_IPV6, so.IPV6_TCLASS, trafficClass],
  ['IPV6_MULTICAST_IF', so.IPPROTO_IPV6, so.IPV6_MULTICAST_IF, index],
  ['IPV6_RECVHOPLIMIT', so.IPPROTO_IPV6, so.IPV6_RECVHOPLIMIT, 1],
  ['IPV6_RECVPKTINFO', so.IPPROTO_IPV6, so.IPV6_RECVPKTINFO, 1],
  ...(receives
    ? [
        [
          'IPV6_ADD_MEMBERSHIP',
          so.IPPROTO_IPV6,
          so.IPV6_ADD_MEMBERSHIP,
          so.membership(vrrpGroup[6], index),
        ] as const,
      ]
    : []),
];

function deliver({ data, address, control }: Datagram, family: Family, events: VrrpSocketEvents): void {
  const packet = family === 4 ? received4(data) : received6(data, address, control);
  if (packet !== undefined) events.onPacket(packet);
}

/** The kernel has checked the header before a raw socket sees it: what does not split is not worth a counter. */
function received4(data: Uint8Array): ReceivedPacket | undefined {
  const split = splitIp4(data);
  return split.ok ? split.value : undefined;
}

function received6(data: Uint8Array, address: Uint8Array, control: Uint8Array): ReceivedPacket | undefined {
  const sender = so.readAddress(address);
  const { ttl, destination } = readReception(control);
  if (sender?.kind !== 'inet' || destination === undefined) return undefined;
  return { family: 6, source: sender.address, destination, ttl, data };
}
