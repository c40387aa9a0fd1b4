/** What is measured of a daemon in the guest while it runs. */
import os from 'node:os';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { readClock, sleepUntil } from '../../../src/drill/clock.ts';
import { after, milliseconds } from '../../../src/base/time.ts';
import type { KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { native } from '../../../src/kernel/native.ts';
import { endpoint } from '../../../src/ipvs/types.ts';
import { mustRead } from '../../ipvs/suite.ts';
import { cpuTime, spent } from './cpu.ts';
import { type Life, phaseOf } from './plan.ts';
import type { LifeResult } from './report.ts';
import { type Scene, type Subject, web } from './scene.ts';

type Measured = Pick<LifeResult, 'checks' | 'took_us' | 'cpu' | 'resets_us' | 'found_us'>;

/** All servers have been found up, and the code is warm. */
const warmUp_ms = 8_000;
const pollPeriod = milliseconds(2);
const limit = milliseconds(10_000);

export async function cost({ server }: Scene, { pid }: Subject, { watch }: Life): Promise<Measured> {
  await sleep(warmUp_ms);
  const look = () => ({ at: readClock(native), accepted: server.accepted, cpu: cpuTime(pid) });
  const from = look();
  await sleep(watch / 1_000);
  const to = look();
  return {
    checks: to.accepted - from.accepted,
    took_us: to.at - from.at,
    cpu: spent(from.cpu, to.cpu),
    resets_us: [],
    found_us: [],
  };
}

/** Whether the kernel chooses it for a new connection. */
async function isChosen(link: KernelIpvs): Promise<boolean> {
  const table = await mustRead(link);
  return table.some(({ destinations }) =>
    destinations.some((one) => endpoint(one) === `${web.address}:${web.port}` && one.weight > 0),
  );
}

/** @param pause between two looks */
async function untilChosen(link: KernelIpvs, wanted: boolean, pause: () => Promise<unknown>): Promise<void> {
  for (const end = after(readClock(native), limit); (await isChosen(link)) !== wanted;) {
    if (readClock(native) > end) throw new Error(`not ${wanted ? 'chosen' : 'left out'} within 10 s`);
    await pause();
  }
}

const aMoment = (): Promise<unknown> => sleepUntil(native, after(readClock(native), pollPeriod));

/** The guest's timers are 10 ms apart: whoever waits for one sees nothing between. So it never waits, and gives way to all. */
async function watchUntilLeftOut(link: KernelIpvs): Promise<void> {
  os.setPriority(os.constants.priority.PRIORITY_LOW);
  try {
    await untilChosen(link, false, nextTurn);
  } finally {
    os.setPriority(os.constants.priority.PRIORITY_NORMAL);
  }
}

/** The web server goes at all phases of the interval between two checks, and comes back. */
export async function resetsOf(scene: Scene, { link, pid }: Subject, life: Life): Promise<Measured> {
  const [begun, accepted, cpu] = [readClock(native), scene.server.accepted, cpuTime(pid)];
  const measured: { resets_us: number[]; found_us: number[] } = { resets_us: [], found_us: [] };
  for (let at = 0; at < life.resets; at++) {
    await untilChosen(link, true, aMoment);
    // From the second one on, as long as nothing changes, they come in rhythm.
    for (let count = 0; count < 2; count++) await scene.server.nextAccepted();
    const checkedAt = readClock(native);
    await sleepUntil(native, after(checkedAt, milliseconds((life.delayLoop / 1_000) * phaseOf(life, at))));
    scene.server.close();
    const goneAt = readClock(native);
    await watchUntilLeftOut(link);
    const leftOutAt = readClock(native);
    measured.resets_us.push(leftOutAt - goneAt);
    measured.found_us.push(leftOutAt - after(checkedAt, life.delayLoop));
    await scene.serve();
  }
  return {
    checks: scene.server.accepted - accepted,
    took_us: readClock(native) - begun,
    cpu: spent(cpu, cpuTime(pid)),
    ...measured,
  };
}
