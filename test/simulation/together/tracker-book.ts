import type { Track } from '../../../src/vrrp/track.ts';
import type { TrackerReport } from '../../../src/vrrp/track-board.ts';
import type { Director } from './director.ts';
import { interfaceIndex } from './scenario.ts';

/** What a router's trackers make of its priority. */
export interface Worth {
  readonly priority: number;
  readonly fault: boolean;
}

type Word = Pick<TrackerReport, 'verdict' | 'number'>;

/**
 * keepalived's arithmetic told a second time, from what was said to the router last: nothing of the code under test is
 * asked.
 */
export class TrackerBook {
  readonly #said = new Map<string, Word & { readonly at: number }>();
  readonly #director: Director;
  readonly #bornAt: number;
  /** Silent already before a gap: only a word ends that. */
  readonly #silent = new Set<string>();
  #ranSince: number;

  /** A life of the process: what was said to an earlier one is forgotten. */
  constructor(director: Director) {
    this.#director = director;
    this.#bornAt = this.#ranSince = director.now;
  }

  /** Since when the process runs without a gap: silence counts from then at the earliest. */
  get ranSince(): number {
    return this.#ranSince;
  }

  /** The process did not run between these instants. */
  paused(from: number, to: number): void {
    for (const { kind, name, silence } of this.#director.station.trackers) {
      const key = `${kind} ${name}`;
      if (silence !== undefined && from - this.#heardAt(key) >= silence) this.#silent.add(key);
    }
    this.#ranSince = to;
  }

  #heardAt(key: string): number {
    return Math.max(this.#said.get(key)?.at ?? this.#bornAt, this.#ranSince);
  }

  told({ kind, name, verdict, number }: TrackerReport): void {
    const word = { verdict, ...(number !== undefined && { number }), at: this.#director.now };
    this.#said.set(`${kind} ${name}`, word);
    this.#silent.delete(`${kind} ${name}`);
  }

  /** @param patience added to the silence after which a tracker is down */
  worth(patience: number): Worth {
    const { configs } = this.#director.station;
    const [{ priority, track = [] }] = configs as [(typeof configs)[number]];
    let sum: number = priority;
    let fault = false;
    for (const one of track) {
      const word = this.#word(one, patience);
      if (one.kind === 'file') {
        const product = (word?.number ?? 0) * one.weight * (one.reverse ? -1 : 1);
        if (one.weight === 0) fault ||= word?.number === undefined || (word.number !== 0) !== one.reverse;
        else if (product < -253) fault = true;
        else sum += Math.min(product, 253);
      } else if (one.weight === 0) fault ||= word?.verdict !== (one.reverse ? 'down' : 'up');
      else if (word?.verdict === (one.weight > 0 ? 'up' : 'down')) sum += one.weight * (one.reverse ? -1 : 1);
    }
    return { priority: Math.max(1, Math.min(254, sum)), fault };
  }

  #word({ kind, name }: Track, patience: number): Word | undefined {
    const { kernel, now, station } = this.#director;
    if (kind === 'interface')
      return { verdict: kernel.hasCarrier(interfaceIndex(Number(name.slice('eth'.length)))) ? 'up' : 'down' };
    const definition = station.trackers.find((one) => one.kind === kind && one.name === name)!;
    const key = `${kind} ${name}`;
    const word = this.#said.get(key);
    if (!this.#silent.has(key) && now - this.#heardAt(key) < definition.silence! + patience)
      return word ?? (definition.initially === 'down' ? { verdict: 'down' } : undefined);
    // A number stays what it was: only the file itself makes another one.
    return word?.number === undefined ? { verdict: 'down' } : word;
  }
}
