/**
 * One process of the bench: two sites, one per product, measured in turn. While one product is measured the other
 * recovers from its last fault, so that nobody waits for it. A process of its own keeps the sampler on time.
 */
import { seconds } from '../../src/base/time.ts';
import { native } from '../../src/kernel/native.ts';
import { measure, RunRejected } from './measure.ts';
import type { FromLane, ToLane } from './result.ts';
import type { Product, Round } from './scenario.ts';
import { faults, products } from './scenario.ts';
import { readinessFor, Site } from './site.ts';

const SCHED_RR = 2;
/** A busy machine makes the judge late now and then. */
const mostAttempts = 6;

const [prefix = 'bench-0'] = process.argv.slice(2);
const sites = new Map<Product, Promise<Site>>();
let ending = false;

const say = (message: FromLane): void => {
  if (process.connected) process.send?.(message);
};

// The judge must see on time what the judged do; it works for some microseconds per wake. Its children are not concerned.
native.schedule(SCHED_RR, 1);
// A terminal's Ctrl-C reaches the whole group: the main process decides, by ending the channel.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => void end());
process.on('message', (message: ToLane) => void work(message));
process.on('unhandledRejection', (error) => {
  say({ type: 'failed', text: `lane ${prefix}: ${String(error)}` });
  void end();
});
say({ type: 'idle' });

async function work(message: ToLane): Promise<void> {
  if (message.type === 'memory') await tellMemory();
  else await runRound(message.round);
  say({ type: 'idle' });
}

async function runRound({ products: order, ...round }: Round): Promise<void> {
  if (faults[round.scenario.fault].together === true)
    await Promise.all(order.map(async (product) => runOne(product, round)));
  else for (const product of order) await runOne(product, round);
}

async function runOne(product: Product, round: Omit<Round, 'products'>): Promise<void> {
  const { scenario } = round;
  const readiness = readinessFor(scenario, faults[scenario.fault]);
  for (let attempt = 1; ; attempt++) {
    try {
      const site = await siteOf(product);
      await site.ready(readiness);
      try {
        say({ type: 'run', result: await measure(site, round) });
        return;
      } finally {
        site.recover(readiness);
      }
    } catch (error) {
      if (ending) return;
      const why = error instanceof RunRejected ? error.why : 'notReady';
      const text = error instanceof RunRejected ? error.message : (error as Error).message;
      if (attempt >= mostAttempts) {
        say({ type: 'failed', text: `${product} ${scenario.fault}: ${text}` });
        return;
      }
      say({ type: 'repeat', why, text: `${product} ${scenario.fault}: ${text}` });
      if (!(error instanceof RunRejected)) await closeSite(product);
    }
  }
}

async function siteOf(product: Product): Promise<Site> {
  if (ending) throw new Error('the bench ends');
  const site = sites.get(product) ?? Site.open(product, `${prefix}-${product}`);
  sites.set(product, site);
  return site;
}

/** Also one that is just being opened: nothing may be left. */
async function closeSite(product: Product): Promise<void> {
  const site = sites.get(product);
  sites.delete(product);
  await (await site?.catch(() => undefined))?.close();
}

/** Of a director that is active, with as few other Node processes on the machine as there ever are. */
async function tellMemory(): Promise<void> {
  const arrangement = { advertInt: seconds(1), standbyPriority: 100, instances: 1, family: 4 } as const;
  const memory: Partial<Record<Product, ReturnType<Site['active']['memory']>>> = {};
  for (const product of products) {
    const site = await siteOf(product);
    await site.ready(readinessFor(arrangement, faults['kill-alone']));
    memory[product] = site.active.memory();
  }
  say({ type: 'memory', memory });
}

async function end(): Promise<void> {
  ending = true;
  const left = products.map(closeSite);
  await Promise.allSettled(left);
  process.exit(0);
}
