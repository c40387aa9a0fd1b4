import type { Micros } from '../../../src/base/time.ts';
import type { TrackerDefinition } from '../../../src/vrrp/track-board.ts';
import type { World } from '../world.ts';
import type { Director } from './director.ts';
import { wordInterval } from './scenario.ts';

interface Teller {
  readonly director: Director;
  readonly tracker: TrackerDefinition;
  verdict: 'up' | 'down';
  number: number;
  silent: boolean;
}

const numbers = [0, 0, 1, 5, 20, 60, -30, 300];

/** The processes that look at scripts, files and processes for the routers, and tell what they see every second. */
export class Tellers {
  readonly #world: World;
  readonly #tellers: readonly Teller[];

  constructor(world: World, directors: readonly Director[]) {
    this.#world = world;
    this.#tellers = directors.flatMap((director) =>
      director.station.trackers
        .filter(({ kind }) => kind !== 'interface')
        .map((tracker) => ({ director, tracker, ...healthy(tracker), silent: false })),
    );
    for (const teller of this.#tellers)
      this.#after(world.integer(0, wordInterval), () => this.#speak(teller));
  }

  /** Something falls down, comes back, or has another number. */
  change(): void {
    this.#strike((teller) => {
      if (teller.tracker.kind === 'file') teller.number = this.#world.pick(numbers);
      else teller.verdict = teller.verdict === 'up' ? 'down' : 'up';
      if (!teller.silent) this.#tell(teller);
    });
  }

  /** One falls silent, or speaks again. */
  hush(): void {
    this.#strike((teller) => (teller.silent = !teller.silent));
  }

  #strike(change: (teller: Teller) => void): void {
    if (this.#tellers.length === 0) return;
    const teller = this.#world.pick(this.#tellers);
    change(teller);
    const { director, tracker, silent, verdict, number } = teller;
    const what = silent ? 'silent' : tracker.kind === 'file' ? `says ${number}` : `says ${verdict}`;
    this.#world.trace(director.number, `${tracker.kind} ${tracker.name} ${what}`);
  }

  #speak(teller: Teller): void {
    if (!teller.silent) this.#tell(teller);
    this.#after(wordInterval, () => this.#speak(teller));
  }

  #tell({ director, tracker: { kind, name }, verdict, number }: Teller): void {
    if (director.kernel.frozen) return;
    const words = 'as the world wants it';
    director.tell({ kind, name, words, verdict, ...(kind === 'file' && { number }) });
  }

  #after(delay: number, run: () => void): void {
    this.#world.at((this.#world.now + delay) as Micros, run);
  }
}

/** `maintenance` is the script that is up when the director shall rest. */
const healthy = ({ name }: TrackerDefinition): Pick<Teller, 'verdict' | 'number'> => ({
  verdict: name === 'maintenance' ? 'down' : 'up',
  number: 0,
});
