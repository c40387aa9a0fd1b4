import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { CheckTarget } from '../../src/healthcheck/types.ts';
import { CheckSockets } from '../../src/kernel/check-sockets.ts';
import { native } from '../../src/kernel/native.ts';
import * as so from '../../src/kernel/sockaddr.ts';
import { loopback } from '../healthcheck/definitions.ts';
import { needRoot, until } from '../native/namespace.ts';

describe('sockets of health checks', () => {
  let server: Server;
  let target: CheckTarget;
  const accepted: Socket[] = [];
  const open = (): number => accepted.filter(({ destroyed }) => !destroyed).length;
  before(async function () {
    needRoot(this);
    server = createServer((socket) => {
      accepted.push(socket);
      socket.on('error', () => undefined);
      socket.resume();
      socket.write('hello');
    });
    await new Promise<void>((resolve) => server.listen(0, loopback, resolve));
    target = { address: loopback, port: (server.address() as AddressInfo).port, fwmark: 7 };
  });
  after(() => server?.close());

  const connected = async (sockets: CheckSockets, to = target): Promise<Socket> => {
    const socket = sockets.connect(to);
    assert.ok(typeof socket !== 'string', 'it begins');
    await once(socket, 'connect');
    return socket;
  };

  it('one made beforehand serves again and again, and its connections end when they are closed', async () => {
    const sockets = new CheckSockets([{ origin: { family: 4, fwmark: 7 }, tcp: 1, ping: false }]);
    for (let count = 0; count < 5; count++) {
      const socket = await connected(sockets);
      const [text] = (await once(socket, 'data')) as [Buffer];
      assert.equal(String(text), 'hello');
      socket.destroy();
      await until('the end of the connection', () => open() === 0);
    }
    // Closed, and wanted again before anybody was told: the same one is taken.
    const first = await connected(sockets);
    first.destroy();
    const second = await connected(sockets);
    second.resetAndDestroy();
    await until('the end of both', () => open() === 0);
    // What failed to connect is good for another try.
    const refused = sockets.connect({ ...target, port: 1 });
    assert.ok(typeof refused !== 'string');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
    (await connected(sockets)).destroy();
    await until('the end of the last', () => open() === 0);
    sockets.close();
  });

  it('those who have the right make one when it is wanted', async () => {
    const sockets = new CheckSockets([]);
    const both = [await connected(sockets), await connected(sockets, { ...target, bind_if: 'lo' })];
    for (const socket of both) socket.destroy();
    await until('the end of both', () => open() === 0);
    const nowhere = sockets.connect({ ...target, bind_if: 'none0' });
    assert.equal(nowhere, 'bind_if none0: ENODEV (19)');
  });

  it('a duplicate is the same socket', () => {
    const fd = native.socket(so.AF_INET, so.SOCK_STREAM, 0);
    const copy = native.duplicate(fd);
    assert.ok(copy >= 0 && copy !== fd);
    assert.equal(native.setsockopt(copy, so.SOL_SOCKET, so.SO_MARK, 9), 0);
    native.close(copy);
    const mark = native.getsockopt(fd, so.SOL_SOCKET, so.SO_MARK, 4);
    assert.deepEqual(mark, Uint8Array.from([9, 0, 0, 0]));
    native.close(fd);
    assert.equal(native.duplicate(fd), -9);
  });
});
