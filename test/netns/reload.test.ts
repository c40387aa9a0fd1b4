/** SIGHUP: what is right takes effect without moving anything; what is wrong changes nothing. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describeAsRoot } from '../lab/as-root.ts';
import { eventually } from './director.ts';
import { configuration, instance, Site } from './site.ts';

const folder = 'test/config/bad';
/** The adverts of a pair under a busy machine: the tests are about reloads. */
const calm = instance({ advert_int: '300ms' });

describeAsRoot('reload', function () {
  this.timeout(60_000);
  let site: Site;
  before(async () => {
    site = await Site.up('reload');
  });
  afterEach(async () => site.clear());
  after(async () => site.down());

  it('new priority, interval and addresses: the active stays active, addresses come and go', async () => {
    const [d1, d2] = await site.startPair(configuration({ web: calm }));
    const { router: before } = await d1.instance();
    const changed = configuration({
      web: {
        ...calm,
        priority: { lb1: 160, lb2: 90 },
        advert_int: '400ms',
        virtual_ipaddress: ['10.1.0.101', '10.1.0.102'],
      },
    });
    d2.reload(changed);
    d1.reload(changed);
    await eventually(
      () => site.addresses('d1'),
      (addresses) =>
        addresses.some(({ local }) => local === '10.1.0.102') &&
        !addresses.some(({ local }) => local === '10.1.0.100'),
    );
    const after = await d1.instance();
    assert.deepEqual([after.config.priority, after.config.advert_int], [160, 400_000]);
    assert.equal(after.router.since, before.since);
    assert.equal(after.counters.becameActive, 1);
    assert((await site.lab.run('cl', ['ping', '-c', '1', '-W', '1', '10.1.0.102'])).includes('1 received'));
    const backup = await d2.instance();
    assert.equal(backup.router.state, 'backup');
    assert.equal(backup.counters.becameActive, 0);
    assert.equal(backup.router.activeAdverInterval, 400_000);
    assert.equal(backup.heard[0]?.priority, 160);
  });

  it('a changed label and a lease turned off and on: no transition, and the client always reaches it', async () => {
    const [d1] = await site.startPair(configuration({ web: calm }));
    const vip = '10.1.0.100';
    for (const web of [
      { ...calm, virtual_ipaddress: [{ address: vip, label: 'eth0:web' }] },
      { ...calm, lease: 'off' },
      { ...calm, lease: { mode: 'preferred', gate_lifetime: '700ms' } },
    ]) {
      d1.reload(configuration({ web }));
      const loaded = Date.now();
      await eventually(
        () => d1.log,
        (log) => log.some(({ message, time }) => message === 'reloaded' && Number(time) >= loaded - 50),
      );
      // Longer than a gate that nobody renews.
      const pings = await site.lab.run('cl', ['ping', '-c', '6', '-i', '0.2', '-W', '1', vip]);
      assert(pings.includes('6 received'), pings);
    }
    const { counters, lease } = await d1.instance();
    assert.equal(counters.becameActive, 1, d1.describe());
    assert.equal(lease.kind, 'held');
  });

  it('three instances become two: only the third leaves, with a farewell', async () => {
    const three = {
      a: { ...calm, virtual_router_id: 1, virtual_ipaddress: ['10.1.0.101'] },
      b: { ...calm, virtual_router_id: 2, virtual_ipaddress: ['10.1.0.102'] },
      c: { ...calm, virtual_router_id: 3, virtual_ipaddress: ['10.1.0.103'] },
    };
    const [d1, d2] = await site.startPair(configuration(three));
    const adverts = site.listen();
    d1.reload(configuration({ a: three.a, b: three.b }));
    const { router } = await d2.untilState('active', 'c');
    assert.equal(router.reason, 'active-resigned');
    const { vrrp } = await d1.status();
    assert.deepEqual(
      vrrp?.instances.map(({ config, router: { state }, counters }) => [
        config.name,
        state,
        counters.becameActive,
      ]),
      [
        ['a', 'active', 1],
        ['b', 'active', 1],
      ],
    );
    assert.equal(await site.address('d1', '10.1.0.103'), undefined);
    const farewells = adverts.filter(({ priority }) => priority === 0).map(({ vrid }) => vrid);
    assert.deepEqual([...new Set(farewells)], [3]);
  });

  it('an address that moves from one instance to another is served on', async () => {
    const settings = (a: readonly string[], b: readonly string[]): string =>
      configuration({
        a: { ...calm, virtual_router_id: 1, virtual_ipaddress: a },
        b: { ...calm, virtual_router_id: 2, virtual_ipaddress: b },
      });
    const d1 = site.start('d1', settings(['10.1.0.101', '10.1.0.103'], ['10.1.0.102']));
    await d1.untilState('active', 'a');
    await d1.untilState('active', 'b');
    d1.reload(settings(['10.1.0.101'], ['10.1.0.102', '10.1.0.103']));
    await eventually(
      () => d1.instance('b'),
      ({ config }) => config.virtual_ipaddress.length === 2,
    );
    d1.reload(settings(['10.1.0.101', '10.1.0.103'], ['10.1.0.102']));
    await eventually(
      () => d1.instance('b'),
      ({ config }) => config.virtual_ipaddress.length === 1,
    );
    const pings = await site.lab.run('cl', ['ping', '-c', '8', '-i', '0.2', '-W', '1', '10.1.0.103']);
    assert(pings.includes('8 received'), pings);
    for (const name of ['a', 'b'])
      assert.equal((await d1.instance(name)).counters.becameActive, 1, d1.describe());
  });

  it('every wrong file is refused, shown, and leaves the running daemon as it was', async () => {
    const [d1] = await site.startPair(configuration({ web: calm }));
    const before = await d1.instance();
    const { configuration: loaded } = await d1.status();
    // One that is wrong for another node only is right here.
    const files = readdirSync(folder).filter(
      (file) => file.endsWith('.yaml') && !/^# node:/m.test(readFileSync(`${folder}/${file}`, 'utf8')),
    );
    assert(files.length >= 40);
    let last = 0;
    for (const file of files) {
      d1.reload(readFileSync(`${folder}/${file}`));
      const seen = last;
      const { configuration: now } = await d1.until(
        (snapshot) =>
          (snapshot.configuration.refused?.at ?? 0) > seen ||
          snapshot.configuration.loadedAt !== loaded.loadedAt,
      );
      assert.equal(now.loadedAt, loaded.loadedAt, `${file} was taken`);
      assert((now.refused?.errors.length ?? 0) > 0, file);
      last = now.refused?.at ?? 0;
    }
    const after = await d1.instance();
    assert.deepEqual(after.config, before.config);
    assert.deepEqual(
      [after.router.state, after.router.since, after.router.reason, after.counters.becameActive],
      [before.router.state, before.router.since, before.router.reason, before.counters.becameActive],
    );
    assert.deepEqual(after.primaries, before.primaries);
    d1.reload(configuration({ web: calm }));
    await d1.until((snapshot) => snapshot.configuration.refused === undefined);
  });
});
