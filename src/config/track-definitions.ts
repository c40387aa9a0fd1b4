import type { Micros } from '../base/time.ts';
import { seconds } from '../base/time.ts';
import type { ScriptDefinition } from '../script/definition.ts';
import type { FileDefinition } from '../vrrp/track-file.ts';
import type { ProcessDefinition, ProcessPattern } from '../vrrp/track-process.ts';
import { duration } from './duration.ts';
import type { RawDuration, RawScript, RawTrackFile, RawTrackProcess } from './raw.ts';
import type { Path } from './report.ts';
import { quote } from './report.ts';
import type { View } from './view.ts';

/** vrrp_script, vrrp_track_file and vrrp_track_process: what passed the schema becomes what is run. */

export function buildScript(
  view: View,
  name: string,
  raw: RawScript,
  user: string,
): ScriptDefinition | undefined {
  const path = ['vrrp_script', name];
  checkCommand(view, [...path, 'script'], raw.script);
  const [program, ...args] = raw.script;
  if (program === undefined) return undefined;
  const interval = duration(raw.interval);
  return {
    name,
    argv: [program, ...args],
    interval,
    timeout: raw.timeout === undefined ? interval : duration(raw.timeout),
    rise: raw.rise,
    fall: raw.fall,
    init_fail: raw.init_fail,
    user: raw.user ?? user,
    ...(raw.group !== undefined && { group: raw.group }),
  };
}

/** As a word of its own, or at the beginning of one, each of them means something to a shell and nothing here. */
const operator = /^(?:\|\|?|&&?|;|[012&]?>[>&]?\S*|<<?<?\S*|[012]>&[012-])$/;
const substitution = /\$\(|\$\{|`/;
const isShell = (program: string): boolean => /(?:^|\/)(?:ba|da|k|z|a)?sh$/.test(program);

export function checkCommand(view: View, path: Path, argv: readonly string[]): void {
  const [program = '', ...args] = argv;
  const at = [...path, 0];
  if (/\s/.test(program)) {
    view.error(at, {
      message: `${view.describe(at)} is ${quote(program)}`,
      expected: 'the program alone, and each argument as an entry of its own',
      why: 'a program of this whole name would be looked for',
    });
  } else if (!program.startsWith('/')) {
    view.error(at, {
      message: `${view.describe(at)} is ${quote(program)}`,
      expected: 'an absolute path',
      why: 'which program a relative one is depends on where it is looked for',
    });
  }
  // What a shell gets to read is its own affair.
  if (isShell(program)) return;
  const found = args.findIndex((arg) => operator.test(arg) || substitution.test(arg));
  if (found < 0) return;
  const there = [...path, found + 1];
  view.error(there, {
    message: `${view.describe(there)} is ${quote(args[found] ?? '')}, which only a shell understands`,
    expected: 'arguments of the program, or [/bin/sh, -c, …]',
    why: 'no shell reads them: the program would get it as one more argument',
  });
}

export function buildFile(name: string, raw: RawTrackFile): FileDefinition {
  const { file: path, init_file } = raw;
  const init = init_file && { number: init_file.value, overwrite: init_file.overwrite };
  return { name, path, ...(init !== undefined && { init_file: init }) };
}

export function buildTrackProcess(
  view: View,
  name: string,
  raw: RawTrackProcess,
): ProcessDefinition | undefined {
  const { quorum, quorum_max } = raw;
  if (quorum_max !== undefined && quorum_max < quorum) {
    const path = ['vrrp_track_process', name, 'quorum_max'];
    view.error(path, {
      message: `${view.describe(path)} is ${quorum_max}, less than quorum ${quorum}`,
      expected: `${quorum} or more`,
      why: 'no number of processes would do',
    });
  }
  const delay = (own: RawDuration | undefined): Micros =>
    own === undefined ? (raw.delay === undefined ? seconds(0) : duration(raw.delay)) : duration(own);
  const pattern = patternOf(raw);
  if (pattern === undefined) return undefined;
  return {
    name,
    process: pattern,
    quorum,
    quorum_max,
    fork_delay: delay(raw.fork_delay),
    terminate_delay: delay(raw.terminate_delay),
  };
}

function patternOf({
  process: words,
  param_match,
  full_command,
}: RawTrackProcess): ProcessPattern | undefined {
  const [name, ...args] = typeof words === 'string' ? [words] : words;
  if (name === undefined) return undefined;
  const match = param_match?.toLowerCase();
  return {
    name,
    full_command,
    ...(typeof words !== 'string' && { args }),
    ...((match === 'initial' || match === 'partial') && { param_match: match }),
  };
}
