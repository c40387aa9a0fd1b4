/** Who speaks for our virtual router and is not believed, in words: the main cause of two Actives. PURE */
import type { Micros } from '../base/time.ts';
import type { Ip } from '../base/ip.ts';
import type { DiscardReason, ForeignSpeaker, Listener } from './receive.ts';
import { Sightings } from './sightings.ts';

/** The claim of a packet that was discarded: shown, never acted upon. */
export interface MismatchingSpeaker {
  readonly source: Ip;
  readonly vrid: number;
  readonly version: number;
  readonly reason: DiscardReason;
  /** The reason in words, about the speaker. */
  readonly meaning: string;
  /** Absent where the packet could not be read. */
  readonly priority?: number;
}

/** A link with more of them is being flooded. */
const mostSpeakers = 16;

const meanings: Readonly<Record<DiscardReason, string>> = {
  'ip-header': 'it is no whole packet',
  length: 'its length is not that of its version and number of addresses',
  version: 'it speaks another version of VRRP',
  type: 'it is no advertisement',
  checksum: 'its checksum is wrong',
  vrid: 'nobody here listens for it',
  'own-source': 'its source is our own address: another host has it, or our packets come back',
  destination: 'one side is unicast, the other multicast',
  'unicast-source': 'it is not in unicast_peer',
  ttl: 'its TTL says that it came over more routers than allowed',
  'auth-ah': 'it has an IP Authentication Header',
  'auth-type': 'one side has a password, the other none',
  'auth-failure': 'its password is another',
  interval: 'its advert_int is another',
  'count-zero': 'it carries no address',
  'address-list': 'its virtual_ipaddress are others',
  'first-not-link-local': 'its first address is not link-local',
};

export class MismatchingSpeakers {
  readonly #speakers = new Sightings<MismatchingSpeaker>(mostSpeakers);

  /** @returns a sentence for the log, the first time that this source is not believed for this reason */
  note(
    { source, vrid, version, reason, advertisement }: ForeignSpeaker<Listener>,
    now: Micros,
  ): string | undefined {
    const priority = advertisement?.priority;
    const meaning = meanings[reason];
    const speaker = { source, vrid, version, reason, meaning, ...(priority !== undefined && { priority }) };
    if (!this.#speakers.note(`${source} ${reason}`, speaker, now)) return undefined;
    const said = `VRRP version ${version}${priority === undefined ? '' : `, priority ${priority}`}`;
    return (
      `${source} speaks for virtual router ${vrid} too (${said}) and is not believed: ${meaning}. ` +
      'Directors that do not believe each other are both Active'
    );
  }

  list(): ReturnType<Sightings<MismatchingSpeaker>['list']> {
    return this.#speakers.list();
  }
}
