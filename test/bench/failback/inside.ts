/** `node inside.js TASK`: the fail-back bench in the guest. TASK is JSON; a line of JSON on stdout for each message. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Micros } from '../../../src/base/time.ts';
import { readClock } from '../../../src/drill/clock.ts';
import { native } from '../../../src/kernel/native.ts';
import { servers, TrafficSite } from '../../guest/traffic-site.ts';
import type { Product } from '../scenario.ts';
import { outageIn } from './figures.ts';
import { Load } from './load.ts';
import { Observer } from './observer.ts';
import { Pair } from './pair.ts';
import {
  type FailbackTask,
  mostAttempts,
  mostOwnGap,
  orderOf,
  requestTimeout,
  type Return,
  returnLead,
  settleTime,
} from './plan.ts';
import type { FailbackRun, FromGuest } from './result.ts';
import { Switchboard } from './switchboard.ts';

const SCHED_RR = 2;
/** In a row, before anything is disturbed: Linux believes no gratuitous ARP within a second of another. arp(7), locktime */
const steadyAnswers = 100;

// The client must ask, and the servers answer, whatever the directors do with the one CPU. Children are not concerned.
native.schedule(SCHED_RR, 1);

const say = (message: FromGuest): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const settle = (): Promise<void> => sleep(settleTime / 1_000);

/** It goes, and comes back. */
async function runReturn(
  pair: Pair,
  { requests }: Load,
  from: Return,
): Promise<Omit<FailbackRun, 'product' | 'round'>> {
  requests.length = 0;
  const leftAt = readClock(native);
  if (from === 'isolated') pair.cables('down');
  else await pair.stopActive();
  await pair.untilStandbyServes();
  await settle();
  const goneBy = readClock(native);
  if (from === 'isolated') await pair.untilServersAreOut();
  await settle();
  const begunAt = readClock(native);
  if (from === 'isolated') pair.cables('up');
  else await pair.startActive();
  const arrival = await pair.untilReturned(begunAt);
  await settle();
  const settledAt = readClock(native);
  // The last requests have ended by then.
  await sleep((2 * requestTimeout) / 1_000);
  const watchedFrom = Math.max(begunAt, begunAt + arrival.preempted_us - returnLead) as Micros;
  return {
    from,
    failover: outageIn(requests, leftAt, goneBy),
    failback: outageIn(requests, watchedFrom, settledAt),
    arrival,
  };
}

/** A machine that is busy with other things makes the bench late: such a run says nothing of the product. */
async function onTime(pair: Pair, load: Load, from: Return): ReturnType<typeof runReturn> {
  for (let attempt = 1; ; attempt++) {
    await pair.until('the client is served', () => load.goodInARow >= steadyAnswers);
    const run = await runReturn(pair, load, from);
    if (run.failback.ownGap_us <= mostOwnGap) return run;
    const late = `the bench was ${Math.round(run.failback.ownGap_us / 1_000)} ms late`;
    if (attempt === mostAttempts) throw new Error(`${from}: ${late}, ${attempt} times`);
    say({ type: 'repeat', product: pair.product, text: `${pair.product} ${from}: ${late}` });
  }
}

async function runPair(product: Product, round: number): Promise<void> {
  const pair = await Pair.start({ site, observer, switchboard }, product);
  const load = new Load(site);
  try {
    for (const from of task.returns)
      say({ type: 'run', run: { product, round, ...(await onTime(pair, load, from)) } });
  } finally {
    load.stop();
    await pair.stop();
  }
}

const [text = ''] = process.argv.slice(2);
const task = JSON.parse(text) as FailbackTask;
const site = await TrafficSite.up({ director: null });
for (const server of servers) await site.serve(server);
const observer = await Observer.open(site);
const switchboard = new Switchboard(site.lab);
for (let round = 1; round <= task.rounds; round++)
  for (const product of orderOf(round))
    await runPair(product, round).catch((error: unknown) =>
      say({ type: 'failed', text: `round ${round}, ${product}: ${(error as Error).message}` }),
    );
observer.close();
switchboard.close();
await site.down();
