/** A pair of daemons while clients come: what of the product dies, stops or is configured away breaks nothing of theirs. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessStatus } from '../../../src/control.ts';
import type { KernelIpvs } from '../../../src/kernel/ipvs.ts';
import type { Conversation } from '../../guest/conversation.ts';
import {
  fileOf,
  pool,
  realServer,
  type Settings,
  Stage,
  underLoad,
  untilWeights,
  writesIn,
} from '../../guest/stage.ts';
import { addressOf, clients, type Server, servers, vips } from '../../guest/traffic-site.ts';
import { alive, type Director, eventually } from '../../netns/director.ts';
import { wanted } from '../samples.ts';
import { mustRead } from '../suite.ts';

/** The director forgets connections by direct routing a second after they have ended, and those by NAT after minutes. */
const direct = (...names: readonly Server[]): Settings =>
  pool({ address: '10.1.0.100:81', real_server: names.map((name) => realServer(name, 81)) });
const file = (...names: readonly Server[]): string => fileOf([pool({ lb_kind: 'NAT' }), direct(...names)]);
const all = Object.fromEntries(servers.map((server) => [realServer(server), 1]));

describe('a pair of daemons under load', function () {
  this.timeout(60_000);
  let stage: Stage;
  let d1: Director;
  let d2: Director;
  let active: KernelIpvs;
  let standby: KernelIpvs;
  before(async () => {
    stage = await Stage.up();
    for (const server of servers) await stage.serve(server, 81);
    active = await stage.link('d1');
    standby = await stage.link('d2');
    d1 = await stage.start('d1', file(...servers));
    d2 = await stage.start('d2', file(...servers));
  });
  after(() => stage?.down());

  it('programs the standby too, and serves by NAT through the address of the active one', async () => {
    await untilWeights(active, all, d1);
    await untilWeights(standby, all, d2);
    assert.deepEqual(wanted(await mustRead(standby)), wanted(await mustRead(active)));
    const { address, client, server } = await stage.site.getFrom(clients[4], vips[4]);
    assert.equal(address, addressOf(server as Server, 4));
    assert.equal(client, clients[4]);
  });

  for (const [title, signal] of [
    ['ended', 'SIGKILL'],
    ['stopped, until it is replaced', 'SIGSTOP'],
  ] as const)
    it(`a checks process that is ${title} moves no VIP and empties no pool`, async () => {
      const transitions = [d1, d2].map((director) => [...director.transitions]);
      const [from, fromStandby] = [d1.log.length, d2.log.length];
      const victim = await d1.pid('checks');
      const load = await underLoad(stage.site, async () => {
        process.kill(victim, signal);
        const isNew = ({ name, pid, state }: ProcessStatus): boolean =>
          name === 'checks' && pid !== victim && state === 'running';
        await d1.until(({ processes }) => processes.some(isNew), 15_000);
        await sleep(500);
      });
      assert.equal(alive(victim), false);
      assert.deepEqual(load.failures, []);
      assert.ok(load.answers > 50, `${load.answers} answers`);
      assert.deepEqual(
        [d1, d2].map((director) => [...director.transitions]),
        transitions,
      );
      assert.deepEqual([...writesIn(d1, from), ...writesIn(d2, fromStandby)], []);
      // The new one sees what happens.
      stage.silence('rs3');
      await untilWeights(active, { [realServer('rs1')]: 1, [realServer('rs2')]: 1 }, d1);
      await stage.serve('rs3');
      await untilWeights(active, all, d1);
    });

  it('drains a server that the file does not name any more: 200 open connections go on, then it goes', async () => {
    const drained = (weight?: number): Promise<void> => {
      const others = { [realServer('rs1', 81)]: 1, [realServer('rs3', 81)]: 1 };
      const wanted = weight === undefined ? others : { ...others, [realServer('rs2', 81)]: weight };
      return untilWeights(active, wanted, d1, 'TCP 10.1.0.100:81');
    };
    const open: Conversation[] = [];
    while (open.length < 200) open.push(await stage.site.converse(vips[4], 81));
    const before = await Promise.all(open.map((one) => one.ask()));
    const draining = before.filter(({ server }) => server === 'rs2').length;
    assert.ok(draining >= 60, `${draining} on rs2`);

    const from = d1.log.length;
    const load = await underLoad(stage.site, async () => {
      d1.reload(file('rs1', 'rs3'));
      await drained(0);
      for (let round = 0; round < 4; round++) {
        assert.deepEqual(await Promise.all(open.map((one) => one.ask())), before);
        assert.notEqual((await stage.site.getFrom(clients[4], vips[4], 81)).server, 'rs2');
        await sleep(500);
      }
      await drained(0);
    });
    assert.deepEqual(load.failures, []);
    for (const one of open) {
      assert.equal(one.broken, undefined);
      one.close();
    }
    await drained();
    const [quiesced, gone, ...more] = await eventually(
      () => writesIn(d1, from),
      ({ length }) => length >= 2,
    );
    assert.match(
      quiesced ?? '',
      /10\.2\.0\.22:81 {2}weight 1 → 0 {2}\(takes no new connections, \d+ go on\)/,
    );
    assert.match(gone ?? '', /^- .* → 10\.2\.0\.22:81 {2}\(0 connections are cut\)/);
    assert.deepEqual(more, []);
  });

  it('a standby serves with the table it has: nothing is written when it becomes active', async () => {
    const from = d2.log.length;
    assert.equal(await d1.stop(), 0);
    await d2.untilState('active');
    const load = await underLoad(stage.site, () => sleep(300));
    assert.deepEqual(load.failures, []);
    assert.ok(load.answers > 10, `${load.answers} answers`);
    assert.deepEqual(writesIn(d2, from), []);
  });
});
