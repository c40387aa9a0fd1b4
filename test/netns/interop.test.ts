/**
 * The matrix with keepalived as the other director: version × family × multicast or unicast × PASS or none. Where a form
 * exists, each side is once the better one, and the address goes over in four ways; neither finds fault with the other.
 * Where none exists, our `check` says so, and what keepalived makes of it is shown beside our nearest form.
 */
import assert from 'node:assert/strict';
import { check } from '../../src/cli/check.ts';
import type { Snapshot } from '../../src/control.ts';
import { describeAsRoot } from '../lab/as-root.ts';
import { type Director, eventually, everyInstance } from './director.ts';
import { addresses, allForms, type Form, ours, password, refusal, theirs, title } from './interop-forms.ts';
import { Keepalived, keepalivedVersion } from './keepalived.ts';
import { Site } from './site.ts';

interface Run {
  readonly title: string;
  readonly go: (site: Site, name: string) => Promise<void>;
}

/** Which directors have the addresses, as their kernels say. */
async function expectOwners(site: Site, { family }: Form, ...expected: readonly string[]): Promise<void> {
  const holds = async (node: 'd1' | 'd2'): Promise<boolean> => {
    const held = (await site.addresses(node)).map(({ local }) => local);
    return addresses[family].every((address) => held.includes(address));
  };
  await eventually(
    async () => [...((await holds('d1')) ? ['d1'] : []), ...((await holds('d2')) ? ['d2'] : [])],
    (owners) => owners.join() === expected.join(),
    4_000,
  );
}

/** Reasons for which we discarded anything. */
function discarded({ vrrp }: Snapshot): readonly string[] {
  const counters = Object.values(vrrp?.discarded ?? {}).flatMap((reasons) => Object.entries(reasons));
  assert(counters.length > 0);
  return counters.flatMap(([reason, count]) => (count > 0 ? [reason] : []));
}

/** Both are up and have heard each other: no packet was refused, and nothing about any was remarkable. */
async function expectClean(director: Director, other: Keepalived): Promise<void> {
  const status = await director.status();
  assert.deepEqual(discarded(status), []);
  const { vrrp } = status;
  const [instance] = vrrp?.instances ?? [];
  assert.deepEqual(instance?.mismatching, []);
  assert.deepEqual(
    instance.heard.map(({ remarks }) => remarks),
    [[]],
  );
  assert.deepEqual(vrrp?.otherRouters, []);
  assert(!JSON.stringify(status).includes(password), 'the password is in the status');
  assert.deepEqual(await other.packetErrors(), [], 'keepalived counted errors');
}

/** What both have told when all is over; `states` are keepalived's. */
function expectStories(
  directors: readonly Director[],
  others: readonly Keepalived[],
  expected: { readonly transitions: readonly string[]; readonly states: readonly string[] },
): void {
  assert.deepEqual(
    directors.flatMap(({ transitions }) => transitions),
    expected.transitions,
  );
  assert.deepEqual(
    others.flatMap(({ states }) => states),
    expected.states,
  );
  for (const { complaints } of others) assert.deepEqual(complaints, []);
  assert(!directors.some((director) => director.describe().includes(password)), 'the password is in the log');
}

/** We preempt, hand over, preempt when we are back, and die. */
async function oursIsBetter(form: Form, site: Site, name: string): Promise<void> {
  const other = new Keepalived(site, name, theirs(form, 'other'));
  await other.untilState('MASTER');
  await expectOwners(site, form, 'd2');
  const first = site.start('d1', ours(form, 'better'));
  await first.untilState('active');
  await other.untilState('BACKUP');
  await expectOwners(site, form, 'd1');
  await expectClean(first, other);
  assert.equal(await first.stop(), 0);
  await other.untilState('MASTER');
  await expectOwners(site, form, 'd2');
  const second = site.start('d1', ours(form, 'better'));
  await second.untilState('active');
  await other.untilState('BACKUP');
  await expectOwners(site, form, 'd1');
  await expectClean(second, other);
  await second.kill();
  await other.untilState('MASTER');
  await expectOwners(site, form, 'd2');
  assert.deepEqual(await other.packetErrors(), []);
  expectStories([first, second], [other], {
    transitions: [
      'initialize → backup (startup)',
      'backup → active (preempting)',
      'active → initialize (stop)',
      'initialize → backup (startup)',
      'backup → active (preempting)',
    ],
    states: ['BACKUP', 'MASTER', 'BACKUP', 'MASTER', 'BACKUP', 'MASTER'],
  });
}

/** keepalived preempts, dies, preempts when it is back, and hands over. */
async function keepalivedIsBetter(form: Form, site: Site, name: string): Promise<void> {
  const director = site.start('d1', ours(form, 'other'));
  await director.untilState('active');
  await expectOwners(site, form, 'd1');
  const first = new Keepalived(site, `${name}-1`, theirs(form, 'better'));
  await first.untilState('MASTER');
  await director.untilState('backup');
  await expectOwners(site, form, 'd2');
  await expectClean(director, first);
  await first.end('SIGKILL', site);
  await director.untilState('active');
  // Nobody takes the addresses from a keepalived that died: they have no lifetime, and it has no other process.
  await expectOwners(site, form, 'd1', 'd2');
  const second = new Keepalived(site, `${name}-2`, theirs(form, 'better'));
  await second.untilState('MASTER');
  await director.untilState('backup');
  await expectOwners(site, form, 'd2');
  await expectClean(director, second);
  await second.end('SIGTERM', site);
  await director.untilState('active');
  await expectOwners(site, form, 'd1');
  assert.deepEqual(discarded(await director.status()), []);
  expectStories([director], [first, second], {
    transitions: [
      'initialize → backup (startup)',
      'backup → active (active-silent)',
      'active → backup (higher-priority)',
      'backup → active (active-silent)',
      'active → backup (higher-priority)',
      'backup → active (active-resigned)',
    ],
    states: ['BACKUP', 'MASTER', 'BACKUP', 'MASTER'],
  });
}

/** `check` says what is wrong with it. */
function expectRefused(form: Form, message: RegExp, site: Site, name: string): void {
  const lines: string[] = [];
  const say = (line: string): unknown => lines.push(line);
  const file = site.write(ours(form, 'better'), `${name}.yaml`);
  const code = check({ file, node: 'lb1' }, { out: say, err: say, envNode: undefined, hostname: 'ci' });
  assert.equal(code, 1);
  assert.match(lines.join('\n'), message);
  assert.match(lines.at(-1) ?? '', /: 1 mistake$/);
}

/** keepalived says that it ignores the password, and is a good partner in version 3 without one. */
async function passwordIsIgnored(form: Form, site: Site, name: string): Promise<void> {
  const other = new Keepalived(site, name, theirs(form, 'other'));
  await other.untilState('MASTER');
  const better = site.start('d1', ours({ ...form, auth: 'none' }, 'better'));
  await better.untilState('active');
  await other.untilState('BACKUP');
  await expectOwners(site, form, 'd1');
  await expectClean(better, other);
  assert.deepEqual(other.complaints, ['(web) VRRP version 3 does not support authentication. Ignoring.']);
}

/**
 * keepalived speaks version 2 over IPv6 all the same, as no RFC has it. Beside our version 3 nobody believes the other
 * and both are active; ours names the cause.
 */
async function version2IsNamed(form: Form, site: Site, name: string): Promise<void> {
  const other = new Keepalived(site, name, theirs(form, 'other'));
  const director = site.start('d1', ours({ ...form, version: 3, auth: 'none' }, 'better'));
  await other.untilState('MASTER');
  await director.untilState('active');
  await expectOwners(site, form, 'd1', 'd2');
  const status = await director.until(everyInstance(({ mismatching }) => mismatching.length > 0));
  assert.deepEqual(
    status.vrrp?.instances[0]?.mismatching.map(({ source, version, reason }) => [source, version, reason]),
    [[form.way === 'unicast' ? 'fd00:1::12' : 'fe80::a0:ff:fe00:12', 2, 'version']],
  );
  assert.deepEqual(discarded(status), ['version']);
  assert.deepEqual([...new Set(other.complaints)], ['(web) wrong version. Received 3 and expect 2']);
}

function runsOf(form: Form): readonly Run[] {
  const message = refusal(form);
  if (message === undefined)
    return [
      {
        title: `${title(form)}: ours is better, preempts, hands over, comes back, is dead`,
        go: (site, name) => oursIsBetter(form, site, name),
      },
      {
        title: `${title(form)}: keepalived is better, preempts, is dead, comes back, hands over`,
        go: (site, name) => keepalivedIsBetter(form, site, name),
      },
    ];
  const without =
    form.version === 2 ? 'keepalived invents it and is named' : 'keepalived ignores the password';
  return [
    {
      title: `${title(form)}: does not exist; ours refuses it, ${without}`,
      go: async (site, name) => {
        expectRefused(form, message, site, name);
        await (form.version === 2 ? version2IsNamed : passwordIsIgnored)(form, site, name);
      },
    },
  ];
}

/** Runs wait for timers most of the time, so this many go side by side, each lane in a lab of its own. */
const lanes = 4;

function defineRuns(): void {
  const runs = allForms.flatMap(runsOf);
  const results: Promise<void>[] = [];
  const sites: Site[] = [];

  before(async () => {
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        sites[lane] = await Site.up(`interop${lane}`);
      }),
    );
    for (const [number, { go }] of runs.entries()) {
      const site = sites[number % lanes];
      assert(site !== undefined);
      const result = Promise.allSettled([results[number - lanes]])
        .then(() => go(site, `run${number}`))
        .finally(() => site.clear());
      results.push(result);
      // Its own test throws it, maybe later than Node waits for that.
      result.catch(() => undefined);
    }
  });
  after(async () => {
    await Promise.allSettled(results);
    await Promise.all(sites.map(async (site) => site.down()));
  });

  for (const [number, run] of runs.entries()) it(run.title, () => results[number]);
}

if (keepalivedVersion === undefined)
  console.log('not run, keepalived is not installed: interop with keepalived');
else
  describeAsRoot(`interop with keepalived ${keepalivedVersion}`, function () {
    this.timeout(120_000);
    defineRuns();
  });
