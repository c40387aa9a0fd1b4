/**
 * TCP connections of health checks: from an address, through an interface, with a mark. socket(7)
 * A mark takes a right that the checks process gives up. Its marked sockets are made before, and one is used
 * again and again: connect(2) to AF_UNSPEC makes it a new one that keeps its mark.
 */
import { connect as connectPlain, Socket } from 'node:net';
import { type Ip, isLinkLocal } from '../base/ip.ts';
import type { SocketPort } from '../healthcheck/checkers/checker.ts';
import { type Need, type Origin, originKey, originOf } from '../healthcheck/origin.ts';
import type { CheckTarget } from '../healthcheck/types.ts';
import { errnoText } from './errno.ts';
import { native } from './native.ts';
import * as so from './sockaddr.ts';

const anyFamily = new Uint8Array(16);

/** A socket that was made beforehand, and who has it now. */
interface Slot {
  readonly fd: number;
  user: Socket | undefined;
}

export class CheckSockets implements SocketPort {
  readonly #slots = new Map<string, Slot[]>();

  /** Opens what will be needed. @param needs none when the rights stay */
  constructor(needs: readonly Need[]) {
    for (const { origin, tcp } of needs) {
      const slots: Slot[] = [];
      for (let count = 0; count < tcp; count++) {
        const fd = open(origin);
        // connect() tries again, and says what is wrong.
        if (typeof fd === 'string') break;
        slots.push({ fd, user: undefined });
      }
      this.#slots.set(originKey(origin), slots);
    }
  }

  connect(target: CheckTarget): Socket | string {
    const { port, bindto, bind_if, fwmark } = target;
    const options = {
      host: zoned(target.address, bind_if),
      port,
      ...(bindto !== undefined && { localAddress: zoned(bindto, bind_if) }),
    };
    if (bind_if === undefined && fwmark === undefined) return connectPlain(options);
    const origin = originOf(target);
    const slot = this.#slots.get(originKey(origin))?.find(isFree);
    const fd = slot === undefined ? open(origin) : renewed(slot);
    if (typeof fd === 'string') return fd;
    const socket = new Socket({ fd });
    if (slot !== undefined) {
      slot.user = socket;
      socket.once('close', () => {
        if (slot.user !== socket) return;
        slot.user = undefined;
        disconnect(slot.fd);
      });
    }
    // In the turn in which it was made: the loop would take an unconnected socket for one that was hung up.
    return socket.connect(options);
  }

  close(): void {
    for (const { fd } of [...this.#slots.values()].flat()) native.close(fd);
    this.#slots.clear();
  }
}

/** Its end may not have been told yet. */
const isFree = ({ user }: Slot): boolean => user === undefined || user.destroyed;

/** Node closes what it is given: it gets a descriptor of its own. */
function renewed(slot: Slot): number | string {
  if (slot.user !== undefined) disconnect(slot.fd);
  slot.user = undefined;
  const fd = native.duplicate(slot.fd);
  return fd < 0 ? `no descriptor: ${errnoText(fd)}` : fd;
}

function disconnect(fd: number): void {
  native.connect(fd, anyFamily);
  // It leaves ECONNRESET behind, which the next connection would be told.
  native.getsockopt(fd, so.SOL_SOCKET, so.SO_ERROR, 4);
}

function open(origin: Origin): number | string {
  const fd = native.socket(origin.family === 4 ? so.AF_INET : so.AF_INET6, so.SOCK_STREAM, 0);
  if (fd < 0) return `no socket: ${errnoText(fd)}`;
  const refused = bindOrigin(fd, origin);
  if (refused === undefined) return fd;
  native.close(fd);
  return refused;
}

/** Mark and interface. @returns what the kernel refused, in words */
export function bindOrigin(fd: number, { bind_if, fwmark }: Origin): string | undefined {
  if (fwmark !== undefined) {
    const marked = native.setsockopt(fd, so.SOL_SOCKET, so.SO_MARK, fwmark | 0);
    if (marked < 0) return `fwmark ${fwmark}: ${errnoText(marked)}; CAP_NET_ADMIN is needed`;
  }
  if (bind_if === undefined) return undefined;
  const name = new TextEncoder().encode(`${bind_if}\0`);
  const bound = native.setsockopt(fd, so.SOL_SOCKET, so.SO_BINDTODEVICE, name);
  return bound < 0 ? `bind_if ${bind_if}: ${errnoText(bound)}` : undefined;
}

/** A link-local address means something on one interface only. RFC 4007 §11 */
const zoned = (address: Ip, bind_if: string | undefined): string =>
  bind_if !== undefined && address.includes(':') && isLinkLocal(address) ? `${address}%${bind_if}` : address;
