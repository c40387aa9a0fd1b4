/** Decoders broken on purpose, one fault each. A harness that does not catch them would catch nothing. */
import { ok } from '../../src/base/result.ts';
import * as loader from '../../src/config/load.ts';
import * as ipvsCodec from '../../src/ipvs/codec.ts';
import * as control from '../../src/kernel/control-message.ts';
import * as sockaddr from '../../src/kernel/sockaddr.ts';
import { readMessages } from '../../src/netlink/message.ts';
import { decodeFrame } from '../../src/vrrp/frames.ts';
import * as packetCodec from '../../src/vrrp/packet.ts';
import * as ladder from '../../src/vrrp/receive.ts';
import { framesTarget } from './frames.ts';
import { ipvsTarget } from './ipvs.ts';
import { decoders, netlinkTarget } from './netlink.ts';
import { socketsTarget } from './sockets.ts';
import { renamed, type Target } from './target.ts';
import { vrrpTarget } from './vrrp.ts';
import { yamlTarget } from './yaml.ts';

interface Breakage {
  readonly target: Target;
  /** What the harness must say. */
  readonly says: RegExp;
}

const real = { ...ladder, ...packetCodec };
const { decodeAdvertisement, receive } = real;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset);

function spin(): never {
  for (;;);
}

const broken: Readonly<Record<string, Breakage>> = {
  'vrrp-throws': {
    target: vrrpTarget({
      ...real,
      decodeAdvertisement: (bytes, carrier) => {
        // The count is believed, and the view ends where the message does.
        if (bytes.length >= 8)
          new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint8(7 + bytes[3]! * 4);
        return decodeAdvertisement(bytes, carrier);
      },
    }),
    says: /throws RangeError/,
  },
  'vrrp-over-reads': {
    target: vrrpTarget({
      ...real,
      decodeAdvertisement: (bytes, carrier) => {
        const decoded = decodeAdvertisement(bytes, carrier);
        if (!decoded.ok) return decoded;
        const behind = viewOf(bytes).getUint8(8 + decoded.value.addresses.length * 4 + 8);
        return ok({ ...decoded.value, authType: behind });
      },
    }),
    says: /over-read/,
  },
  'vrrp-out-of-bounds': {
    target: vrrpTarget({
      ...real,
      decodeAdvertisement: (bytes, carrier) => {
        const decoded = decodeAdvertisement(bytes, carrier);
        return decoded.ok
          ? ok({ ...decoded.value, maxAdvertiseIntervalCs: (bytes[4]! << 8) | bytes[5]! })
          : decoded;
      },
    }),
    says: /^version [23] with \d+ cs|re-encodes as/,
  },
  'vrrp-loses-an-address': {
    target: vrrpTarget({
      ...real,
      decodeAdvertisement: (bytes, carrier) => {
        const decoded = decodeAdvertisement(bytes, carrier);
        return decoded.ok
          ? ok({ ...decoded.value, addresses: [...new Set(decoded.value.addresses)] })
          : decoded;
      },
    }),
    says: /re-encodes as/,
  },
  'vrrp-accepts-any-ttl': {
    target: vrrpTarget({
      ...real,
      receive: (packet, listenerOf) => receive({ ...packet, ttl: 255 }, listenerOf),
    }),
    says: /accepts TTL/,
  },
  'vrrp-writes': {
    target: vrrpTarget({
      ...real,
      decodeAdvertisement: (bytes, carrier) => {
        const decoded = decodeAdvertisement(bytes, carrier);
        bytes.fill(0, 6, 8);
        return decoded;
      },
    }),
    says: /writes to its input/,
  },
  'frames-hang': {
    target: framesTarget((frame) =>
      decodeFrame(frame) === undefined && frame[55] === 0 ? spin() : undefined,
    ),
    says: /processor time/,
  },
  'netlink-over-reads': {
    target: netlinkTarget(readMessages, {
      ...decoders,
      // As if a string went on to its NUL wherever that is.
      generic: ({ payload }) =>
        ok(new Uint8Array(payload.buffer).indexOf(0, payload.byteOffset) - payload.byteOffset),
    }),
    says: /over-read/,
  },
  'netlink-hangs': {
    target: netlinkTarget((datagram) => {
      const messages = readMessages(datagram);
      // A length of 0 that is not refused is a walk on the spot.
      return !messages.ok && messages.error === 'message-length' ? spin() : messages;
    }, decoders),
    says: /processor time/,
  },
  'ipvs-throws': {
    target: ipvsTarget({
      // As if every answer were as long as a good one.
      service: (message) => {
        const { buffer, byteOffset, length } = message.payload;
        new DataView(buffer, byteOffset, length).getUint32(60);
        return ipvsCodec.decodeService(message);
      },
      server: ipvsCodec.decodeDestination,
    }),
    says: /throws/,
  },
  'sockets-throw': {
    target: socketsTarget({
      ...control,
      ...sockaddr,
      readAddress: (bytes) =>
        bytes[0] === sockaddr.AF_NETLINK && bytes[1] === 0
          ? {
              kind: 'netlink',
              port: new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4),
              groups: 0,
            }
          : sockaddr.readAddress(bytes),
    }),
    says: /throws RangeError/,
  },
  'yaml-throws': {
    target: yamlTarget({
      ...loader,
      loadAll: (text, file, node) => {
        const loaded = loader.loadAll(text, file, node);
        if (loaded.errors.some(({ message }) => message.startsWith('alias')))
          throw new TypeError('no such anchor');
        return loaded;
      },
    }),
    says: /throws TypeError/,
  },
  'yaml-hangs': {
    target: yamlTarget({
      ...loader,
      loadAll: (text, file, node) => {
        const loaded = loader.loadAll(text, file, node);
        return loaded.errors.some(({ message }) => message.startsWith('a tab')) ? spin() : loaded;
      },
    }),
    says: /processor time/,
  },
  'yaml-says-control-characters': {
    target: yamlTarget({
      ...loader,
      loadAll: (text, file, node) => {
        const { errors, ...loaded } = loader.loadAll(text, file, node);
        return {
          ...loaded,
          errors: errors.map((error) => ({ ...error, message: `${error.message}\u001b[2J` })),
        };
      },
    }),
    says: /says "/,
  },
  'yaml-tells-passwords': {
    target: yamlTarget({
      ...loader,
      loadAll: (text, file, node) => {
        const { errors, ...loaded } = loader.loadAll(text, file, node);
        const written = /auth_pass: '?([\w-]+)/.exec(Buffer.from(text).toString('latin1'))?.[1];
        return { ...loaded, errors: errors.map((error) => ({ ...error, hint: written ?? '' })) };
      },
    }),
    says: /tells the password/,
  },
};

/** By name, which is also the name of the target. */
export const breakages: Readonly<Record<string, Breakage>> = Object.fromEntries(
  Object.entries(broken).map(([name, { target, says }]) => [name, { target: renamed(target, name), says }]),
);
