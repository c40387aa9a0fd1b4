/** `plan`, `apply` and `server`: what would be written into the IPVS table, doing exactly that, and a word about one real server. */
import type { Command } from 'commander';
import { formatDuration, type Micros } from '../base/time.ts';
import type { PlanAnswer, Snapshot } from '../control.ts';
import { planLines } from '../ipvs/plan-text.ts';
import { ask } from './ask.ts';
import { defaultControl } from './places.ts';

interface Options {
  readonly control: string;
  readonly json?: true;
}

/** @returns undefined after it was told that nobody answers */
async function asked<Answer>(
  control: string,
  ...question: readonly ['GET' | 'POST', string, object?]
): Promise<Answer | undefined> {
  const [method, path, body] = question;
  try {
    return await ask<Answer>(control, method, path, body);
  } catch (error) {
    process.stderr.write(`${control}: ${(error as Error).message}\n`);
    process.exitCode = 4;
    return undefined;
  }
}

export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('what a reload of the file would write into the IPVS table, and what becomes of connections')
    .option('--control <socket>', 'unix socket of the daemon', defaultControl)
    .option('--json', 'the plan as JSON')
    .addHelpText(
      'after',
      '\nIt reads the file as it is now, with the health that the daemon knows, and changes nothing.\n' +
        'Exit codes: 0 nothing to do, 2 changes, 1 the file has mistakes, 4 no daemon answers.',
    )
    .action(async ({ control, json }: Options) => {
      const answer = await asked<PlanAnswer>(control, 'GET', '/v1/plan');
      if (answer === undefined) return;
      if (json === true) process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
      if ('errors' in answer) {
        if (json !== true) process.stderr.write(`${answer.errors.join('\n')}\n`);
        process.exitCode = 1;
        return;
      }
      const { plan, digest } = answer;
      if (json !== true) process.stdout.write(`${planLines(plan).join('\n')}\ndigest ${digest}\n`);
      process.exitCode = plan.changes.length === 0 ? 0 : 2;
    });
}

export function registerApply(program: Command): void {
  program
    .command('apply <digest>')
    .description('reloads the file, if that still does what `plan` said, however much it removes')
    .option('--control <socket>', 'unix socket of the daemon', defaultControl)
    .addHelpText('after', '\nExit codes: 0 in force, 1 nothing was done, 4 no daemon answers.')
    .action(async (digest: string, { control }: Options) => {
      const answer = await asked<{ readonly errors: readonly string[] }>(control, 'POST', '/v1/apply', {
        digest,
      });
      if (answer === undefined) return;
      if (answer.errors.length === 0) process.stdout.write('in force\n');
      else {
        process.stderr.write(`${answer.errors.join('\n')}\n`);
        process.exitCode = 1;
      }
    });
}

interface ServerOptions extends Options {
  readonly in?: string;
  readonly for?: string;
}

export function registerServer(program: Command): void {
  program
    .command('server <real_server> <word>')
    .description(
      'a word about one real server, as 10.2.0.21:80: drain, up, down, a weight, or auto to take it back',
    )
    .option('--in <virtual_server>', 'in this pool only, as `status` names it (else in all)')
    .option('--for <seconds>', 'it ends by itself after so long')
    .option('--control <socket>', 'unix socket of the daemon', defaultControl)
    .addHelpText(
      'after',
      '\ndrain keeps the connections and takes no new ones. It holds until the daemon ends, or --for.\n' +
        'Exit codes: 0 done, 1 no such server, 2 wrong arguments, 4 no daemon answers.',
    )
    .action(async (real_server: string, word: string, options: ServerOptions) => {
      const to = meaning(word);
      const lasts_s = options.for === undefined ? undefined : Number(options.for);
      if (to === 'wrong' || (lasts_s !== undefined && !(lasts_s > 0))) {
        process.stderr.write(
          'expected drain, up, down, auto or a weight from 0 to 65535, and --for in seconds\n',
        );
        process.exitCode = 2;
        return;
      }
      const snapshot = await asked<Snapshot>(options.control, 'GET', '/v1/status');
      if (snapshot === undefined) return;
      const pools = snapshot.pools.virtualServers.filter(({ name }) => (options.in ?? name) === name);
      if (!pools.some(({ servers }) => servers.some(({ name }) => name === real_server))) {
        const known = pools.flatMap(({ servers }) => servers.map(({ name }) => name));
        process.stderr.write(`no real server ${real_server}; there are ${known.join(', ') || 'none'}\n`);
        process.exitCode = 1;
        return;
      }
      const until = lasts_s === undefined ? undefined : ((snapshot.at + lasts_s * 1_000_000) as Micros);
      const override = {
        real_server,
        ...(options.in !== undefined && { virtual_server: options.in }),
        ...(to !== undefined && { to }),
        ...(until !== undefined && { until }),
      };
      if ((await asked(options.control, 'POST', '/v1/override', override)) === undefined) return;
      const lasting = lasts_s === undefined ? '' : ` for ${formatDuration((lasts_s * 1_000_000) as Micros)}`;
      process.stdout.write(`${real_server}: ${to === undefined ? 'as its checks say' : word}${lasting}\n`);
    });
}

/** Undefined: what the checks say. */
function meaning(word: string): 'drain' | 'up' | 'down' | { readonly weight: number } | undefined | 'wrong' {
  if (word === 'auto') return undefined;
  if (word === 'drain' || word === 'up' || word === 'down') return word;
  const weight = Number(word);
  return /^\d+$/.test(word) && weight <= 65_535 ? { weight } : 'wrong';
}
