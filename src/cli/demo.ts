import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { isatty } from 'node:tty';
import pc from 'picocolors';
import type { Ip } from '../base/ip.ts';
import { type Micros, micros } from '../base/time.ts';
import { loadAll } from '../config/load.ts';
import { renderError } from '../config/report.ts';
import type { Config } from '../config/types.ts';
import type { JudgeSeat, SeenDirector } from '../drill/judge-seat.ts';
import { judgeSeat } from '../drill/judge-seat.ts';
import { HttpProber } from '../drill/http-prober.ts';
import { DirectorPair } from '../drill/pair.ts';
import { raiseCurtain, tellStory } from '../drill/story.ts';
import type { Stage, Step, Teller, WebSite } from '../drill/story-step.ts';
import { announcement, inMilliseconds, measured, sentence, summary } from '../drill/story-text.ts';
import { Watch } from '../drill/watch.ts';
import { downWithin, upWithin, WebServers, webServersAt } from '../drill/web-servers.ts';
import { endpoint } from '../ipvs/types.ts';
import { native } from '../kernel/native.ts';
import { LabError } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { showLive } from './demo-live.ts';

export interface DemoOptions {
  readonly prefix: string;
  readonly config: string;
  readonly once?: true;
}

const exampleConfig = (): string => new URL('../../examples/failover.yaml', import.meta.url).pathname;
const program = (): string => new URL('../cli.js', import.meta.url).pathname;

/** The verb without its action. */
export const demoCommand = (lab: Command): Command =>
  lab
    .command('demo')
    .description('a real failover on this machine, start to end: two daemons, one address, one client')
    .option('--prefix <name>', 'which lab; many may be up at once', 'demo')
    .option('--config <file>', 'what both directors run', exampleConfig())
    .option('--once', 'tell the story without keys, as it is done without a terminal')
    .addHelpText(
      'after',
      '\nExit codes: 0 all went as promised, 1 something did not, 128 + n ended by signal n.',
    );

// Said outright: left to itself the library colours pipes too where CI is set.
const colours = pc.createColors(isatty(1) && process.env['NO_COLOR'] === undefined);
const say = (line = ''): void => void process.stdout.write(`${line}\n`);

/**
 * Brings a lab up, shows failovers in it, and takes everything down again, whatever happens meanwhile.
 * @param labFile text of the lab file
 * @throws LabError in the words of what is wrong with the machine, the file or the outcome
 */
export async function demo(labFile: string, options: DemoOptions): Promise<void> {
  const configs = readConfigs(options.config);
  const ending = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => ending.abort(name);
  const onError = (error: Error): void => ending.abort(error);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  process.on('uncaughtException', onError);
  try {
    const good = await inLab(labFile, options, configs, ending.signal);
    process.exitCode = good ? 0 : 1;
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    const reason: unknown = ending.signal.reason;
    if (reason instanceof Error) throw reason;
    say(`${String(reason)}: everything is taken down`);
    process.exitCode = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[String(reason)] ?? 1;
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal);
    process.off('uncaughtException', onError);
  }
}

type Configs = ReadonlyMap<string, Config>;

async function inLab(
  labFile: string,
  options: DemoOptions,
  configs: Configs,
  signal: AbortSignal,
): Promise<boolean> {
  const { prefix, config } = options;
  const started = performance.now();
  say(
    colours.bold(
      'One address, two directors, their web servers, one client: what happens when something fails',
    ),
  );
  const lab = await Lab.up(labFile, { prefix });
  let watch: Watch | undefined;
  let pair: DirectorPair | undefined;
  try {
    signal.throwIfAborted();
    const seat = await judgeSeat(lab);
    const instanceOf = instancesOf(configs, seat, config);
    say(
      `  lab "${prefix}" up in ${inSeconds(performance.now() - started)}: ${lab.topology.nodes.length} nodes`,
    );
    const address = addressOf(seat, instanceOf);
    const found = siteOf(lab, configs, address);
    const http = found && new HttpProber(lab, seat.judge.node, found.url);
    watch = new Watch(native, seat, address, http);
    const command = [process.execPath, program(), 'run', '--config', config];
    pair = new DirectorPair(lab, seat.directors, command);
    const stage = { pair, watch, site: found?.site, instanceOf, teller: new PrintingTeller(pair), signal };
    return await perform(stage, started, options);
  } catch (error) {
    if (pair !== undefined && !signal.aborted) sayLogs(pair);
    throw error;
  } finally {
    watch?.stop();
    await lab.down();
  }
}

async function perform(stage: Stage, started: number, { once }: DemoOptions): Promise<boolean> {
  const { pair, watch, site, instanceOf } = stage;
  for (const director of pair.directors) {
    const { priority, advert_int } = instanceOf(director);
    const every = inMilliseconds(advert_int);
    say(`  ${director.name}: ${director.configNode}, priority ${priority}, an advertisement every ${every}`);
  }
  if (site !== undefined) {
    const names = site.servers.servers.map(({ name }) => name).join(', ');
    say(`  ${names}: web servers behind the address, which a client asks for a page 20 times a second`);
  }
  say('  starting both daemons; they listen for an active first');
  const active = await raiseCurtain(stage);
  say(`  ${active.name} owns ${watch.address} after ${inSeconds(performance.now() - started)}`);
  const [script, control] = [path.relative('', program()), pair.control(active)];
  say(`  in another terminal: node ${script} status --control ${control}`);
  const live = once !== true && process.stdin.isTTY && process.stdout.isTTY;
  if (live) {
    await showLive(stage, colours);
    return true;
  }
  const steps = await tellStory(stage, active);
  say();
  for (const [at, line] of summary(steps).entries()) say(at === 0 ? colours.bold(line) : line);
  const good = steps.every(({ broken }) => broken === undefined);
  const verdict = good ? colours.green('All as promised') : colours.red('NOT all as promised');
  say(`\n${verdict}, in ${inSeconds(performance.now() - started)}. Limits are the timers of RFC 9568 §6.1.`);
  return good;
}

const inSeconds = (duration_ms: number): string => `${(duration_ms / 1_000).toFixed(1)} s`;

/** What happens, line by line, with what the daemons say of it themselves. */
class PrintingTeller implements Teller {
  readonly #pair: DirectorPair;
  #begun = Date.now();
  #number = 0;

  constructor(pair: DirectorPair) {
    this.#pair = pair;
  }

  begin(...[name, { name: node }, limit]: Parameters<Teller['begin']>): void {
    this.#begun = Date.now();
    say(`\n${colours.bold(`${++this.#number}. ${announcement(name, node, limit)}`)}`);
  }

  meanwhile(): void {
    for (const director of this.#pair.directors) {
      for (const { time, level, message } of this.#pair.log(director).read()) {
        const at = ((time - this.#begun) / 1_000).toFixed(3).padStart(7);
        const line = `  ${at} s  ${director.name}  ${message}`;
        say(level > 30 ? colours.yellow(line) : colours.dim(line));
      }
    }
  }

  end(step: Step): void {
    const { broken } = step;
    say(`  ${measured(step)}`);
    say(broken === undefined ? colours.green(`  ${sentence(step)}`) : colours.red(`  ${sentence(step)}`));
  }
}

function sayLogs(pair: DirectorPair): void {
  for (const director of pair.directors) {
    const said = pair.log(director).read().slice(-20);
    for (const { message } of said) process.stderr.write(`  ${director.name}: ${message}\n`);
  }
}

/** @throws LabError with every mistake of the file */
function readConfigs(file: string): Configs {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new LabError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  const { configs, errors } = loadAll(text, file, { name: hostname(), from: 'the host name' });
  if (errors.length > 0) throw new LabError(errors.map(renderError).join('\n'));
  return configs;
}

/** The first instance of the file, as each director runs it. @throws LabError when a director has none */
function instancesOf(configs: Configs, seat: JudgeSeat, file: string): Stage['instanceOf'] {
  const find = ({ configNode }: SeenDirector): InstanceConfig | undefined =>
    configs.get(configNode)?.vrrp_instance.at(0);
  for (const director of seat.directors) {
    if (find(director) === undefined)
      throw new LabError(`${file} has no instance for ${director.configNode}, the director ${director.name}`);
  }
  return (director) => {
    const instance = find(director);
    assert(instance !== undefined);
    return instance;
  };
}

function addressOf({ directors }: JudgeSeat, instanceOf: Stage['instanceOf']): Ip {
  const [first] = directors.flatMap((director) => instanceOf(director).virtual_ipaddress);
  if (first === undefined) throw new LabError('there is no address to watch');
  return first.address;
}

/**
 * The first virtual server over TCP on the address, as all directors run it: they have one file. Undefined when there is
 * none.
 */
function siteOf(
  lab: Lab,
  configs: Configs,
  address: Ip,
): { readonly site: WebSite; readonly url: string } | undefined {
  const [config] = configs.values();
  for (const { services, real_server } of config?.pools.virtual_server ?? [])
    for (const { key } of services) {
      if (key.kind !== 'address' || key.protocol !== 'TCP' || key.address !== address) continue;
      const servers = webServersAt(
        lab,
        real_server.map(({ destination }) => destination),
      );
      const checks = real_server.flatMap((server) => server.checks);
      const longest = (of: typeof downWithin): Micros => micros(Math.max(0, ...checks.map(of)));
      const site = {
        servers: new WebServers(lab, servers),
        downWithin: longest(downWithin),
        upWithin: longest(upWithin),
      };
      return { site, url: `http://${endpoint(key)}/` };
    }
  return undefined;
}
