/**
 * The port of one life of a vrrp process to a made-up machine: what linux.ts is to a real one. Everything that comes to
 * the process comes as a turn of its loop, a little late; a stopped process has its turns afterwards, in any order.
 */
import { type Family, type Ip, isMulticast } from '../base/ip.ts';
import { after, type Micros, micros } from '../base/time.ts';
import type { AddressOutcome, GateOutcome } from '../vrrp/instance.ts';
import type { GateWrite } from '../vrrp/lease.ts';
import type { AddressWrite, InterfaceFacts, VrrpLink, VrrpSocket, VrrpSocketEvents } from '../vrrp/link.ts';
import type { ReceivedPacket } from '../vrrp/receive.ts';
import { type MemoryKernel, remainingAt } from './memory.ts';

export interface MemoryLinkOptions {
  readonly kernel: MemoryKernel;
  /** How late the loop comes to a turn. */
  readonly lateness: () => Micros;
  /** How long the kernel takes for one write. */
  readonly latency: () => Micros;
  /** Order of the turns that waited while the process was stopped. */
  readonly shuffle: <T>(turns: readonly T[]) => readonly T[];
  readonly send: (packet: ReceivedPacket, interfaceIndex: number) => void;
  readonly frame: (frame: Uint8Array) => void;
}

/** The entries of the vrrp loop. */
export interface MemoryLoop {
  wake(): void;
  interfacesChanged(): void;
}

/** Far more than the queue of a raw socket ever holds here; what comes then is lost. */
const queueLength = 256;
const ENETDOWN = 100;

interface MemorySocket {
  readonly interfaceIndex: number;
  readonly family: Family;
  readonly events: VrrpSocketEvents;
  readonly queue: ReceivedPacket[];
  /** The loop has been told, and has not come yet. */
  readable: boolean;
}

function drain({ queue, events }: MemorySocket): void {
  for (let packet = queue.shift(); packet !== undefined; packet = queue.shift()) events.onPacket(packet);
}

export class MemoryLink implements VrrpLink {
  readonly gateUnavailable = undefined;
  readonly #options: MemoryLinkOptions;
  readonly #kernel: MemoryKernel;
  readonly #addresses: MemoryWriter;
  readonly #gate: MemoryWriter;
  readonly #unsubscribe: () => void;
  readonly #waiting: (() => void)[] = [];
  readonly #sockets: MemorySocket[] = [];
  #loop: MemoryLoop | undefined;
  #stopped = false;
  #dead = false;
  #changes = false;
  #wakeAt: Micros | undefined;
  #armedAt: Micros | undefined;

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
    this.#kernel = options.kernel;
    const turn = (run: () => void): void => this.turn(run);
    this.#addresses = new MemoryWriter(options, turn);
    this.#gate = new MemoryWriter(options, turn);
    this.#unsubscribe = options.kernel.subscribe(() => this.#interfaceChanged());
  }

  /** Gives the loop its link; before this nothing comes. */
  run(loop: MemoryLoop): void {
    this.#loop = loop;
  }

  /** A turn of the loop, after the usual lateness. */
  turn(run: () => void): void {
    this.#kernel.later(after(this.#kernel.now, this.#options.lateness()), () => {
      if (this.#dead) return;
      if (this.#stopped) this.#waiting.push(run);
      else run();
    });
  }

  /** SIGSTOP: no code runs, the writer threads neither; what they had sent takes effect. */
  stop(): void {
    this.#stopped = true;
    this.#addresses.stopped = this.#gate.stopped = true;
  }

  /** SIGCONT */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    for (const run of this.#options.shuffle(this.#waiting.splice(0))) this.turn(run);
    this.#addresses.resume();
    this.#gate.resume();
  }

  /** kill -9: the sockets close, the kernel keeps everything else. */
  kill(): void {
    this.#dead = true;
    this.#addresses.stopped = this.#gate.stopped = true;
    this.#unsubscribe();
  }

  /** Packets in the queues of the sockets, not seen by the loop. */
  get queued(): readonly ReceivedPacket[] {
    return this.#sockets.flatMap(({ queue }) => queue);
  }

  /** Every write has been answered. */
  get idle(): boolean {
    return this.#addresses.idle && this.#gate.idle;
  }

  /** A write is inside the kernel: a killed process is not gone, and its parent hears nothing, before it is done. */
  get inKernel(): boolean {
    return this.#addresses.busy || this.#gate.busy;
  }

  receive(packet: ReceivedPacket, interfaceIndex: number): void {
    const { destination, family } = packet;
    const socket = this.#sockets.find(
      (one) => one.interfaceIndex === interfaceIndex && one.family === family,
    );
    if (this.#dead || socket === undefined || socket.queue.length >= queueLength) return;
    if (!isMulticast(destination) && !this.#kernel.isOurs(destination)) return;
    socket.queue.push(packet);
    if (socket.readable) return;
    socket.readable = true;
    this.turn(() => {
      socket.readable = false;
      drain(socket);
    });
  }

  #interfaceChanged(): void {
    if (this.#changes) return;
    this.#changes = true;
    this.turn(() => {
      this.#changes = false;
      this.#loop?.interfacesChanged();
    });
  }

  // VrrpLink

  now(): Micros {
    return this.#kernel.now;
  }

  wakeAt(at: Micros): void {
    this.#wakeAt = at;
    if (this.#armedAt === undefined || at < this.#armedAt) this.#arm(at);
  }

  #arm(at: Micros): void {
    this.#armedAt = at;
    this.#kernel.later(at, () => {
      if (this.#armedAt !== at || this.#dead) return;
      this.#armedAt = undefined;
      if (this.#wakeAt === undefined) return;
      if (this.#wakeAt > this.#kernel.now) this.#arm(this.#wakeAt);
      else {
        this.#wakeAt = undefined;
        this.turn(() => this.#loop?.wake());
      }
    });
  }

  interface(name: string): InterfaceFacts | undefined {
    return this.#kernel.facts(name);
  }

  open({ index: interfaceIndex }: InterfaceFacts, family: Family, events: VrrpSocketEvents): VrrpSocket {
    const socket: MemorySocket = { interfaceIndex, family, events, queue: [], readable: false };
    this.#sockets.push(socket);
    return {
      send: ({ message: data, ...header }) => {
        if (!this.#kernel.hasCarrier(interfaceIndex)) return ENETDOWN;
        this.#options.send({ family, ...header, data }, interfaceIndex);
        return 0;
      },
      drain: () => drain(socket),
      close: () => {
        this.#sockets.splice(this.#sockets.indexOf(socket), 1);
        socket.queue.length = 0;
      },
    };
  }

  sendFrame(interfaceIndex: number, frame: Uint8Array): number {
    if (!this.#kernel.hasCarrier(interfaceIndex)) return ENETDOWN;
    this.#options.frame(frame);
    return 0;
  }

  writeAddress(write: AddressWrite, done: (outcome: AddressOutcome) => void): void {
    this.#addresses.post({
      apply: () => this.#kernel.writeAddress(write),
      tooLate: { failed: 'too late to be sent' },
      done: done as (outcome: GateOutcome) => void,
      notAfter: write.notAfter,
      key: write.operation === 'refresh' ? write.address.address : undefined,
    });
  }

  writeGate(
    operation: 'open' | 'renew' | 'close' | 'forget',
    addresses: readonly Ip[],
    write: GateWrite | undefined,
    done: (outcome: GateOutcome) => void,
  ): void {
    this.#gate.post({
      apply: (sentAt) => {
        // The writer puts in what is left just before it sends; the kernel counts it from when it takes the batch.
        const lifetime = write === undefined ? micros(0) : remainingAt(write.until, sentAt);
        return this.#kernel.writeGate(operation, addresses, lifetime);
      },
      tooLate: 'too-late',
      done,
      notAfter: write?.notAfter,
      key: operation === 'renew' ? addresses.join(' ') : undefined,
    });
  }
}

interface Job {
  readonly apply: (sentAt: Micros) => GateOutcome;
  readonly done: (outcome: GateOutcome) => void;
  readonly tooLate: GateOutcome;
  readonly notAfter: Micros | undefined;
  /** Of two waiting jobs with one key the newer takes the place of the older, which nobody hears of. */
  readonly key: string | undefined;
}

/** A writer thread: one request at a time, in order. */
class MemoryWriter {
  stopped = false;
  readonly #options: MemoryLinkOptions;
  readonly #turn: (run: () => void) => void;
  readonly #jobs: Job[] = [];
  #busy = false;

  constructor(options: MemoryLinkOptions, turn: (run: () => void) => void) {
    this.#options = options;
    this.#turn = turn;
  }

  get busy(): boolean {
    return this.#busy;
  }

  get idle(): boolean {
    return !this.#busy && this.#jobs.length === 0;
  }

  post(job: Job): void {
    const older = job.key === undefined ? -1 : this.#jobs.findIndex(({ key }) => key === job.key);
    if (older >= 0) this.#jobs[older] = job;
    else this.#jobs.push(job);
    this.#next();
  }

  resume(): void {
    this.stopped = false;
    this.#next();
  }

  #next(): void {
    if (this.#busy || this.stopped) return;
    const job = this.#jobs.shift();
    if (job === undefined) return;
    const { kernel, latency } = this.#options;
    const sentAt = kernel.now;
    if (job.notAfter !== undefined && sentAt > job.notAfter) {
      this.#turn(() => job.done(job.tooLate));
      this.#next();
      return;
    }
    this.#busy = true;
    kernel.later(after(sentAt, latency()), () => {
      const outcome = job.apply(sentAt);
      this.#busy = false;
      this.#turn(() => job.done(outcome));
      this.#next();
    });
  }
}
