import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, run } from '../../src/lab/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import { startTime } from '../../src/lab/processes.ts';
import { readRecord } from '../../src/lab/record.ts';
import { describeAsRoot, labPrefix } from './as-root.ts';

const example = readFileSync('examples/lab.yaml', 'utf8');
const namespacesOf = (prefix: string): string[] =>
  readdirSync('/run/netns').filter((name) => name.startsWith(`${prefix}-`));
const stateOf = (pid: number): string =>
  /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'gone';

/** A program of two processes inside a node, once both run. */
async function startPair(lab: Lab, node: string): Promise<number[]> {
  lab.exec(node, ['sh', '-c', 'sleep 600 & sleep 601; :'], { stdio: 'ignore' });
  for (let round = 0; round < 200 && lab.processes(node).length < 3; round++) await sleep(10);
  const pids = lab.processes(node);
  assert.equal(pids.length, 3);
  return pids;
}

/** Echo requests that reached a node's own stack. */
async function echoesHeard(lab: Lab, node: string): Promise<number> {
  const [names = '', values = ''] = (await lab.run(node, ['grep', '^Icmp:', '/proc/net/snmp'])).split('\n');
  return Number(values.split(' ')[names.split(' ').indexOf('InEchos')]);
}

async function ping(lab: Lab, from: string, to: string, count: number): Promise<void> {
  const child = lab.exec(from, ['ping', '-q', '-i', '0.002', '-W', '0.1', '-c', String(count), to], {
    stdio: 'ignore',
  });
  await once(child, 'exit');
}

describeAsRoot('lab', function () {
  this.timeout(20_000);

  it('is up in a moment, nodes reach each other in both families, and down leaves nothing', async () => {
    const prefix = labPrefix('updown');
    const started = performance.now();
    const lab = await Lab.up(example, { prefix });
    const took = performance.now() - started;
    try {
      assert(took < 5_000, `lab up took ${took} ms`);
      for (const [from, to] of [
        ['cl', '10.1.0.11'],
        ['cl', 'fd00:1::12'],
        ['rs3', '10.2.0.12'],
        ['d1', 'fd00:2::21'],
        ['cl', 'fe80::a0:ff:fe00:12%eth0'],
      ] as const)
        await lab.run(from, ['ping', '-c', '1', '-W', '1', to]);
      await startPair(lab, 'd1');
    } finally {
      await lab.down();
    }
    assert.deepEqual(namespacesOf(prefix), []);
    assert.equal(readRecord(prefix), undefined);
    const links = await run('ip', ['-brief', 'link']);
    assert(!links.includes('p-d1-'), links);
  });

  it('removes what a killed owner left, and only that', async () => {
    const prefix = labPrefix('killed');
    const script = `
      const { Lab } = await import(${JSON.stringify(new URL('../../src/lab/lab.js', import.meta.url).href)});
      const lab = await Lab.up(process.env.LAB, { prefix: ${JSON.stringify(prefix)} });
      lab.exec('d1', ['sh', '-c', 'sleep 600 & sleep 601; :'], { stdio: 'ignore' });
      setInterval(() => lab.processes('d1').length === 3 && console.log('ready'), 20);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, LAB: example },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    await assert.rejects(Lab.up(example, { prefix }), /is in use by process/);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const left = Lab.attach(prefix).processes('d1');
    assert.equal(left.length, 3);
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' });

    const lab = await Lab.up(example, { prefix });
    try {
      assert.deepEqual(left.map(startTime), [undefined, undefined, undefined]);
      assert.deepEqual(lab.processes('d1'), []);
      assert.equal(bystander.exitCode, null);
      await lab.run('cl', ['ping', '-c', '1', '-W', '1', '10.1.0.11']);
    } finally {
      bystander.kill();
      await lab.down();
    }
    assert.deepEqual(namespacesOf(prefix), []);
  });

  it('never takes a namespace that no lab recorded', async () => {
    const prefix = labPrefix('foreign');
    await run('ip', ['netns', 'add', `${prefix}-d2`]);
    try {
      await assert.rejects(Lab.up(example, { prefix }), (error) => {
        assert(error instanceof LabError);
        assert.match(error.message, /no lab recorded as its own\n.*ip netns del /);
        return true;
      });
      assert.deepEqual(namespacesOf(prefix), [`${prefix}-d2`]);
      assert.equal(readRecord(prefix), undefined);
    } finally {
      await run('ip', ['netns', 'del', `${prefix}-d2`]);
    }
  });

  it('tells every mistake of a file at once and leaves nothing behind', async () => {
    const prefix = labPrefix('broken');
    // Well formed, but ip(8) refuses the route.
    const broken = example.replace('via: 10.2.0.1', 'via: 10.9.9.9');
    await assert.rejects(Lab.up(broken, { prefix }), /Nexthop has invalid gateway|unreachable/);
    assert.deepEqual(namespacesOf(prefix), []);
    assert(!existsSync(`/run/vipkeeper-lab/${prefix}.json`));
    await assert.rejects(
      Lab.up('nodes: {d1: 3}', { prefix }),
      /lab_version: expected 1\n.*nodes.d1: expected a map/s,
    );
  });
});

describeAsRoot('lab fault', function () {
  this.timeout(20_000);
  let lab: Lab;
  before(async () => {
    lab = await Lab.up(example, { prefix: labPrefix('faults') });
  });
  after(async () => lab.down());
  afterEach(async () => lab.fault({ kind: 'heal' }));

  it('one-way drops everything in one direction and nothing in the other', async () => {
    await ping(lab, 'd2', '10.1.0.11', 1); // so that no address resolution is needed while it would fail
    await lab.fault({ kind: 'loss', from: 'd1', to: 'd2', percent: 100 });
    const before = {
      d1: await echoesHeard(lab, 'd1'),
      d2: await echoesHeard(lab, 'd2'),
      cl: await echoesHeard(lab, 'cl'),
    };
    await ping(lab, 'd1', '10.1.0.12', 5);
    await ping(lab, 'd2', '10.1.0.11', 5);
    await ping(lab, 'd1', '10.1.0.2', 5);
    assert.equal(await echoesHeard(lab, 'd2'), before.d2);
    assert.equal(await echoesHeard(lab, 'd1'), before.d1 + 5);
    assert.equal(await echoesHeard(lab, 'cl'), before.cl + 5);
  });

  it('loss drops about its share, said again it replaces itself, and heal ends it', async () => {
    await ping(lab, 'd1', '10.1.0.12', 1);
    await lab.fault({ kind: 'loss', from: 'd1', to: 'd2', percent: 70 });
    await lab.fault({ kind: 'loss', from: 'd1', to: 'd2', percent: 30 });
    const heard = async (): Promise<number> => {
      const before = await echoesHeard(lab, 'd2');
      await ping(lab, 'd1', '10.1.0.12', 400);
      return (await echoesHeard(lab, 'd2')) - before;
    };
    const through = await heard();
    // 280, and six standard deviations each way.
    assert(through > 225 && through < 335, `${through} of 400 came through at 30 % loss`);
    await lab.fault({ kind: 'heal' });
    assert.equal(await heard(), 400);
    assert(!(await lab.run('sw', ['nft', 'list', 'tables'])).includes('vk_fault'));
  });

  it('link-down takes the carrier from the node', async () => {
    const carrier = async (): Promise<boolean> =>
      (await lab.run('d1', ['ip', 'link', 'show', 'dev', 'eth0'])).includes('LOWER_UP');
    await lab.fault({ kind: 'link-down', node: 'd1', link: 'eth0' });
    assert.equal(await carrier(), false);
    await lab.fault({ kind: 'heal' });
    assert.equal(await carrier(), true);
  });

  it('stop, cont and kill reach every process of a node and of no other', async () => {
    const d1 = await startPair(lab, 'd1');
    const d2 = await startPair(lab, 'd2');
    const states = (pids: number[]): string => [...new Set(pids.map(stateOf))].join();
    await lab.fault({ kind: 'stop', node: 'd1' });
    for (let round = 0; round < 100 && states(d1) !== 'T'; round++) await sleep(5);
    assert.equal(states(d1), 'T');
    assert.equal(states(d2), 'S');
    await lab.fault({ kind: 'cont', node: 'd1' });
    for (let round = 0; round < 100 && states(d1) !== 'S'; round++) await sleep(5);
    assert.equal(states(d1), 'S');
    await lab.fault({ kind: 'kill', node: 'd1' });
    for (let round = 0; round < 100 && lab.processes('d1').length > 0; round++) await sleep(5);
    assert.deepEqual(lab.processes('d1'), []);
    assert.deepEqual(lab.processes('d2'), d2);
  });

  it('refuses a node that is not there', async () => {
    await assert.rejects(lab.fault({ kind: 'kill', node: 'd9' }), /no node is named "d9"; there are cl, d1/);
  });
});
