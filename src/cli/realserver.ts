/** `realserver`: what a real server needs for the pools of a file, shown, done and taken back. On the real server itself. */
import { hostname, networkInterfaces } from 'node:os';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type Ip, parseIp } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { loadAll, nodeName } from '../config/load.ts';
import { renderError } from '../config/report.ts';
import type { Config } from '../config/types.ts';
import { doing, realServerSetUp, type ServedPool, type SetUp } from '../ipvs/real-server.ts';
import { exitCodes, readBounded } from './check.ts';
import { defaultConfig, defaultRealServerRecord } from './places.ts';
import { applySteps, commandRunner, undoSteps } from './realserver-steps.ts';

interface Options {
  readonly config: string;
  readonly for?: readonly string[];
  readonly node?: string;
}

const out = (line: string): void => void process.stdout.write(`${line}\n`);
interface Refused {
  readonly why: string;
  readonly exitCode: number;
}
const refused = (why: string, exitCode: number) => err<Refused>({ why, exitCode });

function setUpOf({ config, for: addresses, node }: Options): Result<SetUp, Refused> {
  const meant = addresses?.map((text) => parseIp(text));
  if (meant?.includes(undefined) === true)
    return refused(`expected IP addresses, not ${addresses?.join(' ')}`, exitCodes.usage);
  let text: Uint8Array;
  try {
    text = readBounded(config);
  } catch (error) {
    return refused(`cannot read ${config}: ${(error as Error).message}`, exitCodes.unreadable);
  }
  const asked = nodeName(node, process.env['VIPKEEPER_NODE'], hostname());
  const { configs, errors, nodes } = loadAll(text, basename(config), asked);
  if (errors.length > 0) return refused(errors.map(renderError).join('\n'), exitCodes.mistakes);
  const one = configs.get(asked.name);
  if (one === undefined && asked.from !== 'the host name')
    return refused(`no director is ${asked.name}: there are ${nodes.join(', ')}`, exitCodes.usage);
  // A real server is none of the directors, and serves each of them.
  const pools = (one === undefined ? [...configs.values()] : [one]).flatMap(poolsOf);
  const setUp = realServerSetUp(pools, new Set((meant ?? ownAddresses()).filter((ip) => ip !== undefined)));
  if (setUp.servers.length > 0) return ok(setUp);
  const known = new Set(pools.flatMap(({ servers }) => servers.map(({ address }) => address)));
  return refused(
    `${addresses === undefined ? 'no address of this host' : addresses.join(' ')} is a real server of ${config}; ` +
      `there are ${[...known].join(', ') || 'none'}; name one with --for`,
    exitCodes.mistakes,
  );
}

const poolsOf = ({ pools }: Config): readonly ServedPool[] =>
  pools.virtual_server.map(({ services, real_server, sorry_server }) => ({
    services: services.map(({ key }) => key),
    servers: [...real_server, ...(sorry_server === undefined ? [] : [sorry_server])].map(
      ({ destination }) => destination,
    ),
  }));

const ownAddresses = (): readonly (Ip | undefined)[] =>
  Object.values(networkInterfaces()).flatMap((of) => (of ?? []).map(({ address }) => parseIp(address)));

/** Undefined after it was said why. */
function told(asked: Result<SetUp, Refused>): SetUp | undefined {
  if (asked.ok) return asked.value;
  process.stderr.write(`${asked.error.why}\n`);
  process.exitCode = asked.error.exitCode;
  return undefined;
}

/** The list for people to read, and to run. */
export function setUpLines({ steps, notes, servers }: SetUp): readonly string[] {
  const lines = steps.flatMap(({ step, why }, at) => [
    ...(steps[at - 1]?.why === why ? [] : [`# ${why}`]),
    doing(step).join(' '),
  ]);
  return [`# real server ${servers.join(' ')}`, ...lines, ...notes.map((note) => `# ${note}`)];
}

const recordOption = [
  '--record <file>',
  'what apply did; one for each network namespace',
  defaultRealServerRecord,
] as const;

const mistaken = 'the file has mistakes or does not have this server';

export function registerRealServer(program: Command): void {
  const realserver = program
    .command('realserver')
    .description('what a real server needs for its pools: run it there, with the directors’ file');
  const verb = (name: string, description: string): Command =>
    realserver
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration file of the directors', defaultConfig)
      .option('--for <address...>', 'the real server (default: every address of this host)')
      .option('--node <name>', 'as this director has it (default: as any of them has it)');

  verb('print', 'the commands, with why: nothing is done')
    .addHelpText(
      'after',
      `\nExit codes: 0 printed, 1 ${mistaken}, 2 wrong arguments, 3 the file is unreadable.`,
    )
    .action((options: Options) => {
      const setUp = told(setUpOf(options));
      if (setUp !== undefined) out(setUpLines(setUp).join('\n'));
    });
  verb('apply', 'runs those that are not in force yet, and says each')
    .option(...recordOption)
    .addHelpText(
      'after',
      `\nExit codes: 0 all is in force, 1 a command failed, or ${mistaken},\n` +
        '2 wrong arguments, 3 the file is unreadable.',
    )
    .action(({ record, ...options }: Options & { readonly record: string }) => {
      const setUp = told(setUpOf(options));
      if (setUp === undefined) return;
      // With the VIP on lo a director, or any other host, would take the clients' packets for itself.
      const stranger = setUp.servers.find((address) => !ownAddresses().includes(address));
      if (stranger !== undefined) {
        told(refused(`${stranger} is no address of this host: nothing is done`, exitCodes.mistakes));
        return;
      }
      for (const note of setUp.notes) out(`yours    ${note}`);
      if (applySteps(setUp.steps, record, { run: commandRunner(), say: out }) > 0)
        process.exitCode = exitCodes.mistakes;
    });
  realserver
    .command('undo')
    .description('takes back what apply did and nobody changed since; kernel modules stay')
    .option(...recordOption)
    .addHelpText('after', '\nExit codes: 0 done, 1 a command failed, 2 wrong arguments.')
    .action(({ record }: { readonly record: string }) => {
      if (undoSteps(record, { run: commandRunner(), say: out }) > 0) process.exitCode = exitCodes.mistakes;
    });
}
