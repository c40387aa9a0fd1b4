/** The alarm of a silent family, over the life of an instance. */
import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import { milliseconds } from '../../src/base/time.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { advert, config, eth0, LoopBench, peer, vip } from './loop-bench.ts';

const both: InstanceConfig = {
  ...config,
  families: [4, 6],
  virtual_ipaddress: [
    { address: vip, length: 32 },
    { address: ip('fe80::100'), length: 128 },
  ],
};

describe('vrrp/runner, the alarm of a silent family', () => {
  it('ends with the Active that it speaks of, and begins anew with the next one', async () => {
    const bench = new LoopBench();
    bench.facts = {
      ...eth0,
      addresses: [...eth0.addresses, { address: ip('fe80::1'), length: 64, ours: false, tentative: false }],
    };
    bench.runner.configure([both], 0);
    await bench.run(milliseconds(10));
    const hearFour = async (): Promise<void> => {
      bench.hear(advert(150), peer);
      await bench.run(milliseconds(100));
    };
    const seen = (): unknown => {
      const [instance] = bench.runner.status().instances;
      return [instance?.router.state, instance?.silentFamilies];
    };
    for (let left = 6; left > 0; left--) await hearFour();
    assert.deepEqual(seen(), ['backup', [6]]);
    await bench.run(milliseconds(500));
    assert.deepEqual(seen(), ['active', []]);
    await hearFour();
    assert.deepEqual(seen(), ['backup', []]);
    for (let left = 6; left > 0; left--) await hearFour();
    assert.deepEqual(seen(), ['backup', [6]]);
  });
});
