import { markAsUntransferable } from 'node:worker_threads';
import type { Handle } from './binding.ts';
import { binding } from './binding.ts';
import type { Datagram, ReceiveOptions, Receiver } from './native.ts';

const EINTR = 4;
const EAGAIN = 11;
const META_SIZE = 16;
const ADDRESS_SIZE = 128;

/** At most one receiver watches a descriptor: libuv allows no second. */
const receivers = new Map<number, Receiver>();

export const stopReceiverOf = (fd: number): void => receivers.get(fd)?.stop();

/** Builds a Datagram over a slab that native/receive.c fills; the layout is described there. */
export class SlabReceiver implements Receiver {
  readonly #fd: number;
  readonly #options: ReceiveOptions;
  readonly #onDatagram: (datagram: Datagram) => void;
  readonly #onError: (errno: number) => void;
  readonly #slab: ArrayBuffer;
  readonly #meta: Uint32Array;
  readonly #handle: Handle;
  #draining = false;
  #stopped = false;

  constructor(
    fd: number,
    options: ReceiveOptions,
    onDatagram: (datagram: Datagram) => void,
    onError: (errno: number) => void,
  ) {
    const controlSize = Math.ceil(options.controlSize / 8) * 8;
    this.#fd = fd;
    this.#options = { ...options, controlSize };
    this.#onDatagram = onDatagram;
    this.#onError = onError;
    const slotSize = META_SIZE + ADDRESS_SIZE + controlSize + options.slotSize;
    this.#slab = new ArrayBuffer(options.slots * slotSize);
    // The addon keeps a pointer into the slab: transferring it to another thread would move it away.
    markAsUntransferable(this.#slab);
    this.#meta = new Uint32Array(this.#slab, 0, options.slots * 4);
    this.#handle = binding().watch(fd, this.#slab, options.slots, options.slotSize, controlSize, (errno) => {
      if (errno !== 0) this.#onError(errno);
      this.drain();
    });
    receivers.set(fd, this);
  }

  drain(): number {
    // A call from inside onDatagram: the batch in the slab is still being read, and the outer call goes on
    // after it.
    if (this.#draining) return 0;
    this.#draining = true;
    try {
      return this.#readAll();
    } finally {
      this.#draining = false;
    }
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    receivers.delete(this.#fd);
    binding().end(this.#handle);
  }

  #readAll(): number {
    let handled = 0;
    // An error uses up budget too: a socket that only fails must not hold the loop.
    for (let left = this.#options.budget; left > 0 && !this.#stopped;) {
      const most = Math.min(left, this.#options.slots);
      const got = binding().fill(this.#handle, most);
      if (got === -EAGAIN) break;
      left -= Math.max(got, 1);
      if (got < 0) {
        if (got !== -EINTR) this.#onError(-got);
        continue;
      }
      for (let slot = 0; slot < got && !this.#stopped; slot++, handled++) this.#deliver(slot);
      // Fewer than asked for: it was empty. More may have come, and then the next poll event says so.
      if (got < most) break;
    }
    return handled;
  }

  #deliver(slot: number): void {
    const { slots, slotSize, controlSize } = this.#options;
    const meta = (field: number): number => this.#meta[slot * 4 + field] ?? 0;
    const addresses = slots * META_SIZE;
    const controls = addresses + slots * ADDRESS_SIZE;
    const data = controls + slots * controlSize;
    const view = (start: number, length: number): Uint8Array => new Uint8Array(this.#slab, start, length);
    try {
      this.#onDatagram({
        // With MSG_TRUNC among the receive flags the kernel tells the full length; the slot holds no more
        // than its size.
        data: view(data + slot * slotSize, Math.min(meta(0), slotSize)),
        address: view(addresses + slot * ADDRESS_SIZE, meta(1)),
        control: view(controls + slot * controlSize, meta(2)),
        flags: meta(3),
      });
    } catch (error) {
      binding().fatal(error);
    }
  }
}
