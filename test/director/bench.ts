/** A director in the hands of a test. */
import assert from 'node:assert/strict';
import { type Micros, seconds } from '../../src/base/time.ts';
import { Director } from '../../src/director/director.ts';
import type { RealServer, VirtualServer } from '../../src/director/types.ts';
import type { CheckDefinition, CheckReport } from '../../src/healthcheck/types.ts';
import { actual, server, service } from '../ipvs/table.ts';

export const check = (id: string, alpha = false): CheckDefinition => ({
  id,
  target: { address: server(1).address, port: 80 },
  timing: {
    delay_loop: seconds(2),
    timeout: seconds(5),
    retry: 1,
    delay_before_retry: seconds(1),
    warmup: seconds(0),
    rise: 1,
    fall: 1,
    alpha,
  },
  checker: { kind: 'TCP_CHECK' },
});

/** Number 1 is 10.2.0.1:80 with the check "1". */
export const real = (last: number, what: Partial<RealServer> = {}): RealServer => ({
  destination: server(last),
  inhibit_on_failure: false,
  checks: [check(String(last))],
  ...what,
});

export const pool = (what: Partial<VirtualServer> = {}): VirtualServer => ({
  name: 'web',
  services: [service()],
  real_server: [real(1), real(2), real(3)],
  quorum: 1,
  hysteresis: 0,
  alpha: false,
  omega: false,
  panic_threshold: 0,
  slow_start: seconds(0),
  drain_timeout: seconds(300),
  ...what,
});

/** A director with one pool, and its table as "1=100 2=0": the last octet of each server, and its weight. */
export class Bench {
  readonly director = new Director();
  now = 0;
  readonly said: string[] = [];

  constructor(...pools: readonly VirtualServer[]) {
    this.configure(...pools);
  }

  handle(event: Parameters<Director['handle']>[0]): this {
    for (const action of this.director.handle(event, this.now as Micros))
      if (action.type === 'quorum')
        this.said.push(
          `${action.pool} ${action.up ? 'up' : 'down'}${action.script === undefined ? '' : ` ${action.script.join(' ')}`}`,
        );
    return this;
  }

  configure(...pools: readonly VirtualServer[]): this {
    return this.handle({ type: 'configure', config: { virtual_server: pools } });
  }

  report(id: string, verdict: CheckReport['verdict'], weight?: number): this {
    return this.handle({ type: 'reports', reports: [this.#word(id, verdict, weight)] });
  }

  reports(verdicts: Readonly<Record<string, CheckReport['verdict']>>): this {
    const reports = Object.entries(verdicts).map(([id, verdict]) => this.#word(id, verdict));
    return this.handle({ type: 'reports', reports });
  }

  #word(id: string, verdict: CheckReport['verdict'], weight?: number): CheckReport {
    const at = this.now as Micros;
    const words = `says ${verdict}`;
    return {
      id,
      verdict,
      words,
      duration: seconds(0),
      at,
      since: at,
      ...(weight !== undefined && { weight }),
    };
  }

  /** To this second; every deadline on the way is let come. */
  at(second: number): this {
    for (
      let due = this.director.deadline;
      due !== undefined && due <= second * 1e6;
      due = this.director.deadline
    ) {
      assert(due >= this.now, 'a deadline in the past');
      this.now = due;
      this.handle(undefined);
    }
    this.now = second * 1e6;
    return this;
  }

  /** The kernel is read: every destination of the table has so many connections. */
  read(open: number): this {
    return this.handle({ type: 'table', actual: actual(this.director.desired, open) });
  }

  get table(): string {
    return this.director.desired
      .map(({ destinations }) =>
        destinations.map(({ address, weight }) => `${address.split('.').at(-1)}=${weight}`).join(' '),
      )
      .join(' | ');
  }

  words(last: number): string | undefined {
    return this.director.status[0]?.servers.find(({ name }) => name === `10.2.0.${last}:80`)?.words;
  }
}
