/**
 * Which processes run, kept true by the kernel's process connector: a death is known in a millisecond, and
 * nothing is polled. The connector speaks only in the initial network, pid and user namespaces and to
 * CAP_NET_ADMIN; where it does not, /proc is read every second instead, and `source` says so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { decodeProcessEvent, listenRequest, processEventFilter } from '../netlink/process-event.ts';
import { type ProcessIdentity, type ProcessPattern, ProcessTable } from '../vrrp/track-process.ts';
import { errnoText } from './errno.ts';
import { type Datagram, native } from './native.ts';
import * as so from './sockaddr.ts';

const NETLINK_CONNECTOR = 11;
const CN_IDX_PROC = 1;
const receiveBuffer = 4 << 20;
const pollInterval_ms = 1_000;

export type ProcessSource =
  | { readonly kind: 'events' }
  /** Every second, because of what `why` says. */
  | { readonly kind: 'polling'; readonly why: string };

export class ProcessWatch {
  readonly #table: ProcessTable;
  readonly #names: readonly string[];
  readonly #changed: (name: string, count: number) => void;
  readonly #said = new Map<string, number>();
  readonly #fd: number;
  readonly #ack = (native.now() & 0x3fff_ffff) + 1;
  #source: ProcessSource = {
    kind: 'polling',
    why: 'the kernel has not answered to a wish for process events',
  };
  #poll: NodeJS.Timeout | undefined;

  /**
   * @param changed by the name of the pattern; the first count comes from within the constructor
   * @param netns where the connector is looked for, for tests; ours when absent
   */
  constructor(
    patterns: ReadonlyMap<string, ProcessPattern>,
    changed: (name: string, count: number) => void,
    netns?: string,
  ) {
    this.#table = new ProcessTable(patterns);
    this.#names = [...patterns.keys()];
    this.#changed = changed;
    this.#poll = setInterval(() => this.#scan(), pollInterval_ms);
    this.#fd = native.socket(so.AF_NETLINK, so.SOCK_DGRAM, NETLINK_CONNECTOR, netns);
    this.#listen();
    this.#scan();
  }

  get source(): ProcessSource {
    return this.#source;
  }

  close(): void {
    clearInterval(this.#poll);
    if (this.#fd >= 0) native.close(this.#fd);
  }

  #listen(): void {
    const fd = this.#fd;
    if (fd < 0) {
      this.#source = { kind: 'polling', why: `the kernel has no process events: ${errnoText(fd)}` };
      return;
    }
    if (native.setsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUFFORCE, receiveBuffer) < 0)
      native.setsockopt(fd, so.SOL_SOCKET, so.SO_RCVBUF, receiveBuffer);
    // Before it is bound, so that nothing else is ever queued. Refused, it only costs time.
    native.attachFilter(fd, processEventFilter());
    const refused =
      native.bind(fd, so.netlinkAddress(0, CN_IDX_PROC)) ||
      Math.min(0, native.send(fd, listenRequest(this.#ack)));
    if (refused < 0) {
      this.#source = { kind: 'polling', why: whyRefused(refused) };
      return;
    }
    native.receive(
      fd,
      { slots: 64, slotSize: 256, controlSize: 0, budget: 256 },
      (datagram) => this.#hear(datagram),
      // ENOBUFS: births and deaths were lost, so all have to be looked at.
      () => this.#scan(),
    );
  }

  #hear({ data, address }: Datagram): void {
    const sender = so.readAddress(address);
    if (sender?.kind !== 'netlink' || sender.port !== 0) return;
    const decoded = decodeProcessEvent(data);
    if (!decoded.ok) return;
    const event = decoded.value;
    if (event.type === 'answer') this.#onAnswer(event.ack, event.errno);
    // Another listener's events come here too, but their pids are ours only if our own wish was answered.
    if (this.#source.kind !== 'events') return;
    if (event.type === 'fork') this.#table.forked(event.parent, event.pid);
    else if (event.type === 'exit') this.#table.gone(event.pid);
    else if (event.type === 'exec' || event.type === 'renamed')
      this.#table.identified(event.pid, identityOf(event.pid, this.#table.needsArguments));
    this.#say();
  }

  #onAnswer(ack: number, errno: number): void {
    if (ack !== this.#ack + 1 || this.#source.kind === 'events') return;
    if (errno !== 0) {
      this.#source = { kind: 'polling', why: whyRefused(errno) };
      return;
    }
    clearInterval(this.#poll);
    this.#poll = undefined;
    this.#source = { kind: 'events' };
    // What came between the first look and this answer was not listened to.
    this.#scan();
  }

  #scan(): void {
    this.#table.replace(allProcesses(this.#table.needsArguments));
    this.#say();
  }

  #say(): void {
    for (const name of this.#names) {
      const count = this.#table.count(name);
      if (this.#said.get(name) === count) continue;
      this.#said.set(name, count);
      this.#changed(name, count);
    }
  }
}

const whyRefused = (errno: number): string =>
  Math.abs(errno) === 111
    ? 'the kernel tells process events only in the initial network namespace: ECONNREFUSED (111)'
    : `the kernel refuses process events: ${errnoText(errno)}; CAP_NET_ADMIN is needed`;

function allProcesses(withArguments: boolean): ReadonlyMap<number, ProcessIdentity> {
  const all = new Map<number, ProcessIdentity>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const identity = identityOf(Number(name), withArguments);
    if (identity !== undefined) all.set(Number(name), identity);
  }
  return all;
}

/** @returns undefined when it has ended, or is dead and waits for its parent */
function identityOf(pid: number, withArguments: boolean): ProcessIdentity | undefined {
  try {
    // "7 (name) S …": the name may hold anything, so its end is the last parenthesis. proc_pid_stat(5)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    if ('ZX'.includes(stat.charAt(end + 2))) return undefined;
    const comm = stat.slice(stat.indexOf('(') + 1, end);
    if (!withArguments) return { comm, argv: undefined };
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return { comm, argv: words === '' ? [] : words.replace(/\0$/, '').split('\0') };
  } catch {
    return undefined;
  }
}
