import type { Ip } from '../base/ip.ts';
import { familyOf } from '../base/ip.ts';
import { internetChecksum } from '../base/checksum.ts';
import type { Micros } from '../base/time.ts';
import { milliseconds } from '../base/time.ts';
import type { Native, Receiver } from '../kernel/native.ts';
import {
  AF_INET,
  AF_INET6,
  ICMP6_FILTER,
  inetAddress,
  IPPROTO_ICMPV6,
  SOCK_RAW,
} from '../kernel/sockaddr.ts';
import type { Probe } from './client-view.ts';
import type { ClockPort, Ticks } from './clock.ts';
import { readClock, startTicks } from './clock.ts';
import type { LinkEnd } from './packet-socket.ts';
import { expectDone } from './packet-socket.ts';

export type ProberPort = ClockPort &
  Pick<Native, 'socket' | 'close' | 'bind' | 'connect' | 'setsockopt' | 'send' | 'receive'>;

export interface ClientProberOptions extends LinkEnd {
  readonly address: Ip;
  /** 10 ms when absent. */
  readonly period?: Micros;
}

const IPPROTO_ICMP = 1;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
/** ICMP (RFC 792) and ICMPv6 (RFC 4443) types. */
const echo = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** Distinguishes probers: one namespace's raw sockets all hear every echo reply. */
let nextId = process.pid & 0xffff;

/**
 * Pings an address as any client would: through the namespace's own routes and neighbour cache, which
 * the owner sampler goes around on purpose.
 */
export class ClientProber {
  readonly #port: ProberPort;
  readonly #fd: number;
  readonly #family: 4 | 6;
  readonly #receiver: Receiver;
  readonly #id: number;
  readonly #probes: { sentAt: Micros; answeredAt: Micros | undefined }[] = [];
  readonly #ticks: Ticks;
  #sendErrors = 0;

  /** Starts at once. @throws InstrumentError */
  constructor(port: ProberPort, options: ClientProberOptions) {
    this.#port = port;
    this.#family = familyOf(options.address);
    this.#id = nextId = (nextId + 1) & 0xffff;
    this.#fd = openEchoSocket(port, options);
    const receiveOptions = { slots: 16, slotSize: 512, controlSize: 0, budget: 64 };
    // ECONNREFUSED and EHOSTUNREACH are reported here for earlier probes; these stay unanswered, which is
    // what counts.
    this.#receiver = port.receive(
      this.#fd,
      receiveOptions,
      ({ data }) => this.#onPacket(data),
      () => undefined,
    );
    this.#ticks = startTicks(port, options.period ?? milliseconds(10), () => this.#onTick());
  }

  /** Probes that the stack refused at once (no route, link down); they are lost probes too. */
  get sendErrors(): number {
    return this.#sendErrors;
  }

  /** Every probe so far, in the order sent. */
  get probes(): readonly Probe[] {
    return this.#probes;
  }

  stop(): void {
    this.#ticks.stop();
    this.#receiver.drain();
    this.#port.close(this.#fd);
  }

  #onTick(): void {
    this.#receiver.drain();
    const sequence = this.#probes.length & 0xffff;
    const message = new Uint8Array(16);
    const fields = new DataView(message.buffer);
    fields.setUint8(0, echo[this.#family].request);
    fields.setUint16(4, this.#id);
    fields.setUint16(6, sequence);
    // The kernel sums ICMPv6 itself (RFC 3542 §3.1), never ICMP.
    if (this.#family === 4) fields.setUint16(2, internetChecksum(message));
    this.#probes.push({ sentAt: readClock(this.#port), answeredAt: undefined });
    if (this.#port.send(this.#fd, message) < 0) this.#sendErrors++;
  }

  /** Raw IPv4 sockets deliver the IP header, IPv6 ones do not. */
  #onPacket(packet: Uint8Array): void {
    const message = this.#family === 4 ? packet.subarray(((packet[0] ?? 0) & 0x0f) * 4) : packet;
    if (message.length < 8 || message[0] !== echo[this.#family].reply) return;
    const fields = new DataView(message.buffer, message.byteOffset, message.byteLength);
    if (fields.getUint16(4) !== this.#id) return;
    const last = this.#probes.length - 1;
    const probe = this.#probes[last - ((last - fields.getUint16(6)) & 0xffff)];
    if (probe !== undefined) probe.answeredAt ??= readClock(this.#port);
  }
}

function openEchoSocket(port: ProberPort, { netns, interfaceIndex, address }: ClientProberOptions): number {
  const six = familyOf(address) === 6;
  const protocol = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  const fd = expectDone(port.socket(six ? AF_INET6 : AF_INET, SOCK_RAW, protocol, netns), 'echo socket');
  try {
    if (six) {
      // A set bit blocks its type (RFC 3542 §3.2); the kernel's words are little-endian here.
      const blocked = new Uint8Array(32).fill(0xff);
      blocked[echo[6].reply >> 3] = 0xff & ~(1 << (echo[6].reply & 7));
      expectDone(port.setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, blocked), 'ICMP6_FILTER');
    } else {
      expectDone(port.setsockopt(fd, SOL_RAW, ICMP_FILTER, ~(1 << echo[4].reply)), 'ICMP_FILTER');
    }
    expectDone(port.connect(fd, inetAddress(address, 0, interfaceIndex)), `connect to ${address}`);
    return fd;
  } catch (error) {
    port.close(fd);
    throw error;
  }
}
