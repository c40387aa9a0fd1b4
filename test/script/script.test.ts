import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Micros, milliseconds, seconds } from '../../src/base/time.ts';
import { expire } from '../../src/machine.ts';
import type { ScriptDefinition } from '../../src/script/definition.ts';
import { killGrace, Script, type ScriptAction, type ScriptEvent } from '../../src/script/script.ts';

const at = (s: number): Micros => seconds(s);
const definition = (more: Partial<ScriptDefinition> = {}): ScriptDefinition => ({
  name: 'check',
  argv: ['/usr/local/bin/check'],
  interval: seconds(1),
  timeout: seconds(1),
  rise: 1,
  fall: 1,
  init_fail: false,
  user: 'nobody',
  ...more,
});
const exited = (code: number, stderr: readonly string[] = []): ScriptEvent => ({
  type: 'exited',
  code,
  signal: null,
  stderr,
});
const report = (
  actions: readonly ScriptAction[],
): Extract<ScriptAction, { readonly type: 'report' }> | undefined =>
  actions.find((action) => action.type === 'report');

/** One run that ends 0.1 s after it began. @returns [verdict, changed, words] */
function run(script: Script, code: number, stderr: readonly string[] = []): readonly unknown[] {
  const now = script.deadline ?? assert.fail('it waits for nothing');
  assert.deepEqual(expire(script, now), [{ type: 'run' }]);
  script.handle({ type: 'started' }, now);
  const said = report(script.handle(exited(code, stderr), (now + 100_000) as Micros));
  return [said?.verdict, said?.changed, said?.words];
}

describe('a script over time', () => {
  it('begins within its first interval, at most half a second late, and keeps its rhythm', () => {
    assert.equal(new Script(definition(), 0, at(7)).deadline, at(7));
    assert.equal(new Script(definition({ interval: milliseconds(200) }), 0.5, at(7)).deadline, at(7.1));
    assert.equal(new Script(definition({ interval: seconds(60) }), 1, at(7)).deadline, at(7.5));
    const script = new Script(definition(), 0, at(7));
    run(script, 0);
    assert.equal(script.deadline, at(8));
    run(script, 0);
    assert.equal(script.deadline, at(9));
  });

  it('leaves out the starts that a long run has passed over', () => {
    const script = new Script(definition({ timeout: seconds(10) }), 0, at(0));
    expire(script, at(0));
    script.handle({ type: 'started' }, at(0));
    script.handle(exited(0), at(3.2));
    assert.equal(script.deadline, at(4));
  });

  it('lets the first run decide alone, then rise and fall', () => {
    const script = new Script(definition({ rise: 2, fall: 3 }), 0, at(0));
    assert.deepEqual(run(script, 1), ['down', true, 'exit code 1']);
    assert.deepEqual(run(script, 0), ['down', false, 'exit code 0 (1 of 2 to rise)']);
    assert.deepEqual(run(script, 1), ['down', false, 'exit code 1']);
    assert.deepEqual(run(script, 0), ['down', false, 'exit code 0 (1 of 2 to rise)']);
    assert.deepEqual(run(script, 0), ['up', true, 'exit code 0']);
    assert.deepEqual(run(script, 1, ['a', 'no route']), [
      'up',
      false,
      'exit code 1: no route (1 of 3 to fall)',
    ]);
    assert.deepEqual(run(script, 2), ['up', false, 'exit code 2 (2 of 3 to fall)']);
    assert.deepEqual(run(script, 0), ['up', false, 'exit code 0']);
    for (const left of [1, 2]) assert.equal(run(script, 1)[0], 'up', `${left}`);
    assert.deepEqual(run(script, 1).slice(0, 2), ['down', true]);
  });

  it('has failed from the start with init_fail, and goes on from what was known', () => {
    const failed = new Script(definition({ init_fail: true, rise: 2 }), 0, at(0));
    assert.equal(failed.verdict, 'down');
    assert.deepEqual(run(failed, 0).slice(0, 2), ['down', false]);
    const known = new Script(definition({ init_fail: true, fall: 2 }), 0, at(0), 'up');
    assert.deepEqual(run(known, 1).slice(0, 2), ['up', false]);
    assert.deepEqual(run(known, 1).slice(0, 2), ['down', true]);
    assert.equal(new Script(definition(), 0, at(0)).verdict, undefined);
  });

  it('fails at the timeout, not when the process has ended', () => {
    const script = new Script(definition({ timeout: seconds(2) }), 0, at(0));
    expire(script, at(0));
    script.handle({ type: 'started' }, at(0.1));
    assert.equal(script.deadline, at(2.1));
    assert.deepEqual(expire(script, at(2.1)), [
      { type: 'kill', signal: 'SIGTERM' },
      { type: 'report', verdict: 'down', changed: true, words: 'timed out after 2s' },
    ]);
    assert.equal(script.deadline, at(2.1) + killGrace);
    assert.deepEqual(expire(script, at(3.1)), [{ type: 'kill', signal: 'SIGKILL' }]);
    assert.equal(script.deadline, undefined, 'what cannot be killed is not run a second time');
    const end = { type: 'exited', code: null, signal: 'SIGKILL', stderr: ['waiting'] } as const;
    assert.deepEqual(script.handle(end, at(3.5)), []);
    const { lastRun, timeouts, runs, failures, words } = script.status();
    assert.deepEqual(lastRun, {
      startedAt: at(0.1),
      duration: seconds(3.4),
      success: false,
      how: 'timed out after 2s',
      stderr: ['waiting'],
    });
    assert.deepEqual([runs, failures, timeouts, words], [1, 1, 1, 'timed out after 2s']);
    assert.equal(script.deadline, at(4));
  });

  it('counts a run that cannot be started, and a signal, as failures', () => {
    const script = new Script(definition(), 0, at(0));
    expire(script, at(0));
    assert.equal(script.deadline, undefined, 'it waits for its turn');
    const refused = script.handle({ type: 'refused', why: '/x is not there' }, at(0));
    assert.equal(report(refused)?.words, '/x is not there');
    expire(script, at(1));
    script.handle({ type: 'started' }, at(1));
    const crashed = script.handle({ type: 'exited', code: null, signal: 'SIGSEGV', stderr: [] }, at(1.1));
    assert.equal(report(crashed)?.words, 'killed by SIGSEGV');
  });

  it('takes a new definition with the next run', () => {
    const script = new Script(definition(), 0, at(0));
    run(script, 0);
    script.handle(
      { type: 'reconfigure', definition: definition({ interval: seconds(5), fall: 2 }) },
      at(0.5),
    );
    assert.equal(script.deadline, at(1));
    assert.equal(run(script, 1)[0], 'up');
    assert.equal(script.deadline, at(6));
  });

  it('never runs twice at once, and reports every run once, whatever happens when', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 2_500 }),
      what: fc.constantFrom('nothing', 'started', 'refused', 'good', 'bad'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(3), (steps, bounds) => {
        const script = new Script(definition({ rise: 1 + bounds, fall: 2 }), 0.3, at(0));
        let now = at(0);
        // As a spawner keeps it.
        let process = 'none' as 'none' | 'asked' | 'running';
        let reports = 0;
        const take = (actions: readonly ScriptAction[]): void => {
          for (const action of actions) {
            if (action.type === 'run') {
              assert.equal(process, 'none');
              process = 'asked';
            } else if (action.type === 'kill') assert.equal(process, 'running');
            else {
              reports++;
              assert.equal(action.verdict, script.verdict);
            }
          }
        };
        for (const { wait, what } of steps) {
          now = (now + wait * 1_000) as Micros;
          take(expire(script, now));
          if (what === 'started' && process === 'asked') {
            process = 'running';
            take(script.handle({ type: 'started' }, now));
          } else if (what === 'refused' && process === 'asked') {
            process = 'none';
            take(script.handle({ type: 'refused', why: 'no' }, now));
          } else if ((what === 'good' || what === 'bad') && process === 'running') {
            process = 'none';
            take(script.handle(exited(what === 'good' ? 0 : 1), now));
          }
          assert.deepEqual(script.handle(undefined, (now - 10_000_000) as Micros), [], 'a spurious call');
          assert.equal(script.status().runs, reports);
          assert.ok(process !== 'none' || (script.deadline ?? Infinity) <= now + 1_000_000);
        }
      }),
    );
  });
});
