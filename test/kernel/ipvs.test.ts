/** The link to the kernel's IPVS against a kernel that loses answers, changes numbers and falls silent. */
import assert from 'node:assert/strict';
import { milliseconds } from '../../src/base/time.ts';
import { openKernelIpvs } from '../../src/kernel/ipvs.ts';
import type { Write } from '../../src/ipvs/link.ts';
import { Command } from '../../src/ipvs/uapi.ts';
import { encodeGeneric } from '../../src/netlink/generic.ts';
import type { Message } from '../../src/netlink/message.ts';
import { destinationAnswer, infoAnswer, serviceAnswer, timeoutsAnswer } from '../ipvs/kernel-answers.ts';
import { keyOf, serverOf, serviceOf } from '../ipvs/samples.ts';
import { acknowledge, type Answer, done, FakeKernel } from '../netlink/fake-kernel.ts';

const controller = 16;
const [EPERM, ENOENT, EBADMSG, ENOBUFS, ECANCELED] = [1, 2, 74, 105, 125];

const web = serviceOf(keyOf('10.1.0.100', 80));
const server = {
  ...serverOf('10.2.0.21', 80),
  activeConnections: 3,
  inactiveConnections: 0,
  persistentConnections: 0,
  statistics: undefined,
};
const writesOf = (count: number): readonly Write[] =>
  Array.from({ length: count }, (_, at) => ({ command: 'del-service', key: keyOf('10.1.0.100', 1 + at) }));

/** A kernel with one service of one server. */
class IpvsKernel extends FakeKernel {
  familyId = 31;
  /** What it answers instead to a message of ours; undefined is the ordinary. */
  instead: (command: number, message: Message) => readonly Answer[] | number | undefined = () => undefined;

  override script = (messages: readonly Message[]): readonly (readonly Answer[])[] | number => {
    const answers = messages.map((message) => this.#answer(message));
    const errno = answers.find((answer) => typeof answer === 'number');
    return errno ?? answers.filter((answer) => typeof answer !== 'number');
  };

  get commands(): readonly number[] {
    const own = this.sent.flat().filter(({ type }) => type !== controller);
    return own.map(({ payload }) => payload[0] ?? 0);
  }

  #answer(message: Message): readonly Answer[] | number {
    const { type, seq, payload } = message;
    const command = payload[0] ?? 0;
    const instead = this.instead(type === controller ? 0 : command, message);
    if (instead !== undefined) return instead;
    const say = (body: Uint8Array): Answer => ({ type, seq, payload: body });
    if (type === controller) {
      const family = encodeGeneric(1, 2, (writer) => writer.u16(1, this.familyId).string(2, 'IPVS'));
      return [say(family), acknowledge(seq)];
    }
    if (type !== this.familyId) return [acknowledge(seq, ENOENT)];
    if (command === Command.getInfo) return [say(infoAnswer(0x010201, 4096)), acknowledge(seq)];
    if (command === Command.getService) return [say(serviceAnswer(web, undefined)), done(seq)];
    if (command === Command.getDestination) return [say(destinationAnswer(server)), done(seq)];
    if (command === Command.getConfig)
      return [say(timeoutsAnswer({ tcp_s: 900, tcpFin_s: 120, udp_s: 300 })), acknowledge(seq)];
    return [acknowledge(seq)];
  }
}

const errnosOf = (
  answers: readonly ({ ok: true } | { ok: false; error: { errno: number } })[],
): readonly number[] => answers.map((answer) => (answer.ok ? 0 : answer.error.errno));

describe('the link to the IPVS of the kernel', () => {
  const kernel = (): IpvsKernel => new IpvsKernel();
  const table = [{ service: web, statistics: undefined, destinations: [server] }];

  it('reads services, then the servers of each', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    assert.equal(link.unavailable, undefined);
    assert.deepEqual(link.info, { version: '1.2.1', connectionTableSize: 4096 });
    assert.deepEqual(await link.read(), { ok: true, value: table });
    assert.deepEqual(await link.timeouts(), { ok: true, value: { tcp_s: 900, tcpFin_s: 120, udp_s: 300 } });
    link.close();
    assert.ok(socket.closed);
  });

  it('sends many writes at once, and few enough for their answers to fit', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    const before = socket.sent.length;
    assert.deepEqual(errnosOf(await link.write(writesOf(200))), new Array(200).fill(0));
    assert.deepEqual(
      socket.sent.slice(before).map(({ length }) => length),
      [64, 64, 64, 8],
    );
    link.close();
  });

  it('passes over services of kinds it does not know', async () => {
    const socket = kernel();
    socket.instead = (command, { type, seq }) => {
      if (command !== Command.getService) return undefined;
      const strange = serviceAnswer(web, undefined);
      // Protocol 6 becomes 50, ESP.
      strange.set([50], Buffer.from(strange).indexOf(Buffer.from('0600020006000000', 'hex')) + 4);
      return [
        { type, seq, payload: strange },
        { type, seq, payload: serviceAnswer(web, undefined) },
        done(seq),
      ];
    };
    const link = await openKernelIpvs({ socket });
    assert.deepEqual(await link.read(), { ok: true, value: table });
    link.close();
  });

  it('says that a kernel has none, and finds it when it comes', async () => {
    const socket = kernel();
    socket.instead = (command, { seq }) => (command === 0 ? [acknowledge(seq, ENOENT)] : undefined);
    const link = await openKernelIpvs({ socket });
    assert.match(link.unavailable ?? '', /^the kernel has no IPVS: /);
    const refusal = { ok: false, error: { errno: ENOENT, text: link.unavailable } };
    assert.deepEqual(await link.read(), refusal);
    assert.deepEqual(await link.timeouts(), refusal);
    assert.deepEqual(await link.write(writesOf(2)), [refusal, refusal]);
    socket.instead = () => undefined;
    assert.deepEqual(await link.read(), { ok: true, value: table });
    assert.equal(link.unavailable, undefined);
    link.close();
  });

  it('says which right is missing', async () => {
    const socket = kernel();
    socket.instead = (command, { seq }) => (command === 0 ? undefined : [acknowledge(seq, EPERM)]);
    const link = await openKernelIpvs({ socket });
    assert.match(link.unavailable ?? '', /CAP_NET_ADMIN in the initial user namespace is needed/);
    link.close();
  });

  it('asks for the number again when the module was loaded anew', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.familyId = 32;
    assert.deepEqual(await link.read(), { ok: true, value: table });
    socket.familyId = 33;
    assert.deepEqual(errnosOf(await link.write(writesOf(100))), new Array(100).fill(0));
    assert.equal(socket.commands.filter((command) => command === Command.delService).length, 200);
    link.close();
  });

  it('says that the module went and did not come back', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.instead = (_command, { seq }) => [acknowledge(seq, ENOENT)];
    const [answer] = await link.write(writesOf(1));
    assert.ok(answer && !answer.ok);
    assert.match(answer.error.text, /^the kernel has no IPVS: /);
    link.close();
  });

  it('believes a missing server when the family is the same', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.instead = (command, { seq }) =>
      command === Command.delService && seq % 2 === 0 ? [acknowledge(seq, ENOENT)] : undefined;
    const answers = await link.write(writesOf(10));
    assert.equal(errnosOf(answers).filter((errno) => errno === ENOENT).length, 5);
    assert.equal(socket.commands.filter((command) => command === Command.delService).length, 10);
    link.close();
  });

  it('tells the kernel’s own words', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.instead = (command, { seq }) =>
      command === Command.delService
        ? [acknowledge(seq, 22, 'Attribute failed policy validation')]
        : undefined;
    const [answer] = await link.write(writesOf(1));
    assert.ok(answer && !answer.ok);
    assert.equal(
      answer.error.text,
      'cannot remove service TCP 10.1.0.100:1: EINVAL (22), Attribute failed policy validation',
    );
    link.close();
  });

  it('does not send the rest when answers were lost, and works on', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    let deletions = 0;
    socket.instead = (command) => {
      if (command !== Command.delService || ++deletions !== 100) return undefined;
      // As the socket says it: by itself, while the answer is awaited.
      setImmediate(() => socket.fail(ENOBUFS));
      return [];
    };
    const errnos = errnosOf(await link.write(writesOf(200)));
    assert.deepEqual(errnos.slice(0, 64), new Array(64).fill(0));
    assert.deepEqual(errnos.slice(64, 128), new Array(64).fill(ENOBUFS));
    assert.deepEqual(errnos.slice(128), new Array(72).fill(ECANCELED));
    assert.deepEqual(await link.read(), { ok: true, value: table });
    link.close();
  });

  it('gives no table when the socket ends in the middle of it', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.instead = (command) => (command === Command.getService ? [] : undefined);
    const reading = link.read();
    setImmediate(() => link.close());
    const answer = await reading;
    assert.ok(!answer.ok);
    assert.equal(answer.error.errno, ECANCELED);
    assert.match(answer.error.text, /cannot read the services of IPVS/);
  });

  it('gives no table of which it does not understand a part', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.instead = (command, { type, seq }) =>
      command === Command.getDestination
        ? [{ type, seq, payload: destinationAnswer(server).subarray(0, 40) }, done(seq)]
        : undefined;
    const answer = await link.read();
    assert.ok(!answer.ok);
    assert.equal(answer.error.errno, EBADMSG);
    link.close();
  });

  it('says what could not be sent', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket });
    socket.instead = (command) => (command === Command.delService ? ENOBUFS : undefined);
    assert.deepEqual(errnosOf(await link.write(writesOf(65))), [
      ...new Array<number>(64).fill(ENOBUFS),
      ECANCELED,
    ]);
    link.close();
  });

  it('waits no longer than it may for a kernel that does not answer', async () => {
    const socket = kernel();
    const link = await openKernelIpvs({ socket, timeLimit: milliseconds(50) });
    socket.instead = (command) => (command === Command.getConfig ? [] : undefined);
    const answer = await link.timeouts();
    assert.ok(!answer.ok);
    assert.match(answer.error.text, /cannot read the timeouts of IPVS: ETIMEDOUT \(no answer for 50ms\)/);
    link.close();
  });
});
