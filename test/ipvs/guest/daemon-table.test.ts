/** The kernel's table in the hands of a daemon, of other hands, and of mistakes in the file. */
import assert from 'node:assert/strict';
import { ask } from '../../../src/cli/ask.ts';
import { ruleLines } from '../../../src/ipvs/ipvsadm-text.ts';
import { renderStatus } from '../../../src/cli/status-text.ts';
import type { PlanAnswer } from '../../../src/control.ts';
import type { KernelIpvs } from '../../../src/kernel/ipvs.ts';
import {
  command,
  fileOf,
  realServer,
  type Settings,
  Stage,
  untilWeights,
  weightsIn,
  writesIn,
} from '../../guest/stage.ts';
import { type Director, eventually } from '../../netns/director.ts';
import { wanted } from '../samples.ts';
import { mustRead } from '../suite.ts';

const ports = Array.from({ length: 30 }, (_, at) => 1000 + at);
const nameOf = (port: number): string => `TCP 10.1.0.100:${port}`;
const unchecked = (port: number, settings: Settings = {}): Settings => ({
  address: `10.1.0.100:${port}`,
  lb_algo: 'wrr',
  lb_kind: 'DR',
  real_server: (['rs1', 'rs2', 'rs3'] as const).map((server) => realServer(server, port)),
  ...settings,
});
const weighed = (port: number, weight: number): Settings =>
  unchecked(port, {
    real_server: [
      { address: realServer('rs1', port), weight },
      realServer('rs2', port),
      realServer('rs3', port),
    ],
  });
const large = (more: Settings = {}): string =>
  fileOf(
    ports.map((port) => unchecked(port)),
    more,
  );
type Refused = { readonly errors: readonly string[] };
/** ipvsadm takes it for its own, and so do we. */
const foreign = '-A -t 10.1.0.99:25 -s rr\n-a -t 10.1.0.99:25 -r 10.2.0.23:25 -m -w 3\n';
const foreignName = 'TCP 10.1.0.99:25';

describe('a daemon and its table', function () {
  this.timeout(60_000);
  let stage: Stage;
  let director: Director;
  let link: KernelIpvs;
  before(async () => {
    stage = await Stage.up();
    link = await stage.link('d1');
    await ipvsadm(foreign);
    director = await stage.start('d1', large());
  });
  after(() => stage?.down());

  const ipvsadm = (rules: string): Promise<string> => stage.site.lab.run('d1', ['ipvsadm', '-R'], rules);
  const table = async (): Promise<readonly string[]> =>
    wanted(await mustRead(link)).flatMap((one) => [...ruleLines(one)]);
  const settled = (port: number): Promise<void> =>
    untilWeights(
      link,
      Object.fromEntries((['rs1', 'rs2', 'rs3'] as const).map((server) => [realServer(server, port), 1])),
      director,
      nameOf(port),
      12_000,
    );

  it('has nothing left to do once it has begun', async () => {
    await settled(ports.at(-1)!);
    assert.equal(writesIn(director).length, 4 * ports.length);
    const { exit, text } = await command(director, 'plan');
    assert.equal(exit, 0, text);
    assert.match(text, /TCP 10\.1\.0\.99:25 {2}\(not in the file and not ours: left alone\)/);
  });

  it('writes one object when one weight of many is another one, as its plan has said', async () => {
    const port = ports[7]!;
    const before = await table();
    const from = director.log.length;
    const changed = fileOf(ports.map((one) => (one === port ? weighed(one, 5) : unchecked(one))));
    stage.write('d1', changed);
    const planned = await command(director, 'plan');
    assert.equal(planned.exit, 2);
    const line =
      /^~ TCP 10\.1\.0\.100:1007 → 10\.2\.0\.21:1007 {2}weight 1 → 5 {2}\(\d+ connections go on\)$/m;
    assert.match(planned.text, line);
    assert.equal(planned.text.match(/^[+~-] /gm)?.length, 1);
    assert.deepEqual(await table(), before);

    director.reload(changed);
    await untilWeights(
      link,
      { [realServer('rs1', port)]: 5, [realServer('rs2', port)]: 1, [realServer('rs3', port)]: 1 },
      director,
      nameOf(port),
    );
    const writes = await eventually(
      () => writesIn(director, from),
      ({ length }) => length > 0,
    );
    assert.match(writes.join('\n'), line);
    assert.equal(writes.length, 1);
    const after = await table();
    assert.equal(after.filter((rule) => !before.includes(rule)).length, 1);
    director.reload(large());
    await settled(port);
  });

  it('puts right within ten seconds what was changed by hand, and says so', async () => {
    const [one, other, third] = ports as [number, number, number];
    const before = await table();
    const { drift } = (await director.status()).pools;
    await ipvsadm(
      [
        `-d -t 10.1.0.100:${one} -r 10.2.0.22:${one}`,
        `-e -t 10.1.0.100:${other} -r 10.2.0.21:${other} -g -w 9`,
        `-D -t 10.1.0.100:${third}`,
        '',
      ].join('\n'),
    );
    for (const port of [one, other, third]) await settled(port);
    assert.deepEqual(await table(), before);
    // A destination back, a weight, and a service with its three.
    await director.until(({ pools }) => pools.drift.count - drift.count === 6);
    const said = /^the IPVS table was changed by another hand: 6 changes are put right$/;
    await eventually(
      () => director.log,
      (log) => log.some(({ message }) => said.test(message)),
    );
    assert.match(renderStatus(await director.status()), /drift: another hand changed the table 6 times/);
  });

  it('puts everything back after ipvsadm -C, at the next event', async () => {
    const before = await table();
    await stage.site.lab.run('d1', ['ipvsadm', '-C']);
    await ipvsadm(foreign);
    // It changes nothing, but the table is looked at.
    await ask(director.control, 'POST', '/v1/override', { real_server: realServer('rs1') });
    for (const port of ports) await settled(port);
    assert.deepEqual(await table(), before);
  });

  it('refuses an emptied file, and takes it with the digest of its plan', async () => {
    const before = await table();
    director.reload(fileOf([]));
    const { configuration } = await director.until(({ configuration: { refused } }) => refused !== undefined);
    assert.match(
      configuration.refused?.errors.join() ?? '',
      /it removes 120 of 120 services and real servers/,
    );
    assert.deepEqual(await table(), before);

    const planned = await ask<PlanAnswer>(director.control, 'GET', '/v1/plan');
    assert('digest' in planned);
    const { digest } = planned;
    const late = await ask<Refused>(director.control, 'POST', '/v1/apply', { digest: '0123456789abcdef' });
    assert.match(late.errors.join(), new RegExp(`the plan is another one by now \\(${digest}\\)`));
    assert.deepEqual(await table(), before);
    assert.deepEqual(await command(director, 'apply', digest), { exit: 0, text: 'in force\n' });
    // Nobody is connected, so all are gone as soon as that is seen.
    for (const port of ports) await untilWeights(link, undefined, director, nameOf(port));
    assert.equal((await mustRead(link)).length, 1);
  });

  it('leaves its services when it stops, and its next life takes them up without a write', async () => {
    director.reload(large());
    for (const port of ports) await settled(port);
    const before = await table();
    assert.equal(await director.stop(), 0);
    assert.deepEqual(await table(), before);
    director = await stage.start('d1', large({ on_stop: 'remove' }));
    assert.deepEqual(writesIn(director), []);
    assert.deepEqual(await table(), before);
  });

  it('takes them away when on_stop says so; what is not ours has survived everything', async () => {
    assert.equal(await director.stop(), 0);
    assert.deepEqual(Object.keys((await weightsIn(link, foreignName)) ?? {}), ['10.2.0.23:25']);
    assert.equal((await table()).join('\n'), foreign.trim());
  });
});
