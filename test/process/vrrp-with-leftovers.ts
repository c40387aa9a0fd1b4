/** A vrrp process whose earlier life left a thousand addresses behind: it has something to do before it may speak. */
import { ip } from '../../src/base/ip.ts';
import { Writers } from '../../src/kernel/writers.ts';

const loopback = 1;
const writers = new Writers();
const addresses = Array.from({ length: 1_000 }, (_, n) => ({
  address: ip(`10.9.${n >> 8}.${n & 255}`),
  length: 32,
}));
await Promise.all(
  addresses.map(
    (address) =>
      new Promise((done) =>
        writers.writeAddress({ operation: 'add', interfaceIndex: loopback, address, lifetime_s: 60 }, done),
      ),
  ),
);
writers.close();
await import('../../src/process/vrrp.ts');
