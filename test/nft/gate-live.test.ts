import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Family } from '../../src/base/ip.ts';
import { familyOf, ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { Micros } from '../../src/base/time.ts';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { WriteResult } from '../../src/kernel/native.ts';
import { native } from '../../src/kernel/native.ts';
import {
  NetlinkProtocol,
  openNetlinkDescriptor,
  openNetlinkSocket,
} from '../../src/kernel/netlink-socket.ts';
import { NetlinkConnection } from '../../src/netlink/connection.ts';
import { Errno } from '../../src/netlink/error.ts';
import { MessageType, readAcknowledgement, readMessages } from '../../src/netlink/message.ts';
import type { Namespace } from '../netlink/namespaces.ts';
import { describeLive, makeNamespace } from '../netlink/namespaces.ts';
import * as gate from '../../src/nft/gate.ts';
import type { Batch, Element } from '../../src/nft/message.ts';
import { NeighbourProber } from './neighbour-prober.ts';

const serverMac = '02:00:00:00:00:01' as Mac;
const clientMac = '02:00:00:00:00:02' as Mac;
const clientIps = [ip('10.1.0.2'), ip('2001:db8::2')];
const vips = [ip('10.1.0.100'), ip('2001:db8::100')];
const [vip4, vip6] = vips as [(typeof vips)[0], (typeof vips)[0]];
const lifetimeMs = 600;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const wallClock = (): number => performance.timeOrigin + performance.now();

describeLive('lease gate in this kernel', function () {
  this.timeout(30_000);
  let server: Namespace;
  let client: Namespace;
  let connection: NetlinkConnection;
  let prober: NeighbourProber | undefined;

  before(() => {
    server = makeNamespace();
    client = makeNamespace();
    server.ip(`link add s type veth peer name c netns ${client.name}`);
    for (const [namespace, link, mac, host] of [
      [server, 's', serverMac, 1],
      [client, 'c', clientMac, 2],
    ] as const) {
      namespace.ip(`link set ${link} address ${mac} up`);
      namespace.ip(`address add 10.1.0.${host}/24 dev ${link}`);
      namespace.ip(`address add 2001:db8::${host}/64 dev ${link} nodad`);
    }
    for (const vip of vips) {
      server.ip(`address add ${vip} dev s${familyOf(vip) === 6 ? ' nodad' : ''}`);
      // The client always knows where to send: what stops a packet then is the gate and not the missing
      // answer.
      client.ip(`neigh add ${vip} lladdr ${serverMac} dev c nud permanent`);
    }
    connection = new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.netfilter, { netns: server.path }));
  });
  afterEach(async () => {
    prober?.stop();
    prober = undefined;
    await run('tear down', gate.teardown);
  });
  after(() => {
    connection.close();
    server.remove();
    client.remove();
  });

  const run = (operation: string, encode: (firstSeq: number) => Batch): Promise<void> =>
    connection.transact(operation, encode);
  const opened = (lifetime: Micros = milliseconds(lifetimeMs)) =>
    run('open', (seq) => gate.open(vips, seq, lifetime));
  const renewed = (lifetime: Micros = milliseconds(lifetimeMs)) =>
    run('renew', (seq) => gate.renew(vips, seq, lifetime));
  const leases = async (family: Family): Promise<readonly Element[]> => {
    const answers = await connection.dump(gate.dumpLeases(family));
    return answers.flatMap((message) => {
      const read = gate.decodeLeases(message);
      assert(read.ok);
      return read.value;
    });
  };
  const nft = (words: string): unknown => execFileSync('ip', ['netns', 'exec', server.name, 'nft', words]);
  const ruleset = (): string =>
    execFileSync('ip', ['netns', 'exec', server.name, 'nft', '-j', 'list', 'ruleset'], { encoding: 'utf8' });
  const answersPing = async (vip: string): Promise<boolean> =>
    client.run('ping', '-n', '-c', '1', '-W', '0.3', vip).then(
      () => true,
      () => false,
    );
  const startProber = (): NeighbourProber => {
    const index = Number(
      execFileSync('ip', ['netns', 'exec', client.name, 'cat', '/sys/class/net/c/ifindex']),
    );
    return (prober = new NeighbourProber(
      { netns: client.path, index, mac: clientMac, ips: clientIps },
      vips,
      4,
    ));
  };
  /** Which of the VIPs answer ARP or neighbour solicitations within a while from now. */
  const answering = async (): Promise<readonly string[]> => {
    const probe = prober ?? startProber();
    await pause(20);
    probe.lastAnswer.clear();
    await pause(120);
    return vips.filter((vip) => probe.lastAnswer.has(vip));
  };

  it('closes by itself at the end of the lifetime, for ARP, neighbour discovery and packets', async () => {
    await run('set up', gate.setup);
    assert.deepEqual(await answering(), vips, 'an address in no set is not gated');
    const sent = wallClock();
    await opened();
    const acknowledged = wallClock();
    assert.deepEqual(await Promise.all(vips.map(answersPing)), [true, true]);
    await pause(acknowledged + lifetimeMs + 200 - wallClock());
    for (const vip of vips) {
      const last = prober!.lastAnswer.get(vip) ?? 0;
      // The kernel began to count between these two instants. 4 ms is its tick at HZ 250, 1 ms the clock's
      // grain.
      assert(
        last <= acknowledged + lifetimeMs + 5,
        `${vip} answered ${last - acknowledged} ms after opening`,
      );
      assert(last >= sent + lifetimeMs - 150, `${vip} was shut ${last - sent} ms after opening`);
    }
    assert.deepEqual(await Promise.all(vips.map(answersPing)), [false, false]);
    assert.deepEqual(await answering(), []);
  });

  it('stays open as long as it is renewed, and refuses a renewal after the lapse', async () => {
    await run('set up', gate.setup);
    await opened(milliseconds(300));
    for (let n = 0; n < 5; n++) {
      await pause(100);
      await renewed(milliseconds(300));
    }
    assert.deepEqual(await answering(), vips);
    await pause(400);
    await assert.rejects(renewed(), { errno: Errno.noEntry });
    assert.deepEqual(await answering(), [], 'a refused renewal changes nothing');
  });

  it('refuses the renewal of all when one is not there', async () => {
    await run('set up', gate.setup);
    await run('open', (seq) => gate.open([vip4], seq, milliseconds(200)));
    await assert.rejects(renewed(seconds(9)), { errno: Errno.noEntry });
    assert(((await leases(4))[0]?.remainingMs ?? 0) <= 200);
  });

  it('opens over whatever an earlier life left', async () => {
    await run('set up', gate.setup);
    await opened(seconds(60));
    await run('set up', gate.setup);
    await opened(milliseconds(500));
    for (const family of [4, 6] as const) {
      const [lease] = await leases(family);
      assert(lease?.remainingMs !== undefined && lease.remainingMs <= 500, JSON.stringify(lease));
    }
    await pause(600);
    assert.deepEqual(await leases(4), []);
    await opened(seconds(60));
    assert.deepEqual(await answering(), vips);
  });

  it('closes and forgets a live lease, a lapsed one, and none at all', async () => {
    const close = () => run('close', (seq) => gate.close(vips, seq));
    const forget = () => run('forget', (seq) => gate.forget(vips, seq));
    await run('set up', gate.setup);
    await opened(seconds(60));
    await close();
    assert.deepEqual(await answering(), [], 'closed: gated with no lease');
    await close();
    await forget();
    assert.deepEqual(await answering(), vips, 'forgotten: none of ours');
    await forget();
    await opened(milliseconds(50));
    await pause(150);
    await close();
    await opened(milliseconds(50));
    await pause(150);
    await forget();
    for (const family of [4, 6] as const) assert.deepEqual(await leases(family), []);
  });

  for (const chain of [
    'inet vipkeeper gate',
    'inet vipkeeper output',
    'arp vipkeeper input',
    'arp vipkeeper gate',
  ])
    it(`is still shut without the rules of ${chain}: questions and answers are both stopped`, async () => {
      await run('set up', gate.setup);
      await run('close', (seq) => gate.close(vips, seq));
      nft(`flush chain ${chain}`);
      assert.deepEqual(await answering(), []);
    });

  it('is set up twice without a second copy of anything, beside the tables of others', async () => {
    nft('add table inet foreign; add chain inet foreign c { type filter hook input priority 0; }');
    await run('set up', gate.setup);
    const once = ruleset();
    await run('set up', gate.setup);
    const count = (text: string, what: string): number => text.split(`{"${what}":`).length - 1;
    for (const text of [once, ruleset()])
      assert.deepEqual(
        ['table', 'chain', 'set', 'rule'].map((what) => count(text, what)),
        [3, 5, 6, 6],
      );
    await run('tear down', gate.teardown);
    const left = ruleset();
    assert.deepEqual([count(left, 'table'), left.includes('foreign')], [1, true]);
    await run('tear down', gate.teardown);
    nft('delete table inet foreign');
  });

  it('gets as many answers as the batch says, done or refused', async () => {
    const socket = openNetlinkSocket(NetlinkProtocol.netfilter, { netns: server.path });
    let answers: (readonly [seq: number, errno: number])[] = [];
    socket.receive(
      ({ data }) => {
        const messages = readMessages(data.slice());
        assert(messages.ok);
        for (const message of messages.value) {
          assert.equal(message.type, MessageType.error);
          const read = readAcknowledgement(message);
          assert(read.ok);
          answers.push([message.seq, read.value.errno]);
        }
      },
      (errno) => assert.fail(`errno ${errno}`),
    );
    const exchange = async (batch: Batch): Promise<readonly number[]> => {
      answers = [];
      assert.equal(socket.send(batch.data), batch.data.length);
      await pause(40);
      assert.deepEqual(
        answers.map(([seq]) => seq),
        Array.from({ length: batch.answers }, (_, n) => batch.firstSeq + 1 + n),
      );
      return answers.map(([, errno]) => errno);
    };
    const none = (count: number): readonly number[] => Array.from({ length: count }, () => 0);
    assert.deepEqual(await exchange(gate.setup(1)), none(22));
    assert.deepEqual(await exchange(gate.renew(vips, 100, seconds(9))), [2, 0, 2, 0, 2, 0]);
    assert.deepEqual(await exchange(gate.open(vips, 200, seconds(9))), none(12));
    assert.deepEqual(await exchange(gate.renew(vips, 300, seconds(9))), none(6));
    assert.deepEqual(await exchange(gate.renew([vip6, ip('2001:db8::dead')], 400, seconds(9))), [2, 0]);
    assert.deepEqual(await exchange(gate.forget(vips, 500)), none(12));
    assert.deepEqual(await exchange(gate.teardown(600)), none(4));
    socket.close();
  });

  it('is driven by the writer thread, which sets the lifetime at the last moment', async () => {
    const results: WriteResult[] = [];
    const writer = native.writer(
      openNetlinkDescriptor(NetlinkProtocol.netfilter, { netns: server.path }),
      (result) => results.push(result),
    );
    const post = async (batch: Batch, lifetime: Micros): Promise<WriteResult | undefined> => {
      const remaining = { until: native.now() + lifetime, offsets: batch.timeoutOffsets };
      const { data, answers, firstSeq: id } = batch;
      assert.equal(writer.post({ id, data, answers, remaining }), 0);
      for (let waited = 0; waited < 100 && results.at(-1)?.id !== id; waited++) await pause(10);
      return results.at(-1);
    };
    assert.equal((await post(gate.setup(1), seconds(1)))?.errno, 0);
    assert.equal((await post(gate.open(vips, 100, seconds(60)), seconds(5)))?.errno, 0);
    for (const family of [4, 6] as const) {
      const remainingMs = (await leases(family))[0]?.remainingMs ?? 0;
      assert(remainingMs > 3_000 && remainingMs <= 5_000, `${remainingMs} ms, not those of the encoder`);
    }
    const refused = await post(gate.renew([ip('10.1.0.101')], 200, seconds(1)), seconds(1));
    assert.deepEqual([refused?.errno, refused?.seq], [Errno.noEntry, 201]);
    writer.close();
  });
});
