import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { commandEnvironment, LabError, run } from './command.ts';
import type { Fault } from './fault.ts';
import { processSignals, switchCommands } from './fault.ts';
import type { NamespacePlan } from './plan.ts';
import { namespaceName, planLab } from './plan.ts';
import { endAll, processesIn, signalAll } from './processes.ts';
import type { LabRecord } from './record.ts';
import { claim, forget, ownerLives, readRecord, thisProcess } from './record.ts';
import type { Topology } from './topology.ts';
import { parseTopology, switchNode } from './topology.ts';

export const defaultPrefix = 'vk';
const netnsPath = (name: string): string => `/run/netns/${name}`;

/** A site of network namespaces on this machine. Many may be up at once, each under its own prefix. */
export class Lab {
  readonly prefix: string;
  readonly topology: Topology;

  private constructor(prefix: string, topology: Topology) {
    this.prefix = prefix;
    this.topology = topology;
  }

  /**
   * Builds the lab of a file's text. What a killed owner left under this prefix goes first.
   * @throws LabError: a mistake in the file, not root, a missing command, or the prefix in use by a living
   * process
   */
  static async up(file: string, options: { readonly prefix?: string } = {}): Promise<Lab> {
    const prefix = options.prefix ?? defaultPrefix;
    const lab = new Lab(checkedPrefix(prefix), read(file));
    if (process.getuid?.() !== 0) {
      throw new LabError('the lab needs root to make network namespaces', {
        mend: 'run it with sudo, or in a privileged container',
      });
    }
    const plan = planLab(lab.topology, prefix);
    await takePrefix({ prefix, owner: thisProcess(), namespaces: plan.namespaces, topology: file });
    try {
      await makeNamespaces(plan.namespaces);
      await lab.arrange(plan.switch);
      await Promise.all(plan.nodes.map(async (node) => lab.arrange(node)));
    } catch (error) {
      await lab.down();
      throw error;
    }
    return lab;
  }

  /** A lab that another process brought up. @throws LabError when there is none under this prefix */
  static attach(prefix = defaultPrefix): Lab {
    const record = readRecord(prefix);
    if (record === undefined) throw noLab(prefix);
    return new Lab(prefix, read(record.topology));
  }

  /** Path of a node's network namespace, as `nsenter --net=` and the native sockets take it. */
  netns(node: string): string {
    return netnsPath(namespaceName(this.prefix, this.node(node)));
  }

  /** Starts a program inside a node; it shares everything with this machine but the network. */
  exec(node: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    // nsenter execs the program: the child's pid is the program's own.
    return spawn('nsenter', [`--net=${this.netns(node)}`, '--', ...argv], {
      env: commandEnvironment(),
      ...options,
    });
  }

  /** Runs a program inside a node to its end. @returns its standard output @throws LabError when it fails */
  async run(node: string, argv: readonly string[], input = ''): Promise<string> {
    return run('nsenter', [`--net=${this.netns(node)}`, '--', ...argv], input);
  }

  /** Index of a node's interface inside its namespace, for packet sockets. */
  async interfaceIndex(node: string, link: string): Promise<number> {
    const [found] = JSON.parse(await this.run(node, ['ip', '-json', 'link', 'show', 'dev', link])) as {
      ifindex: number;
    }[];
    if (found === undefined) throw new LabError(`node ${node} has no link ${link}`);
    return found.ifindex;
  }

  /** Pids of all processes inside a node. */
  processes(node: string): number[] {
    return processesIn(this.netns(node));
  }

  /**
   * Applies a fault; process faults are done when this returns its promise, network faults when that is
   * fulfilled.
   */
  async fault(fault: Fault): Promise<void> {
    if (fault.kind === 'kill' || fault.kind === 'stop' || fault.kind === 'cont') {
      signalAll(this.netns(fault.node), processSignals[fault.kind]);
      return;
    }
    const commands = switchCommands(fault, this.topology);
    if (commands.nft.length > 0) await this.run(switchNode, ['nft', '-f', '-'], lines(commands.nft));
    if (commands.ip.length > 0) await this.run(switchNode, ['ip', '-batch', '-'], lines(commands.ip));
  }

  /**
   * Ends every process inside the lab and removes it. Close sockets opened in it first: they keep a namespace
   * alive.
   */
  async down(): Promise<void> {
    const record = readRecord(this.prefix);
    if (record !== undefined) await remove(record);
  }

  private node(name: string): string {
    if (name === switchNode || this.topology.nodes.some((node) => node.name === name)) return name;
    const known = this.topology.nodes.map((node) => node.name).join(', ');
    throw new LabError(`no node is named "${name}"; there are ${known}, ${switchNode}`);
  }

  /** One shell writes the settings and becomes ip: two programs a node, not one for each line. */
  private async arrange(plan: NamespacePlan): Promise<void> {
    const write = ([path, value]: readonly [string, string]): string => `echo '${value}' >/proc/sys/${path}`;
    const settings = [
      ...plan.settings.map(write),
      ...plan.settingsWherePresent.map((setting) => `[ ! -e /proc/sys/${setting[0]} ] || ${write(setting)}`),
    ];
    await this.run(plan.node, ['sh', '-ec', [...settings, 'exec ip -batch -'].join('\n')], lines(plan.batch));
  }
}

const lines = (batch: readonly string[]): string => batch.map((line) => `${line}\n`).join('');

function read(file: string): Topology {
  const topology = parseTopology(file);
  if (!topology.ok) throw new LabError(`the lab file has mistakes:\n  ${topology.error.join('\n  ')}`);
  return topology.value;
}

export const noLab = (prefix: string): LabError =>
  new LabError(`no lab "${prefix}" is up`, { mend: 'bring it up: vipkeeper lab up' });

/** @throws LabError */
export function checkedPrefix(prefix: string): string {
  if (/^[a-z][a-z0-9-]{0,30}$/.test(prefix)) return prefix;
  throw new LabError(`"${prefix}" cannot be a lab's prefix`, {
    mend: 'up to 31 lower-case letters, digits and dashes, a letter first',
  });
}

async function takePrefix(record: LabRecord): Promise<void> {
  while (!claim(record)) {
    const other = readRecord(record.prefix);
    if (other === undefined) continue;
    if (ownerLives(other)) {
      const mend = `choose another --prefix, or remove it: vipkeeper lab down --prefix ${record.prefix}`;
      throw new LabError(`the lab "${record.prefix}" is in use by process ${other.owner.pid}`, { mend });
    }
    await remove(other);
  }
  const foreign = record.namespaces.find((name) => existsSync(netnsPath(name)));
  if (foreign === undefined) return;
  forget(record.prefix);
  throw new LabError(`a network namespace ${foreign} exists that no lab recorded as its own`, {
    mend: `choose another --prefix, or remove it: ip netns del ${foreign}`,
  });
}

async function makeNamespaces(names: readonly string[]): Promise<void> {
  try {
    await run('ip', ['-batch', '-'], lines(names.map((name) => `netns add ${name}`)));
  } catch (cause) {
    if (cause instanceof LabError && !/Operation not permitted|Invalid argument/.test(cause.message))
      throw cause;
    throw new LabError('this system does not let us make network namespaces', {
      mend: 'the lab needs CAP_SYS_ADMIN and a kernel with CONFIG_NET_NS; in a container: --privileged',
      cause,
    });
  }
}

/** Only namespaces that the record names, and only processes found inside them. */
async function remove(record: LabRecord): Promise<void> {
  const present = record.namespaces.filter((name) => existsSync(netnsPath(name)));
  await endAll(present.map(netnsPath));
  if (present.length > 0) await run('ip', ['-batch', '-'], lines(present.map((name) => `netns del ${name}`)));
  forget(record.prefix);
}
