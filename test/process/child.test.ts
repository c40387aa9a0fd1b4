/** Supervision of one child, with children that behave as they are told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Child } from '../../src/process/child.ts';
import { alive, eventually } from '../netns/director.ts';

interface Said {
  readonly type: 'said';
  readonly text: string;
}

describe('process/child', function () {
  this.timeout(15_000);
  let folder = '';
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-child-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  type Told = { readonly type: 'ask' } | { readonly type: 'be'; readonly what: string };

  /** @param body what the child runs; `beat()` beats every 50 ms from then on, `say(text)` speaks */
  function start(body: string, ready: (child: Child<Told, Said>) => void = () => undefined) {
    const file = path.join(folder, 'child.mjs');
    writeFileSync(
      file,
      `const say = (text) => process.send({ type: 'said', text });
       const beat = () => setInterval(() => process.send({ type: 'beat' }), 50);
       process.on('disconnect', () => process.exit(0));
       ${body}`,
    );
    const events: string[] = [];
    const child: Child<Told, Said> = new Child(
      { title: 'a child', module: pathToFileURL(file), silence_ms: 300 },
      {
        ready: () => {
          events.push('ready');
          ready(child);
        },
        message: ({ text }) => events.push(text),
        ended: (how) => events.push(`ended ${how}`),
        notice: (text) => events.push(text),
      },
    );
    return { child, events };
  }
  const obeys = `process.on('message', ({ type }) => { if (type === 'stop') process.exit(0); });`;

  it('is ready with its first beat, not with an answer before it', async () => {
    const { child, events } = start(
      `${obeys} say('early'); setTimeout(() => { say('late'); beat(); }, 100);`,
    );
    assert.equal(child.state, 'starting');
    await eventually(
      () => child.state,
      (state) => state === 'running',
    );
    assert.deepEqual(events, ['early', 'late', 'ready']);
    await child.stop(1_000);
    assert.deepEqual(events, ['early', 'late', 'ready'], 'an end that was asked for is no event');
    assert.equal(child.state, 'ended');
  });

  it('tells a child what to be when it is ready or when that changes, and then once', async () => {
    const { child, events } = start(
      `process.on('message', ({ type, what }) => { if (type === 'stop') process.exit(0); say(what); if (what === 'end') process.exit(1); });
       beat();`,
      (child) => child.configure({ type: 'be', what: 'one' }),
    );
    const heard = (): readonly string[] => events.filter((event) => ['one', 'two', 'end'].includes(event));
    await eventually(heard, (texts) => texts.length === 1);
    for (const what of ['one', 'two', 'two', 'end']) child.configure({ type: 'be', what });
    await eventually(heard, (texts) => texts.length >= 4);
    assert.deepEqual(heard(), ['one', 'two', 'end', 'one']);
    await child.stop(1_000);
  });

  it('is replaced when it dies, again and again at a growing distance', async () => {
    const { child, events } = start(`${obeys} process.exit(7);`);
    const began = performance.now();
    await eventually(
      () => child.restarts,
      (restarts) => restarts >= 3,
    );
    assert(performance.now() - began >= 200, 'the third start is not at once');
    assert(events.every((event) => event === 'ended exit code 7'));
    await child.stop(1_000);
    const { restarts } = child;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(child.restarts, restarts, 'none after a stop');
  });

  it('is killed and replaced when it falls silent', async () => {
    const { child, events } = start(`${obeys} beat();`);
    await eventually(
      () => child.state,
      (state) => state === 'running',
    );
    const frozen = child.pid ?? 0;
    process.kill(frozen, 'SIGSTOP');
    await eventually(
      () => child.pid,
      (pid) => pid !== undefined && pid !== frozen && child.state === 'running',
    );
    assert(!alive(frozen));
    assert.deepEqual(events, [
      'ready',
      'a child has been silent for 300 ms: it is ended and replaced',
      'ended SIGKILL',
      'ready',
    ]);
    await child.stop(1_000);
  });

  it('stops one that is frozen as soon as that is known, and one that will not stop at the limit', async () => {
    const frozen = start(`${obeys} beat();`);
    await eventually(
      () => frozen.child.state,
      (state) => state === 'running',
    );
    process.kill(frozen.child.pid ?? 0, 'SIGSTOP');
    const began = performance.now();
    await frozen.child.stop(5_000);
    assert(performance.now() - began < 3_000);
    assert.equal(frozen.events.at(-1), 'ended SIGKILL');

    const stubborn = start(`beat();`);
    await eventually(
      () => stubborn.child.state,
      (state) => state === 'running',
    );
    await stubborn.child.stop(200);
    assert.equal(stubborn.events.at(-1), 'ended SIGKILL');
  });
});
