/**
 * The kernel's process connector: births, deaths and changes of processes as netlink datagrams. One event is
 * struct nlmsghdr (16), struct cn_msg (20) and struct proc_event (40), see linux/cn_proc.h:
 *
 *   16 idx u32 · 20 val u32 · 24 seq u32 · 28 ack u32 · 32 len u16 · 34 flags u16
 *   36 what u32 · 40 cpu u32 · 44 timestamp u64 · 52 the event's own
 */
import { err, ok, type Result } from '../base/result.ts';

/** CN_IDX_PROC and CN_VAL_PROC. */
const PROC = 1;
const NLMSG_DONE = 3;
const PROC_CN_MCAST_LISTEN = 1;
const What = {
  none: 0,
  fork: 0x1,
  exec: 0x2,
  comm: 0x200,
  exit: 0x8000_0000,
} as const;
const whatAt = 36;
const dataAt = 52;
/** Where pid and tgid stand; of a fork, those of the child. A thread's differ. */
const pidAt = 52;
const childAt = 60;
const datagramLength = 76;

/** A process, never a thread: its pid is its thread group id. */
export type ProcessEvent =
  /** The answer to a request, with `ack` one more than the request's. */
  | { readonly type: 'answer'; readonly ack: number; readonly errno: number }
  | { readonly type: 'fork'; readonly parent: number; readonly pid: number }
  | { readonly type: 'exec' | 'exit' | 'renamed'; readonly pid: number }
  /** Of a thread, or of a kind that nobody asked for. */
  | { readonly type: 'other' };

export type ProcessEventFault = 'truncated' | 'not-a-process-event';

/**
 * Asks for events. It may only be asked from the initial pid and user namespaces: elsewhere no answer comes.
 */
export function listenRequest(ack: number): Uint8Array {
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, NLMSG_DONE, true);
  view.setUint32(16, PROC, true);
  view.setUint32(20, PROC, true);
  view.setUint32(28, ack, true);
  view.setUint16(32, 4, true);
  view.setUint32(36, PROC_CN_MCAST_LISTEN, true);
  return bytes;
}

export function decodeProcessEvent(datagram: Uint8Array): Result<ProcessEvent, ProcessEventFault> {
  // Since Linux 3.14 an event is always so long; an earlier one lacks only the parent of one that exited.
  if (datagram.length < datagramLength - 8) return err('truncated');
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (u32(16) !== PROC || u32(20) !== PROC) return err('not-a-process-event');
  const pid = u32(pidAt);
  const whole = pid === u32(pidAt + 4);
  const what = u32(whatAt);
  if (what === What.none)
    return ok({ type: 'answer', ack: u32(28), errno: Math.abs(view.getInt32(dataAt, true)) });
  if (what === What.fork) {
    const child = u32(childAt);
    return ok(
      child === u32(childAt + 4) ? { type: 'fork', parent: u32(pidAt + 4), pid: child } : { type: 'other' },
    );
  }
  const type = changes.get(what);
  return ok(type !== undefined && whole ? { type, pid } : { type: 'other' });
}

const changes = new Map([
  [What.exec, 'exec'],
  [What.comm, 'renamed'],
  [What.exit, 'exit'],
] as const) as ReadonlyMap<number, 'exec' | 'renamed' | 'exit'>;

/**
 * Classic BPF that lets through what decodeProcessEvent() does not call `other`: threads of a busy machine
 * must not wake us. A load is big-endian, so each constant stands with its octets turned round.
 */
export function processEventFilter(): Uint8Array {
  const [LOAD, TO_X, EQUAL, EQUAL_X, RETURN] = [0x20, 0x07, 0x15, 0x1d, 0x06];
  const turned = (value: number): number => new DataView(Uint32Array.of(value).buffer).getUint32(0, false);
  // Code, jump if true, jump if false, constant. 7: pid and tgid; 11: those of a fork's child; 15: drop; 16:
  // pass.
  const program: readonly (readonly [code: number, yes: number, no: number, k: number])[] = [
    [LOAD, 0, 0, whatAt],
    [EQUAL, 14, 0, turned(What.none)],
    [EQUAL, 8, 0, turned(What.fork)],
    [EQUAL, 3, 0, turned(What.exec)],
    [EQUAL, 2, 0, turned(What.comm)],
    [EQUAL, 1, 0, turned(What.exit)],
    [RETURN, 0, 0, 0],
    [LOAD, 0, 0, pidAt],
    [TO_X, 0, 0, 0],
    [LOAD, 0, 0, pidAt + 4],
    [EQUAL_X, 5, 4, 0],
    [LOAD, 0, 0, childAt],
    [TO_X, 0, 0, 0],
    [LOAD, 0, 0, childAt + 4],
    [EQUAL_X, 1, 0, 0],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, 0xffff_ffff],
  ];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [at, [code, yes, no, k]] of program.entries()) {
    view.setUint16(at * 8, code, true);
    bytes.set([yes, no], at * 8 + 2);
    view.setUint32(at * 8 + 4, k, true);
  }
  return bytes;
}
