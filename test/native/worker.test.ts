import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openDescriptors, policiesOfThreads, until } from './namespace.ts';

const module = new URL('../../src/kernel/native.js', import.meta.url).href;

/** Opens one of everything, keeps it busy, and says so. */
const program = `
const { parentPort } = require('node:worker_threads');
const net = require('node:net');
import(${JSON.stringify(module)}).then(({ native }) => {
  const netlink = native.socket(16, 3, 0);
  native.receive(netlink, { slots: 4, slotSize: 4096, controlSize: 64, budget: 8 }, () => {}, () => {});
  const name = native.socket(1, 2, 0);
  native.bind(name, new Uint8Array([1, 0]));
  const address = native.getsockname(name);
  const again = () => native.send(name, new Uint8Array(8), address);
  native.receive(name, { slots: 4, slotSize: 64, controlSize: 64, budget: 8 }, again, () => {});
  native.send(name, new Uint8Array(8), address);
  native.socket(2, 2, 0);
  const timer = native.timer(() => timer.set(native.now() + 100));
  timer.set(native.now());
  const request = native.socket(16, 3, 0);
  const writer = native.writer(request, () => {});
  writer.post({ id: 1, data: new Uint8Array(16), answers: 1 });
  parentPort.postMessage('ready');
});
`;

describe('the addon in worker threads', () => {
  it('is torn down with each of 20 terminated workers: no descriptor, no thread is left', async function () {
    this.timeout(30_000);
    const round = async (): Promise<void> => {
      const worker = new Worker(program, { eval: true });
      await once(worker, 'message');
      await pause(2);
      await worker.terminate();
    };
    await round();
    const before = openDescriptors();
    for (let at = 0; at < 20; at++) await round();
    await until('all descriptors back', () => openDescriptors() <= before);
    assert.deepEqual(policiesOfThreads('netlink-writer'), []);
  });

  it('does not close a number that another owner took over and gave back', async () => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       import(${JSON.stringify(module)}).then(({ native }) => {
         const fd = native.socket(2, 2, 0);
         require('node:fs').closeSync(fd);
         parentPort.on('message', () => process.exit(0));
         parentPort.postMessage(fd);
       });`,
      { eval: true, trackUnmanagedFds: false },
    );
    const [fd] = (await once(worker, 'message')) as [number];
    const { native } = await import('../../src/kernel/native.ts');
    const reused: number[] = [];
    do reused.push(native.socket(2, 2, 0));
    while (!reused.includes(fd) && reused.length < 64);
    assert.ok(reused.includes(fd), 'the number is in use again');
    worker.postMessage('end');
    await once(worker, 'exit');
    assert.ok(native.getsockname(fd).length > 0, 'still open');
    for (const each of reused) native.close(each);
  });
});
