/** One active director of ten fast virtual routers, which also checks 2,000 servers once a second. */
import { mkdirSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStatus } from '../../../src/cli/status.ts';
import { seconds } from '../../../src/base/time.ts';
import { Lab } from '../../../src/lab/lab.ts';
import { endAll } from '../../../src/lab/processes.ts';
import { portName, switchNode } from '../../../src/lab/topology.ts';
import type { VrrpStatus } from '../../../src/vrrp/status.ts';
import { gained, stoodStill, wireFigures } from '../jitter-figures.ts';
import { directorNode, fast, labFile, loadNode } from '../jitter-plan.ts';
import { JitterWire, stampClock } from '../jitter-wire.ts';
import { Witness } from '../jitter-witness.ts';
import { commandLine, productFiles } from '../product.ts';
import { addressesIn, oursPool } from './plan.ts';
import type { LatenessResult } from './report.ts';
import { countOf, perSecond, serverModule } from './web-server.ts';

const prefix = 'checks';
const folder = '/run/vipkeeper-bench-checks';
const port = 80;
const startLimit_ms = 60_000;
/** The second set of announcements is out, and the code of the checks is warm. */
const settle_ms = 8_000;

/** Half of them by TCP, half over HTTP with the default client. */
export const latenessConfig = (): string =>
  JSON.stringify({
    config_version: 1,
    data_plane: 'nftables',
    global: { lease: 'off' },
    nodes: { d1: { address: ['10.1.0.12'] }, d2: { address: ['10.1.0.11'] } },
    vrrp_instance: Object.fromEntries(
      Array.from({ length: fast.routers }, (_, at) => [
        `v${at + 1}`,
        {
          interface: 'eth0',
          virtual_router_id: at + 1,
          priority: { d1: 200, d2: 100 },
          advert_int: `${fast.advertInt / 1_000}ms`,
          virtual_ipaddress: [`10.1.1.${at + 1}`],
        },
      ]),
    ),
    virtual_server: (['tcp', 'axios'] as const).map((kind, at) => {
      const servers = addressesIn(`10.${2 + at}`, 1_000, port);
      return oursPool({ kind, servers, delayLoop: seconds(1) }, { address: `10.1.1.${at + 1}:80` });
    }),
  });

/** @throws LabError, InstrumentError, or why nothing could be measured */
export async function measureLateness(quick: boolean, signal: AbortSignal): Promise<LatenessResult> {
  const lab = await Lab.up(labFile, { prefix });
  const children: ChildProcess[] = [];
  let [wire, witness]: [JitterWire?, Witness?] = [];
  try {
    const interfaceIndex = await lab.interfaceIndex(switchNode, portName(directorNode, 'eth0'));
    wire = new JitterWire({ netns: lab.netns(switchNode), interfaceIndex });
    witness = await Witness.start();
    const server = await startServer(lab);
    children.push(server);
    const files = productFiles(folder, directorNode);
    mkdirSync(folder, { recursive: true });
    writeFileSync(files.config, latenessConfig());
    const output = openSync(files.log, 'a');
    const stdio = ['ignore', output, output] as const;
    const daemon = lab.exec(directorNode, commandLine('ours', directorNode, files), { stdio: [...stdio] });
    closeSync(output);
    children.push(daemon);
    await speaking(wire, daemon, files.log, signal);
    await sleep(settle_ms, undefined, { signal });
    const watch_ms = quick ? 11_000 : 40_000;
    return await watch({ wire, witness, server, control: files.control }, watch_ms, signal);
  } finally {
    wire?.close();
    witness?.close();
    for (const child of children) child.kill('SIGTERM');
    await endAll([lab.netns(directorNode), lab.netns(loadNode)]);
    await lab.down();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All addresses of two networks are this node's own. ip-address(8): a prefix on lo */
async function startServer(lab: Lab): Promise<ChildProcess> {
  const own = ['address add 10.2.0.1/16 dev lo', 'address add 10.3.0.1/16 dev lo'];
  await lab.run(loadNode, ['ip', '-batch', '-'], `${own.join('\n')}\n`);
  const ways = ['route add 10.2.0.0/16 via 10.1.0.3', 'route add 10.3.0.0/16 via 10.1.0.3'];
  await lab.run(directorNode, ['ip', '-batch', '-'], `${ways.join('\n')}\n`);
  const argv = [process.execPath, serverModule, '0.0.0.0', String(port)];
  const server = lab.exec(loadNode, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await countOf(server);
  return server;
}

async function speaking(
  wire: JitterWire,
  daemon: ChildProcess,
  log: string,
  signal: AbortSignal,
): Promise<void> {
  const began = Date.now();
  while (wire.arrivals.size < fast.routers) {
    if (daemon.exitCode !== null || Date.now() - began > startLimit_ms) {
      const end = readFileSync(log, 'utf8').split('\n').slice(-12).join('\n');
      throw new Error(`${wire.arrivals.size} of ${fast.routers} virtual routers were heard\n${end}`);
    }
    await sleep(50, undefined, { signal });
  }
}

interface Instruments {
  readonly wire: JitterWire;
  readonly witness: Witness;
  readonly server: ChildProcess;
  readonly control: string;
}

async function watch(
  { wire, witness, server, control }: Instruments,
  watch_ms: number,
  signal: AbortSignal,
): Promise<LatenessResult> {
  const lateness = async (): Promise<VrrpStatus['lateness']> => {
    // Answering takes a moment too: asked when a router has just spoken.
    await wire.nextAdvert(1_000);
    const { vrrp } = await readStatus(control);
    if (vrrp === undefined) throw new Error('the vrrp process does not answer');
    return vrrp.lateness;
  };
  const before = await lateness();
  // To tell of 2,000 servers takes CPU, and what waited for it meanwhile would count as checks of this stretch.
  await sleep(500, undefined, { signal });
  wire.takeLost();
  const [from, counted] = [stampClock(), await countOf(server)];
  await sleep(watch_ms, undefined, { signal });
  const [to, count] = [stampClock(), await countOf(server)];
  const after = await lateness();
  const lost = wire.takeLost();
  if (lost > 0) throw new Error(`${lost} frames did not fit into the observer's buffer`);
  const { boot, real } = await witness.stalls();
  const { late, net } = wireFigures(wire.arrivals.values(), fast.advertInt, from, to, real);
  return {
    checksPerSecond: perSecond(counted, count),
    loop: gained(before, after),
    loopNet: gained(before, after, boot),
    wire: late,
    wireNet: net,
    stoodStill_us: stoodStill(real, from, to),
  };
}
