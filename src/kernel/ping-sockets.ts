/**
 * ICMP echo of health checks. A datagram socket where net.ipv4.ping_group_range lets us have one, else a raw one,
 * which is made before the rights go. icmp(7)
 */
import { randomBytes } from 'node:crypto';
import type { Family, Ip } from '../base/ip.ts';
import type { PingPort } from '../healthcheck/checkers/checker.ts';
import { type Echo, echoRequest, readEchoReply, replyType } from '../healthcheck/icmp.ts';
import { type Need, type Origin, originKey, originOf } from '../healthcheck/origin.ts';
import type { CheckTarget } from '../healthcheck/types.ts';
import { bindOrigin } from './check-sockets.ts';
import { errnoText } from './errno.ts';
import { type Datagram, native } from './native.ts';
import * as so from './sockaddr.ts';

const IPPROTO_ICMP = 1;

export class PingSockets implements PingPort {
  readonly #sockets = new Map<string, PingSocket>();

  /** Opens what will be needed. @param needs none when the rights stay */
  constructor(needs: readonly Need[]) {
    for (const { origin, ping } of needs) if (ping) this.#socket(origin);
  }

  ping(target: CheckTarget, answered: () => void): { cancel(): void } | string {
    const socket = this.#socket(originOf(target));
    return typeof socket === 'string' ? socket : socket.send(target.address, answered);
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #socket(origin: Origin): PingSocket | string {
    const key = originKey(origin);
    const known = this.#sockets.get(key);
    if (known !== undefined) return known;
    const opened = open(origin);
    if (typeof opened === 'string') return opened;
    const socket = new PingSocket(opened.fd, origin.family, opened.hasHeader);
    this.#sockets.set(key, socket);
    return socket;
  }
}

interface Waiting {
  readonly address: Ip;
  readonly token: bigint;
  answered(): void;
}

class PingSocket {
  readonly #fd: number;
  readonly #family: Family;
  readonly #hasHeader: boolean;
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;

  constructor(fd: number, family: Family, hasHeader: boolean) {
    this.#fd = fd;
    this.#family = family;
    this.#hasHeader = hasHeader;
    native.receive(
      fd,
      { slots: 16, slotSize: 256, controlSize: 0, budget: 256 },
      (datagram) => this.#receive(datagram),
      // What the kernel reports here belongs to no one echo: that one is not answered, and its time runs out.
      () => undefined,
    );
  }

  send(address: Ip, answered: () => void): { cancel(): void } | string {
    do this.#sequence = (this.#sequence + 1) & 0xffff;
    while (this.#waiting.has(this.#sequence));
    const sequence = this.#sequence;
    const echo: Echo = { id: ownId, sequence, token: randomBytes(8).readBigUInt64BE() };
    const request = echoRequest(this.#family, echo);
    const sent = native.send(this.#fd, request, so.inetAddress(address));
    if (sent < 0) return errnoText(sent);
    this.#waiting.set(sequence, { address, token: echo.token, answered });
    return { cancel: () => this.#waiting.delete(sequence) };
  }

  close(): void {
    native.close(this.#fd);
  }

  #receive({ data, address }: Datagram): void {
    const message = this.#hasHeader ? data.subarray(((data[0] ?? 0) & 0x0f) * 4) : data;
    const reply = readEchoReply(this.#family, message);
    const sender = so.readAddress(address);
    if (reply === undefined || sender?.kind !== 'inet') return;
    const waiting = this.#waiting.get(reply.sequence);
    if (waiting === undefined || waiting.token !== reply.token || waiting.address !== sender.address) return;
    this.#waiting.delete(reply.sequence);
    waiting.answered();
  }
}

/** Of raw sockets; a datagram socket has one from the kernel. */
const ownId = process.pid & 0xffff;

/** @returns the descriptor, and whether what it receives begins with an IPv4 header */
function open(origin: Origin): { readonly fd: number; readonly hasHeader: boolean } | string {
  const { family, bindto } = origin;
  const domain = family === 4 ? so.AF_INET : so.AF_INET6;
  const protocol = family === 4 ? IPPROTO_ICMP : so.IPPROTO_ICMPV6;
  const datagram = native.socket(domain, so.SOCK_DGRAM, protocol);
  const raw = datagram < 0;
  const fd = raw ? native.socket(domain, so.SOCK_RAW, protocol) : datagram;
  if (fd < 0)
    return `no ICMP socket: ${errnoText(fd)}; CAP_NET_RAW or net.ipv4.ping_group_range must allow it`;
  let refused = bindOrigin(fd, origin);
  if (refused === undefined && bindto !== undefined) {
    const bound = native.bind(fd, so.inetAddress(bindto));
    if (bound < 0) refused = `bindto ${bindto}: ${errnoText(bound)}`;
  }
  if (refused === undefined && raw) {
    const filtered = native.attachFilter(fd, onlyOwnReplies(family));
    if (filtered < 0) refused = `SO_ATTACH_FILTER: ${errnoText(filtered)}`;
  }
  if (refused === undefined) return { fd, hasHeader: raw && family === 4 };
  native.close(fd);
  return refused;
}

/**
 * Classic BPF: a raw socket is given every ICMP message that reaches the machine, and a flood of them must not
 * reach us. IPv4 packets come with their header, ICMPv6 without. Octets: code u16, jump true, jump false, k u32.
 */
function onlyOwnReplies(family: Family): Uint8Array {
  const load = family === 4 ? { octet: 0x50, half: 0x48 } : { octet: 0x30, half: 0x28 };
  const program: readonly (readonly [code: number, yes: number, no: number, k: number])[] = [
    // ldx 4*([0]&0xf)
    ...(family === 4 ? [[0xb1, 0, 0, 0] as const] : []),
    [load.octet, 0, 0, 0],
    [0x15, 0, 3, replyType[family]],
    [load.half, 0, 0, 4],
    [0x15, 0, 1, ownId],
    [0x06, 0, 0, 0xffff],
    [0x06, 0, 0, 0],
  ];
  const octets = new Uint8Array(program.length * 8);
  const view = new DataView(octets.buffer);
  for (const [at, [code, yes, no, k]] of program.entries()) {
    view.setUint16(at * 8, code, true);
    view.setUint8(at * 8 + 2, yes);
    view.setUint8(at * 8 + 3, no);
    view.setUint32(at * 8 + 4, k, true);
  }
  return octets;
}
