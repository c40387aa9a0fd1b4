import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { native } from '../../src/kernel/native.ts';
import { ProcessWatch } from '../../src/kernel/process-events.ts';
import { decodeProcessEvent, listenRequest, processEventFilter } from '../../src/netlink/process-event.ts';
import type { ProcessPattern } from '../../src/vrrp/track-process.ts';
import { createPair, needRoot, type Pair, until } from '../native/namespace.ts';

/** As a 6.18 kernel sent them: header, connector header, event. */
const header = '4c000000030000000000000000000000' + '01000000010000000000000000000000' + '28000000';
const event = (what: string, data: string): Uint8Array =>
  Buffer.from(`${header}${what}000000001234567816030000${data}`.padEnd(152, '0'), 'hex');
const samples = {
  fork: event('01000000', '937e0000937e0000ee060000ee060000'),
  thread: event('01000000', '937e0000937e0000ef060000ee060000'),
  exec: event('02000000', 'ee060000ee060000'),
  renamed: event('00020000', 'ee060000ee060000736c656570'),
  threadRenamed: event('00020000', 'ef060000ee060000736c656570'),
  exit: event('00000080', 'ee060000ee0600000000000011000000937e0000937e0000'),
  threadExit: event('00000080', 'ef060000ee060000'),
  uid: event('04000000', 'ee060000ee060000'),
};
const read = (bytes: Uint8Array): unknown => {
  const decoded = decodeProcessEvent(bytes);
  return decoded.ok ? decoded.value : decoded.error;
};

/** Runs classic BPF of the few instructions that are used. @returns whether it lets the datagram pass */
function passes(program: Uint8Array, packet: Uint8Array): boolean {
  const view = new DataView(program.buffer);
  const octets = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let [a, x] = [0, 0];
  for (let at = 0; ; at++) {
    const k = view.getUint32(at * 8 + 4, true);
    const jump = (yes: boolean): number => view.getUint8(at * 8 + (yes ? 2 : 3));
    const code = view.getUint16(at * 8, true);
    if (code === 0x06) return k !== 0;
    if (code === 0x20) {
      // A load outside ends the program with "drop".
      if (k + 4 > packet.length) return false;
      a = octets.getUint32(k, false);
    } else if (code === 0x07) x = a;
    else if (code === 0x15) at += jump(a === k);
    else if (code === 0x1d) at += jump(a === x);
    else assert.fail(`instruction ${code}`);
  }
}

describe('process events as datagrams', () => {
  it('are read, and those of threads are nothing', () => {
    assert.deepEqual(read(samples.fork), { type: 'fork', parent: 0x7e93, pid: 0x6ee });
    assert.deepEqual(read(samples.exec), { type: 'exec', pid: 0x6ee });
    assert.deepEqual(read(samples.renamed), { type: 'renamed', pid: 0x6ee });
    assert.deepEqual(read(samples.exit), { type: 'exit', pid: 0x6ee });
    for (const other of [samples.thread, samples.threadRenamed, samples.threadExit, samples.uid])
      assert.deepEqual(read(other), { type: 'other' });
    const answer = Buffer.from(event('00000000', 'ffffffff'));
    answer.writeUInt32LE(7, 28);
    assert.deepEqual(read(answer), { type: 'answer', ack: 7, errno: 1 });
    assert.equal(read(samples.fork.subarray(0, 60)), 'truncated');
    assert.equal(read(new Uint8Array(76)), 'not-a-process-event');
    assert.equal(listenRequest(6).length, 40);
  });

  it('any octets: an answer, and the filter in the kernel lets pass what means something', () => {
    const program = processEventFilter();
    const mutated = fc
      .tuple(
        fc.constantFrom(...Object.values(samples)),
        fc.array(fc.tuple(fc.integer({ min: 36, max: 70 }), fc.nat(255)), { maxLength: 3 }),
        fc.integer({ min: 0, max: 90 }),
      )
      .map(([sample, edits, length]) => {
        const bytes = Uint8Array.from(sample);
        for (const [at, value] of edits) bytes[at] = value;
        return length < 76 ? bytes.subarray(0, length) : bytes;
      });
    const any = fc.oneof({ weight: 4, arbitrary: mutated }, fc.uint8Array({ maxLength: 100 }));
    fc.assert(
      fc.property(any, (bytes) => {
        const decoded = decodeProcessEvent(bytes);
        if (!decoded.ok) assert.ok(['truncated', 'not-a-process-event'].includes(decoded.error));
        else assert.equal(passes(program, bytes), decoded.value.type !== 'other');
      }),
      { numRuns: 3_000 },
    );
    assert.ok(passes(program, samples.fork) && !passes(program, samples.thread));
  });
});

describe('which processes run', () => {
  let folder: string;
  let watch: ProcessWatch | undefined;
  const name = `vkp${process.pid}`.slice(0, 15);
  const counts = new Map<string, number>();
  const started: ChildProcess[] = [];
  const pattern: ProcessPattern = { name, full_command: false };
  const start = (...args: readonly string[]): ChildProcess => {
    const child = spawn(path.join(folder, name), args, { stdio: 'ignore' });
    started.push(child);
    return child;
  };
  const open = (patterns: Readonly<Record<string, ProcessPattern>>, netns?: string): ProcessWatch => {
    counts.clear();
    watch = new ProcessWatch(
      new Map(Object.entries(patterns)),
      (which, count) => counts.set(which, count),
      netns,
    );
    return watch;
  };

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-processes-'));
    copyFileSync('/bin/sleep', path.join(folder, name));
    chmodSync(path.join(folder, name), 0o755);
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    watch?.close();
    await sleep(50);
  });

  it('is known before anything happens', () => {
    start('1000');
    start('1000');
    open({ it: pattern, none: { name: 'vkp-none', full_command: false } });
    assert.deepEqual(Object.fromEntries(counts), { it: 2, none: 0 });
  });

  it('is told by the kernel within milliseconds', async function () {
    needRoot(this);
    const { source } = await answered(this, open({ it: pattern }));
    assert.deepEqual(source, { kind: 'events' });
    const child = start('1000');
    await until('its birth', () => counts.get('it') === 1);
    const killedAt = native.now();
    child.kill('SIGKILL');
    await until('its death', () => counts.get('it') === 0);
    const took_ms = (native.now() - killedAt) / 1_000;
    assert.ok(took_ms < 500, `${took_ms} ms`);
    started.push(spawn('/bin/sh', ['-c', `exec ${path.join(folder, name)} 1000`], { stdio: 'ignore' }));
    await until('one that came by exec', () => counts.get('it') === 1);
  });

  it('tells one command from another by its arguments', async function () {
    needRoot(this);
    const command = path.join(folder, name);
    const { source } = await answered(
      this,
      open({
        short: { name: command, args: ['1000'], full_command: false },
        initial: { name: command, args: ['1'], param_match: 'initial', full_command: false },
      }),
    );
    assert.equal(source.kind, 'events');
    start('1000');
    start('1001');
    await until('both', () => counts.get('initial') === 2);
    assert.equal(counts.get('short'), 1);
  });

  it('is looked for every second where the kernel tells nothing', async function () {
    needRoot(this);
    const pair: Pair = createPair();
    try {
      const { source } = open({ it: pattern }, pair.pathA);
      assert.deepEqual(source, {
        kind: 'polling',
        why: 'the kernel tells process events only in the initial network namespace: ECONNREFUSED (111)',
      });
      const child = start('1000');
      await until('its birth', () => counts.get('it') === 1);
      child.kill('SIGKILL');
      await until('its death', () => counts.get('it') === 0);
    } finally {
      pair.remove();
    }
  });
});

/** The initial pid and user namespaces have fixed inodes. Elsewhere, as in a container, the kernel tells nothing. */
const initial = { pid: 'pid:[4026531836]', user: 'user:[4026531837]' };
const mayBeTold = (): boolean =>
  Object.entries(initial).every(([kind, inode]) => readlinkSync(`/proc/self/ns/${kind}`) === inode);

async function answered(context: Mocha.Context, watch: ProcessWatch): Promise<ProcessWatch> {
  for (let waited_ms = 0; waited_ms < 1_000 && watch.source.kind !== 'events'; waited_ms += 10)
    await sleep(10);
  if (watch.source.kind === 'polling' && (!mayBeTold() || watch.source.why.includes('ECONNREFUSED')))
    context.skip();
  return watch;
}
