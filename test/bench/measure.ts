import type { Ip } from '../../src/base/ip.ts';
import type { Micros } from '../../src/base/time.ts';
import { after, micros, milliseconds, seconds } from '../../src/base/time.ts';
import { readClock, sleepUntil } from '../../src/drill/clock.ts';
import { OwnerSampler } from '../../src/drill/owner-sampler.ts';
import { PresenceObserver } from '../../src/drill/presence-observer.ts';
import type { OwnerInterval, OwnershipSummary, Track, Window } from '../../src/drill/timeline.ts';
import { ownership, presence, probeSent, summarise } from '../../src/drill/timeline.ts';
import { openNetlinkSocket } from '../../src/kernel/netlink-socket.ts';
import { native } from '../../src/kernel/native.ts';
import { activeNode, judgedAddresses, standbyNode, vridsOf } from './product.ts';
import type { RunResult } from './result.ts';
import type { FaultName, Round } from './scenario.ts';
import { faults } from './scenario.ts';
import type { Site } from './site.ts';

/** Bits of the owner sets: directors by their place in the lab. */
const activeBit = 1;
const standbyBit = 2;

/** What is summed up over a minute bears more. */
const longestGap = (fault: FaultName): Micros => milliseconds(fault === 'loss-30' ? 500 : 50);
/** In advertisement intervals. */
const latestFault = 0.2;
const routeProtocol = 0;

/** The run says nothing and is to be repeated. */
export class RunRejected extends Error {
  readonly why: 'lateJudge' | 'notReady';
  constructor(why: RunRejected['why'], message: string) {
    super(message);
    this.why = why;
  }
}

/** Short against what is measured, long against what the probing costs. */
const samplingPeriod = (advertInt: Micros): Micros => milliseconds(advertInt >= seconds(1) ? 5 : 2);

/**
 * Lets one fault happen in a site that is ready, and watches.
 * @throws RunRejected
 */
export async function measure(site: Site, round: Omit<Round, 'products'>): Promise<RunResult> {
  const { scenario, number } = round;
  const { seat } = site;
  const addresses = judgedAddresses(scenario);
  const presences = await PresenceObserver.start(
    { clock: native, open: (netns) => openNetlinkSocket(routeProtocol, { netns }) },
    seat.directors.map(({ netns }) => netns),
    addresses,
  );
  const begun = readClock(native);
  const sampler = new OwnerSampler(native, {
    ...seat.client,
    judge: seat.judge,
    addresses,
    directors: seat.directors.map(({ mac }) => mac),
    period: samplingPeriod(scenario.advertInt),
  });
  const watched = await watch(site, round).finally(() => {
    sampler.stop();
    presences.close();
  });
  const { window } = watched;
  const seen = addresses.map((address) => {
    const track = sampler.track(address);
    const present = presence(presences.events(address), { from: begun, to: window.to });
    return { address, track, owners: ownership(track), present };
  });
  for (const { owners, address } of seen) expectSoleActive(owners, window.from, address);
  const gap = Math.max(...seen.map(({ track }) => samplerGap(track, window)));
  if (gap > longestGap(scenario.fault))
    throw new RunRejected('lateJudge', `the sampler paused for ${gap / 1_000} ms`);
  const timelines = seen.map(({ owners }) => timeline(owners, window));
  const { product } = site;
  return {
    scenario,
    product,
    number,
    ...watched.facts,
    ...describe(seen, window),
    samplerGap_us: gap,
    timelines,
  };
}

interface Watched {
  readonly window: Window;
  readonly facts: Pick<RunResult, 'faultAt_us' | 'phase_us' | 'faultTook_us'>;
}

/** Applies the fault in its phase of the active's advertisements, and waits for the end of its window. */
async function watch(site: Site, { scenario, share }: Omit<Round, 'products'>): Promise<Watched> {
  const { advertInt } = scenario;
  const [vrid] = vridsOf(scenario);
  const active = site.seat.directors[0]?.mac;
  const advert = await site.adverts.next(
    (heard) => heard.vrid === vrid && heard.sourceMac === active,
    micros(3 * advertInt),
  );
  await sleepUntil(native, after(advert.at, micros(share * advertInt)));
  const from = readClock(native);
  if (from - advert.at - share * advertInt > latestFault * advertInt)
    throw new RunRejected(
      'lateJudge',
      `the fault came ${(from - advert.at) / 1_000} ms after an advertisement`,
    );
  await applyFault(site, scenario.fault);
  const faultTook_us = readClock(native) - from;
  const window = { from, to: after(from, faults[scenario.fault].window(advertInt)) };
  await sleepUntil(native, window.to);
  return { window, facts: { faultAt_us: from, phase_us: from - advert.at, faultTook_us } };
}

async function applyFault({ lab, active }: Site, fault: FaultName): Promise<void> {
  switch (fault) {
    case 'graceful':
      active.signal('parent', 'SIGTERM');
      return;
    case 'kill-all':
    case 'kill-alone':
      return lab.fault({ kind: 'kill', node: activeNode });
    case 'stop-all':
      return lab.fault({ kind: 'stop', node: activeNode });
    case 'link-down':
      return lab.fault({ kind: 'link-down', node: activeNode, link: 'eth0' });
    case 'one-way':
      return lab.fault({ kind: 'loss', from: activeNode, to: standbyNode, percent: 100 });
    case 'loss-30':
      await lab.fault({ kind: 'loss', from: activeNode, to: standbyNode, percent: 30 });
      return lab.fault({ kind: 'loss', from: standbyNode, to: activeNode, percent: 30 });
    case 'kill-parent':
    case 'kill-vrrp':
    case 'kill-checks':
    case 'kill-scripts':
    case 'stop-parent':
    case 'stop-vrrp':
    case 'stop-checks':
    case 'stop-scripts':
      active.signal(faults[fault].role ?? 'parent', fault.startsWith('kill') ? 'SIGKILL' : 'SIGSTOP');
  }
}

function expectSoleActive(owners: readonly OwnerInterval[], at: Micros, address: Ip): void {
  const before = owners.find(({ from, to }) => from < at && to >= at);
  if (before?.owners === activeBit) return;
  throw new RunRejected('notReady', `before the fault ${address} had the owners ${before?.owners ?? 'none'}`);
}

/** Longest distance between two probes in the window, its ends counted as probes. */
function samplerGap({ startedAt, period, slots }: Track, { from, to }: Window): number {
  const instants = [...slots.keys()]
    .filter((slot) => ((slots[slot] ?? 0) & probeSent) !== 0)
    .map((slot) => startedAt + slot * period)
    .filter((instant) => instant > from && instant < to);
  let longest = 0;
  let last: number = from;
  for (const instant of [...instants, to]) {
    longest = Math.max(longest, instant - last);
    last = instant;
  }
  return longest;
}

interface Seen {
  readonly owners: readonly OwnerInterval[];
  readonly present: readonly OwnerInterval[];
}

function describe(
  seen: readonly Seen[],
  window: Window,
): Omit<
  RunResult,
  'scenario' | 'product' | 'number' | 'samplerGap_us' | 'timelines' | keyof Watched['facts']
> {
  const owned = seen.map(({ owners }) => summarise(owners, window));
  const present = seen.map(({ present: intervals }) => summarise(intervals, window));
  const worst = (of: readonly OwnershipSummary[], get: (summary: OwnershipSummary) => number): number =>
    Math.max(...of.map(get));
  const takeovers = owned.flatMap(({ takeover }) => (takeover?.director === 1 ? [takeover.after] : []));
  return {
    window_us: window.to - window.from,
    noOwner_us: worst(owned, ({ noOwner }) => noOwner.total),
    longestNoOwner_us: worst(owned, ({ noOwner }) => noOwner.longest),
    twoOwners_us: worst(owned, ({ twoOwners }) => twoOwners.total),
    unknown_us: worst(owned, ({ unknown }) => unknown.total),
    addressOnNone_us: worst(present, ({ noOwner }) => noOwner.total),
    addressOnTwo_us: worst(present, ({ twoOwners }) => twoOwners.total),
    ...(takeovers.length === seen.length && { takeover_us: Math.max(...takeovers) }),
    takeovers: Math.max(...seen.map(({ owners }) => gains(owners, window))),
  };
}

/** From the state at the fault on, relative to it. */
const timeline = (intervals: readonly OwnerInterval[], { from: fault, to: end }: Window) =>
  intervals
    .filter(({ from, to }) => to > fault && from < end)
    .map(({ from, owners }) => [from - fault, owners] as const);

/** How often the standby became an owner in the window. */
function gains(intervals: readonly OwnerInterval[], { from, to }: Window): number {
  const known = intervals.filter(({ owners }) => owners !== 'unknown');
  return known.filter((interval, at) => {
    const before = known[at - 1]?.owners ?? 0;
    const gained = (Number(interval.owners) & standbyBit) !== 0 && (Number(before) & standbyBit) === 0;
    return gained && interval.from >= from && interval.from < to;
  }).length;
}
