import assert from 'node:assert/strict';
import { milliseconds, seconds, type Micros } from '../../src/base/time.ts';
import { Question } from '../../src/process/question.ts';
import { ScriptsGuardian, trackerDefinitions } from '../../src/process/scripts-guardian.ts';
import type { ScriptDefinition } from '../../src/script/definition.ts';
import type { TrackerReport } from '../../src/vrrp/track-board.ts';
import { config } from '../vrrp/loop-bench.ts';

const script = (name: string, more: Partial<ScriptDefinition> = {}): ScriptDefinition => ({
  name,
  argv: ['/bin/true'],
  interval: seconds(2),
  timeout: seconds(1),
  rise: 1,
  fall: 1,
  init_fail: false,
  user: 'nobody',
  ...more,
});
const none = { scripts: [], files: [], processes: [] };
const report = (name: string, verdict: 'up' | 'down'): TrackerReport => ({
  kind: 'script',
  name,
  verdict,
  words: '',
});

describe('what the parent keeps for the scripts process', () => {
  it('verdicts go to a new one only, and only of scripts that are still there', () => {
    const guardian = new ScriptsGuardian();
    guardian.verdict(report('a', 'down'));
    guardian.verdict(report('b', 'up'));
    guardian.verdict({ ...report('c', 'up'), kind: 'process' });
    const both = { ...none, scripts: [script('a'), script('b'), script('c')] };
    const known = (fresh: boolean, trackers = both): unknown => {
      const message = guardian.configuration('lb1', trackers, fresh);
      assert(message.type === 'scripts');
      return [...message.known];
    };
    assert.deepEqual(known(false), []);
    assert.deepEqual(known(true), [
      ['a', 'down'],
      ['b', 'up'],
    ]);
    known(false, { ...none, scripts: [script('b')] });
    assert.deepEqual(known(true), [['b', 'up']]);
  });

  it('runs that were on at its death go to the next one, once, with the instant of the death', () => {
    const guardian = new ScriptsGuardian();
    const at = (id: number): { id: number; startedAt: Micros; endedAt: Micros } => ({
      id,
      startedAt: 1 as Micros,
      endedAt: 2 as Micros,
    });
    const leftovers = (): readonly { id: number; endedAt: number }[] => {
      const message = guardian.configuration('lb1', none, true);
      assert(message.type === 'scripts');
      return message.leftovers;
    };
    guardian.sessions([at(7)]);
    guardian.sessions([at(8), at(9)]);
    guardian.ended();
    // It dies again before it could be told.
    guardian.sessions([at(10)]);
    guardian.ended();
    const left = leftovers();
    assert.deepEqual(
      left.map(({ id }) => id),
      [8, 9, 10],
    );
    assert(left.every(({ endedAt }) => endedAt > 2));
    assert.deepEqual(leftovers(), []);
  });

  it('a script may miss two of its runs, nobody has less than three seconds, an interface or a pool is never silent', () => {
    const eth1 = { kind: 'interface', name: 'eth1', weight: 0, reverse: false } as const;
    const instances = [
      { ...config, track: [eth1] },
      { ...config, track: [eth1, { ...eth1, kind: 'script' as const, name: 'a' }] },
      { ...config, track: [{ ...eth1, kind: 'virtual_server' as const, name: 'TCP 10.1.0.100:80' }] },
    ];
    const slow = script('slow', { interval: seconds(2), timeout: seconds(5), init_fail: true });
    const quick = script('quick', { interval: milliseconds(100), timeout: milliseconds(100) });
    const process = {
      name: 'p',
      process: { name: 'nginx', full_command: false },
      quorum: 1,
      quorum_max: undefined,
      fork_delay: seconds(0),
      terminate_delay: seconds(0),
    };
    const all = { scripts: [slow, quick], files: [{ name: 'f', path: '/run/f' }], processes: [process] };
    assert.deepEqual(
      trackerDefinitions(all, instances).map(({ kind, name, initially, silence }) =>
        [kind, name, initially, silence].join(' '),
      ),
      [
        'script slow down 15000000',
        'script quick unknown 3000000',
        'file f unknown 3000000',
        'process p unknown 3000000',
        'interface eth1 unknown ',
        'virtual_server TCP 10.1.0.100:80 unknown ',
      ],
    );
  });
});

describe('a question to a child', () => {
  it('is one for many who ask, and ends with the answer before when there is none', async () => {
    const asked: number[] = [];
    const question = new Question<string>((id) => asked.push(id), 20);
    const [first, second] = [question.ask(), question.ask()];
    assert.deepEqual(asked, [1]);
    question.answered(1, 'one');
    assert.deepEqual(await Promise.all([first, second]), ['one', 'one']);
    assert.equal(await question.ask(), 'one', 'as it was said last');
    const third = question.ask();
    question.answered(2, 'late');
    question.answered(3, 'three');
    assert.equal(await third, 'three');
    assert.deepEqual(asked, [1, 2, 3]);
  });

  it('without any answer is unknown', async () => {
    assert.equal(await new Question<string>(() => undefined, 5).ask(), undefined);
  });
});
