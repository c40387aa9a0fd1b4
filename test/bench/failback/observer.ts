/** Who advertises on the client's link, and what stands in the directors' tables. In the guest. */
import { between, type Micros, milliseconds } from '../../../src/base/time.ts';
import { AdvertObserver } from '../../../src/drill/advert-observer.ts';
import { readClock } from '../../../src/drill/clock.ts';
import { type JudgeSeat, judgeSeat } from '../../../src/drill/judge-seat.ts';
import { type KernelIpvs, openKernelIpvs } from '../../../src/kernel/ipvs.ts';
import { native } from '../../../src/kernel/native.ts';
import type { TrafficSite } from '../../guest/traffic-site.ts';
import { clear, mustRead } from '../../ipvs/suite.ts';
import { type DirectorNode, directorNodes } from '../product.ts';
import { vrid } from './plan.ts';

/** Three advertisements, the last of which is still to come. */
const silence = milliseconds(300);

/** Outlives the pairs that are observed. */
export class Observer {
  readonly #seat: JudgeSeat;
  readonly #adverts: AdvertObserver;
  readonly #tables: Readonly<Record<DirectorNode, KernelIpvs>>;
  /** Who was heard last, when, and since when nobody else. */
  #speaker: DirectorNode | undefined;
  #since = 0 as Micros;
  #lastAt = 0 as Micros;

  private constructor(seat: JudgeSeat, tables: Readonly<Record<DirectorNode, KernelIpvs>>) {
    this.#seat = seat;
    this.#tables = tables;
    this.#adverts = new AdvertObserver(native, seat.client);
    this.#adverts.listen((advert) => {
      if (advert.vrid !== vrid || advert.priority === 0) return;
      const name = this.#seat.directors.find(({ mac }) => mac === advert.sourceMac)?.name;
      const speaker = directorNodes.find((node) => node === name);
      if (speaker !== this.#speaker) this.#since = advert.at;
      this.#speaker = speaker;
      this.#lastAt = advert.at;
    });
  }

  static async open({ lab }: TrafficSite): Promise<Observer> {
    const [d1, d2] = await Promise.all(
      directorNodes.map(async (node) => openKernelIpvs({ netns: lab.netns(node) })),
    );
    if (d1 === undefined || d2 === undefined) throw new Error('there are two directors');
    return new Observer(await judgeSeat(lab), { d1, d2 });
  }

  /** @returns since when it speaks and nobody else; undefined while it does not */
  speaks(node: DirectorNode): Micros | undefined {
    const fresh = between(this.#lastAt, readClock(native)) < silence;
    return this.#speaker === node && fresh ? this.#since : undefined;
  }

  forget(): void {
    this.#speaker = undefined;
  }

  /** How many real servers new connections are given to. */
  async serving(node: DirectorNode): Promise<number> {
    const table = await mustRead(this.#tables[node]);
    return table.flatMap(({ destinations }) => destinations).filter(({ weight }) => weight > 0).length;
  }

  async empty(): Promise<void> {
    for (const node of directorNodes) await clear(this.#tables[node]);
  }

  close(): void {
    this.#adverts.close();
    for (const node of directorNodes) this.#tables[node].close();
  }
}
