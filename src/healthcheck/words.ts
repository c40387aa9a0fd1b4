/** How findings are put into words: short, of one line, whatever a real server has sent. */
import { type Ip, familyOf } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';

const maxLength = 240;

/** What a server says of itself may hold anything: no control character reaches a terminal or a log. */
export function bounded(text: string): string {
  const plain = text.slice(0, maxLength + 1).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return plain.length > maxLength ? `${plain.slice(0, maxLength - 1)}…` : plain;
}

/** "3 ms", "0.4 ms" */
export function inMilliseconds(duration: Micros): string {
  const number = duration / 1_000;
  return `${number < 10 ? Number(number.toFixed(1)) : Math.round(number)} ms`;
}

/** "10.2.0.21:80", "[fd00::21]:80" */
export const endpoint = (address: Ip, port: number): string =>
  familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;

const known: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset by the server',
  EPIPE: 'closed by the server',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'no answer',
  EADDRNOTAVAIL: 'the source address is not ours, or no port of it is free',
  EADDRINUSE: 'no free source port',
  EACCES: 'forbidden by the kernel',
  EPERM: 'forbidden by the kernel or its packet filter',
  EMFILE: 'this process has no file descriptor left',
  ENFILE: 'the machine has no file descriptor left',
  HPE_HEADER_OVERFLOW: 'headers of more than 16 KiB',
};

/** Node gives these the code of a reset, which they are not. */
const closed: Readonly<Record<string, string>> = {
  'socket hang up': 'closed by the server without an answer',
  aborted: 'closed by the server before the end',
  'Client network socket disconnected before secure TLS connection was established':
    'closed by the server in the handshake',
};

/** In the words of the field where there are some, else as the system says it. */
export function errorWords(error: unknown): string {
  const { code, message, reason } = error as Partial<Record<'code' | 'message' | 'reason', string>>;
  // How llhttp says what it expected differs with its version.
  if (code?.startsWith('HPE_') === true) return known[code] ?? 'the answer is not HTTP';
  // OpenSSL's own message names files of its source; its reason does not.
  return closed[message ?? ''] ?? known[code ?? ''] ?? reason ?? message ?? String(error);
}
