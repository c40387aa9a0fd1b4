/** What the parent and the scripts process say to each other; structured clone. */
import type { ProcessSource } from '../kernel/process-events.ts';
import type { ScriptDefinition, ScriptStatus, ScriptVerdict } from '../script/definition.ts';
import type { Session } from '../script/session.ts';
import type { TrackerReport } from '../vrrp/track-board.ts';
import type { FileDefinition } from '../vrrp/track-file.ts';
import type { ProcessDefinition } from '../vrrp/track-process.ts';
import type { ScriptEnded, ToScriptRuns } from './checks-messages.ts';

export type ToScripts =
  | {
      readonly type: 'scripts';
      readonly node: string;
      readonly scripts: readonly ScriptDefinition[];
      readonly files: readonly FileDefinition[];
      readonly processes: readonly ProcessDefinition[];
      /** Verdicts of an earlier scripts process: rise and fall go on from them. */
      readonly known: ReadonlyMap<string, ScriptVerdict>;
      /** What an earlier scripts process left running. */
      readonly leftovers: readonly Session[];
    }
  /** MISC_CHECK, asked by the checks process. */
  | ToScriptRuns
  /** Where the vrrp process listens, and believes this process; said after each start of either. */
  | { readonly type: 'channel'; readonly address: string }
  | { readonly type: 'status'; readonly id: number };

export type FromScripts =
  /** Before the first beat: the socket that reports come from. The pid is the child's. */
  | { readonly type: 'sender'; readonly address: string }
  /**
   * The runs that are on, whenever that changes: to be handed to the next scripts process when this one dies.
   */
  | { readonly type: 'sessions'; readonly sessions: readonly Session[] }
  /** A verdict or a number that changed, for the log and for the next scripts process. */
  | { readonly type: 'verdict'; readonly report: TrackerReport }
  /** To be passed on to the checks process. */
  | ScriptEnded
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'status'; readonly id: number; readonly status: ScriptsStatus };

/** Instants are CLOCK_BOOTTIME µs. */
export interface ScriptsStatus {
  readonly at: number;
  readonly running: number;
  readonly queued: number;
  readonly scripts: readonly ScriptStatus[];
  /** What files and processes said last. */
  readonly watched: readonly TrackerReport[];
  /** Undefined when no process is tracked. */
  readonly processSource: ProcessSource | undefined;
}
