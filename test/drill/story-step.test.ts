import assert from 'node:assert/strict';
import { micros, milliseconds, seconds } from '../../src/base/time.ts';
import type { CheckDefinition } from '../../src/healthcheck/types.ts';
import { httpView, type HttpProbe, type HttpSummary } from '../../src/drill/http-prober.ts';
import { brokenPromise, type StepName } from '../../src/drill/story-step.ts';
import type { Seen } from '../../src/drill/watch.ts';
import { downWithin, upWithin } from '../../src/drill/web-servers.ts';
import { ip } from '../../src/base/ip.ts';

const none = { total: micros(0), longest: micros(0) };
const pings = {
  sent: 200,
  lost: 0,
  longestOutage: milliseconds(12),
  longestPause: milliseconds(12),
  recovered: undefined,
};
const pages: HttpSummary = {
  ...{ ...pings, longestOutage: milliseconds(55), longestPause: milliseconds(55) },
  ...{ servers: ['rs1', 'rs2', 'rs3'], lastFailure: undefined },
};
const well: Seen = {
  window: { from: micros(0), to: seconds(2) },
  client: pings,
  http: pages,
  ownership: { noOwner: none, twoOwners: none, unknown: none, takeover: undefined },
};

describe('promises of the demo', () => {
  const broken = (name: StepName, http: Partial<HttpSummary>, limit_ms?: number): string | undefined =>
    brokenPromise(
      { ...well, http: { ...pages, ...http } },
      name,
      limit_ms === undefined ? undefined : milliseconds(limit_ms),
      3,
    );

  it('are kept where nothing happens to clients', () => {
    for (const name of [
      'steady',
      'server-down',
      'server-up',
      'kill',
      'return',
      'freeze',
      'back',
      'stop',
    ] as const)
      assert.equal(broken(name, {}, 609), undefined);
    assert.equal(brokenPromise({ ...well, http: undefined }, 'steady', undefined, 0), undefined);
  });

  it('allow no request to fail, and no server to be left out, where no one dies', () => {
    for (const name of ['steady', 'server-up'] as const) {
      assert.equal(broken(name, { lost: 1 }), 'http-failed');
      assert.equal(broken(name, { servers: ['rs1', 'rs3'] }), 'http-failed');
    }
    assert.equal(broken('return', { lost: 1 }), undefined);
  });

  it('allow requests to fail while a server dies, until its checks have seen it, and others to answer meanwhile', () => {
    const died = { lost: 9, servers: ['rs2', 'rs3'] };
    assert.equal(broken('server-down', { ...died, lastFailure: milliseconds(2_690) }, 2_200), undefined);
    assert.equal(broken('server-down', { ...died, lastFailure: milliseconds(2_701) }, 2_200), 'server-late');
    assert.equal(broken('server-down', { ...died, longestOutage: milliseconds(501) }, 2_200), 'http-outage');
    const silent = { ...well, client: { ...pings, longestOutage: milliseconds(501) } };
    assert.equal(brokenPromise(silent, 'server-down', milliseconds(2_200), 3), 'outage');
  });

  it('hold a failover to its timers for pages as for pings', () => {
    assert.equal(broken('kill', { longestOutage: milliseconds(4_100) }, 3_609), undefined);
    assert.equal(broken('kill', { longestOutage: milliseconds(4_110) }, 3_609), 'http-outage');
    assert.equal(broken('back', { longestOutage: milliseconds(501) }), 'http-outage');
  });

  it('are not proved by a client that did not ask', () => {
    assert.equal(broken('kill', { longestPause: milliseconds(501) }, 3_609), 'unmeasured');
  });
});

describe('the view of a client of HTTP', () => {
  const probe = (sent: number, answered: number | undefined, word: string): HttpProbe => ({
    sentAt: milliseconds(sent),
    answeredAt: answered === undefined ? undefined : milliseconds(answered),
    word,
  });

  it('counts what was sent in the window, whoever ended first', () => {
    const probes = [
      probe(50, 60, 'rs9'),
      probe(150, 152, 'rs2'),
      probe(200, 203, 'rs1'),
      probe(100, undefined, 'ABORT_ERR'),
      probe(250, 251, 'rs2'),
      probe(250, undefined, 'ECONNREFUSED'),
      probe(400, undefined, 'ECONNREFUSED'),
    ];
    const { sent, lost, servers, lastFailure, longestOutage, longestPause } = httpView(probes, {
      from: milliseconds(100),
      to: milliseconds(300),
    });
    assert.deepEqual([sent, lost, servers], [5, 2, ['rs1', 'rs2']]);
    assert.deepEqual([lastFailure, longestOutage, longestPause], [150, 52, 50].map(milliseconds));
  });
});

describe('what checks take to see', () => {
  const timing = {
    ...{
      delay_loop: seconds(1),
      timeout: milliseconds(500),
      retry: 1,
      delay_before_retry: milliseconds(200),
    },
    ...{ warmup: micros(0), rise: 2, fall: 1, alpha: false },
  };
  const check: CheckDefinition = {
    id: 'one',
    target: { address: ip('10.2.0.21'), port: 80 },
    timing,
    checker: { kind: 'TCP_CHECK' },
  };

  it('is a wait and every try to its limit', () => {
    assert.equal(downWithin(check), milliseconds(2_200));
    assert.equal(downWithin({ ...check, timing: { ...timing, fall: 3, retry: 0 } }), milliseconds(4_500));
    assert.equal(upWithin(check), milliseconds(3_000));
  });
});
