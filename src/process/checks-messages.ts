/** What the parent and the checks process say to each other; structured clone. */
import type { ScriptEnd, ScriptRun } from '../healthcheck/checkers/checker.ts';
import type { CheckDefinition, CheckReport, CheckStatus } from '../healthcheck/types.ts';

/** Probes at a time, in the whole process. */
export const maxProbes = 512;

export type ToChecks =
  | {
      readonly type: 'configure';
      readonly checks: readonly CheckDefinition[];
      /** Reports of an earlier checks process: rise and fall go on from them. Empty for one that runs. */
      readonly known: readonly CheckReport[];
    }
  | ScriptEnded
  | { readonly type: 'status'; readonly id: number };

export type FromChecks =
  /** What has changed since the last message, each check at most once. */
  | { readonly type: 'reports'; readonly reports: readonly CheckReport[] }
  | ToScriptRuns
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'status'; readonly id: number; readonly status: ChecksStatus };

/** MISC_CHECK: from the checks process through the parent to the scripts process, as it is. */
export type ToScriptRuns =
  /** `run` is never used again, in no later life either. */
  | { readonly type: 'run-script'; readonly run: string; readonly script: ScriptRun }
  | { readonly type: 'cancel-script'; readonly run: string };

/** And back. */
export interface ScriptEnded {
  readonly type: 'script-ended';
  readonly run: string;
  readonly end: ScriptEnd;
}

export interface ChecksStatus {
  /** CLOCK_BOOTTIME, µs. */
  readonly at: number;
  readonly running: number;
  readonly queued: number;
  readonly checks: readonly CheckStatus[];
}
