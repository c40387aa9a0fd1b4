import assert from 'node:assert/strict';
import { seconds } from '../../src/base/time.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configText } from './product.ts';
import type { Selection } from './scenario.ts';
import { faultNames, faults, planRounds, products, rolesOf, scenarioLabel } from './scenario.ts';

const whole: Selection = { quick: false, runs: 5, only: [], advertInts: [seconds(1), seconds(0.1)] };

describe('plan of the failover bench', () => {
  const rounds = planRounds(whole);
  const runsOf = (label: string, product: (typeof products)[number]): number =>
    rounds.filter(
      ({ scenario, products: order }) => scenarioLabel(scenario) === label && order.includes(product),
    ).length;

  it('has every fault in every arrangement, five times for each product that has the process', () => {
    for (const adverts of ['1s', '0.1s'])
      for (const arrangement of ['p100 x1', 'p254 x1', 'p100 x3', 'p254 x3'])
        for (const fault of faultNames)
          for (const product of products) {
            const label = `${adverts} ${arrangement} ${fault}`;
            const least = rolesOf(product).includes(faults[fault].role ?? 'parent') ? 5 : 0;
            assert(runsOf(label, product) >= least, `${label} ${product}`);
            if (least === 0) assert.equal(runsOf(label, product), 0);
          }
  });

  it('kills and freezes ours 30 times at adverts of 1 s, and has faults at random phases and IPv6', () => {
    assert.equal(runsOf('1s p100 x1 kill-all', 'ours'), 30);
    assert.equal(runsOf('1s p100 x1 stop-all', 'ours'), 30);
    assert.equal(runsOf('1s p100 x1 link-down random-phase', 'keepalived'), 5);
    assert.equal(runsOf('0.1s p100 x1 IPv6 kill-all', 'ours'), 5);
  });

  it('narrows to scenarios that have all the words', () => {
    const only = planRounds({ ...whole, only: ['p254 x3 kill-all', '0.1s IPv6 graceful'] });
    const labels = new Set(only.map(({ scenario }) => scenarioLabel(scenario)));
    assert.deepEqual(
      [...labels],
      ['1s p254 x3 kill-all', '0.1s p254 x3 kill-all', '0.1s p100 x1 IPv6 graceful'],
    );
  });

  it('writes files for ours that the daemon takes', () => {
    for (const scenario of new Set(rounds.map((round) => round.scenario)))
      for (const node of ['d1', 'd2'] as const) {
        const text = configText('ours', scenario, node);
        const loaded = loadConfig(text, 'bench.yaml', { name: node, from: '--node' });
        assert(loaded.ok, scenarioLabel(scenario));
      }
  });
});
