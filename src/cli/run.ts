import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { openControlSocket } from '../api/control-socket.ts';
import { loadConfig, nodeName } from '../config/load.ts';
import { renderError, renderNote } from '../config/report.ts';
import { Daemon } from '../daemon.ts';
import { secretReader } from '../kernel/secret-file.ts';
import { type LogFormat, logFormats, type LogLevel, logLevels, openLog } from '../log.ts';
import { defaultConfig, defaultControl } from './places.ts';

interface RunOptions {
  readonly config: string;
  readonly node?: string;
  readonly control: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('run one director in the foreground; SIGTERM hands over and stops, SIGHUP reloads the file')
    .option('--config <file>', 'the configuration', defaultConfig)
    .option('--node <name>', 'which of the file’s nodes this is (else $VIPKEEPER_NODE, else the host name)')
    .option('--control <socket>', 'unix socket for status', defaultControl)
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'))
    .addOption(
      new Option('--log-format <format>').choices(logFormats).default(underSystemd() ? 'journald' : 'json'),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped as asked, 1 the file has mistakes, 2 wrong arguments, 3 the file cannot be read,\n4 this machine cannot run it (another daemon, a missing right or user), 70 a bug in vipkeeper.',
    )
    .action(run);
}

const underSystemd = (): boolean => process.env['JOURNAL_STREAM'] !== undefined;

async function run(options: RunOptions): Promise<void> {
  process.title = 'vipkeeper';
  const node = nodeName(options.node, process.env['VIPKEEPER_NODE'], hostname());
  const loaded = loadConfig(read(options.config), options.config, node, secretReader(options.config));
  if (!loaded.ok) {
    for (const error of loaded.error) process.stderr.write(`${renderError(error)}\n`);
    process.exit(1);
  }
  const log = openLog(options.logFormat, options.logLevel, node.name);
  for (const note of loaded.value.notes) log.info(renderNote(note));
  // Not Node's own 1, which says that the file has mistakes: a crash may be tried again, a mistake may not.
  process.on('uncaughtException', (error) => {
    log.fatal(error, 'a bug: the children hand over and end');
    process.exit(70);
  });
  try {
    await holdNamespace();
    const folder = path.dirname(path.resolve(options.control));
    const daemon = await Daemon.start({ file: options.config, node, folder }, loaded.value.config, log);
    const server = await openControlSocket(options.control, daemon, daemon.admission);
    process.on('SIGHUP', () => daemon.reload());
    const stop = (): void => {
      process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
      server.close();
      void daemon.stop().then(() => process.exit(0));
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  } catch (error) {
    log.fatal((error as Error).message);
    process.exit(4);
  }
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    process.stderr.write(`${file}: cannot be read: ${(error as Error).message}\n`);
    process.exit(3);
  }
}

/** Two daemons in one network namespace would fight over addresses and gate: an abstract socket lives as long as its holder. */
function holdNamespace(): Promise<void> {
  const holder = createServer((socket) => socket.destroy());
  holder.unref();
  return new Promise((resolve, reject) => {
    holder.once('error', () =>
      reject(new Error('another vipkeeper runs in this network namespace: stop it first (vipkeeper status)')),
    );
    holder.listen('\0vipkeeper', () => resolve());
  });
}
