/** What a script is. keepalived's vrrp_script, without a shell. */
import type { Micros } from '../base/time.ts';

export interface ScriptDefinition {
  readonly name: string;
  /** The first is the absolute path of the script; all go to it as they are, no shell reads them. */
  readonly argv: readonly [path: string, ...args: string[]];
  readonly interval: Micros;
  /** Running longer is a failure, and ends the run. */
  readonly timeout: Micros;
  /** Successes, or failures, in a row that change the verdict. The very first run decides alone. */
  readonly rise: number;
  readonly fall: number;
  /** Failed until `rise` successes say otherwise. */
  readonly init_fail: boolean;
  readonly user: string;
  /** The user's own when absent. */
  readonly group?: string;
}

export type ScriptVerdict = 'up' | 'down';

/** How one run went. */
export interface ScriptRun {
  readonly startedAt: Micros;
  readonly duration: Micros;
  readonly success: boolean;
  /** "exit code 1", "killed by SIGSEGV", "timed out after 2s", or why it was not started. */
  readonly how: string;
  /** The last lines of its standard error, bounded. */
  readonly stderr: readonly string[];
}

export interface ScriptStatus {
  readonly name: string;
  readonly phase: 'waiting' | 'queued' | 'running' | 'ending';
  /** Undefined before the first run. */
  readonly verdict: ScriptVerdict | undefined;
  readonly since: Micros;
  readonly words: string;
  readonly lastRun: ScriptRun | undefined;
  readonly runs: number;
  readonly failures: number;
  readonly timeouts: number;
}
