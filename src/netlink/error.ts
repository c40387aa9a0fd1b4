import { constants } from 'node:os';

/** What went wrong between us and the kernel; `errno` is positive and names the cause for code. */
export class NetlinkError extends Error {
  /** What was asked: "add address 192.0.2.7/32 on interface 3". */
  readonly operation: string;
  readonly errno: number;
  /** "EEXIST" */
  readonly errnoName: string;
  /** The kernel's own words (extended ack), or ours where there was no answer; empty when it gave none. */
  readonly text: string;
  /** nlmsg_seq of the message it answers; 0 when none was sent. */
  readonly seq: number;

  constructor(
    {
      operation,
      errno,
      text = '',
      seq = 0,
    }: { operation: string; errno: number; text?: string; seq?: number },
    options?: ErrorOptions,
  ) {
    const errnoName = nameOfErrno(errno);
    super(`cannot ${operation}: ${errnoName}${text === '' ? '' : ` (${text})`}`, options);
    this.name = 'NetlinkError';
    this.operation = operation;
    this.errno = errno;
    this.errnoName = errnoName;
    this.text = text;
    this.seq = seq;
  }
}

/** The errno values that code of ours compares with. */
export const Errno = {
  noEntry: constants.errno.ENOENT,
  interrupted: constants.errno.EINTR,
  exists: constants.errno.EEXIST,
  messageSize: constants.errno.EMSGSIZE,
  notAvailable: constants.errno.EADDRNOTAVAIL,
  noBuffers: constants.errno.ENOBUFS,
  timedOut: constants.errno.ETIMEDOUT,
  cancelled: constants.errno.ECANCELED,
  badMessage: constants.errno.EBADMSG,
} as const;

/**
 * util.getSystemErrorName knows libuv's errors only, and answers "Unknown system error" to many of the
 * kernel's.
 */
export function nameOfErrno(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}
