/** The port to the IPVS table over the real kernel's netlink. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { openKernelIpvs, type KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { makeNamespace, type Namespace } from '../../netlink/namespaces.ts';
import { keyOf, serverOf, serviceOf, writesFor } from '../samples.ts';
import { clear, describeIpvsLink, mustRead, mustWrite } from '../suite.ts';

const run = promisify(execFile);

describe('the IPVS table of the kernel', () => {
  let namespace: Namespace;
  let link: KernelIpvs;
  before(() => (namespace = makeNamespace()));

  describeIpvsLink(async () => (link = await openKernelIpvs({ netns: namespace.path })));

  it('tells its version', () => {
    assert.equal(link.info?.version, '1.2.1');
    assert.ok(link.info.connectionTableSize >= 256);
  });

  it('is another one in another network namespace', async () => {
    const key = keyOf('10.1.0.100', 80);
    const other = makeNamespace();
    const otherLink = await openKernelIpvs({ netns: other.path });
    try {
      await mustWrite(
        link,
        writesFor({ service: serviceOf(key), destinations: [serverOf('10.2.0.21', 80)] }),
      );
      assert.deepEqual(await mustRead(otherLink), []);
    } finally {
      otherLink.close();
      other.remove();
    }
  });

  it('says which right is missing', async () => {
    const program = `
      const { openKernelIpvs } = await import('../../../src/kernel/ipvs.js');
      const link = await openKernelIpvs();
      console.log(JSON.stringify([link.unavailable, await link.read(), await link.write([{ command: 'zero' }])]));
      link.close();`;
    const { stdout } = await run(
      'setpriv',
      ['--bounding-set=-net_admin', process.execPath, '--input-type=module', '--eval', program],
      { cwd: import.meta.dirname },
    );
    const [unavailable, read, written] = JSON.parse(stdout) as [string, Answer, readonly Answer[]];
    const right = /CAP_NET_ADMIN in the initial user namespace is needed/;
    assert.match(unavailable, right);
    for (const answer of [read, ...written]) {
      assert.equal(answer.error.errno, 1);
      assert.match(answer.error.text, right);
    }
  });

  it('tells connections and counters of what went through, and zeroes them', async () => {
    await clear(link);
    const service = serviceOf(keyOf('10.1.0.100', 53, 'UDP'), { scheduler: 'rr' });
    namespace.ip('addr add 10.1.0.100/32 dev lo');
    await mustWrite(link, writesFor({ service, destinations: [serverOf('127.0.0.1', 53)] }));
    await namespace.run('bash', '-c', 'for n in 1 2 3; do printf hello >/dev/udp/10.1.0.100/53; done');
    let [told] = await mustRead(link);
    assert.equal(told?.destinations[0]?.inactiveConnections, 3);
    // The kernel sums its counters up every two seconds, for the estimates. ip_vs_est.c
    for (let tries = 50; told?.statistics?.connections !== 3n && tries > 0; tries--) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      [told] = await mustRead(link);
    }
    assert.equal(told?.statistics?.connections, 3n);
    assert.equal(told.statistics.inPackets, 3n);
    // IPv4 and UDP headers, and five octets.
    assert.equal(told.statistics.inBytes, 99n);
    assert.deepEqual(told.destinations[0]?.statistics, told.statistics);
    await mustWrite(link, [{ command: 'zero', key: service.key }]);
    const [zeroed] = await mustRead(link);
    assert.equal(zeroed?.statistics?.inBytes, 0n);
    assert.equal(zeroed.destinations[0]?.statistics?.connections, 0n);
    assert.equal(zeroed.destinations[0].inactiveConnections, 3);
  });

  it('gets services beyond one datagram of the dump', async () => {
    await clear(link);
    const destinations = Array.from({ length: 500 }, (_, at) =>
      serverOf(`10.2.${at >> 8}.${1 + (at & 0x7f)}`, 80 + at),
    );
    const services = Array.from({ length: 500 }, (_, at) => serviceOf(keyOf('10.1.0.100', 1 + at)));
    await mustWrite(link, [
      ...writesFor({ service: services[0]!, destinations }),
      ...services.slice(1).map((service) => ({ command: 'new-service', service }) as const),
    ]);
    const table = await mustRead(link);
    assert.equal(table.length, 500);
    assert.deepEqual(new Set(table.map(({ destinations: { length } }) => length)), new Set([0, 500]));
  });

  it('finds the family again after its module was loaded anew', async () => {
    await clear(link);
    await unloadIpvs();
    await mustWrite(link, writesFor({ service: serviceOf(keyOf('10.1.0.100', 80)), destinations: [] }));
    assert.equal((await mustRead(link)).length, 1);
    await clear(link);
    await unloadIpvs();
    assert.deepEqual(await mustRead(link), []);
    assert.equal(link.unavailable, undefined);
  });

  after(() => {
    link.close();
    namespace.remove();
  });
});

interface Answer {
  readonly error: { readonly errno: number; readonly text: string };
}

/** The kernel holds a module for a moment after the last service that used it. */
async function unloadIpvs(): Promise<void> {
  for (let tries = 50; ; tries--) {
    const names = readFileSync('/proc/modules', 'utf8').match(/^ip_vs\w*/gm) ?? [];
    if (names.length === 0) return;
    try {
      execFileSync('modprobe', ['-r', ...names.filter((name) => name !== 'ip_vs'), 'ip_vs'], {
        stdio: 'pipe',
      });
    } catch (error) {
      if (tries === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
