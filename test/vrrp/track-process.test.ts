import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Micros, milliseconds } from '../../src/base/time.ts';
import { expire } from '../../src/machine.ts';
import { matches, ProcessQuorum, ProcessTable, type QuorumConfig } from '../../src/vrrp/track-process.ts';

describe('which processes are meant', () => {
  const comm = { name: 'haproxy', full_command: false } as const;
  it('by the name that the kernel shows, cut as the kernel cuts it', () => {
    assert.ok(matches(comm, { comm: 'haproxy', argv: undefined }));
    assert.ok(!matches(comm, { comm: 'haproxy-exporter'.slice(0, 15), argv: undefined }));
    const long = { name: 'systemd-networkd', full_command: false } as const;
    assert.ok(matches(long, { comm: 'systemd-network', argv: undefined }));
  });
  it('by the whole command', () => {
    const pattern = { name: '/usr/sbin/bird', args: ['-c', '/etc/bird.conf'], full_command: false } as const;
    const is = (argv: readonly string[], more: object = {}): boolean =>
      matches({ ...pattern, ...more }, { comm: 'bird', argv });
    assert.ok(is(['/usr/sbin/bird', '-c', '/etc/bird.conf']));
    assert.ok(!is(['/usr/sbin/bird', '-c', '/etc/bird.conf', '-f']));
    assert.ok(!is(['/usr/sbin/bird', '-c']));
    assert.ok(!is(['bird', '-c', '/etc/bird.conf']));
    assert.ok(!is([]));
    assert.ok(is(['/usr/sbin/bird', '-c', '/etc/bird.conf', '-f'], { param_match: 'partial' }));
    assert.ok(!is(['/usr/sbin/bird', '-c', '/etc/bird.conf2'], { param_match: 'partial' }));
    assert.ok(is(['/usr/sbin/bird', '-c', '/etc/bird.conf2', '-f'], { param_match: 'initial' }));
    assert.ok(!is(['/usr/sbin/bird', '-cc', '/etc/bird.conf'], { param_match: 'initial' }));
  });
  it('without arguments means none when the whole command counts', () => {
    const pattern = { name: 'bird', full_command: true } as const;
    assert.ok(matches(pattern, { comm: 'x', argv: ['bird'] }));
    assert.ok(!matches(pattern, { comm: 'bird', argv: ['bird', '-f'] }));
  });
});

describe('the table of processes', () => {
  const patterns = new Map([
    ['a', { name: 'a', full_command: false }],
    ['a too', { name: 'a', full_command: false }],
    ['b', { name: 'b', full_command: false }],
  ]);
  const named = (comm: string): { comm: string; argv: undefined } => ({ comm, argv: undefined });
  it('follows births, changes and deaths', () => {
    const table = new ProcessTable(patterns);
    const counts = (): readonly number[] => ['a', 'a too', 'b'].map((name) => table.count(name));
    table.identified(10, named('a'));
    table.forked(10, 11);
    assert.deepEqual(counts(), [2, 2, 0]);
    table.identified(11, named('b'));
    assert.deepEqual(counts(), [1, 1, 1]);
    table.forked(99, 12);
    table.gone(99);
    table.identified(11, undefined);
    assert.deepEqual(counts(), [1, 1, 0]);
    table.gone(10);
    table.gone(10);
    assert.deepEqual(counts(), [0, 0, 0]);
  });
  it('agrees with a look at everything, after anything', () => {
    const pid = fc.integer({ min: 1, max: 6 });
    const step = fc.oneof(
      fc.record({ do: fc.constant('identify' as const), pid, comm: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constant('fork' as const), pid, child: pid }),
      fc.record({ do: fc.constant('gone' as const), pid }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new ProcessTable(patterns);
        const truth = new Map<number, string>();
        for (const one of steps) {
          if (one.do === 'identify') {
            table.identified(one.pid, named(one.comm));
            truth.set(one.pid, one.comm);
          } else if (one.do === 'fork') {
            table.forked(one.pid, one.child);
            const parent = truth.get(one.pid);
            if (parent === undefined) truth.delete(one.child);
            else truth.set(one.child, parent);
          } else {
            table.gone(one.pid);
            truth.delete(one.pid);
          }
        }
        const running = (comm: string): number => [...truth.values()].filter((name) => name === comm).length;
        assert.equal(table.count('a'), running('a'));
        assert.equal(table.count('a too'), running('a'));
        assert.equal(table.count('b'), running('b'));
        table.replace(new Map([[3, named('b')]]));
        assert.deepEqual([table.count('a'), table.count('b')], [0, 1]);
      }),
    );
  });
});

describe('the quorum of processes', () => {
  const at = (ms: number): Micros => milliseconds(ms);
  const quorum = (config: Partial<QuorumConfig> = {}): ProcessQuorum =>
    new ProcessQuorum({
      quorum: 1,
      quorum_max: undefined,
      fork_delay: at(0),
      terminate_delay: at(0),
      ...config,
    });

  it('counts the first count at once, whatever the delays', () => {
    const slow = { fork_delay: at(500), terminate_delay: at(500) };
    assert.equal(quorum(slow).handle(1, at(0))[0]?.verdict, 'up');
    assert.equal(quorum(slow).handle(0, at(0))[0]?.verdict, 'down');
    assert.equal(quorum().report, undefined);
  });
  it('is met between its bounds', () => {
    const pair = quorum({ quorum: 2, quorum_max: 3 });
    assert.deepEqual(pair.handle(1, at(0)), [
      { type: 'report', verdict: 'down', words: '1 running, 2 to 3 wanted' },
    ]);
    assert.equal(pair.handle(2, at(1))[0]?.verdict, 'up');
    assert.deepEqual(pair.handle(3, at(2)), []);
    assert.equal(pair.handle(4, at(3))[0]?.verdict, 'down');
  });
  it('waits, and forgets what passes meanwhile', () => {
    const patient = quorum({ terminate_delay: at(100), fork_delay: at(50) });
    patient.handle(1, at(0));
    assert.deepEqual(patient.handle(0, at(10)), []);
    assert.equal(patient.deadline, at(110));
    assert.equal(patient.report?.words, '0 running, at least 1 wanted, for less than 100ms');
    assert.deepEqual(patient.handle(1, at(60)), []);
    assert.equal(patient.deadline, undefined);
    patient.handle(0, at(70));
    assert.deepEqual(expire(patient, at(169)), []);
    assert.deepEqual(patient.handle(undefined, at(169)), []);
    assert.equal(expire(patient, at(170))[0]?.verdict, 'down');
    patient.handle(1, at(200));
    assert.equal(expire(patient, at(250))[0]?.verdict, 'up');
  });
});
