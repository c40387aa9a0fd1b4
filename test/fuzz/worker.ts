/** One thread of a run: its share of the cases, one after the other. */
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { runCases } from './cases.ts';
import { targetOf } from './targets.ts';

/** Where things stand in the memory shared with the watching thread: 32-bit integers. */
export const slot = {
  /** Cases begun; 0 until the thread number is there. */ begun: 0,
  thread: 1,
  stop: 2,
} as const;

export interface Share {
  readonly target: string;
  readonly seed: number;
  readonly first: number;
  readonly step: number;
  readonly end: number;
  readonly progress: SharedArrayBuffer;
}

function runShare(share: Share): void {
  const target = targetOf(share.target);
  if (target === undefined) throw new TypeError(`no target ${share.target}`);
  const progress = new Int32Array(share.progress);
  Atomics.store(progress, slot.thread, Number(basename(readlinkSync('/proc/thread-self'))));
  const summary = runCases(target, share, () => {
    Atomics.add(progress, slot.begun, 1);
    return Atomics.load(progress, slot.stop) === 0;
  });
  parentPort?.postMessage(summary);
}

if (!isMainThread) runShare(workerData as Share);
