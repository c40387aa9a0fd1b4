import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadConfig } from '../../../src/config/load.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { figuresOf } from '../jitter-figures.ts';
import { products } from '../scenario.ts';
import { spent, ticksOf } from './cpu.ts';
import { resultIn } from './guest.ts';
import { latenessConfig } from './lateness.ts';
import {
  addressesIn,
  checksAt,
  keepalivedText,
  keepsTo,
  kinds,
  kindsOf,
  nextRate,
  parts,
  phaseOf,
  planLives,
} from './plan.ts';
import {
  type ChecksResults,
  checksVerdicts,
  type LatenessResult,
  type LifeResult,
  matchesOf,
  type RateStep,
  renderChecks,
} from './report.ts';

describe('plan of the bench of checks', () => {
  it('checks once a second, each server of its own', () => {
    const checks = checksAt(1_000, 'axios', [80, 81]);
    assert.equal(new Set(checks.map(({ id }) => id)).size, 1_000);
    assert(checks.every(({ timing }) => timing.delay_loop === seconds(1)));
    assert.deepEqual(new Set(checks.map(({ target }) => target.port)), new Set([80, 81]));
  });

  it('finds the highest rate to a sixteenth, whatever it is, and tries a bad one twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 50_000 }), (limit) => {
        const tried = [{ rate: 1_000, kept: 1_000 <= limit }];
        for (let rate = nextRate(tried); rate !== undefined; rate = nextRate(tried)) {
          tried.push({ rate, kept: rate <= limit });
          assert(tried.length < 40);
        }
        const good = Math.max(...tried.filter(({ kept }) => kept).map(({ rate }) => rate));
        assert(good <= limit && limit - good <= Math.max(good / 16, 50) + 1, `${good} of ${limit}`);
      }),
    );
    assert.equal(nextRate([{ rate: 1_000, kept: false }]), 1_000);
  });

  it('a rate is kept within 5 %', () => {
    assert.deepEqual(
      [950, 949, 1_050, 1_051].map((completed) => keepsTo(1_000, completed)),
      [true, false, true, false],
    );
  });

  it('writes a file that the daemon takes, with 2,000 checks a second', () => {
    const loaded = loadConfig(latenessConfig(), 'bench.yaml', { name: 'd1', from: '--node' });
    assert(loaded.ok, JSON.stringify(loaded));
    const { virtual_server } = loaded.value.config.pools;
    const servers = virtual_server.flatMap(({ real_server }) => real_server);
    assert.equal(servers.length, 2_000);
    assert(servers.every(({ checks }) => checks.length === 1 && checks[0]?.timing.delay_loop === seconds(1)));
  });

  it('has keepalived check the same servers at the same distance', () => {
    const servers = addressesIn('10.3', 300, 8_080);
    assert.equal(new Set(servers.map(({ address }) => address)).size, 300);
    const text = keepalivedText({ kind: 'axios', delayLoop: milliseconds(200), servers });
    assert.equal(text.match(/HTTP_GET/g)?.length, 300);
    assert.match(text, /delay_loop 0\.2\n/);
    assert(servers.every(({ address, port }) => text.includes(`real_server ${address} ${port} {`)));
  });

  it('products take turns at being first, and are measured equally often', () => {
    const lives = planLives(parts, false);
    for (const kind of kinds)
      for (const product of products.filter((one) => kindsOf(one).includes(kind)))
        assert.equal(
          lives.filter((one) => one.part === 'cost' && one.kind === kind && one.product === product).length,
          3,
        );
    const firsts = [1, 2, 3].map((wanted) => lives.find(({ round }) => round === wanted)?.product);
    assert.deepEqual(firsts, ['ours', 'keepalived', 'ours']);
    const resets = lives.filter(({ part, product }) => part === 'reset' && product === 'ours');
    assert(resets.reduce((sum, life) => sum + life.resets, 0) >= 15);
    assert(planLives(['cost'], true).every(({ part }) => part === 'cost'));
  });

  it('the server goes once in each part of the interval, over the rounds evenly', () => {
    const resets = 6;
    const phases = [1, 2, 3].flatMap((round) =>
      Array.from({ length: resets }, (_, at) => phaseOf({ round, resets }, at)),
    );
    const places = phases.map((phase) => Math.floor(phase * resets * 3)).sort((a, b) => a - b);
    assert.deepEqual(
      places,
      Array.from({ length: resets * 3 }, (_, at) => at),
    );
  });
});

describe('figures of the bench of checks', () => {
  it('reads CPU time behind any name', () => {
    const fields = ['S', ...Array.from({ length: 10 }, () => '0'), '44', '7', '1'];
    assert.deepEqual(ticksOf(`698 (a) (b c) ${fields.join(' ')}`), [44, 7]);
    const [before, after] = [
      { total_us: 10, system_us: 4 },
      { total_us: 25, system_us: 6 },
    ];
    assert.deepEqual(spent(before, after), { total_us: 15, system_us: 2 });
  });

  it('knows its own lines of the guest', () => {
    assert.deepEqual(resultIn('{"checksFailure":"x"}'), { checksFailure: 'x' });
    for (const line of ['', 'x', 'null', '{"level":30}']) assert.equal(resultIn(line), undefined);
  });
});

const [costLife] = planLives(['cost'], true);
const [resetLife] = planLives(['reset'], true);
assert(costLife && resetLife);
const cpu = { total_us: 100_000, system_us: 50_000 };
const base = { checks: 100, took_us: 1_000_000, cpu, resets_us: [], found_us: [] };
const good = figuresOf([100, 2_000]);
const late: LatenessResult = {
  checksPerSecond: 2_000,
  loop: figuresOf([9_000]),
  wire: figuresOf([9_000]),
  loopNet: good,
  wireNet: good,
  stoodStill_us: 70_000,
};

describe('report of the bench of checks', () => {
  const passed = (lives: readonly LifeResult[], lateness?: LatenessResult): boolean[] =>
    checksVerdicts({ lives, ...(lateness && { lateness }) }).map((verdict) => verdict.passed);

  it('judges lateness without what the machine stood still, and the rate of checks', () => {
    assert.deepEqual(passed([], late), [true, true, true]);
    assert.deepEqual(passed([], { ...late, wireNet: figuresOf([2_001]) }), [true, true, false]);
    assert.deepEqual(passed([], { ...late, checksPerSecond: 1_899 }), [false, true, true]);
    assert.deepEqual(passed([], { ...late, loopNet: figuresOf([]) }), [true, false, true]);
  });

  const cost = (of: Partial<LifeResult>): LifeResult => ({ ...costLife, ...base, ...of });
  it('CPU is a goal: both of our clients meet the one of keepalived', () => {
    const lives = [
      cost({ kind: 'axios', product: 'keepalived' }),
      cost({ kind: 'axios', product: 'ours', cpu: { ...cpu, total_us: 300_000 } }),
      cost({ kind: 'node:http', product: 'ours' }),
    ];
    const verdicts = checksVerdicts({ lives });
    assert.deepEqual(
      verdicts.map(({ found, goal, passed }) => [found, goal, passed]),
      [
        ['3.000', true, false],
        ['1.000', true, true],
      ],
    );
    assert.equal(matchesOf(lives, 'reset').length, 0);
  });

  const reset = (product: LifeResult['product'], ...resets_us: number[]): LifeResult => ({
    ...resetLife,
    ...base,
    ...{ product, resets_us, found_us: resets_us },
  });
  it('medians of resets are compared, and without keepalived nothing has passed', () => {
    assert.deepEqual(passed([reset('ours', 1, 9, 90), reset('keepalived', 9, 9, 10)]), [true]);
    assert.deepEqual(passed([reset('ours', 1_001), reset('keepalived', 1_000)]), [false]);
    assert.deepEqual(passed([reset('ours', 10)]), [false]);
  });

  it('shows all of it, and what was not measured', () => {
    const step: RateStep = {
      ...{ rate: 1_000, perSecond: 1_000, kept: true, failures: 0, checks: 1_000 },
      ...{ cpu, serverBusy: 0.1 },
    };
    const results: ChecksResults = {
      ...{ schema: 'vipkeeper-bench-checks', version: 1, startedAt: 'now', took_s: 60, complete: true },
      ...{ machine: undefined, loadBefore: 0, failures: ['no linux.uml here'], lateness: late },
      rates: [
        { kind: 'tcp', usual: step, tried: [step, { ...step, rate: 8_000 }, { ...step, kept: false }] },
      ],
      lives: [cost({}), cost({ product: 'keepalived' }), reset('ours', 5), reset('keepalived', 4)],
    };
    const text = renderChecks(results);
    assert.match(text, /TCP_CHECK +\| +100 \| +50 % \| +8000\/s \|/);
    assert.match(text, /wire, late, net \|.*\| +2\.00 \| +2\.00 \|/);
    assert.match(text, /the machine stood still for 70 ms/);
    assert.match(text, /goal met/);
    assert.match(text, /1\.250 \| +FAIL/);
    assert.match(text, /Not measured: no linux\.uml here/);
  });
});
