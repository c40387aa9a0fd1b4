/** The checks process on this machine, against a web server on its loopback: what a check costs, and how many it can do. */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { CheckDefinition } from '../../../src/healthcheck/types.ts';
import { checksAccount } from '../../../src/process/account.ts';
import { startChecks } from '../../../src/process/bystanders.ts';
import { cpuTime, spent } from './cpu.ts';
import { checksAt, keepsTo, type Kind, kinds, nextRate } from './plan.ts';
import { type RateResult, type RateStep, rateText } from './report.ts';
import { countOf, perSecond, serverModule } from './web-server.ts';

/** Many ports: a port that a connection has just left cannot be told from it. */
const firstPort = 39_080;
const ports = Array.from({ length: 16 }, (_, at) => firstPort + at);
const usualRate = 1_000;

/** The process as the daemon starts it, with us in its parent's place. */
class ChecksAlone {
  readonly #ready: Promise<void>;
  readonly #child: ReturnType<typeof startChecks>;
  /** Reports that a server is not up, since the last start. */
  failures = 0;

  constructor() {
    let ready = (): void => undefined;
    this.#ready = new Promise((resolve) => (ready = resolve));
    this.#child = startChecks(pino({ enabled: false }), () => checksAccount('nobody'), {
      started: () => ready(),
      ended: () => undefined,
      reported: (reports) => {
        this.failures += reports.filter(({ verdict }) => verdict !== 'up').length;
      },
      script: () => undefined,
    });
  }

  async configure(checks: readonly CheckDefinition[]): Promise<number> {
    await this.#ready;
    this.failures = 0;
    this.#child.send({ type: 'configure', checks, known: [] });
    if (this.#child.pid === undefined) throw new Error('the checks process has ended');
    return this.#child.pid;
  }

  stop(): Promise<void> {
    return this.#child.stop(1_000);
  }
}

/** @param say a line of progress @param signal ends it */
export async function measureRates(
  quick: boolean,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly RateResult[]> {
  const server = fork(serverModule, ['127.0.0.1', ...ports.map(String)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const results: RateResult[] = [];
  try {
    // Its first answer comes when it listens.
    await countOf(server);
    for (const kind of kinds) {
      const checks = new ChecksAlone();
      try {
        const step = (rate: number, warmUp_ms: number, watch_ms: number): Promise<RateStep> =>
          take(checks, server, { rate, kind, warmUp_ms, watch_ms }, signal);
        const usual = await step(usualRate, 4_000, quick ? 4_000 : 12_000);
        say(rateText(kind, usual));
        const tried = [usual];
        for (let rate = nextRate(tried); rate !== undefined; rate = nextRate(tried)) {
          const next = await step(rate, 2_000, quick ? 1_500 : 3_000);
          tried.push(next);
          say(rateText(kind, next));
        }
        results.push({ kind, usual, tried });
      } finally {
        await checks.stop();
      }
    }
  } finally {
    server.kill();
  }
  return results;
}

async function take(
  checks: ChecksAlone,
  server: ChildProcess,
  { rate, kind, warmUp_ms, watch_ms }: { rate: number; kind: Kind; warmUp_ms: number; watch_ms: number },
  signal: AbortSignal,
): Promise<RateStep> {
  const pid = await checks.configure(checksAt(rate, kind, ports));
  await sleep(warmUp_ms, undefined, { signal });
  const look = async () => ({
    count: await countOf(server),
    checks: cpuTime(pid),
    server: cpuTime(server.pid ?? 0),
  });
  const before = await look();
  await sleep(watch_ms, undefined, { signal });
  const after = await look();
  const rateFound = perSecond(before.count, after.count);
  return {
    rate,
    perSecond: rateFound,
    kept: keepsTo(rate, rateFound) && checks.failures === 0,
    failures: checks.failures,
    checks: after.count.accepted - before.count.accepted,
    cpu: spent(before.checks, after.checks),
    serverBusy: spent(before.server, after.server).total_us / (after.count.at_us - before.count.at_us),
  };
}
