/** The client: a new connection every 20 ms, one request each, whatever has become of those before. */
import { readClock, startTicks, type Ticks } from '../../../src/drill/clock.ts';
import { native } from '../../../src/kernel/native.ts';
import type { TrafficSite } from '../../guest/traffic-site.ts';
import type { Request } from './figures.ts';
import { requestInterval, requestTimeout, vip } from './plan.ts';

const text = 'GET / HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n';

export class Load {
  /** Those that have ended, in the order of their ends. */
  readonly requests: Request[] = [];
  readonly #site: TrafficSite;
  readonly #ticks: Ticks;
  #good = 0;

  constructor(site: TrafficSite) {
    this.#site = site;
    this.#ticks = startTicks(native, requestInterval, () => this.#ask());
  }

  /** Good answers since the last one that failed. */
  get goodInARow(): number {
    return this.#good;
  }

  stop(): void {
    this.#ticks.stop();
  }

  #ask(): void {
    const begunAt = readClock(native);
    const socket = this.#site.connect(vip, 80);
    let heard = '';
    const end = (answered: boolean): void => {
      clearTimeout(limit);
      socket.removeAllListeners('data').removeAllListeners('close').destroy();
      this.requests.push({ begunAt, answeredAt: answered ? readClock(native) : undefined });
      this.#good = answered ? this.#good + 1 : 0;
    };
    const limit = setTimeout(() => end(false), requestTimeout / 1_000);
    socket.on('error', () => undefined);
    socket.on('close', () => end(false));
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      // The body is a flat object and comes last.
      if (heard.endsWith('}')) end(heard.startsWith('HTTP/1.1 200 '));
    });
    socket.write(text);
  }
}
