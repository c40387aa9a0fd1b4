import type { Command } from 'commander';
import type { Snapshot } from '../control.ts';
import { ask } from './ask.ts';
import { defaultControl } from './places.ts';
import { renderStatus } from './status-text.ts';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description(
      'what the daemon knows: states, timers, leases, counters, other routers; every fact with its age',
    )
    .option('--control <socket>', 'unix socket of the daemon', defaultControl)
    .option('--json', 'the whole snapshot as JSON (schema-versioned)')
    .addHelpText('after', '\nExit codes: 0 answered, 2 wrong arguments, 4 no daemon answers.')
    .action(async (options: { readonly control: string; readonly json?: true }) => {
      try {
        const snapshot = await readStatus(options.control);
        process.stdout.write(
          options.json ? `${JSON.stringify(snapshot, undefined, 2)}\n` : renderStatus(snapshot),
        );
      } catch (error) {
        process.stderr.write(`no state of ${options.control} is known: ${(error as Error).message}\n`);
        process.exitCode = 4;
      }
    });
}

/** @throws when nothing answers within 3 s: no daemon is never the same as a Backup */
export const readStatus = (control: string): Promise<Snapshot> => ask<Snapshot>(control, 'GET', '/v1/status');
