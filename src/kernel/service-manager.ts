/** sd_notify(3): what the service manager that started us wants to know. Nothing happens where there is none. */
import { native } from './native.ts';
import { AF_UNIX, SOCK_DGRAM, unixAddress } from './sockaddr.ts';

export class ServiceManager {
  readonly #address: Uint8Array | undefined;
  readonly #fd: number;

  constructor(socketPath: string | undefined) {
    this.#address = socketPath === undefined || socketPath === '' ? undefined : unixAddress(socketPath);
    this.#fd = this.#address === undefined ? -1 : native.socket(AF_UNIX, SOCK_DGRAM, 0);
  }

  notify(...assignments: readonly string[]): void {
    if (this.#address === undefined || this.#fd < 0) return;
    native.send(this.#fd, new TextEncoder().encode(assignments.join('\n')), this.#address);
  }

  ready(status: string): void {
    this.notify('READY=1', `STATUS=${status}`);
  }

  /** Type=notify-reload wants the instant at which the reload began. */
  reloading(): void {
    this.notify('RELOADING=1', `MONOTONIC_USEC=${native.monotonic()}`);
  }

  stopping(): void {
    this.notify('STOPPING=1');
  }

  /** Only to be called when every process beats. */
  alive(): void {
    this.notify('WATCHDOG=1');
  }
}
