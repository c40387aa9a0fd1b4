import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { LabError } from '../lab/command.ts';
import { parseFault, faultForms } from '../lab/fault.ts';
import type { Purpose } from '../lab/holder.ts';
import { heldPrefixes, runAsOrdinaryUser } from '../lab/holder.ts';
import { defaultPrefix, Lab } from '../lab/lab.ts';
import { ownerLives, readRecord, recordedPrefixes } from '../lab/record.ts';
import type { DemoOptions } from './demo.ts';
import { demo, demoCommand } from './demo.ts';

interface LabOptions {
  readonly prefix: string;
}

/** The site of the examples, from dist/cli/lab.js and from src/cli/lab.ts alike. */
export const exampleLab = (): string => new URL('../../examples/lab.yaml', import.meta.url).pathname;

/** Adds `lab demo|up|status|exec|fault|down`. */
export function registerLab(program: Command): Command {
  // What follows `exec NODE` belongs to the command run there; each parent has to let it through.
  program.enablePositionalOptions();
  const lab = program
    .command('lab')
    .description('a site of network namespaces on this machine, from one file')
    .enablePositionalOptions();
  const verb = (form: string, description: string): Command =>
    lab
      .command(form)
      .description(description)
      .option('--prefix <name>', 'which lab; many may be up at once', defaultPrefix);

  demoCommand(lab)
    .option('--file <path>', 'the lab file', exampleLab())
    .action(
      lived('show', async (options: DemoOptions & { file: string }) =>
        demo(readLabFile(options.file), options),
      ),
    );
  verb('up', 'build the lab and leave it up')
    .option('--file <path>', 'the lab file', exampleLab())
    .action(lived('make', up));
  verb('status', 'what is up, and what runs in it')
    .action(lived('use', status))
    // Each lab of an ordinary user is root's only one, where it lives.
    .hook('postAction', (command) => {
      if (process.getuid?.() !== 0) sayOthers(heldPrefixes(), command.opts<LabOptions>());
    });
  verb('exec <node> <command...>', 'run a command inside a node')
    .passThroughOptions()
    .action(lived('use', exec));
  verb('fault <fault...>', 'disturb the lab')
    .addHelpText('after', `\nFaults:\n  ${faultForms.join('\n  ')}`)
    .action(lived('use', fault));
  verb('down', 'end everything inside the lab and remove it').action(
    lived('end', async ({ prefix }: LabOptions) => Lab.attach(prefix).down()),
  );
  return lab;
}

/**
 * Root acts here; another user runs the same command again where he is root. What is wrong with the machine or the
 * file is told in its own words; anything else is our bug and keeps its stack.
 */
function lived<Args extends unknown[]>(purpose: Purpose, action: (...args: Args) => void | Promise<void>) {
  return async (...args: Args): Promise<void> => {
    // commander's last arguments: the options and the command
    const { prefix } = args.at(-2) as LabOptions;
    try {
      if (process.getuid?.() === 0) await action(...args);
      else process.exitCode = await runAsOrdinaryUser(purpose, prefix);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      console.error(error.message);
      process.exitCode = 1;
    }
  };
}

/** How this program was called, so that what is printed can be typed. */
function self(): string {
  const script = process.argv[1] ?? '';
  return script.endsWith('.js') ? `node ${path.relative('', script)}` : 'vipkeeper';
}

async function up(options: LabOptions & { file: string }): Promise<void> {
  const lab = await Lab.up(readLabFile(options.file), options);
  const suffix = options.prefix === defaultPrefix ? '' : ` --prefix ${options.prefix}`;
  const [director] = lab.topology.nodes.filter(({ role }) => role === 'director');
  const node = director?.name ?? lab.topology.judge.node;
  console.log(`The lab "${lab.prefix}" is up: ${lab.topology.nodes.map(({ name }) => name).join(', ')}.`);
  console.log('Next:');
  console.log(`  ${self()} lab exec${suffix} ${node} ip address`);
  console.log(`  ${self()} lab fault${suffix} link-down ${node}`);
  console.log(`  ${self()} lab fault${suffix} heal`);
  console.log(`  ${self()} lab down${suffix}`);
}

function readLabFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new LabError(`cannot read the lab file ${file}: ${absent ? 'no such file' : String(cause)}`, {
      cause,
    });
  }
}

function status(options: LabOptions): void {
  const lab = Lab.attach(options.prefix);
  const record = readRecord(options.prefix);
  if (record !== undefined && ownerLives(record))
    console.log(`lab "${lab.prefix}", kept by process ${record.owner.pid}`);
  else console.log(`lab "${lab.prefix}", kept by nobody: it stays until "lab down" or the next "lab up"`);
  for (const node of lab.topology.nodes) {
    const addresses = node.links.flatMap(({ addresses }) => addresses.map(({ address }) => address));
    const pids = lab.processes(node.name);
    const running = pids.length === 0 ? '' : `  processes ${pids.join(' ')}`;
    console.log(`  ${node.name.padEnd(5)} ${node.role.padEnd(9)} ${addresses.join(' ')}${running}`);
  }
  sayOthers(recordedPrefixes(), options);
}

function sayOthers(prefixes: readonly string[], options: LabOptions): void {
  const others = prefixes.filter((prefix) => prefix !== options.prefix);
  if (others.length > 0) console.log(`other labs: ${others.join(', ')}`);
}

function exec(node: string, written: string[], options: LabOptions): void {
  // As many programs take it: what comes after it is not ours.
  const command = written[0] === '--' ? written.slice(1) : written;
  const child = Lab.attach(options.prefix).exec(node, command, { stdio: 'inherit' });
  child.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 127;
  });
  child.on('exit', (status) => {
    process.exitCode = status ?? 1;
  });
}

async function fault(words: string[], options: LabOptions): Promise<void> {
  const lab = Lab.attach(options.prefix);
  const parsed = parseFault(words, lab.topology);
  if (parsed.ok) await lab.fault(parsed.value);
  else {
    console.error(parsed.error);
    process.exitCode = 2;
  }
}
