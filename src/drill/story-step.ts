/** One step of a story: what was done, what was seen from then on, and which promise was broken, if any. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Micros } from '../base/time.ts';
import { formatDuration, micros, milliseconds } from '../base/time.ts';
import { LabError } from '../lab/command.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import type { HttpSummary } from './http-prober.ts';
import type { SeenDirector } from './judge-seat.ts';
import type { DirectorPair } from './pair.ts';
import type { Seen, Watch } from './watch.ts';
import type { WebServers } from './web-servers.ts';

/** `freeze` ends after the frozen director was woken, when it has had time to do harm. */
export type StepName =
  'steady' | 'server-down' | 'server-up' | 'kill' | 'return' | 'freeze' | 'back' | 'stop';

/** `unmeasured`: nobody asked for long, so nothing was proved, whatever the other numbers say. */
export type BrokenPromise =
  'two-owners' | 'outage' | 'http-outage' | 'http-failed' | 'server-late' | 'late' | 'unmeasured';

/** What was done to a director or a real server, and what was seen from then on. */
export interface Step extends Seen {
  readonly name: StepName;
  /** Node that it was done to. */
  readonly node: string;
  /** Who answered for the address at the end. */
  readonly owner: string;
  /**
   * The configured timers let the standby take over, or the checks take a server out, within this time; undefined
   * where nobody has to.
   */
  readonly limit: Micros | undefined;
  /** Which promise was broken; undefined when all were kept. */
  readonly broken: BrokenPromise | undefined;
}

/** A director or a real server. */
export interface Affected {
  readonly name: string;
}

/** Tells what happens while it happens. */
export interface Teller {
  begin(name: StepName, node: Affected, limit: Micros | undefined): void;
  /** Called while waiting, several times a second. */
  meanwhile(): void;
  end(step: Step): void;
}

/** What is behind the watched address. */
export interface WebSite {
  readonly servers: WebServers;
  /** By the configured checks a server that died is out, and one that is back is in, within these times. */
  readonly downWithin: Micros;
  readonly upWithin: Micros;
}

export interface Stage {
  readonly pair: DirectorPair;
  readonly watch: Watch;
  /** Undefined: the address is all that there is. */
  readonly site: WebSite | undefined;
  /** The instance that owns the watched address, as each director runs it. */
  readonly instanceOf: (director: SeenDirector) => InstanceConfig;
  readonly teller: Teller;
  /** Ends the story early, by an AbortError out of whatever it is doing. */
  readonly signal: AbortSignal;
}

/**
 * What no timer of the protocol covers: the client's period, a neighbour cache that learns, an observer
 * that runs on the same busy machine as the observed.
 */
export const allowance = milliseconds(500);
const pollInterval_ms = 50;
/** What is still watched after the last change of owner. */
const afterglow = milliseconds(700);

export async function step(
  stage: Stage,
  name: StepName,
  node: Affected,
  limit: Micros | undefined,
  act: () => Promise<SeenDirector>,
): Promise<Step> {
  stage.teller.begin(name, node, limit);
  const from = stage.watch.now();
  const owner = await act();
  await idle(stage, afterglow);
  const seen = stage.watch.seen({ from, to: stage.watch.now() });
  const broken = brokenPromise(seen, name, limit, stage.site?.servers.servers.length ?? 0);
  const done: Step = { ...seen, name, node: node.name, owner: owner.name, limit, broken };
  stage.teller.end(done);
  return done;
}

/**
 * Who takes an address back from a living active advertises first; the other yields when it hears that (RFC
 * 9568 §6.4.3), so for that moment both answer. At any other time two owners are a broken promise, however
 * short.
 */
export function brokenPromise(
  { client, http, ownership: { twoOwners, unknown, takeover } }: Seen,
  name: StepName,
  limit: Micros | undefined,
  servers: number,
): BrokenPromise | undefined {
  const preempting = name === 'return' || name === 'back';
  const silence = (name === 'server-down' ? 0 : (limit ?? 0)) + allowance;
  if (twoOwners.total > (preempting ? allowance : 0)) return 'two-owners';
  if (unknown.longest > allowance || (http?.longestPause ?? 0) > allowance) return 'unmeasured';
  if (client.longestOutage > silence) return 'outage';
  if (http !== undefined) {
    const broken = brokenByHttp(http, name, servers);
    if (broken !== undefined) return broken;
    if (http.longestOutage > silence) return 'http-outage';
    if (name === 'server-down' && (http.lastFailure ?? 0) > (limit ?? 0) + allowance) return 'server-late';
  }
  // Where nobody asked at the very beginning it is undefined; that the standby came, the story waited for.
  return limit !== undefined && takeover !== undefined && takeover.after > limit + allowance
    ? 'late'
    : undefined;
}

/** Where no director and no server fails, no request does, and each server has its turn. */
function brokenByHttp(
  { lost, servers: seen }: HttpSummary,
  name: StepName,
  servers: number,
): BrokenPromise | undefined {
  const calm = name === 'steady' || name === 'server-up';
  return calm && (lost > 0 || seen.length < servers) ? 'http-failed' : undefined;
}

/** @throws LabError in the words of what was waited for */
export async function until<T>(
  stage: Stage,
  look: () => T | undefined,
  limit: Micros,
  what: string,
): Promise<T> {
  for (const started = stage.watch.now(); stage.watch.now() - started < limit;) {
    const found = look();
    if (found !== undefined) return found;
    await pause(stage);
  }
  throw new LabError(`waited ${formatDuration(limit)} in vain until ${what}`);
}

export async function idle(stage: Stage, duration: Micros): Promise<void> {
  for (const end = stage.watch.now() + duration; stage.watch.now() < end;) await pause(stage);
}

async function pause({ teller, signal }: Stage): Promise<void> {
  await sleep(pollInterval_ms, undefined, { signal });
  teller.meanwhile();
}

/** Processes need a moment to start. */
export const startTime = micros(8_000_000);
