/** The daemon as it is run: what checks, quorum and operators make of a pool, and what a client sees of it. */
import assert from 'node:assert/strict';
import { ask } from '../../../src/cli/ask.ts';
import { renderStatus } from '../../../src/cli/status-text.ts';
import type { KernelIpvs } from '../../../src/kernel/ipvs.ts';
import { command, fileOf, pool, realServer, Stage, untilWeights, type Weights } from '../../guest/stage.ts';
import { clients, type Server, servers, vips } from '../../guest/traffic-site.ts';
import { type Director, eventually } from '../../netns/director.ts';

const weights = (of: Partial<Readonly<Record<Server, number>>>): Weights =>
  Object.fromEntries(Object.entries(of).map(([server, weight]) => [realServer(server as Server), weight]));
const all = weights({ rs1: 1, rs2: 1, rs3: 1 });

describe('a daemon with real servers', function () {
  this.timeout(60_000);
  let stage: Stage;
  let director: Director;
  let link: KernelIpvs;
  before(async () => {
    stage = await Stage.up();
    link = await stage.link('d1');
    director = await stage.start('d1', fileOf([pool()]));
  });
  after(() => stage?.down());

  const served = async (count: number): Promise<readonly string[]> => {
    const seen: string[] = [];
    while (seen.length < count) seen.push((await stage.site.getFrom(clients[4], vips[4])).server);
    return [...new Set(seen)].sort();
  };
  const until = (wanted: Weights): Promise<void> => untilWeights(link, wanted, director);

  it('puts every server into the table that passes its check', async () => {
    await until(all);
    assert.deepEqual(await served(6), servers);
  });

  it('takes a dead server out, and in again when it returns', async () => {
    stage.silence('rs2');
    await until(weights({ rs1: 1, rs3: 1 }));
    assert.deepEqual(await served(6), ['rs1', 'rs3']);
    await stage.serve('rs2');
    await until(all);
    assert.deepEqual(await served(6), servers);
  });

  it('drains a server on a word of an operator, until it is taken back', async () => {
    const rs1 = realServer('rs1');
    assert.deepEqual(await command(director, 'server', rs1, 'drain'), { exit: 0, text: `${rs1}: drain\n` });
    await until({ ...all, [rs1]: 0 });
    assert.deepEqual(await served(6), ['rs2', 'rs3']);
    const words = renderStatus(await director.status());
    assert.match(words, /10\.2\.0\.21:80 direct up, weight 0 \(configured 1\): drained by an operator/);
    await ask(director.control, 'POST', '/v1/override', { real_server: rs1 });
    await until(all);
  });

  it('lets a checker set the weight', async () => {
    const weight = stage.note('weight', '52');
    const misc = { misc_path: [stage.script('weigh', `exit $(cat ${weight})`)], misc_dynamic: true };
    const real_server = [{ address: realServer('rs1'), MISC_CHECK: misc }, realServer('rs2')];
    director.reload(fileOf([pool({ lb_algo: 'wrr', real_server })]));
    await until(weights({ rs1: 50, rs2: 1 }));
    stage.note('weight', '9');
    await until(weights({ rs1: 7, rs2: 1 }));
    stage.note('weight', '1');
    await until(weights({ rs2: 1 }));
    assert.deepEqual(await served(3), ['rs2']);
  });

  it('tells scripts of quorum lost and regained, and serves by the sorry server meanwhile', async () => {
    const out = stage.note('quorum');
    const tell = stage.script('tell', `echo "$VIPKEEPER_POOL $VIPKEEPER_QUORUM $1" >>${out}`);
    const settings = {
      quorum: 3,
      hysteresis: 1,
      quorum_up: [tell, 'yes'],
      quorum_down: [tell, 'no'],
      real_server: [{ address: realServer('rs1'), weight: 3 }, realServer('rs2')],
      sorry_server: realServer('rs3'),
    };
    director.reload(fileOf([pool(settings)]));
    await until(weights({ rs1: 3, rs2: 1 }));
    assert.equal(stage.read('quorum'), '');

    stage.silence('rs1');
    await until(weights({ rs2: 0, rs3: 1 }));
    const told = (text: string): Promise<string> =>
      eventually(
        () => stage.read('quorum'),
        (found) => found === text,
        5_000,
        () => director.describe(),
      );
    const down = 'TCP 10.1.0.100:80 down no\n';
    await told(down);
    const sorry = await stage.site.converse(vips[4]);
    assert.equal((await sorry.ask()).server, 'rs3');

    // The sorry server goes on with whom it has, and takes nobody new.
    await stage.serve('rs1');
    await until(weights({ rs1: 3, rs2: 1, rs3: 0 }));
    await told(`${down}TCP 10.1.0.100:80 up yes\n`);
    assert.equal((await sorry.ask()).server, 'rs3');
    assert.deepEqual(await served(6), ['rs1', 'rs2']);
    sorry.close();
  });

  it('alpha: a pool is down until its checks have spoken; omega: it is told down when the daemon stops', async () => {
    const out = stage.note('alpha');
    const tell = stage.script('tell-alpha', `echo "$VIPKEEPER_QUORUM" >>${out}`);
    const alpha = pool({
      address: '10.1.0.100:81',
      alpha: true,
      omega: true,
      quorum_up: [tell],
      quorum_down: [tell],
      real_server: [realServer('rs1', 81)],
    });
    director.reload(fileOf([pool(), alpha]));
    await untilWeights(link, {}, director, 'TCP 10.1.0.100:81');
    await until(all);
    assert.equal(stage.read('alpha'), '');
    await stage.serve('rs1', 81);
    await untilWeights(link, { [realServer('rs1', 81)]: 1 }, director, 'TCP 10.1.0.100:81');
    await eventually(
      () => stage.read('alpha'),
      (text) => text === 'up\n',
    );
    assert.equal(await director.stop(), 0);
    assert.equal(stage.read('alpha'), 'up\ndown\n', director.describe());
  });
});
