/**
 * Cases in worker threads, watched from here: a case that never ends cannot report itself. Time is the processor time
 * of the thread that runs the case, because the machine may be busy with other things.
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { addSummary, newSummary, type Failure, type Summary } from './cases.ts';
import type { Target } from './target.ts';
import { slot, type Share } from './worker.ts';

export interface Run {
  readonly seed: number;
  readonly first: number;
  readonly cases: number;
  readonly workers: number;
  /** Wall clock; the run ends early, and says how far it came. */
  readonly limitSeconds?: number | undefined;
  /** Processor time of one case; the target's own when absent. */
  readonly limitMs?: number;
}

const lookEveryMs = 50;
const memoryMegabytes = 512;

export async function runTarget(target: Target, run: Run): Promise<Summary> {
  const summary = newSummary();
  const shares = Array.from({ length: run.workers }, (_, at): Share => ({
    target: target.name,
    seed: run.seed,
    first: run.first + at,
    step: run.workers,
    end: run.first + run.cases,
    // One slot of 4 octets each; see `slot`.
    progress: new SharedArrayBuffer(16),
  }));
  // One failure is enough: the other threads need not go on to their ends.
  const stopAll = (): void =>
    shares.forEach(({ progress }) => Atomics.store(new Int32Array(progress), slot.stop, 1));
  const parts = await Promise.all(
    shares.map(async (share) => {
      const part = await runShare(share, run, run.limitMs ?? target.limitMs);
      if (part.failure !== undefined) stopAll();
      return part;
    }),
  );
  for (const part of parts) addSummary(summary, part);
  return summary;
}

async function runShare(share: Share, { limitSeconds }: Run, limitMs: number): Promise<Summary> {
  const progress = new Int32Array(share.progress);
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: share,
    resourceLimits: { maxOldGenerationSizeMb: memoryMegabytes },
  });
  const index = (): number => share.first + (Atomics.load(progress, slot.begun) - 1) * share.step;
  let watch: NodeJS.Timeout | undefined;
  let end: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Summary>((resolve, reject) => {
      const fail = (failure: Failure): void =>
        resolve({ ...newSummary(), cases: Atomics.load(progress, slot.begun), failure });
      worker.once('message', resolve);
      worker.once('error', (error) => {
        if (Atomics.load(progress, slot.begun) === 0) reject(error);
        else fail({ index: index(), fault: `ends the thread: ${String(error)}` });
      });
      const isTooLong = newWatch(progress, limitMs);
      watch = setInterval(() => {
        if (isTooLong()) fail({ index: index(), fault: `takes more than ${limitMs} ms of processor time` });
      }, lookEveryMs);
      if (limitSeconds !== undefined)
        end = setTimeout(() => Atomics.store(progress, slot.stop, 1), limitSeconds * 1_000);
    });
  } finally {
    clearInterval(watch);
    clearTimeout(end);
    await worker.terminate();
  }
}

/** Looks whether the case of the last look is still the one, and what its thread has used since. */
function newWatch(progress: Int32Array, limitMs: number): () => boolean {
  let seen = 0;
  let usedBefore = 0;
  return () => {
    const begun = Atomics.load(progress, slot.begun);
    if (begun === 0) return false;
    const used = processorMs(Atomics.load(progress, slot.thread));
    if (begun !== seen) {
      seen = begun;
      usedBefore = used;
    }
    return used - usedBefore > limitMs;
  };
}

/** /proc/…/schedstat: nanoseconds on a processor, then two numbers that are not needed. 0 when the thread has ended. */
function processorMs(thread: number): number {
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}
