/**
 * The way of a tracker's word to the vrrp process: unix datagrams between two sockets whose names the kernel
 * chose (autobind, unix(7)). Who may speak is said by the parent, and held twice: the receiver is connected
 * to the sender's socket, so that the kernel refuses everybody else's datagrams (EPERM) and never counts the
 * sender's against the queue length of 10 that others could fill; and every datagram carries the pid of its
 * sender, as the kernel knows it.
 */
import { decodeReport, encodeReport, maxReportLength, type ReportFault } from '../vrrp/track-report.ts';
import { trackerKey, type TrackerReport } from '../vrrp/track-board.ts';
import { readControl } from './control-message.ts';
import { errnoText } from './errno.ts';
import { type Datagram, native } from './native.ts';
import * as so from './sockaddr.ts';

const SO_PASSCRED = 16;
const SCM_CREDENTIALS = 2;
const EAGAIN = 11;
const ENOBUFS = 105;
const retry_ms = 10;

export interface TrackerSenderId {
  readonly pid: number;
  /** TrackerSender.address */
  readonly address: string;
}

export type RefusalReason = ReportFault | 'sender';

export interface TrackerChannel {
  /** What the sender needs: "@00fa3". */
  readonly address: string;
  /** Datagrams that were not believed, by reason. */
  readonly refused: ReadonlyMap<RefusalReason, number>;
  /** From now on this process is heard and nobody else. @returns what the kernel refused, in words */
  hear(sender: TrackerSenderId): string | undefined;
  /** Delivers what is queued, without waiting: before a deadline of silence is believed. */
  drain(): void;
  close(): void;
}

/** One channel for each process that reports. @throws when there are no sockets */
export function openTrackerChannel(onReport: (report: TrackerReport) => void): TrackerChannel {
  const { fd, address } = openNamed();
  const refused = new Map<RefusalReason, number>();
  let heard: number | undefined;
  const take = ({ data, control, flags }: Datagram): void => {
    const decoded = decodeReport(data);
    const reason: RefusalReason | undefined =
      heard === undefined || senderPid(control) !== heard
        ? 'sender'
        : (flags & so.MSG_TRUNC) !== 0
          ? 'too-long'
          : decoded.ok
            ? undefined
            : decoded.error;
    if (reason !== undefined) refused.set(reason, (refused.get(reason) ?? 0) + 1);
    else if (decoded.ok) onReport(decoded.value);
  };
  const receiver = native.receive(
    fd,
    { slots: 16, slotSize: maxReportLength, controlSize: 64, budget: 64 },
    take,
    // ECONNRESET: the sender has closed. Who comes after it is said by hear().
    () => undefined,
  );
  return {
    address,
    refused,
    hear(sender) {
      heard = sender.pid;
      const result = native.connect(fd, so.unixAddress(sender.address));
      return result < 0 ? `trackers of process ${sender.pid}: ${errnoText(result)}` : undefined;
    },
    drain: () => void receiver.drain(),
    close() {
      receiver.stop();
      native.close(fd);
    },
  };
}

export interface TrackerSender {
  readonly address: string;
  /** Reports go there from now on; what could not be sent before is dropped. */
  to(address: string): void;
  /**
   * What finds no room goes a little later, the newest of each tracker. Without a receiver nothing happens.
   */
  send(report: TrackerReport): void;
  close(): void;
}

export function openTrackerSender(): TrackerSender {
  const { fd, address } = openNamed();
  const waiting = new Map<string, TrackerReport>();
  let receiver: Uint8Array | undefined;
  let retry: NodeJS.Timeout | undefined;
  const flush = (): void => {
    retry = undefined;
    for (const [key, report] of waiting) {
      const sent = receiver === undefined ? 0 : native.send(fd, encodeReport(report), receiver);
      if (sent === -EAGAIN || sent === -ENOBUFS) {
        retry = setTimeout(flush, retry_ms);
        return;
      }
      // Any other refusal means that the receiver is gone; its successor is told everything anew.
      waiting.delete(key);
    }
  };
  return {
    address,
    to(next) {
      receiver = so.unixAddress(next);
      waiting.clear();
    },
    send(report) {
      waiting.set(trackerKey(report), report);
      if (retry === undefined) flush();
    },
    close() {
      clearTimeout(retry);
      native.close(fd);
    },
  };
}

function openNamed(): { readonly fd: number; readonly address: string } {
  const fd = native.socket(so.AF_UNIX, so.SOCK_DGRAM, 0);
  if (fd < 0) throw new Error(`no unix socket for trackers: ${errnoText(fd)}`);
  native.setsockopt(fd, so.SOL_SOCKET, SO_PASSCRED, 1);
  // An address that is the family alone: the kernel chooses a free abstract name.
  const bound = native.bind(fd, Uint8Array.of(so.AF_UNIX, 0));
  const name = bound < 0 ? undefined : so.readAddress(native.getsockname(fd));
  if (name?.kind === 'unix') return { fd, address: name.path };
  native.close(fd);
  throw new Error(`no name for the trackers' socket: ${errnoText(bound)}`);
}

/** struct ucred: pid, uid, gid, each 32 bits. */
function senderPid(control: Uint8Array): number | undefined {
  const credentials = readControl(control).find(
    ({ level, type, data }) => level === so.SOL_SOCKET && type === SCM_CREDENTIALS && data.length >= 12,
  );
  if (credentials === undefined) return undefined;
  const { buffer, byteOffset } = credentials.data;
  return new DataView(buffer, byteOffset).getInt32(0, true);
}
