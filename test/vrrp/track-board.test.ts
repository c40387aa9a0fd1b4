import assert from 'node:assert/strict';
import { type Micros, seconds } from '../../src/base/time.ts';
import { expire } from '../../src/machine.ts';
import {
  TrackerBoard,
  type TrackerChanged,
  type TrackerDefinition,
  type TrackerReport,
} from '../../src/vrrp/track-board.ts';

const at = (s: number): Micros => seconds(s);
const script = (initially: 'unknown' | 'down' = 'unknown'): TrackerDefinition => ({
  kind: 'script',
  name: 's',
  initially,
  silence: seconds(3),
});
const file: TrackerDefinition = { kind: 'file', name: 'f', initially: 'unknown', silence: seconds(3) };
const link: TrackerDefinition = {
  kind: 'interface',
  name: 'eth1',
  initially: 'unknown',
  silence: undefined,
};
const said = (
  verdict: 'up' | 'down',
  words = 'exit code 0',
): { readonly type: 'report' } & TrackerReport => ({
  type: 'report',
  kind: 'script',
  name: 's',
  verdict,
  words,
});
function board(...definitions: readonly TrackerDefinition[]): TrackerBoard {
  const made = new TrackerBoard();
  made.handle({ type: 'configure', definitions }, at(0));
  return made;
}
const verdicts = (changes: readonly TrackerChanged[]): readonly string[] =>
  changes.map(({ from, to }) => `${to.name}: ${from.verdict} → ${to.verdict}`);

describe('the board of trackers', () => {
  it('knows nothing before the first word, or a failure with init_fail', () => {
    assert.equal(board(script()).stateOf(script())?.verdict, 'unknown');
    assert.equal(board(script('down')).stateOf(script())?.verdict, 'down');
    assert.equal(board().stateOf(script()), undefined);
  });

  it('tells changes, and only changes', () => {
    const one = board(script());
    assert.deepEqual(verdicts(one.handle(said('up'), at(1))), ['s: unknown → up']);
    assert.deepEqual(one.handle(said('up', 'other words'), at(2)), []);
    assert.equal(one.stateOf(script())?.words, 'other words');
    assert.equal(one.stateOf(script())?.since, at(1));
    assert.equal(one.stateOf(script())?.heardAt, at(2));
    assert.deepEqual(verdicts(one.handle(said('down'), at(3))), ['s: up → down']);
  });

  it('takes three silent intervals for a failure, from the last word on', () => {
    const one = board(script());
    one.handle(said('up'), at(1));
    one.handle(said('up'), at(2));
    assert.equal(one.deadline, at(5));
    assert.deepEqual(expire(one, at(4.999)), []);
    assert.deepEqual(one.handle(undefined, at(4.999)), [], 'a spurious call is a no-op');
    assert.deepEqual(verdicts(expire(one, at(5))), ['s: up → down']);
    assert.equal(one.stateOf(script())?.words, 'silent for 3s');
    assert.equal(one.stateOf(script())?.silent, true);
    assert.equal(one.deadline, undefined);
    assert.deepEqual(verdicts(one.handle(said('up'), at(9))), ['s: down → up']);
    assert.equal(one.stateOf(script())?.silent, false);
  });

  it('takes silence from the very start for a failure too', () => {
    assert.deepEqual(verdicts(expire(board(script()), at(3))), ['s: unknown → down']);
  });

  it('keeps the number of a file that nobody reads any more', () => {
    const one = board(file);
    const number = {
      type: 'report',
      kind: 'file',
      name: 'f',
      verdict: 'up',
      number: -20,
      words: '',
    } as const;
    assert.equal(one.handle(number, at(1)).length, 1);
    assert.equal(one.handle({ ...number, number: -30 }, at(2)).length, 1);
    assert.deepEqual(expire(one, at(5)), []);
    assert.equal(one.stateOf(file)?.number, -30);
    assert.equal(one.stateOf(file)?.silent, true);
  });

  it('never takes an interface for silent', () => {
    assert.equal(board(link).deadline, undefined);
  });

  it('does not count a pause of its own as silence of others', () => {
    const one = board(script());
    one.handle(said('up'), at(1));
    one.handle({ type: 'paused' }, at(60));
    assert.deepEqual(expire(one, at(62)), []);
    assert.deepEqual(verdicts(expire(one, at(63))), ['s: up → down']);
  });

  it('keeps what it knows over a reload, and forgets what is not configured any more', () => {
    const one = board(script(), file);
    one.handle(said('up'), at(1));
    one.handle({ type: 'configure', definitions: [script(), link] }, at(2));
    assert.equal(one.stateOf(script())?.verdict, 'up');
    assert.equal(one.deadline, at(4), 'a reload is no word of the script');
    assert.equal(one.stateOf(file), undefined);
    one.handle({ type: 'configure', definitions: [{ ...script(), silence: seconds(30) }] }, at(3));
    assert.equal(one.deadline, at(33));
    one.handle({ type: 'configure', definitions: [] }, at(3));
    assert.deepEqual(one.handle(said('down'), at(4)), []);
    assert.deepEqual(one.states, []);
  });
});
