/**
 * From what the instruments recorded to who owned an address when. Pure: recorded once, judged as often as
 * wanted.
 *
 * A director owns an address in a slot when it answered a probe sent in that slot. One answer may be lost to
 * scheduling while the owner is well, so between two of its own answers at most `hold` probes apart a
 * director counts as owner all the time; the price is that a real hole of up to hold − 1 probes is not seen.
 * Slots without a probe (the sampler itself was late) are not held against anybody: up to `hold` of them
 * continue what was before, longer ones are `unknown`, unless the same directors answered before and after.
 */
import assert from 'node:assert/strict';
import type { Micros } from '../base/time.ts';
import { micros } from '../base/time.ts';

/** Bit 7 of a slot: a probe was sent. Bits 0..6: the director of that index answered. */
export const probeSent = 0x80;

/** What one way of asking for one address recorded; one octet a slot. */
export interface Track {
  readonly startedAt: Micros;
  readonly period: Micros;
  readonly slots: Uint8Array;
}

/** Bit set of directors that own the address, or `unknown` when nobody asked. */
export type Owners = number | 'unknown';
export interface OwnerInterval {
  readonly from: Micros;
  readonly to: Micros;
  readonly owners: Owners;
}

export interface Window {
  readonly from: Micros;
  readonly to: Micros;
}
export interface Span {
  readonly total: Micros;
  readonly longest: Micros;
}
export interface OwnershipSummary {
  readonly noOwner: Span;
  readonly twoOwners: Span;
  /** Not counted in the other two: a measurement with much of it says little. */
  readonly unknown: Span;
  /** First director that owned the address after `from` without owning it at `from`. */
  readonly takeover: { readonly director: number; readonly after: Micros } | undefined;
}

export const defaultHold = 4;

/** Either way of being reached counts: answers of all tracks together. They must be of one sampler. */
export function mergeTracks(tracks: readonly Track[]): Track {
  const [first] = tracks;
  assert(first !== undefined);
  const slots = new Uint8Array(Math.max(...tracks.map((track) => track.slots.length)));
  for (const track of tracks) {
    assert(track.startedAt === first.startedAt && track.period === first.period);
    for (const [slot, bits] of track.slots.entries()) slots[slot] = (slots[slot] ?? 0) | bits;
  }
  return { ...first, slots };
}

/** Consecutive intervals over the whole track; neighbours differ. */
export function ownership(track: Track, hold = defaultHold): OwnerInterval[] {
  const owners = ownersBySlot(track.slots, hold);
  return joinEqual(
    owners.map((held, slot) => ({
      from: slotStart(track, slot),
      to: slotStart(track, slot + 1),
      owners: held,
    })),
  );
}

const slotStart = (track: Track, slot: number): Micros => micros(track.startedAt + slot * track.period);

function ownersBySlot(slots: Uint8Array, hold: number): Owners[] {
  const probed = [...slots.keys()].filter((slot) => ((slots[slot] ?? 0) & probeSent) !== 0);
  const answers = probed.map((slot) => (slots[slot] ?? 0) & ~probeSent);
  for (let director = 0; director < 7; director++) closeHoles(answers, probed, 1 << director, hold);
  const owners = new Array<Owners>(slots.length).fill('unknown');
  for (const [at, slot] of probed.entries()) {
    const before = answers[at - 1];
    const previous = probed[at - 1];
    const now = answers[at] ?? 0;
    owners[slot] = now;
    if (before === undefined || previous === undefined) continue;
    if (before === now || slot - previous - 1 <= hold) owners.fill(before, previous + 1, slot);
  }
  return owners;
}

/**
 * Sets the bit between two of its occurrences at most `hold` probes apart, but never across a long time
 * without probes.
 */
function closeHoles(answers: number[], probed: readonly number[], bit: number, hold: number): void {
  let last = -Infinity;
  for (let at = 0; at < answers.length; at++) {
    if ((probed[at] ?? 0) - (probed[at - 1] ?? 0) - 1 > hold) last = -Infinity;
    if (((answers[at] ?? 0) & bit) === 0) continue;
    if (at - last <= hold)
      for (let hole = last + 1; hole < at; hole++) answers[hole] = (answers[hole] ?? 0) | bit;
    last = at;
  }
}

/** An address came to a director's interface, or left it. */
export interface PresenceEvent {
  readonly at: Micros;
  /** Index of the director. */
  readonly director: number;
  readonly present: boolean;
}

/** The same intervals from address events, in the order of their instants; nobody has it before the first. */
export function presence(events: readonly PresenceEvent[], { from, to }: Window): OwnerInterval[] {
  const intervals: OwnerInterval[] = [];
  let owners = 0;
  let since = from;
  for (const { at, director, present } of events) {
    const instant = micros(Math.min(Math.max(at, from), to));
    if (instant > since) intervals.push({ from: since, to: instant, owners });
    since = instant;
    owners = present ? owners | (1 << director) : owners & ~(1 << director);
  }
  if (to > since) intervals.push({ from: since, to, owners });
  return joinEqual(intervals);
}

function joinEqual(intervals: readonly OwnerInterval[]): OwnerInterval[] {
  const joined: OwnerInterval[] = [];
  for (const interval of intervals) {
    const last = joined.at(-1);
    if (last !== undefined && last.owners === interval.owners)
      joined[joined.length - 1] = { ...last, to: interval.to };
    else joined.push(interval);
  }
  return joined;
}

/** @param window usually begins at the fault */
export function summarise(intervals: readonly OwnerInterval[], window: Window): OwnershipSummary {
  const seen = intervals
    .filter(({ from, to }) => to > window.from && from < window.to)
    .map((interval) => ({
      ...interval,
      from: micros(Math.max(interval.from, window.from)),
      to: micros(Math.min(interval.to, window.to)),
    }));
  return {
    noOwner: spanOf(seen, (owners) => owners === 0),
    twoOwners: spanOf(seen, (owners) => owners !== 'unknown' && (owners & (owners - 1)) !== 0),
    unknown: spanOf(seen, (owners) => owners === 'unknown'),
    takeover: takeover(seen, window.from),
  };
}

function spanOf(intervals: readonly OwnerInterval[], belongs: (owners: Owners) => boolean): Span {
  let total = 0;
  let longest = 0;
  let run = 0;
  for (const { from, to, owners } of intervals) {
    run = belongs(owners) ? run + (to - from) : 0;
    total += belongs(owners) ? to - from : 0;
    longest = Math.max(longest, run);
  }
  return { total: micros(total), longest: micros(longest) };
}

function takeover(intervals: readonly OwnerInterval[], from: Micros): OwnershipSummary['takeover'] {
  const [first] = intervals;
  if (first === undefined || first.owners === 'unknown') return undefined;
  for (const { owners, from: at } of intervals) {
    const gained = owners === 'unknown' ? 0 : owners & ~first.owners;
    if (gained !== 0) return { director: 31 - Math.clz32(gained & -gained), after: micros(at - from) };
  }
  return undefined;
}
