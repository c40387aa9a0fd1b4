import type { Mac } from '../base/mac.ts';
import { macBytes } from '../base/mac.ts';
import type { Native } from '../kernel/native.ts';
import {
  AF_PACKET,
  ETH_P_ALL,
  ETH_P_IP,
  ETH_P_IPV6,
  PACKET_ADD_MEMBERSHIP,
  PACKET_MR_PROMISC,
  packetAddress,
  packetMembership,
  SOCK_RAW,
  SOL_PACKET,
} from '../kernel/sockaddr.ts';

export type PacketPort = Pick<
  Native,
  'socket' | 'close' | 'bind' | 'setsockopt' | 'attachFilter' | 'sendMany' | 'receive'
>;

/** One end of a cable: an interface inside a network namespace. */
export interface LinkEnd {
  /** Path of the namespace; this process's own when absent. */
  readonly netns?: string;
  readonly interfaceIndex: number;
}

/** The environment refused a socket or a setting that an instrument needs. */
export class InstrumentError extends Error {
  constructor(what: string, errno: number) {
    super(`${what}: errno ${errno}`);
    this.name = 'InstrumentError';
  }
}

/** @returns the value of a native call @throws InstrumentError when it is -errno */
export function expectDone(value: number, what: string): number {
  if (value < 0) throw new InstrumentError(what, -value);
  return value;
}

const PACKET_IGNORE_OUTGOING = 23;

/**
 * Most frames of the instruments are under 128 octets; advertisements with many addresses stay below this.
 */
export const frameReceiveOptions = { slots: 64, slotSize: 2048, controlSize: 0, budget: 256 } as const;

/**
 * Opens an AF_PACKET socket that hears whole frames of one link, other stations' too, but not our own.
 * Protocol 0 until bind: before the filter is attached nothing is heard, from no interface.
 */
export function openPacketSocket(port: PacketPort, link: LinkEnd, filter: Uint8Array): number {
  const fd = expectDone(port.socket(AF_PACKET, SOCK_RAW, 0, link.netns), 'packet socket');
  try {
    expectDone(port.attachFilter(fd, filter), 'packet filter');
    expectDone(port.setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1), 'PACKET_IGNORE_OUTGOING');
    const everything = packetMembership(link.interfaceIndex, PACKET_MR_PROMISC);
    expectDone(port.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, everything), 'PACKET_ADD_MEMBERSHIP');
    expectDone(port.bind(fd, packetAddress(link.interfaceIndex, ETH_P_ALL)), 'bind to the interface');
    return fd;
  } catch (error) {
    port.close(fd);
    throw error;
  }
}

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

// linux/filter.h: classes and modes, already combined.
const loadWord = 0x20;
const loadHalf = 0x28;
const loadByte = 0x30;
const jumpEqual = 0x15;
const answer = 0x06;
const accept: Instruction = [answer, 0, 0, 0xffff];
const drop: Instruction = [answer, 0, 0, 0];

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const program = new Uint8Array(instructions.length * 8);
  const fields = new DataView(program.buffer);
  for (const [at, [code, jumpTrue, jumpFalse, value]] of instructions.entries()) {
    fields.setUint16(at * 8, code, true);
    fields.setUint8(at * 8 + 2, jumpTrue);
    fields.setUint8(at * 8 + 3, jumpFalse);
    fields.setUint32(at * 8 + 4, value, true);
  }
  return program;
}

/** Frames addressed to this MAC. */
export function filterDestination(mac: Mac): Uint8Array {
  const fields = new DataView(macBytes(mac).buffer);
  return assemble([
    [loadWord, 0, 0, 0],
    [jumpEqual, 0, 3, fields.getUint32(0)],
    [loadHalf, 0, 0, 4],
    [jumpEqual, 0, 1, fields.getUint16(4)],
    accept,
    drop,
  ]);
}

/** IPv4 and IPv6 packets of this IP protocol, directly behind the fixed header. */
export const filterProtocol = (protocol: number): Uint8Array =>
  assemble([
    [loadHalf, 0, 0, 12],
    [jumpEqual, 0, 2, ETH_P_IP],
    [loadByte, 0, 0, 23],
    [jumpEqual, 3, 4, protocol],
    [jumpEqual, 0, 3, ETH_P_IPV6],
    [loadByte, 0, 0, 20],
    [jumpEqual, 0, 1, protocol],
    accept,
    drop,
  ]);
