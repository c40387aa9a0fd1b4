import { closeSync, openSync, readSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { LoadedAll, NodeName } from '../config/load.ts';
import { loadAll, loadConfig, nodeName } from '../config/load.ts';
import { renderError, renderNote } from '../config/report.ts';
import { limits } from '../config/text.ts';
import { secretReader } from '../kernel/secret-file.ts';

/** Exit codes of `vipkeeper check`. */
export const exitCodes = { good: 0, mistakes: 1, usage: 2, unreadable: 3 } as const;

export const defaultConfig = '/etc/vipkeeper/vipkeeper.yaml';

export interface CheckOptions {
  readonly file?: string;
  readonly config?: string;
  readonly node?: string;
  readonly json?: boolean;
}

/** Everything that the command touches outside its arguments and the file. */
export interface CheckIo {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** VIPKEEPER_NODE */
  readonly envNode: string | undefined;
  readonly hostname: string;
}

const processIo = (): CheckIo => ({
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  envNode: process.env.VIPKEEPER_NODE,
  hostname: hostname(),
});

/** Reads the file, prints what is wrong with it and what is worth knowing. @returns the exit code */
export function check(options: CheckOptions, io: CheckIo = processIo()): number {
  if (options.file !== undefined && options.config !== undefined) {
    io.err('vipkeeper check: name the file once, as an argument or with --config');
    return exitCodes.usage;
  }
  const path = options.file ?? options.config ?? defaultConfig;
  const node = nodeName(options.node, io.envNode, io.hostname);
  let bytes: Uint8Array;
  try {
    bytes = readBounded(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const answer = {
      version: 1,
      file: path,
      node: null,
      nodes: [],
      ok: false,
      unreadable: reason,
      errors: [],
      notes: [],
    };
    if (options.json === true) io.out(JSON.stringify(answer));
    else io.err(`vipkeeper check: cannot read ${path}: ${reason}`);
    return exitCodes.unreadable;
  }
  // A host that is no director (a laptop, a CI job) asks about the file as a whole.
  const found = verdict(bytes, path, node, node.from === 'the host name');
  if (options.json === true) {
    const { nodes, good, errors, notes } = found;
    const one = nodes.length === 1 ? nodes[0] : null;
    io.out(JSON.stringify({ version: 1, file: path, node: one, nodes, ok: good, errors, notes }));
  } else print(found, basename(path), io);
  return found.good ? exitCodes.good : exitCodes.mistakes;
}

interface Verdict extends Pick<LoadedAll, 'nodes' | 'errors' | 'notes'> {
  readonly good: boolean;
  readonly instances: number;
}

function verdict(bytes: Uint8Array, path: string, node: NodeName, mayBeOther: boolean): Verdict {
  const file = basename(path);
  const all = loadAll(bytes, file, node);
  const whole = mayBeOther && all.nodes.length > 0 && !all.nodes.includes(node.name);
  const one = whole ? undefined : loadConfig(bytes, file, node, secretReader(path));
  const errors = one === undefined ? all.errors : one.ok ? [] : one.error;
  const [config] = all.configs.values();
  return {
    good: errors.length === 0,
    nodes: whole ? all.nodes : [node.name],
    errors,
    notes: one?.ok === true ? one.value.notes : all.notes,
    instances: config?.vrrp_instance.length ?? 0,
  };
}

function print({ good, nodes, errors, notes, instances }: Verdict, file: string, io: CheckIo): void {
  for (const error of errors) io.err(renderError(error));
  for (const note of notes) io.out(renderNote(note));
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const found = `${count(instances, 'instance')}, ${count(notes.length, 'note')}`;
  if (good) io.out(`${file}: good for ${nodes.join(' and ')}: ${found}`);
  else io.err(`${file}: ${count(errors.length, 'mistake')}`);
}

/** One octet more than is allowed: enough to see that it is too much, whatever the path leads to. */
export function readBounded(path: string): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(limits.bytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** Adds the verb to the command line. */
export function registerCheck(program: Command): void {
  program
    .command('check')
    .summary('check a configuration file without starting anything')
    .description(
      'Check a configuration file without starting anything.\n' +
        'Exit codes: 0 good, 1 the file has mistakes, 2 wrong usage, 3 the file cannot be read.',
    )
    .argument('[file]', `configuration file (default ${defaultConfig})`)
    .option('--config <file>', 'the same')
    .option(
      '--node <name>',
      'this director (default: VIPKEEPER_NODE, else the host name; a host not in the file checks all)',
    )
    .option('--json', 'print one JSON object')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.good : exitCodes.usage))
    .action((file: string | undefined, options: Omit<CheckOptions, 'file'>) => {
      process.exitCode = check({ ...options, ...(file === undefined ? {} : { file }) });
    });
}
