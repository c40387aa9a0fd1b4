import assert from 'node:assert/strict';
import { ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { Micros } from '../../src/base/time.ts';
import { readAdvertFrame } from '../../src/drill/advert-observer.ts';
import { advertFrame } from './advert-frame.ts';

const at = 77 as Micros;

describe('advertisement on the link', () => {
  for (const source of ['10.1.0.11', 'fe80::a0:ff:fe00:11']) {
    it(`is read with its sender and its priority from ${source}`, () => {
      assert.deepEqual(readAdvertFrame(advertFrame(source, 51, 150), at), {
        at,
        family: source.includes(':') ? 6 : 4,
        sourceMac: '02:a0:00:00:00:11' as Mac,
        source: ip(source),
        vrid: 51,
        priority: 150,
        intervalCs: 100,
      });
    });

    it(`is nothing when cut anywhere, or damaged, from ${source}`, () => {
      const frame = advertFrame(source, 51, 150);
      for (let length = 0; length < frame.length; length++)
        assert.equal(readAdvertFrame(frame.subarray(0, length), at), undefined, `${length} octets`);
      const damaged = frame.slice();
      damaged[frame.length - 1] = (damaged[frame.length - 1] ?? 0) ^ 1;
      assert.equal(readAdvertFrame(damaged, at), undefined);
    });
  }
});
