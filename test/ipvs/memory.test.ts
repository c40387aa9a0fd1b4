import assert from 'node:assert/strict';
import { MemoryIpvs } from '../../src/kernel/memory-ipvs.ts';
import { keyOf, serverOf, serviceOf, writesFor } from './samples.ts';
import { describeIpvsLink } from './suite.ts';

describe('the IPVS table in memory', () => {
  describeIpvsLink(() => Promise.resolve(new MemoryIpvs()));
});

describe('the IPVS table in memory, set up', () => {
  const key = keyOf('10.1.0.100', 80);
  const server = serverOf('10.2.0.21', 80);

  it('says why it is not there, and refuses everything', async () => {
    const unavailable = 'the kernel has no IPVS';
    const link = new MemoryIpvs({ unavailable });
    const refusal = { ok: false, error: { errno: 2, text: unavailable } };
    assert.equal(link.unavailable, unavailable);
    assert.deepEqual(await link.read(), refusal);
    assert.deepEqual(await link.timeouts(), refusal);
    assert.deepEqual(await link.write([{ command: 'zero', key: undefined }]), [refusal]);
    link.unavailable = undefined;
    assert.deepEqual(await link.read(), { ok: true, value: [] });
  });

  it('has the schedulers it is given', () => {
    const link = new MemoryIpvs({ schedulers: ['rr'] });
    assert.ok(link.apply({ command: 'new-service', service: serviceOf(key, { scheduler: 'rr' }) }).ok);
    const refused = link.apply({ command: 'set-service', service: serviceOf(key, { scheduler: 'wlc' }) });
    assert.equal(refused.ok ? 0 : refused.error.errno, 2);
  });

  it('refuses IPv6 as a kernel does that was built without', () => {
    const link = new MemoryIpvs({ ipv6: false });
    assert.ok(link.apply({ command: 'new-service', service: serviceOf(key) }).ok);
    for (const write of [
      { command: 'new-service', service: serviceOf(keyOf('fd00:1::100', 80)) } as const,
      {
        command: 'new-dest',
        key,
        destination: serverOf('fd00:2::21', 80, { forward: 'tunnel' }),
      } as const,
    ]) {
      const refused = link.apply(write);
      assert.ok(!refused.ok);
      assert.equal(refused.error.errno, 97);
      assert.match(refused.error.text, /no IPVS for this address family: EAFNOSUPPORT \(97\)$/);
    }
  });

  it('refuses an upper threshold of 2^31, as newer kernels do', () => {
    const link = new MemoryIpvs();
    link.apply({ command: 'new-service', service: serviceOf(key) });
    const destination = { ...server, upperThreshold: 0x80000000 };
    const refused = link.apply({ command: 'new-dest', key, destination });
    assert.equal(refused.ok ? 0 : refused.error.errno, 22);
  });

  it('has the connections it is given, and keeps them when a weight changes', async () => {
    const link = new MemoryIpvs();
    await link.write(writesFor({ service: serviceOf(key), destinations: [server] }));
    link.setConnections(key, server, { activeConnections: 200 });
    await link.write([{ command: 'set-dest', key, destination: { ...server, weight: 0 } }]);
    const [told] = link.table()[0]!.destinations;
    assert.equal(told?.activeConnections, 200);
    assert.equal(told.weight, 0);
    assert.throws(() => link.setConnections(key, serverOf('10.2.0.99', 80), {}), /no server 10\.2\.0\.99:80/);
  });

  it('remembers every write, refused ones too', () => {
    const link = new MemoryIpvs();
    const write = { command: 'del-service', key } as const;
    link.apply(write);
    assert.deepEqual(link.written, [write]);
  });
});
