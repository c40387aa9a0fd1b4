import { NetlinkError } from '../netlink/error.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { native, type Receiver } from './native.ts';

export const NetlinkProtocol = { route: 0, netfilter: 12, generic: 16 } as const;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;
const EMSGSIZE = 90;

/** 5,000 addresses make 390 KiB of dump and a burst of as many events; the default of 208 KiB overran. */
const receiveBuffer = 4 << 20;
/** A transaction of nf_tables is one send: the default of 208 KiB holds that of some 80 virtual services. */
const sendBuffer = 8 << 20;

interface OpenOptions {
  /** Path such as /run/netns/d1; the namespace of this process when absent. */
  readonly netns?: string;
}

/**
 * A bound netlink socket with extended acks and strict checks on, for `native.writer` or openNetlinkSocket.
 * @returns descriptor; throws NetlinkError
 */
export function openNetlinkDescriptor(protocol: number, { netns }: OpenOptions = {}): number {
  const fd = native.socket(AF_NETLINK, SOCK_RAW, protocol, netns);
  if (fd < 0) throw new NetlinkError({ operation: `open a netlink socket${where(netns)}`, errno: -fd });
  // All of these only improve things: a kernel without one of them works on.
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
    native.setsockopt(fd, SOL_NETLINK, option, 1);
  if (native.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBuffer) < 0)
    native.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, receiveBuffer);
  if (native.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, sendBuffer) < 0)
    native.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, sendBuffer);
  // struct sockaddr_nl: family u16, pad u16, port u32 (0: the kernel picks one), groups u32.
  const bound = native.bind(fd, Uint8Array.from([AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  if (bound < 0) {
    native.close(fd);
    throw new NetlinkError({ operation: `bind a netlink socket${where(netns)}`, errno: -bound });
  }
  return fd;
}

export function openNetlinkSocket(protocol: number, options: OpenOptions = {}): NetlinkSocket {
  const fd = openNetlinkDescriptor(protocol, options);
  let open = true;
  let receiver: Receiver | undefined;
  return {
    send: (bytes) => {
      const sent = native.send(fd, bytes);
      // The kernel has answered within the send: a poll event would only tell so later.
      receiver?.drain();
      return sent;
    },
    receive: (onDatagram, onError) => {
      // The kernel fills dumps into at most 32 KiB a datagram.
      receiver = native.receive(
        fd,
        { slots: 4, slotSize: 64 << 10, controlSize: 0, budget: 64 },
        ({ data, address, flags }) => {
          if ((flags & MSG_TRUNC) !== 0) onError(EMSGSIZE);
          else onDatagram({ data, senderPort: senderPort(address) });
        },
        onError,
      );
    },
    join: (group) => native.setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group),
    close: () => {
      // A second close could hit a descriptor that was given out again.
      if (open) native.close(fd);
      open = false;
    },
  };
}

const where = (netns: string | undefined): string => (netns === undefined ? '' : ` in ${netns}`);

/** An address that is not a whole sockaddr_nl is nobody's: it must not pass for the kernel's port 0. */
const senderPort = (address: Uint8Array): number =>
  address.length < 12 ? -1 : new DataView(address.buffer, address.byteOffset).getUint32(4, true);
