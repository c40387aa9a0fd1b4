/** Datagrams of netlink: rtnetlink, generic netlink and nf_tables, their acknowledgements and the ends of dumps. */
import fc from 'fast-check';
import { ip } from '../../src/base/ip.ts';
import type { Result } from '../../src/base/result.ts';
import { milliseconds } from '../../src/base/time.ts';
import { decodeAddress, encodeAddress, AddressMessage } from '../../src/netlink/address.ts';
import { AttributeWriter } from '../../src/netlink/attribute.ts';
import { decodeFamily, decodeGeneric, encodeGeneric } from '../../src/netlink/generic.ts';
import { decodeLink, encodeLink, LinkMessage } from '../../src/netlink/link.ts';
import * as messageCodec from '../../src/netlink/message.ts';
import type { DecodeFault, Message, Request } from '../../src/netlink/message.ts';
import { decodeNeighbour, encodeNeighbour, NeighbourMessage } from '../../src/netlink/neighbour.ts';
import { decodeRouteEvent } from '../../src/netlink/route-event.ts';
import { decodeRoute, encodeRoute, RouteMessage } from '../../src/netlink/route.ts';
import { decodeRule, encodeRule, RuleMessage } from '../../src/netlink/rule.ts';
import { close, decodeLeases, open, renew, setup } from '../../src/nft/gate.ts';
import { decodeElements } from '../../src/nft/message.ts';
import * as sample from '../netlink/arbitraries.ts';
import { faultOfValue } from './bounds.ts';
import { joined, mutated } from './octet-mutator.ts';
import type { Random } from './random.ts';
import { newTarget, type Target } from './target.ts';

const { Flag, headerLength, MessageType, readAcknowledgement, readDone, writeMessages } = messageCodec;

type Decoder = (message: Message) => Result<unknown, DecodeFault> | undefined;

/** By the name that outcomes show. */
export type NetlinkDecoders = Readonly<Record<string, Decoder>>;
type ReadMessages = typeof messageCodec.readMessages;

export const decoders: NetlinkDecoders = {
  acknowledgement: readAcknowledgement,
  done: readDone,
  link: decodeLink,
  address: decodeAddress,
  route: decodeRoute,
  rule: decodeRule,
  neighbour: decodeNeighbour,
  event: decodeRouteEvent,
  generic: decodeGeneric,
  family: decodeFamily,
  elements: decodeElements,
  leases: decodeLeases,
};

/** nf_tables answers with elements: NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWSETELEM. */
const newElement = (10 << 8) | 12;
const firstGeneric = MessageType.min;

const datagram = (type: number, payload: Uint8Array, flags = 0): Uint8Array =>
  writeMessages([{ operation: '', type, flags, payload } satisfies Request], 7, 0);

/** The same values in every run: a case is known by its seed and index alone. */
const some = <T>(arbitrary: fc.Arbitrary<T>): readonly T[] => fc.sample(arbitrary, { numRuns: 12, seed: 1 });

function refusal(): Uint8Array {
  const request = datagram(RouteMessage.add, encodeRoute(some(sample.route)[0]!));
  const head = new Uint8Array(4);
  new DataView(head.buffer).setInt32(0, -17, true);
  const words = new AttributeWriter().string(1, 'File exists').u32(2, 16).bytes();
  return joined(
    datagram(MessageType.error, joined(head, request, words), Flag.ackAttributes),
    datagram(
      MessageType.error,
      joined(head, request.subarray(0, headerLength), words),
      Flag.capped | Flag.ackAttributes,
    ),
    datagram(MessageType.error, joined(new Uint8Array(4), request.subarray(0, headerLength)), Flag.capped),
    datagram(MessageType.done, joined(head, words), Flag.ackAttributes | Flag.multi),
  );
}

const family = (): Uint8Array =>
  encodeGeneric(1, 2, (writer) =>
    writer
      .u16(1, 31)
      .string(2, 'IPVS')
      .u32(3, 1)
      .u32(5, 6)
      .nested(7, (list) => {
        for (const id of [1, 2]) list.nested(id, (group) => group.string(1, `group${id}`).u32(2, id));
      }),
  );

const elements = (): Uint8Array =>
  new AttributeWriter(Uint8Array.from([1, 0, 0, 0]))
    .string(1, 'vipkeeper')
    .string(2, 'lease4')
    .nested(3, (list) => {
      for (const address of ['10.1.0.100', 'fd00:1::100', '10.1.0.101'])
        list.nested(1, (element) =>
          element
            .nested(1, (key) => key.ip(1, ip(address)))
            .be64(4, 600n)
            .be64(5, 123n),
        );
    })
    .bytes();

const vips = [ip('10.1.0.100'), ip('fd00:1::100')];
const single: readonly Uint8Array[] = [
  ...some(sample.link).flatMap((link) => [
    datagram(LinkMessage.add, encodeLink(link)),
    datagram(LinkMessage.delete, encodeLink(link)),
  ]),
  ...some(sample.address).map((address) => datagram(AddressMessage.add, encodeAddress(address))),
  ...some(sample.address).map((address) => datagram(AddressMessage.delete, encodeAddress(address))),
  ...some(sample.route).map((route) => datagram(RouteMessage.add, encodeRoute(route))),
  ...some(sample.route).map((route) => datagram(RouteMessage.delete, encodeRoute(route))),
  ...some(sample.rule).map((rule) => datagram(RuleMessage.add, encodeRule(rule))),
  ...some(sample.neighbour).map((neighbour) => datagram(NeighbourMessage.add, encodeNeighbour(neighbour))),
  ...Array.from({ length: 12 }, () => datagram(firstGeneric, family())),
  ...Array.from({ length: 12 }, () => datagram(newElement, elements(), Flag.multi)),
  ...Array.from({ length: 6 }, refusal),
  ...[setup(7), open(vips, 7, milliseconds(600)), renew(vips, 7, milliseconds(600)), close(vips, 7)].map(
    ({ data }) => data,
  ),
];

/** Dumps bring many messages in one datagram. */
const corpus: readonly Uint8Array[] = [
  ...single,
  ...Array.from({ length: 20 }, (_, at) =>
    joined(...single.filter((_part, other) => other % 20 === at).slice(0, 5)),
  ),
];

function make(random: Random): Uint8Array {
  const bytes = mutated(random, corpus);
  // A length that fits lets the damage through to the decoder of the payload.
  if (bytes.length >= headerLength && random.chance(0.6)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(0, random.chance(0.9) ? bytes.length : random.edge(), true);
    if (random.chance(0.1)) view.setUint16(4, random.pick([1, 2, 3, 16, 20, 24, 32, 28, newElement]), true);
  }
  return bytes;
}

/** Each message is read as what it says it is, and as one other thing, which its sequence number chooses. */
interface Read {
  readonly messages: ReturnType<ReadMessages>;
  readonly decoded: readonly (readonly [string, ReturnType<Decoder>])[];
}

/** The most of one datagram that are decoded: 64 KiB hold 4,096 empty messages. */
const mostMessages = 64;

function read(readMessages: ReadMessages, table: NetlinkDecoders, octets: Uint8Array): Read {
  const messages = readMessages(octets);
  const names = Object.keys(table);
  const decode = (message: Message): Read['decoded'] => {
    const other = names[(message.seq + message.payload.length) % names.length]!;
    return [...new Set([...properDecoders(message), other])].map((name) => [name, table[name]!(message)]);
  };
  // What stands behind a header that does not fit is tried all the same.
  const bare = { type: octets[4] ?? 0, flags: 0x200, seq: octets[8] ?? 0, portId: 0 };
  const found = messages.ok
    ? messages.value.slice(0, mostMessages)
    : [{ ...bare, payload: octets.subarray(headerLength) }];
  return { messages, decoded: found.flatMap(decode) };
}

function properDecoders({ type }: Message): readonly string[] {
  if (type === MessageType.error) return ['acknowledgement'];
  if (type === MessageType.done) return ['done'];
  if (type === newElement) return ['elements', 'leases'];
  return type === firstGeneric ? ['generic', 'family'] : ['event'];
}

function faultOf({ messages, decoded }: Read, input: Uint8Array): string | undefined {
  if (messages.ok) {
    const octets = messages.value.reduce((sum, { payload }) => sum + headerLength + payload.length, 0);
    if (octets > input.length) return `messages of ${octets} octets in ${input.length}`;
  }
  for (const [name, result] of decoded) {
    const fault = result?.ok === true ? faultOfValue(result.value, name) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const outcomesOf = ({ messages, decoded }: Read): readonly string[] => [
  messages.ok ? 'messages' : messages.error,
  ...decoded.flatMap(([name, result]) =>
    result === undefined ? [] : [`${name}: ${result.ok ? 'read' : result.error.reason}`],
  ),
];

/** decodeLink reads no address that could have a wrong width; the others refuse in all three ways. */
const reasons: Readonly<Record<string, readonly string[]>> = {
  acknowledgement: ['fixed-header', 'attribute-length', 'attribute-width'],
  done: ['attribute-length', 'attribute-width'],
  link: ['fixed-header', 'family', 'attribute-length', 'attribute-width'],
  address: ['fixed-header', 'family', 'attribute-length', 'attribute-width'],
  route: ['fixed-header', 'family', 'attribute-length', 'attribute-width'],
  rule: ['fixed-header', 'family', 'attribute-length', 'attribute-width'],
  neighbour: ['fixed-header', 'family', 'attribute-length', 'attribute-width'],
  event: ['fixed-header', 'family', 'attribute-length', 'attribute-width'],
  generic: ['fixed-header'],
  family: ['fixed-header', 'attribute-length', 'attribute-width'],
  elements: ['fixed-header', 'attribute-length', 'attribute-width'],
  leases: ['fixed-header', 'attribute-length', 'attribute-width'],
};

export const netlinkTarget = (readMessages: ReadMessages, table: NetlinkDecoders): Target =>
  newTarget({
    name: 'netlink',
    expected: [
      'messages',
      'message-truncated',
      'message-length',
      ...Object.keys(decoders).flatMap((name) =>
        ['read', ...reasons[name]!].map((word) => `${name}: ${word}`),
      ),
    ],
    make,
    read: (octets) => read(readMessages, table, octets),
    faultOf,
    outcomesOf,
  });

export const netlink = netlinkTarget(messageCodec.readMessages, decoders);
