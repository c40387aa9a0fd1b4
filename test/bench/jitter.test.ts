import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Micros } from '../../src/base/time.ts';
import { micros, milliseconds, seconds } from '../../src/base/time.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Lateness } from '../../src/vrrp/lateness.ts';
import type { Stall } from './jitter-figures.ts';
import {
  figuresOf,
  gained,
  microsOfTimespec,
  peakWithin,
  stoodStill,
  wireFigures,
} from './jitter-figures.ts';
import { jitterConfigText, planLives, realtimePriority, serverCount, situations } from './jitter-plan.ts';
import type { JitterCell } from './jitter-report.ts';
import { jitterVerdicts, renderJitter } from './jitter-report.ts';

const ms = (...values: number[]): Micros[] => values.map(milliseconds);
const advertInt = milliseconds(10);

describe('figures of the jitter bench', () => {
  it('a quantile is the sample that its share does not exceed', () => {
    const samples = Array.from({ length: 1_000 }, (_, at) => 1_000 - at);
    assert.deepEqual(figuresOf(samples), {
      samples: 1_000,
      p50_us: 500,
      p99_us: 990,
      p999_us: 999,
      max_us: 1_000,
    });
    assert(Number.isNaN(figuresOf([]).max_us));
  });

  it('the wire is early and late; what was before the watch does not count', () => {
    const { off, late } = wireFigures([ms(0, 30, 40, 45, 58)], advertInt, milliseconds(35), milliseconds(60));
    assert.deepEqual([off.samples, off.max_us, late.max_us, late.p50_us], [3, 5_000, 3_000, 0]);
  });

  it('a router that fell silent is late at the end of the watch', () => {
    const { late } = wireFigures([ms(0, 10), ms(0, 10, 20)], advertInt, micros(0), milliseconds(26));
    assert.equal(late.max_us, 6_000);
    assert.equal(wireFigures([[]], advertInt, micros(0), milliseconds(26)).late.max_us, 16_000);
  });

  it('a histogram read twice gives the time between, at most 19 % too high', () => {
    const list = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(list, list, (earlier, later) => {
        const lateness = new Lateness();
        for (const sample of earlier) lateness.add(micros(sample), micros(0));
        const before = lateness.status();
        for (const sample of later) lateness.add(micros(sample), micros(0));
        const found = gained(before, lateness.status());
        const truth = figuresOf(later);
        assert.equal(found.samples, truth.samples);
        for (const key of ['p50_us', 'p99_us', 'p999_us', 'max_us'] as const)
          assert(
            found[key] >= truth[key] && found[key] <= truth[key] * 1.19 + 1,
            `${found[key]} for ${truth[key]}`,
          );
      }),
    );
  });

  it('what several CPUs stood still together counts once, and only inside the stretch', () => {
    const stall = (from: number, to: number): Stall => ({ from: milliseconds(from), to: milliseconds(to) });
    const stalls = [stall(8, 12), stall(0, 3), stall(10, 14), stall(30, 40)];
    assert.equal(stoodStill(stalls, milliseconds(2), milliseconds(13)), 1_000 + 5_000);
    assert.equal(stoodStill(stalls, milliseconds(14), milliseconds(30)), 0);
  });

  it('takes off the wire what the machine stood still while an advertisement was due, and no more', () => {
    const stalls = [{ from: milliseconds(8), to: milliseconds(26) }];
    const { late, net } = wireFigures([ms(0, 30, 45)], advertInt, micros(0), milliseconds(50), stalls);
    // Due at 10, until 26 nobody could; the second one is all ours.
    assert.deepEqual([late.max_us, net.max_us, net.p50_us], [20_000, 5_000, 4_000]);
  });

  it('takes it off the histogram too, where the daemon remembers the instant', () => {
    const lateness = new Lateness();
    lateness.add(micros(9_000), milliseconds(20));
    const before = lateness.status();
    for (const instant of [40, 60, 80]) lateness.add(micros(100), milliseconds(instant));
    lateness.add(micros(9_000), milliseconds(100));
    lateness.add(micros(3_000), milliseconds(120));
    const stalls = [
      { from: milliseconds(0), to: milliseconds(20) },
      { from: milliseconds(85), to: milliseconds(99) },
    ];
    const net = gained(before, lateness.status(), stalls);
    assert.deepEqual([net.samples, net.p50_us], [5, gained(before, lateness.status()).p50_us]);
    assert(net.max_us >= 3_000 && net.max_us <= 3_600, `${net.max_us}`);
  });

  it('a peak is the most within any stretch, wherever it begins', () => {
    assert.equal(peakWithin(ms(0, 5, 9, 10, 14, 40), milliseconds(10)), 4);
    assert.equal(peakWithin([], milliseconds(1)), 0);
  });

  it('reads the time stamp of the kernel', () => {
    const data = new Uint8Array(16);
    new DataView(data.buffer).setBigInt64(0, 1_700_000_000n, true);
    new DataView(data.buffer).setBigInt64(8, 999_999_000n, true);
    assert.equal(microsOfTimespec(data), 1_700_000_000_999_999);
  });
});

describe('plan of the jitter bench', () => {
  const lives = planLives({ quick: false, situations });

  it('has 10,000 advertisements of each daemon, at 10 ms in every situation', () => {
    for (const { crowd, situations: watched, watch } of lives) {
      const each = (crowd.routers * watch) / crowd.advertInt;
      if (watched.length > 0) assert(each * (crowd.advertInt < seconds(1) ? 1 : watched.length) >= 10_000);
    }
  });

  it('writes files for ours that the daemon takes, with what it is asked to have', () => {
    for (const life of lives.filter(({ product }) => product === 'ours')) {
      const text = jitterConfigText(life);
      const loaded = loadConfig(text, 'bench.yaml', { name: 'd1', from: '--node' });
      assert(loaded.ok);
      assert.equal(loaded.value.config.vrrp_instance.length, life.crowd.routers);
      assert.equal(loaded.value.config.process.vrrp_rt_priority, life.realtime);
      assert(text.split('\n').filter((line) => line.startsWith('      - ')).length >= serverCount);
    }
  });
});

describe('report of the jitter bench', () => {
  const good = { samples: 10_000, p50_us: 50, p99_us: 90, p999_us: 2_000, max_us: 10_000 };
  const [life] = planLives({ quick: true, situations: ['hogs'] });
  assert(life);
  const figures = { off: good, late: good, net: good, loop: good, loopNet: good };
  const cell: JitterCell = { ...life, situation: 'hogs', ...figures, stoodStill_us: 0, farewells: 0 };
  const verdictsOf = (...cells: JitterCell[]): boolean[] =>
    jitterVerdicts({ cells, starts: [] }).map(({ passed }) => passed);

  it('judges loop and wire of ours in the real-time class, and nothing else', () => {
    assert.deepEqual(verdictsOf(cell), [true, true]);
    assert.deepEqual(verdictsOf({ ...cell, loopNet: { ...good, p999_us: 2_001 } }), [false, true]);
    assert.deepEqual(verdictsOf({ ...cell, net: { ...good, max_us: 10_001 } }), [true, false]);
    assert.deepEqual(verdictsOf({ ...cell, realtime: 0 }, { ...cell, product: 'keepalived' }), []);
  });

  it('nothing measured has not passed', () => {
    assert.deepEqual(verdictsOf({ ...cell, net: figuresOf([]) }), [true, false]);
  });

  it('judges the start of a crowd by a fifth of the interval, and shows all of it', () => {
    const crowd = { routers: 200, advertInt: seconds(1) };
    const counts = {
      late: good,
      stoodStill_us: 0,
      announcements: 2_000,
      peakPerMs: 54,
      peakPer10Ms: 487,
      farewells: 0,
      firstAdverts_us: 96_000,
    };
    const start = { crowd, product: 'ours' as const, realtime: realtimePriority, ...counts } as const;
    const starts = [200_000, 200_001].map((max_us) => ({ ...start, net: { ...good, max_us } }));
    const results = { cells: [cell], starts };
    assert.deepEqual(
      jitterVerdicts(results).map(({ passed }) => passed),
      [true, true, true, false],
    );
    const machine = {
      kernel: 'k',
      processor: 'p',
      processors: 2,
      memory_MiB: 1,
      node: 'n',
      vipkeeper: 'v',
      keepalived: 'k',
    };
    const rest = { startedAt: 'now', took_s: 60, complete: true, machine, loadBefore: 0, failures: [] };
    const text = renderJitter({ schema: 'vipkeeper-bench-jitter', version: 1, ...results, ...rest });
    assert.match(text, /6 CPU hogs +\| ours, real-time \| +loop \| +10000 \| +0\.05 \|/);
    assert.match(text, /ours, real-time \| +10000 \|.*\| +2000 \| +54 \| +487 \|/);
    assert.match(text, /at most 200 ms \| +FAIL/);
  });
});
