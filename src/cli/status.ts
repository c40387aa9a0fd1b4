import { request } from 'node:http';
import type { Command } from 'commander';
import type { Snapshot } from '../control.ts';
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
export function readStatus(control: string): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    const ask = request({ socketPath: control, path: '/v1/status', timeout: 3_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(body) as Snapshot);
        else reject(new Error(`it answered ${response.statusCode}: ${body.trim()}`));
      });
      response.on('error', reject);
    });
    ask.on('timeout', () => ask.destroy(new Error('no answer for 3 s; the daemon may be frozen')));
    ask.on('error', (error: NodeJS.ErrnoException) => reject(new Error(explain(error, control))));
    ask.end();
  });
}

function explain(error: NodeJS.ErrnoException, control: string): string {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return 'no daemon runs there; start one with `vipkeeper run`, or name its socket with --control';
  if (error.code === 'EACCES') return `this user may not open it; see the owner and group of ${control}`;
  return error.message;
}
