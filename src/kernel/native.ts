/**
 * What the rest of the program sees of the native addon: Linux sockets for Node, with nothing of any protocol
 * in it. Calls that can fail in ordinary life return -errno, they do not throw: EAGAIN, ENOBUFS and ENETDOWN
 * are values.
 */
import { binding } from './binding.ts';
import { SlabReceiver, stopReceiverOf } from './slab-receiver.ts';

/** One received datagram. The views are valid only inside the callback: copy what is kept. */
export interface Datagram {
  readonly data: Uint8Array;
  /** struct sockaddr of the sender, as the kernel wrote it. */
  readonly address: Uint8Array;
  /** struct cmsghdr list. */
  readonly control: Uint8Array;
  /** recvmsg flags: MSG_TRUNC 0x20, MSG_CTRUNC 8. */
  readonly flags: number;
}

export interface ReceiveOptions {
  readonly slots: number;
  readonly slotSize: number;
  readonly controlSize: number;
  /** Most datagrams handled in one poll event, so that a flood cannot starve timers. */
  readonly budget: number;
}

export interface Receiver {
  /**
   * Reads now, without waiting for the poll event, until the socket is empty or the budget is used.
   * @returns datagrams handled
   */
  drain(): number;
  /** Stops watching; the descriptor stays open. */
  stop(): void;
}

/**
 * A result of the writer thread: when it sent, when the last answer came, and the first errno among the
 * answers.
 */
export interface WriteResult {
  readonly id: number;
  /**
   * 0, or positive errno of the first failing message; ETIMEDOUT 110 when the kernel never answered;
   * ECANCELED 125 when `notAfter` had passed before sending.
   */
  readonly errno: number;
  /** nlmsg_seq of the message that failed. */
  readonly seq: number;
  /** Extended-ack text when the kernel gave one. */
  readonly text: string;
  /**
   * Taken just before the send call, so that a lifetime counted from it ends before the kernel's; 0 when not
   * sent.
   */
  readonly sentAt: number;
  readonly doneAt: number;
}

export interface WriteRequest {
  readonly id: number;
  /** Netlink messages back to back; each that asks for an ACK gets one answer. */
  readonly data: Uint8Array;
  /** NLMSG_ERROR answers to wait for. */
  readonly answers: number;
  /**
   * A queued, unsent request with the same key is replaced in its place (newest wins) and answers ECANCELED.
   */
  readonly key?: string;
  /** CLOCK_BOOTTIME µs: do not send after this instant. */
  readonly notAfter?: number;
  /**
   * Just before sending, writes max(1, until − now) in milliseconds as big-endian u64 at each offset, so that
   * time spent in the queue never lengthens a lifetime.
   */
  readonly remaining?: { readonly until: number; readonly offsets: readonly number[] };
}

export interface Writer {
  /** @returns 0 or -errno (EAGAIN when the queue of 1,024 is full) */
  post(request: WriteRequest): number;
  /** sched_setscheduler for the thread alone; it begins in the normal class. @returns 0 or -errno */
  schedule(policy: number, priority: number): number;
  /** Ends the thread after the request in flight; queued ones answer ECANCELED. */
  close(): void;
}

export interface Native {
  /**
   * @param netns path such as /run/netns/d1: the socket is made there, the calling thread returns.
   * @returns descriptor or -errno
   */
  socket(domain: number, type: number, protocol: number, netns?: string): number;
  /** One more descriptor of the same socket, for somebody who closes what he is given. @returns it or -errno */
  duplicate(fd: number): number;
  close(fd: number): void;
  bind(fd: number, address: Uint8Array): number;
  connect(fd: number, address: Uint8Array): number;
  getsockname(fd: number): Uint8Array;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array | number): number;
  getsockopt(fd: number, level: number, option: number, length: number): Uint8Array | number;
  /** @param program classic BPF, 8 octets an instruction */
  attachFilter(fd: number, program: Uint8Array): number;
  /** @returns octets sent or -errno */
  send(fd: number, data: Uint8Array, address?: Uint8Array, control?: Uint8Array, flags?: number): number;
  /** sendmmsg of frames to one address. @returns frames sent or -errno */
  sendMany(fd: number, frames: readonly Uint8Array[], address?: Uint8Array): number;
  /**
   * Watches with uv_poll. `onError` gets a positive errno (ENOBUFS 105, ENETDOWN 100); the socket lives on.
   */
  receive(
    fd: number,
    options: ReceiveOptions,
    onDatagram: (datagram: Datagram) => void,
    onError: (errno: number) => void,
  ): Receiver;
  /** timerfd on CLOCK_BOOTTIME; `at` is absolute µs, undefined disarms. */
  timer(onExpiry: () => void): { set(at: number | undefined): void; stop(): void };
  /** CLOCK_BOOTTIME in whole µs. */
  now(): number;
  /** CLOCK_MONOTONIC in whole µs; differs from now() by the time the machine was suspended. */
  monotonic(): number;
  /**
   * sched_setscheduler(0, policy | SCHED_RESET_ON_FORK); policy 2 is SCHED_RR, 0 SCHED_OTHER. Only the
   * calling thread.
   * @returns 0 or -errno
   */
  schedule(policy: number, priority: number): number;
  gettid(): number;
  /**
   * Takes over a netlink descriptor (no Receiver may watch it); one thread sends requests in order and waits
   * for their answers.
   */
  writer(fd: number, onResult: (result: WriteResult) => void): Writer;
}
function openTimer(onExpiry: () => void): { set(at: number | undefined): void; stop(): void } {
  const handle = binding().timer(onExpiry);
  return {
    set: (at) => binding().setTimer(handle, at === undefined ? -1 : Math.max(0, at)),
    stop: () => binding().end(handle),
  };
}

function openWriter(fd: number, onResult: (result: WriteResult) => void): Writer {
  const handle = binding().openWriter(fd, (id, errno, seq, text, sentAt, doneAt) =>
    onResult({ id, errno, seq, text, sentAt, doneAt }),
  );
  return {
    post: ({ id, data, answers, key, notAfter, remaining }) =>
      binding().post(
        handle,
        id,
        data,
        answers,
        key ?? '',
        notAfter ?? -1,
        remaining?.until ?? -1,
        remaining?.offsets ?? [],
      ),
    schedule: (policy, priority) => binding().scheduleWriter(handle, policy, priority),
    close: () => binding().end(handle),
  };
}

/**
 * Sockets are made non-blocking and close-on-exec. close() stops a receiver of the descriptor first. A
 * terminated worker closes the sockets it made. An exception thrown in onDatagram, onError, onExpiry or
 * onResult becomes an uncaughtException; the rest of the batch is still delivered when a listener takes it.
 */
export const native: Native = {
  socket: (domain, type, protocol, netns) => binding().socket(domain, type, protocol, netns),
  duplicate: (fd) => binding().duplicate(fd),
  close: (fd) => {
    stopReceiverOf(fd);
    binding().close(fd);
  },
  bind: (fd, address) => binding().bind(fd, address),
  connect: (fd, address) => binding().connect(fd, address),
  getsockname: (fd) => binding().getsockname(fd),
  setsockopt: (fd, level, option, value) => binding().setsockopt(fd, level, option, value),
  getsockopt: (fd, level, option, length) => binding().getsockopt(fd, level, option, length),
  attachFilter: (fd, program) => binding().attachFilter(fd, program),
  send: (fd, data, address, control, flags) => binding().send(fd, data, address, control, flags),
  sendMany: (fd, frames, address) => binding().sendMany(fd, frames, address),
  receive: (fd, options, onDatagram, onError) => new SlabReceiver(fd, options, onDatagram, onError),
  timer: openTimer,
  now: () => binding().now(),
  monotonic: () => binding().monotonic(),
  schedule: (policy, priority) => binding().schedule(policy, priority),
  gettid: () => binding().gettid(),
  writer: openWriter,
};
