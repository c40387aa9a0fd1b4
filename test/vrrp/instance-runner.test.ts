import assert from 'node:assert/strict';
import { type Micros, seconds } from '../../src/base/time.ts';
import { InstanceRunner } from '../../src/vrrp/instance-runner.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { A, B, configured, down, reload, unleased } from './router-table.ts';
import { StubLink } from './stub-link.ts';

/** A runner on an interface that is ready. */
class Bench {
  readonly link = new StubLink();
  readonly transitions: string[] = [];
  readonly runner: InstanceRunner;

  constructor(config: Partial<InstanceConfig> = {}) {
    this.runner = new InstanceRunner(
      configured(config),
      this.link.port,
      {
        transition: (_name, _from, to, reason) => this.transitions.push(`${to}: ${reason}`),
        promoted: () => undefined,
        demoted: () => undefined,
        trouble: () => undefined,
      },
      new Map(),
    );
  }

  look(): void {
    const { facts, port, time } = this.link;
    const events = { onPacket: () => undefined, onError: () => undefined };
    this.runner.look(facts, undefined, time as Micros);
    this.runner.follow(this.runner.able, (ready) => port.open(ready, 4, events), time as Micros);
  }

  /** To this time, as the loop does it. */
  at(time: number): this {
    this.link.time = time;
    this.runner.instance.expire(time as Micros);
    this.look();
    return this;
  }

  /** Active; the gate is open, the addresses are asked for. */
  promote(): this {
    this.look();
    this.at(down);
    this.link.gateAnswers.at(-1)?.('done');
    this.link.seen();
    return this;
  }
}

describe('vrrp/instance-runner', () => {
  it('tries again 5 s after a refusal', () => {
    const bench = new Bench();
    bench.link.refusal = 'no such device';
    bench.look();
    assert.equal(bench.runner.deadline, seconds(5));
    bench.link.refusal = undefined;
    bench.at(4_999_999);
    assert.deepEqual(bench.transitions, []);
    bench.at(5_000_000);
    assert.deepEqual(bench.transitions, ['backup: startup']);
  });

  it('has no deadline in the past when a retry comes due while the interface is down', () => {
    const bench = new Bench();
    bench.link.refusal = 'no such device';
    bench.look();
    bench.link.facts = { ...bench.link.facts, running: false };
    bench.at(6_000_000);
    assert.equal(bench.runner.deadline, undefined);
  });

  it('waits for no retry when the refusal came after it had left', () => {
    const bench = new Bench().promote();
    const { facts } = bench.link;
    bench.link.facts = { ...facts, running: false };
    bench.at(down + 1_000);
    for (const answer of bench.link.addressAnswers.slice(0, 2)) answer('done');
    bench.link.facts = facts;
    bench.at(down + 2_000);
    assert.equal(bench.transitions.at(-1), 'backup: startup');
  });

  it('treats an address that the kernel refused at a promotion as lost, and tries again', () => {
    const bench = new Bench().promote();
    const [first, second] = bench.link.addressAnswers;
    first!('done');
    second!({ failed: 'too late to be sent' });
    // With no event of the interface: after the last answer there may never be one.
    assert.deepEqual(bench.link.seen(), [`add ${B.address}`]);
    bench.link.addAddress({ ...A, ours: true });
    bench.look();
    assert.deepEqual(bench.link.seen(), []);
  });

  it('lets the gate forget addresses only when they are gone, and none that it holds again', () => {
    const bench = new Bench().promote();
    for (const answer of bench.link.addressAnswers.splice(0)) answer('done');
    bench.runner.instance.handle({ type: 'lease-lapsed' }, bench.link.time as Micros);
    const removals = bench.link.addressAnswers.splice(0);
    assert.deepEqual(bench.link.seen(), [
      `gate close ${A.address} ${B.address}`,
      `remove ${A.address}`,
      `remove ${B.address}`,
    ]);
    removals[0]!('done');
    assert.deepEqual(bench.link.seen(), []);
    removals[1]!('done');
    assert.deepEqual(bench.link.seen(), [`gate forget ${A.address} ${B.address}`]);
  });

  it('takes the VIP out of the gate when a reload turns the lease off, and keeps it', () => {
    const bench = new Bench().promote();
    const event = reload(unleased);
    bench.runner.instance.handle(event, bench.link.time as Micros);
    assert.deepEqual(bench.link.seen(), [
      `gate forget ${A.address} ${B.address}`,
      `add ${A.address}`,
      `add ${B.address}`,
    ]);
  });
});
