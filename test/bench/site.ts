import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mac } from '../../src/base/mac.ts';
import type { Micros } from '../../src/base/time.ts';
import type { HeardAdvert } from '../../src/drill/advert-observer.ts';
import { AdvertObserver } from '../../src/drill/advert-observer.ts';
import { readClock } from '../../src/drill/clock.ts';
import type { JudgeSeat } from '../../src/drill/judge-seat.ts';
import { judgeSeat } from '../../src/drill/judge-seat.ts';
import { native } from '../../src/kernel/native.ts';
import { Lab } from '../../src/lab/lab.ts';
import { Director } from './director.ts';
import { activeNode, labFile, standbyNode, vridsOf } from './product.ts';
import type { Arrangement, FaultPlan, Product } from './scenario.ts';
import { arrangementLabel } from './scenario.ts';

/** Files of all sites of a bench; each site has a directory named as its lab. */
export const filesDirectory = '/run/vipkeeper-bench';

/** What a run begins with. */
export interface Readiness {
  readonly arrangement: Arrangement;
  readonly withStandby: boolean;
}

export const readinessFor = (arrangement: Arrangement, fault: FaultPlan): Readiness => {
  const { advertInt, standbyPriority, instances, family } = arrangement;
  const withStandby = fault.withoutStandby !== true;
  return { arrangement: { advertInt, standbyPriority, instances, family }, withStandby };
};

/** Of one virtual router: who sends now, and how often since somebody else did. */
interface Voice {
  readonly mac: Mac;
  readonly at: Micros;
  readonly priority: number;
  readonly count: number;
}

const pollInterval_ms = 25;
/** Nobody needs so long to settle; a daemon that stays half up for a while is started anew. */
const settleLimit_ms = 90_000;
const halfUpLimit_ms = 30_000;
const restartPause_ms = 1_000;

/** A lab with one product on both directors, kept running between runs. */
export class Site {
  readonly product: Product;
  readonly lab: Lab;
  readonly seat: JudgeSeat;
  readonly adverts: AdvertObserver;
  readonly active: Director;
  readonly standby: Director;
  readonly #directory: string;
  readonly #voices = new Map<number, Voice>();
  #configured = '';
  #generation = 0;
  #disturbed = false;
  #settling: Promise<void> = Promise.resolve();

  private constructor(product: Product, lab: Lab, seat: JudgeSeat, directory: string) {
    this.product = product;
    this.lab = lab;
    this.seat = seat;
    this.#directory = directory;
    this.active = new Director(lab, product, activeNode, directory);
    this.standby = new Director(lab, product, standbyNode, directory);
    this.adverts = new AdvertObserver(native, seat.client);
    this.adverts.listen((advert) => this.#onAdvert(advert));
  }

  /** @throws LabError */
  static async open(product: Product, prefix: string): Promise<Site> {
    const directory = `${filesDirectory}/${prefix}`;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const lab = await Lab.up(labFile, { prefix });
    return new Site(product, lab, await judgeSeat(lab), directory);
  }

  /** Fulfilled when the pair is as wanted, the intended active is active, and its standby has heard it. */
  async ready(wanted: Readiness): Promise<void> {
    const generation = this.#generation;
    this.#settling = this.#settling.catch(() => undefined).then(() => this.#settle(wanted, generation));
    await this.#settling;
  }

  /** Begins to undo what a run did; ready() waits for it. */
  recover(wanted: Readiness): void {
    const generation = ++this.#generation;
    this.#disturbed = true;
    this.#settling = this.#settle(wanted, generation);
    // A failure comes again in ready().
    this.#settling.catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#generation++;
    await this.#settling.catch(() => undefined);
    this.adverts.close();
    await this.lab.down();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #onAdvert({ vrid, sourceMac, at, priority }: HeardAdvert): void {
    const before = this.#voices.get(vrid);
    const goesOn = before?.mac === sourceMac && priority !== 0;
    this.#voices.set(vrid, { mac: sourceMac, at, priority, count: goesOn ? before.count + 1 : 1 });
  }

  async #settle(wanted: Readiness, generation: number): Promise<void> {
    if (this.#disturbed) {
      await this.lab.fault({ kind: 'heal' });
      for (const node of [activeNode, standbyNode]) await this.lab.fault({ kind: 'cont', node });
      this.#disturbed = false;
    }
    await this.#configure(wanted);
    const began = Date.now();
    let listeningSince: Micros | undefined;
    while (generation === this.#generation) {
      const directors = wanted.withStandby ? [this.active, this.standby] : [this.active];
      const up = directors.every((one) => one.running && one.listens(wanted.arrangement.family));
      const now = readClock(native);
      listeningSince = up ? (listeningSince ?? now) : undefined;
      if (listeningSince !== undefined && this.#steadySince(wanted, listeningSince, now)) return;
      await this.#mend(directors);
      if (up && this.#isReversed(wanted)) await this.standby.stop();
      if (Date.now() - began > settleLimit_ms) throw new Error(this.#complaint(wanted));
      await sleep(pollInterval_ms);
    }
  }

  /** Another configuration is another pair: both leave in order, so that no address of the old one stays. */
  async #configure({ arrangement, withStandby }: Readiness): Promise<void> {
    const label = arrangementLabel(arrangement);
    if (this.#configured !== label) {
      await Promise.all([this.active.stop(), this.standby.stop()]);
      for (const director of [this.active, this.standby]) director.configure(arrangement);
      this.#voices.clear();
      this.#configured = label;
    }
    if (!withStandby && this.standby.parentLives) await this.standby.stop();
  }

  /** A dead parent is started again, as systemd would, once a second; one that does not get its children up is helped. */
  async #mend(directors: readonly Director[]): Promise<void> {
    for (const director of directors)
      if (!director.running && director.age_ms > (director.parentLives ? halfUpLimit_ms : restartPause_ms))
        await director.start();
  }

  /** Every virtual router is the active's, and its standby has listened for more than two advertisements. */
  #steadySince({ arrangement }: Readiness, since: Micros, now: Micros): boolean {
    const { advertInt } = arrangement;
    return vridsOf(arrangement).every((vrid) => {
      const voice = this.#voices.get(vrid);
      if (voice === undefined || voice.priority === 0 || now - voice.at > advertInt * 1.5) return false;
      return voice.mac === this.#macOf(0) && voice.count >= 3 && voice.at - since > 2 * advertInt;
    });
  }

  /** Between equal priorities the standby keeps what it took: it has to leave for a moment. */
  #isReversed({ arrangement, withStandby }: Readiness): boolean {
    if (!withStandby || arrangement.standbyPriority !== 254) return false;
    return vridsOf(arrangement).some((vrid) => {
      const voice = this.#voices.get(vrid);
      if (voice === undefined || voice.priority === 0) return false;
      return voice.mac === this.#macOf(1) && voice.count >= 2;
    });
  }

  #macOf(director: 0 | 1): Mac | undefined {
    return this.seat.directors[director]?.mac;
  }

  #complaint({ arrangement }: Readiness): string {
    const voices = [...this.#voices].map(([vrid, { mac, count }]) => `vrid ${vrid}: ${mac} × ${count}`);
    return [
      `${this.product} did not settle with ${arrangementLabel(arrangement)} (${voices.join(', ') || 'silence'})`,
      ...[this.active, this.standby].map((director) => `--- ${director.node}\n${director.logTail()}`),
    ].join('\n');
  }
}
