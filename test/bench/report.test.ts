import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import { median, seriesOf, table, verdicts } from './report.ts';
import type { RunResult } from './result.ts';
import type { FaultName, Product } from './scenario.ts';

const result = (fault: FaultName, product: Product, noOwner_ms: number, twoOwners_ms = 0): RunResult => ({
  scenario: { advertInt: seconds(1), standbyPriority: 100, instances: 1, family: 4, fault, phase: 'half' },
  product,
  number: 1,
  faultAt_us: 0,
  phase_us: 500_000,
  faultTook_us: 0,
  window_us: 8_000_000,
  noOwner_us: noOwner_ms * 1_000,
  longestNoOwner_us: noOwner_ms * 1_000,
  twoOwners_us: twoOwners_ms * 1_000,
  unknown_us: 0,
  addressOnNone_us: 0,
  addressOnTwo_us: 0,
  takeovers: 1,
  samplerGap_us: 5_000,
  timelines: [],
});
const passes = (runs: readonly RunResult[]): boolean[] =>
  verdicts(seriesOf(runs)).map(({ passed }) => passed);

describe('verdicts of the failover bench', () => {
  it('fail when one run of ours has two owners, whatever keepalived does', () => {
    const well = [result('kill-all', 'ours', 860), result('kill-all', 'keepalived', 0, 4_800)];
    assert.deepEqual(passes(well), [true]);
    assert.deepEqual(passes([...well, result('kill-all', 'ours', 860, 0.1)]), [false]);
    assert.deepEqual(passes([result('stop-all', 'ours', 860, 5)]), [false]);
  });

  it('hold the worst run of a killed process against 650 ms', () => {
    assert.deepEqual(passes([result('kill-vrrp', 'ours', 610), result('kill-vrrp', 'ours', 650)]), [true]);
    assert.deepEqual(passes([result('kill-vrrp', 'ours', 610), result('kill-vrrp', 'ours', 651)]), [false]);
  });

  it('compare medians of link down and of a graceful stop with keepalived', () => {
    const pair = (fault: FaultName, own: number): RunResult[] => [
      result(fault, 'ours', own),
      result(fault, 'keepalived', 1_000),
    ];
    assert.deepEqual(passes(pair('link-down', 1_050)), [true]);
    assert.deepEqual(passes(pair('link-down', 1_051)), [false]);
    assert.deepEqual(passes(pair('graceful', 1_030)), [true]);
    assert.deepEqual(passes(pair('graceful', 1_031)), [false]);
    assert.deepEqual(passes([result('link-down', 'ours', 1_000)]), [], 'nothing to compare with');
  });

  it('judge adverts of 1 s only', () => {
    const fast = result('kill-all', 'ours', 0, 100);
    assert.deepEqual(passes([{ ...fast, scenario: { ...fast.scenario, advertInt: seconds(0.1) } }]), []);
  });
});

describe('tables of the failover bench', () => {
  it('take the middle of sorted values', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });

  it('align columns, numbers to the right', () => {
    const expected = ['| a    |  b |', '| ---- | -: |', '| long | 10 |'].join('\n');
    assert.equal(table(['a', 'b'], [['long', '10']]), expected);
  });
});
