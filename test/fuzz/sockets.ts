/** What recvmsg tells beside the data: ancillary messages and the sender. */
import { ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import * as control from '../../src/kernel/control-message.ts';
import * as sockaddr from '../../src/kernel/sockaddr.ts';
import { faultOfIp, faultOfValue, firstFault } from './bounds.ts';
import { mutated } from './octet-mutator.ts';
import type { Random } from './random.ts';
import { newTarget, type Target } from './target.ts';

export interface SocketReaders {
  readonly readAddress: typeof sockaddr.readAddress;
  readonly readControl: typeof control.readControl;
  readonly readReception: typeof control.readReception;
}

const { IPPROTO_IP, IPPROTO_IPV6, IPV6_HOPLIMIT, IP_TTL } = sockaddr;
const i32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
const hops = (level: number, type: number, ttl: number): control.ControlMessage => ({
  level,
  type,
  data: i32(ttl),
});
const local = control.packetInfo(ip('10.1.0.11'), 3);
const local6 = control.packetInfo(ip('fe80::11'), 3);

const corpus: readonly Uint8Array[] = [
  control.writeControl([hops(IPPROTO_IP, IP_TTL, 255), local]),
  control.writeControl([hops(IPPROTO_IPV6, IPV6_HOPLIMIT, 255), local6]),
  control.writeControl([local6, hops(IPPROTO_IPV6, IPV6_HOPLIMIT, 1)]),
  control.writeControl([{ level: 1, type: 2, data: new Uint8Array(12) }, local, local6]),
  control.writeControl([{ level: IPPROTO_IP, type: 8, data: new Uint8Array(0) }]),
  sockaddr.inetAddress(ip('10.1.0.12'), 112),
  sockaddr.inetAddress(ip('fe80::12'), 112, 3),
  sockaddr.packetAddress(3, 0x0806, '02:a0:00:00:00:12' as Mac),
  sockaddr.netlinkAddress(4711, 5),
  sockaddr.unixAddress('/run/a/socket'),
  sockaddr.unixAddress('@abstract'),
];

const make = (random: Random): Uint8Array => {
  const bytes = mutated(random, corpus);
  if (bytes.length >= 2 && random.chance(0.2)) bytes.set([random.pick([1, 2, 10, 16, 17]), 0]);
  return bytes;
};

interface Told {
  readonly address: sockaddr.SocketAddress | undefined;
  readonly messages: readonly control.ControlMessage[];
  readonly reception: control.Reception;
}

function faultOf({ address, messages, reception }: Told, input: Uint8Array): string | undefined {
  const { destination } = reception;
  return firstFault([
    faultOfLengths(messages, input),
    // An abstract name may hold any octet.
    address?.kind !== 'unix' && faultOfValue(address, 'address'),
    address?.kind === 'unix' && address.path.length > input.length && 'a path longer than its address',
    address?.kind === 'inet' && faultOfIp(address.address, 'sender'),
    destination !== undefined && faultOfIp(destination, 'destination'),
    faultOfValue(reception, 'reception'),
  ]);
}

/** Every message is as long as its header says, at its place: what is cut short is left out. cmsg(3) */
function faultOfLengths(messages: Told['messages'], input: Uint8Array): string | undefined {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  let at = 0;
  for (const { data } of messages) {
    if (at + 16 + data.length > input.length) return `a message of ${data.length} octets beyond the end`;
    const length = view.getBigUint64(at, true);
    if (length !== BigInt(16 + data.length)) return `${data.length} octets of a message of length ${length}`;
    at += Math.ceil(Number(length) / 8) * 8;
  }
  return undefined;
}

const outcomesOf = ({ address, messages, reception }: Told): readonly string[] => [
  `sender ${address?.kind ?? 'unknown'}`,
  messages.length === 0 ? 'no message' : 'messages',
  ...Object.keys(reception),
];

export const socketsTarget = ({ readAddress, readControl, readReception }: SocketReaders): Target =>
  newTarget({
    name: 'sockets',
    expected: [
      ...['inet', 'packet', 'netlink', 'unix', 'unknown'].map((kind) => `sender ${kind}`),
      ...['no message', 'messages', 'ttl', 'destination', 'ifindex'],
    ],
    make,
    read: (octets): Told => ({
      address: readAddress(octets),
      messages: readControl(octets),
      reception: readReception(octets),
    }),
    faultOf,
    outcomesOf,
  });

export const sockets = socketsTarget({ ...control, ...sockaddr });
