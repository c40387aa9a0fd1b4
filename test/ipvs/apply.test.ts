import assert from 'node:assert/strict';
import { err, ok, type Result } from '../../src/base/result.ts';
import { type Journal, Reconciler } from '../../src/ipvs/apply.ts';
import type { IpvsLink, Refusal, Write } from '../../src/ipvs/link.ts';
import type { VirtualService } from '../../src/ipvs/types.ts';
import { actual, server, service, written } from './table.ts';

/** A kernel, a journal, and what was asked of both, in order. */
class Bench {
  table: readonly VirtualService[] = [];
  readonly log: string[] = [];
  refuse: (write: Write) => boolean = () => false;
  #names: ReadonlySet<string> = new Set();

  readonly journal: Journal = {
    read: () => this.#names,
    write: (names) => {
      this.#names = names;
      this.log.push(`journal ${[...names].join(' ')}`);
    },
  };

  readonly link: IpvsLink = {
    unavailable: undefined,
    read: () => {
      this.log.push('read');
      return Promise.resolve(ok(actual(this.table)));
    },
    timeouts: () => Promise.resolve(err({ errno: 95, text: 'not asked' })),
    write: (writes) => {
      this.log.push(...writes.map(({ command }) => command));
      return Promise.resolve(writes.map((write) => this.#write(write)));
    },
  };

  #write(write: Write): Result<'done', Refusal> {
    if (this.refuse(write)) return err({ errno: 22, text: 'EINVAL' });
    this.table = written(this.table, [write]);
    return ok('done');
  }
}

const web = { service: service(), destinations: [server(1)] };
const mail = { service: service('10.1.0.101'), destinations: [server(2)] };

describe('ipvs/apply', () => {
  it('writes the journal before the kernel, and nothing when nothing differs', async () => {
    const { link, journal, log } = new Bench();
    const reconciler = new Reconciler(link, journal);
    await reconciler.apply([web], false);
    assert.deepEqual(log.splice(0), ['read', 'journal TCP 10.1.0.100:80', 'new-service', 'new-dest']);
    await reconciler.apply([web], false);
    assert.deepEqual(log, ['read']);
  });

  it('forgets what is gone, and keeps what it could not remove', async () => {
    const one = new Bench();
    const reconciler = new Reconciler(one.link, one.journal);
    await reconciler.apply([web, mail], false);
    one.refuse = ({ command }) => command === 'del-service';
    const refused = await reconciler.apply([web], false);
    assert(refused.ok);
    assert.deepEqual(
      refused.value.failures.map(({ change, refusal }) => [change.service, refusal.errno]),
      [['TCP 10.1.0.101:80', 22]],
    );
    assert.deepEqual([...one.journal.read()], ['TCP 10.1.0.100:80', 'TCP 10.1.0.101:80']);
    one.refuse = () => false;
    await reconciler.apply([web], false);
    assert.deepEqual([...one.journal.read()], ['TCP 10.1.0.100:80']);
    // Made by hand later, it is nobody's of ours.
    one.table = [...one.table, mail];
    const found = await reconciler.apply([web], false);
    assert(found.ok);
    assert.deepEqual([found.value.plan.changes, found.value.plan.foreign], [[], ['TCP 10.1.0.101:80']]);
  });

  it('writes what is urgent before it reads, and looks afterwards', async () => {
    const one = new Bench();
    const reconciler = new Reconciler(one.link, one.journal);
    const down = { ...web, destinations: [] };
    await reconciler.apply([web], false);
    one.log.length = 0;
    // What it has written itself it has not seen yet.
    await reconciler.apply([down], false, true);
    assert.deepEqual(one.log.splice(0), ['read', 'del-dest']);
    await reconciler.apply([down], false);
    one.log.length = 0;
    const round = await reconciler.apply([web, mail], false, true);
    assert.deepEqual(one.log.splice(0), [
      'journal TCP 10.1.0.100:80 TCP 10.1.0.101:80',
      ...['new-service', 'new-dest', 'new-dest', 'read'],
    ]);
    assert(round.ok && round.value.plan.changes.length === 3);
    await reconciler.apply([down, mail], false, true);
    assert.deepEqual(one.log, ['del-dest', 'read']);
  });

  it('what another hand did since the last look is no failure, and is put right', async () => {
    const one = new Bench();
    const reconciler = new Reconciler(one.link, one.journal);
    const both = { ...web, destinations: [server(1), server(2)] };
    await reconciler.apply([both], false);
    await reconciler.apply([both], false);
    one.table = [{ ...web, destinations: [server(2)] }];
    // The kernel does not know the one whose weight is to change.
    one.refuse = ({ command }) => command === 'set-dest';
    const wanted = { ...web, destinations: [server(1, { weight: 7 }), server(2)] };
    const round = await reconciler.apply([wanted], false, true);
    assert(round.ok);
    assert.deepEqual(one.log.slice(-3), ['set-dest', 'read', 'new-dest']);
    assert.deepEqual([round.value.failures, round.value.plan.changes.length], [[], 1]);
    assert.equal(one.table[0]?.destinations.length, 2);
  });

  it('a write that is refused does not stop the others', async () => {
    const one = new Bench();
    one.refuse = (write) => write.command === 'new-dest' && write.destination.port === 81;
    const pool = { service: service(), destinations: [server(1, { port: 81 }), server(2)] };
    const round = await new Reconciler(one.link, one.journal).apply([pool], false);
    assert(round.ok && round.value.failures.length === 1);
    assert.equal(one.table[0]?.destinations.length, 1);
  });

  it('a journal that cannot be written keeps the kernel as it is', async () => {
    const one = new Bench();
    const journal = {
      ...one.journal,
      write: () => {
        throw new Error('ENOSPC');
      },
    };
    const round = await new Reconciler(one.link, journal).apply([web], false);
    assert(!round.ok);
    assert.match(round.error.text, /journal .* cannot be written: ENOSPC/);
    assert.deepEqual(one.table, []);
  });

  it('has nothing to do with a kernel where nothing is wanted and nothing is ours', async () => {
    const one = new Bench();
    const reconciler = new Reconciler(one.link, one.journal);
    assert.equal(reconciler.isIdle([], false), true);
    assert.equal(reconciler.isIdle([], true), false);
    assert.equal(reconciler.isIdle([web], false), false);
    await reconciler.apply([web], false);
    assert.equal(reconciler.isIdle([], false), false);
  });

  it('rounds come one after the other, and one that fails does not stop the next', async () => {
    const one = new Bench();
    const reconciler = new Reconciler(one.link, one.journal);
    let refusals = 1;
    const link: IpvsLink = {
      ...one.link,
      read: () => (refusals-- > 0 ? Promise.resolve(err({ errno: 1, text: 'EPERM' })) : one.link.read()),
    };
    const rounds = new Reconciler(link, one.journal);
    const [first, second] = await Promise.all([rounds.apply([web], false), rounds.apply([web], false)]);
    assert.deepEqual([first.ok, second.ok], [false, true]);
    one.log.length = 0;
    await Promise.all([reconciler.apply([mail], false), reconciler.apply([web, mail], false)]);
    assert.deepEqual(
      one.log.filter((line) => !line.startsWith('journal')),
      ['read', 'new-service', 'new-dest', 'del-service', 'read', 'new-service', 'new-dest'],
    );
  });
});
