/** The reconciler and a table of two thousand objects in the kernel. */
import assert from 'node:assert/strict';
import { Reconciler } from '../../../src/ipvs/apply.ts';
import { changeText } from '../../../src/ipvs/plan-text.ts';
import type { Change } from '../../../src/ipvs/plan.ts';
import type { VirtualService } from '../../../src/ipvs/types.ts';
import { openKernelIpvs, type KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { memoryJournal } from '../../guest/director-table.ts';
import { makeNamespace, type Namespace } from '../../netlink/namespaces.ts';
import { keyOf, serverOf, serviceOf, sorted, wanted } from '../samples.ts';
import { mustRead } from '../suite.ts';

/** @param changed the service whose first server has a weight of 5 instead of 1 */
const table = (changed?: number): readonly VirtualService[] =>
  Array.from({ length: 500 }, (_, at) => ({
    service: serviceOf(keyOf('10.1.0.100', 1000 + at), { scheduler: 'wrr' }),
    destinations: [21, 22, 23].map((host) =>
      serverOf(`10.2.0.${host}`, 80, { weight: at === changed && host === 21 ? 5 : 1 }),
    ),
  }));

describe('2,000 services and servers in the kernel', () => {
  let namespace: Namespace;
  let link: KernelIpvs;
  let reconciler: Reconciler;
  before(async () => {
    namespace = makeNamespace();
    link = await openKernelIpvs({ netns: namespace.path });
    reconciler = new Reconciler(link, memoryJournal());
  });
  after(() => {
    link?.close();
    namespace?.remove();
  });

  async function apply(desired: readonly VirtualService[]): Promise<readonly Change[]> {
    const round = await reconciler.apply(desired, false);
    assert(round.ok);
    assert.deepEqual(round.value.failures, []);
    assert.deepEqual(wanted(await mustRead(link)), sorted(desired));
    return round.value.plan.changes;
  }

  it('are one write each, and none when they are there', async () => {
    assert.equal((await apply(table())).length, 2_000);
    assert.deepEqual(await apply(table()), []);
  });

  it('one weight is one write', async () => {
    const changes = await apply(table(250));
    assert.deepEqual(changes.map(changeText), [
      '~ TCP 10.1.0.100:1250 → 10.2.0.21:80  weight 1 → 5  (0 connections go on)',
    ]);
  });

  it('a table without any service is a write for each service', async () => {
    const changes = await apply([]);
    assert.equal(changes.length, 500);
    assert.ok(changes.every(({ write }) => write.command === 'del-service'));
  });
});
