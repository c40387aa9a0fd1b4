/**
 * What is known of every tracker: the verdicts that came in, and the silence of those that should speak.
 * Shared by the instances; what it means to each of them is weigh() of track.ts.
 */
import { after, earlier, formatDuration, type Micros } from '../base/time.ts';
import type { Machine } from '../machine.ts';
import type { TrackerId, TrackerState, Verdict } from './track.ts';

export interface TrackerDefinition extends TrackerId {
  /** init_fail: failed until the first word says otherwise. */
  readonly initially: 'unknown' | 'down';
  /** Three intervals in which a word must come; undefined for what only speaks of changes (an interface). */
  readonly silence: Micros | undefined;
}

export interface TrackerReport extends TrackerId {
  readonly verdict: 'up' | 'down';
  readonly number?: number;
  readonly words: string;
}

export type TrackerEvent =
  | { readonly type: 'configure'; readonly definitions: readonly TrackerDefinition[] }
  | ({ readonly type: 'report' } & TrackerReport)
  /** This process did not run: what it missed is not the trackers' silence. */
  | { readonly type: 'paused' };

/** Verdict or number changed: the instances that follow it are to be weighed anew. */
export interface TrackerChanged {
  readonly type: 'changed';
  readonly from: Pick<TrackerState, 'verdict' | 'number'>;
  readonly to: TrackerState;
}

interface Entry {
  definition: TrackerDefinition;
  state: TrackerState;
  silentAt: Micros | undefined;
}

const none: readonly TrackerChanged[] = [];

export class TrackerBoard implements Machine<TrackerEvent, TrackerChanged> {
  #entries = new Map<string, Entry>();

  get deadline(): Micros | undefined {
    let at: Micros | undefined;
    for (const { silentAt } of this.#entries.values()) at = earlier(at, silentAt);
    return at;
  }

  stateOf(tracker: TrackerId): TrackerState | undefined {
    return this.#entries.get(trackerKey(tracker))?.state;
  }

  get states(): readonly TrackerState[] {
    return [...this.#entries.values()].map(({ state }) => state);
  }

  /**
   * A report of a tracker that is not configured changes nothing: the sender has not heard of the reload yet.
   */
  handle(event: TrackerEvent | undefined, now: Micros): readonly TrackerChanged[] {
    switch (event?.type) {
      case undefined:
        return [...this.#entries.values()].flatMap((entry) => this.#silence(entry, now));
      case 'configure':
        this.#configure(event.definitions, now);
        return none;
      case 'paused':
        for (const entry of this.#entries.values())
          if (entry.silentAt !== undefined) entry.silentAt = deadlineOf(entry.definition, now);
        return none;
      case 'report': {
        const entry = this.#entries.get(trackerKey(event));
        if (entry === undefined) return none;
        entry.silentAt = deadlineOf(entry.definition, now);
        return this.#set(
          entry,
          { verdict: event.verdict, number: event.number, words: event.words, silent: false, heardAt: now },
          now,
        );
      }
    }
  }

  #configure(definitions: readonly TrackerDefinition[], now: Micros): void {
    const old = this.#entries;
    this.#entries = new Map(
      definitions.map((definition) => {
        const key = trackerKey(definition);
        const known = old.get(key);
        const sameSilence = known !== undefined && known.definition.silence === definition.silence;
        const state = known?.state ?? firstState(definition, now);
        const silentAt = sameSilence ? known.silentAt : deadlineOf(definition, now);
        return [key, { definition, state, silentAt }];
      }),
    );
  }

  #silence(entry: Entry, now: Micros): readonly TrackerChanged[] {
    const { silentAt, definition, state } = entry;
    if (silentAt === undefined || silentAt > now || definition.silence === undefined) return none;
    entry.silentAt = undefined;
    const words = `silent for ${formatDuration(definition.silence)}`;
    // A number stays what it was: nothing but the file itself makes another one, and 0 might mean "serve".
    const verdict = state.number === undefined ? 'down' : state.verdict;
    return this.#set(entry, { ...state, verdict, words, silent: true }, now);
  }

  #set(
    entry: Entry,
    next: Pick<TrackerState, 'verdict' | 'number' | 'words' | 'silent' | 'heardAt'>,
    now: Micros,
  ): readonly TrackerChanged[] {
    const { state: from } = entry;
    const changed = from.verdict !== next.verdict || from.number !== next.number;
    entry.state = { ...from, ...next, since: changed ? now : from.since };
    return changed ? [{ type: 'changed', from, to: entry.state }] : none;
  }
}

export const trackerKey = ({ kind, name }: TrackerId): string => `${kind} ${name}`;

const deadlineOf = ({ silence }: TrackerDefinition, now: Micros): Micros | undefined =>
  silence === undefined ? undefined : after(now, silence);

const firstState = ({ kind, name, initially }: TrackerDefinition, now: Micros): TrackerState => ({
  kind,
  name,
  verdict: initially satisfies Verdict,
  number: undefined,
  words: initially === 'down' ? 'not reported yet (init_fail)' : 'not reported yet',
  since: now,
  heardAt: undefined,
  silent: false,
});
