/** Virtual routers on our links that are not ours, for status to name. PURE */
import type { Micros } from '../base/time.ts';
import type { ReceivedPacket } from './receive.ts';
import { type Sighting, Sightings } from './sightings.ts';
import type { OtherRouter } from './status.ts';

/** A link with more of them is being flooded. */
const mostOthers = 64;

export class OtherRouters {
  readonly #seen = new Sightings<OtherRouter>(mostOthers);

  /** @param name of the interface that the packet came in by */
  note({ family, source, data }: ReceivedPacket, name: string, now: Micros): void {
    const [first = 0, vrid = 0] = data;
    const other = { interface: name, family, source, vrid, version: first >> 4 };
    this.#seen.note(Object.values(other).join(' '), other, now);
  }

  list(): readonly Sighting<OtherRouter>[] {
    return this.#seen.list();
  }
}
