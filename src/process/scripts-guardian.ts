/**
 * What the parent keeps for the scripts process: verdicts from which the next one goes on, runs that it left
 * behind, and the socket that its reports come from.
 */
import { type Micros, seconds } from '../base/time.ts';
import { native } from '../kernel/native.ts';
import type { ScriptDefinition, ScriptVerdict } from '../script/definition.ts';
import type { Session } from '../script/session.ts';
import type { TrackerDefinition, TrackerReport } from '../vrrp/track-board.ts';
import type { TrackerKind } from '../vrrp/track.ts';
import type { FileDefinition } from '../vrrp/track-file.ts';
import type { ProcessDefinition } from '../vrrp/track-process.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import type { ToScripts } from './scripts-messages.ts';

export interface TrackerConfig {
  readonly scripts: readonly ScriptDefinition[];
  readonly files: readonly FileDefinition[];
  readonly processes: readonly ProcessDefinition[];
}

export class ScriptsGuardian {
  #known = new Map<string, ScriptVerdict>();
  #sessions: readonly Session[] = [];
  #leftovers: readonly Session[] = [];

  /** @param fresh it has just started; one that runs knows better than we do */
  configuration(node: string, trackers: TrackerConfig, fresh: boolean): ToScripts {
    const names = new Set(trackers.scripts.map(({ name }) => name));
    this.#known = new Map([...this.#known].filter(([name]) => names.has(name)));
    const leftovers = this.#leftovers;
    this.#leftovers = [];
    return { type: 'scripts', node, ...trackers, known: fresh ? this.#known : new Map(), leftovers };
  }

  verdict({ kind, name, verdict }: TrackerReport): void {
    if (kind === 'script') this.#known.set(name, verdict);
  }

  sessions(sessions: readonly Session[]): void {
    this.#sessions = sessions;
  }

  /** It has ended: what was on is to be ended by its successor, up to this instant. */
  ended(): void {
    const endedAt = native.now() as Micros;
    this.#leftovers = [...this.#leftovers, ...this.#sessions.map((session) => ({ ...session, endedAt }))];
    this.#sessions = [];
  }
}

/** A new scripts process speaks within so long: until then the death of the old one moves no VIP. */
const leastSilence = seconds(3);
const missed = 3;

/** How long each tracker may be silent; an interface and a pool only speak of changes. */
export function trackerDefinitions(
  { scripts, files, processes }: TrackerConfig,
  instances: readonly InstanceConfig[],
): readonly TrackerDefinition[] {
  const watched = { initially: 'unknown', silence: leastSilence } as const;
  return [
    ...scripts.map(({ name, interval, timeout, init_fail }): TrackerDefinition => {
      const silence = Math.max(missed * Math.max(interval, timeout), leastSilence) as Micros;
      return { kind: 'script', name, initially: init_fail ? 'down' : 'unknown', silence };
    }),
    ...files.map(({ name }): TrackerDefinition => ({ kind: 'file', name, ...watched })),
    ...processes.map(({ name }): TrackerDefinition => ({ kind: 'process', name, ...watched })),
    ...(['interface', 'virtual_server'] as const).flatMap((kind) =>
      Array.from(trackedNames(kind, instances), (name): TrackerDefinition => ({
        kind,
        name,
        initially: 'unknown',
        silence: undefined,
      })),
    ),
  ];
}

/** What the instances track of this kind. */
export const trackedNames = (kind: TrackerKind, instances: readonly InstanceConfig[]): ReadonlySet<string> =>
  new Set(
    instances.flatMap(({ track = [] }) => track.filter((one) => one.kind === kind).map(({ name }) => name)),
  );
