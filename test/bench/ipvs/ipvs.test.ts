import assert from 'node:assert/strict';
import fc from 'fast-check';
import { seconds } from '../../../src/base/time.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { Director } from '../../../src/director/director.ts';
import { plan } from '../../../src/ipvs/plan.ts';
import { endpoint, serviceName } from '../../../src/ipvs/types.ts';
import { actual } from '../../ipvs/table.ts';
import { describeLive } from '../../netlink/namespaces.ts';
import { toldIn } from './lines.ts';
import { configText, nodeName, planIpvs, tableOf, withOtherWeight } from './plan.ts';
import type { GuestRound, IpvsResults, Reload } from './report.ts';
import { ipvsVerdicts, ratioOf, renderIpvs } from './report.ts';
import { Shell } from './shell.ts';

describe('plan of the ipvs bench', () => {
  it('has the sizes that its bars are about, and as many rounds as are wanted', () => {
    const { guest, reload } = planIpvs({ quick: false });
    assert.deepEqual([guest.size, guest.rounds], [{ services: 1_000, servers: 10_000 }, 5]);
    assert.deepEqual([reload.size, reload.rounds], [{ services: 2_277, servers: 37_205 }, 7]);
    const few = planIpvs({ quick: true, rounds: 9 });
    assert.deepEqual([few.guest.rounds, few.reload.rounds], [9, 9]);
    assert(few.guest.size.servers < 10_000 && few.reload.size.servers < 37_205);
  });

  it('makes tables of any size: different services, different servers, spread evenly', () => {
    const sizes = fc.record({
      services: fc.integer({ min: 1, max: 200 }),
      servers: fc.integer({ min: 0, max: 2_000 }),
    });
    fc.assert(
      fc.property(sizes, (size) => {
        const table = tableOf(size);
        assert.equal(new Set(table.map(({ service }) => serviceName(service.key))).size, size.services);
        const servers = table.flatMap(({ destinations }) => destinations.map(endpoint));
        assert.deepEqual([servers.length, new Set(servers).size], [size.servers, size.servers]);
        const counts = table.map(({ destinations }) => destinations.length);
        assert(Math.max(...counts) - Math.min(...counts) <= 1);
      }),
      { numRuns: 30 },
    );
    const largest = tableOf(planIpvs({ quick: false }).reload.size).flatMap((one) => one.destinations);
    assert.equal(new Set(largest.map(endpoint)).size, 37_205);
  });

  it('the daemon takes its file, and wants the table that it was written from', () => {
    const table = tableOf({ services: 23, servers: 150 });
    const loaded = loadConfig(configText(table), 'bench.yaml', { name: nodeName, from: '--node' });
    assert(loaded.ok, loaded.ok ? '' : loaded.error[0]?.message);
    const { pools } = loaded.value.config;
    assert(
      pools.virtual_server.every(({ real_server }) => real_server.every(({ checks }) => checks.length === 1)),
    );
    const director = new Director();
    director.handle({ type: 'configure', config: pools }, seconds(0));
    assert.deepEqual(director.desired, table);
  });

  it('the other weight is one write', () => {
    const table = tableOf({ services: 3, servers: 200 });
    const ownership = { journal: new Set<string>(), exclusive: false };
    const { changes } = plan(withOtherWeight(table), actual(table), ownership);
    assert.deepEqual(
      changes.map(({ write }) => write.command),
      ['set-dest'],
    );
  });
});

describe('lines of the ipvs bench', () => {
  it('are told from those of others', () => {
    const about = { kernel: '6.1', ipvsadm: 'ipvsadm v1.31' };
    assert.deepEqual(toldIn(JSON.stringify({ ipvsBench: 'about', about })), { ipvsBench: 'about', about });
    for (const other of ['', 'modprobe: not found', '{"level":30}', 'null', '7', '{"ipvsBench"'])
      assert.equal(toldIn(other), undefined);
  });
});

describeLive('the shell that starts ipvsadm', () => {
  let shell: Shell;
  beforeEach(async () => (shell = await Shell.open('/proc/self/ns/net')));
  afterEach(() => shell.close());

  it('gives all of the output, line after line', async () => {
    const { output, took_ms } = await shell.run('seq 1 100000; printf "status 0"; sleep 0.02; echo');
    assert.equal(output.split('\n').length, 100_002);
    assert(output.endsWith('100000\nstatus 0\n') && took_ms >= 20);
    assert.equal((await shell.run('echo next')).output, 'next\n');
  });

  it('tells a command that failed, and its own end', async () => {
    await assert.rejects(shell.run('false'), /false: status 1/);
    await assert.rejects(shell.run('exit 0'), /the shell ended/);
  });
});

const round: GuestRound = {
  load_ms: { ours: 490, ipvsadm: 1_000 },
  read_ms: [{ ours: 100, ipvsadm: 100 }],
  exec_ms: [20],
  rules: 11_000,
  isSame: true,
  left: 0,
};
const reloads: readonly Reload[] = [
  { kind: 'no-change', took_ms: 1_000, cpu_ms: 1_100, load_ms: 300, writes: 0 },
  { kind: 'one-weight', took_ms: 900, cpu_ms: 950, load_ms: 310, writes: 1 },
];
const sizes = planIpvs({ quick: false });

describe('report of the ipvs bench', () => {
  const judge = (rounds: readonly GuestRound[], some: readonly Reload[]): boolean[] =>
    ipvsVerdicts({ plan: sizes, rounds, reloads: some }).map(({ passed }) => passed);

  it('a ratio is one of medians, with the start of ipvsadm and without', () => {
    const pairs = [1, 50, 60].map((ours) => ({ ours, ipvsadm: 2 * ours }));
    assert.deepEqual(ratioOf(pairs, [19, 20, 90]), { plain: 0.5, withoutExec: 50 / 80 });
  });

  it('judges loads, reads, sameness and what is left', () => {
    assert.deepEqual(judge([round], []), [true, true, true, true]);
    assert.deepEqual(judge([{ ...round, load_ms: { ours: 1_001, ipvsadm: 1_000 } }], []), [
      false,
      true,
      true,
      true,
    ]);
    assert.deepEqual(judge([{ ...round, read_ms: [{ ours: 101, ipvsadm: 100 }] }], []), [
      true,
      false,
      true,
      true,
    ]);
    assert.deepEqual(judge([round, { ...round, isSame: false }], []), [true, true, false, true]);
    assert.deepEqual(judge([round, { ...round, left: 1 }], []), [true, true, true, false]);
    assert.deepEqual(judge([], []), []);
  });

  it('judges reloads by their median, and by every write', () => {
    assert.deepEqual(judge([], reloads), [true, true]);
    const [calm, weight] = reloads as [Reload, Reload];
    assert.deepEqual(judge([], [{ ...calm, took_ms: 1_001 }]), [false]);
    assert.deepEqual(judge([], [calm, calm, { ...calm, took_ms: 5_000 }]), [true]);
    assert.deepEqual(judge([], [calm, calm, { ...calm, writes: 1 }]), [false]);
    assert.deepEqual(judge([], [weight, { ...weight, writes: 0 }]), [false]);
  });

  it('says whether the goal is reached, and that there was no guest', () => {
    const machine = { kernel: 'k', processor: 'p', processors: 2, memory_MiB: 1, node: 'n', vipkeeper: 'v' };
    const rest = { startedAt: 'now', took_s: 60, complete: true, machine, loadBefore: 0, plan: sizes };
    const results = {
      schema: 'vipkeeper-bench-ipvs',
      version: 1,
      ...rest,
      rounds: [round],
      reloads,
      failures: [],
    } as const satisfies IpvsResults;
    const text = renderIpvs({ ...results, about: { kernel: '6.1.176', ipvsadm: 'ipvsadm v1.31' } });
    assert.match(text, /load: ours +\| +1 \| +490 \| +490 \| +490 \| +490 \| +0\.49 \| +0\.50 \|/);
    assert.match(text, /0\.49 \(0\.50 without its exec\); goal ≤ 0\.5 reached \| +PASS/);
    assert.match(text, /nothing has changed +\| +1 \|(?: +1000 \|){4} +300 \| +1100 \| +0 \|/);
    assert.match(text, /1000 ms, 0 writes \| +PASS/);
    assert.match(text, /guest Linux 6\.1\.176, ipvsadm v1\.31/);
    const slow = { ...round, load_ms: { ours: 510, ipvsadm: 1_000 } };
    assert.match(renderIpvs({ ...results, rounds: [slow] }), /goal ≤ 0\.5 not reached \| +PASS/);
    const hostOnly = renderIpvs({ ...results, rounds: [], failures: ['guest: not run'] });
    assert.match(hostOnly, /no guest/);
    assert(!hostOnly.includes('Into the kernel'));
  });
});
