import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { openControlSocket } from '../../src/api/control-socket.ts';
import { ask } from '../../src/cli/ask.ts';
import { readStatus } from '../../src/cli/status.ts';
import type { Control, Snapshot } from '../../src/control.ts';
import { peerOf } from '../../src/kernel/peer.ts';
import { mayAsk } from '../../src/process/admission.ts';
import { describeAsRoot } from '../lab/as-root.ts';

const snapshot = { version: 1, node: 'lb1' } as Snapshot;
const overrides: unknown[] = [];
const control: Control = {
  snapshot: () => Promise.resolve(snapshot),
  plan: () => Promise.resolve({ errors: ['no'] }),
  apply: (digest) => Promise.resolve(digest === 'right' ? [] : ['the plan is another one by now']),
  override: (override) => overrides.push(override),
};
const everybody = { gid: undefined, admits: () => true };
/** Of no user on this machine. */
const aGroup = 54_321;

describe('control socket', () => {
  let folder = '';
  let server: Server | undefined;
  const socketPath = (): string => path.join(folder, 'run', 'control.sock');
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-api-'))));
  afterEach(async () => {
    server?.closeAllConnections();
    if (server?.listening === true) await new Promise((closed) => server?.close(closed));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Sends octets as they are. @returns all that comes back until the other end closes, or falls silent */
  function say(octets: string | Uint8Array): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(socketPath());
      let heard = '';
      const end = (): void => {
        socket.destroy();
        resolve(heard);
      };
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
      socket.on('close', end).on('error', end);
      socket.setTimeout(150, end);
      socket.write(octets);
    });
  }

  it('is closed to all others but the group, and so is the folder that it makes', async () => {
    server = await openControlSocket(socketPath(), control, everybody);
    assert.equal(lstatSync(socketPath()).mode & 0o7777, 0o660);
    assert.equal(lstatSync(path.dirname(socketPath())).mode & 0o7777, 0o750);
    assert.deepEqual(await readStatus(socketPath()), snapshot);
  });

  it('says what it offers and what not', async () => {
    server = await openControlSocket(socketPath(), control, everybody);
    assert.match(await say('GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 200 .*"lb1"/s);
    assert.match(await say('GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 404 .*\/v1\/status/s);
    assert.match(await say('PUT /v1/status HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 405 /);
  });

  it('takes a digest and a word about a real server, and says what is wrong with others', async () => {
    server = await openControlSocket(socketPath(), control, everybody);
    const post = (path: string, body: unknown): Promise<unknown> =>
      ask(socketPath(), 'POST', path, body as object);
    assert.deepEqual(await post('/v1/apply', { digest: 'right' }), { errors: [] });
    assert.deepEqual(await post('/v1/apply', { digest: 'other' }), {
      errors: ['the plan is another one by now'],
    });
    for (const body of [{}, { digest: 1 }, [], 'text', null])
      await assert.rejects(post('/v1/apply', body), /answered 400: .*digest/);
    const real_server = '10.2.0.21:80';
    const good = [
      { real_server },
      { real_server, to: 'drain', until: 5 },
      { real_server, to: { weight: 0 }, virtual_server: 'web' },
    ];
    for (const body of good) await post('/v1/override', body);
    assert.deepEqual(overrides.splice(0), good);
    for (const to of ['DRAIN', 1, { weight: -1 }, { weight: 65_536 }, { weight: 1.5 }, { weight: '1' }, null])
      await assert.rejects(post('/v1/override', { real_server, to }), /answered 400: .*weight/);
    await assert.rejects(post('/v1/override', { to: 'drain' }), /answered 400: .*real_server/);
    assert.deepEqual(overrides, []);
    const long = `POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n${' '.repeat(9_000)}`;
    assert.match(await say(long), /^HTTP\/1\.1 400 .*8192/s);
  });

  it('bounds a header, and a request that never ends', async () => {
    server = await openControlSocket(socketPath(), control, everybody);
    assert.match(await say(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 431 /);
    assert.equal(server.headersTimeout, 5_000);
    assert.equal(server.requestTimeout, 5_000);
    assert.equal(server.maxConnections, 64);
  });

  it('survives whatever is sent, and answers afterwards', async function () {
    this.timeout(20_000);
    server = await openControlSocket(socketPath(), control, everybody);
    const line = fc.stringMatching(/^(GET|POST|CONNECT|)[ -~]{0,40}( HTTP\/[019][.][19])?\r?\n?$/);
    const field = fc.constantFrom(
      'Content-Length: -1\r\n',
      'Content-Length: 99999999999\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Upgrade: h2c\r\nConnection: upgrade\r\n',
      'Expect: 100-continue\r\n',
      '\r\n',
    );
    const request = fc
      .tuple(line, fc.array(field, { maxLength: 6 }))
      .map(([first, fields]) => Buffer.from(first + fields.join('')));
    const octets = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(request, octets), { minLength: 20, maxLength: 20 }), async (all) => {
        await Promise.all(all.map((each) => say(each)));
        assert.deepEqual(await readStatus(socketPath()), snapshot);
      }),
      { numRuns: 8 },
    );
  });

  it('takes the place of a socket that nobody answers on, and of nothing else', async () => {
    server = await openControlSocket(socketPath(), control, everybody);
    await assert.rejects(openControlSocket(socketPath(), control, everybody), /another vipkeeper answers/);
    const file = path.join(folder, 'a-file');
    writeFileSync(file, 'precious');
    await assert.rejects(openControlSocket(file, control, everybody), /is no socket/);
    assert(existsSync(file));

    const leftover = path.join(folder, 'leftover.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(leftover)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    assert(lstatSync(leftover).isSocket());
    const second = await openControlSocket(leftover, control, everybody);
    assert.deepEqual(await readStatus(leftover), snapshot);
    await new Promise((closed) => {
      second.closeAllConnections();
      second.close(closed);
    });
  });

  describeAsRoot('and who may connect', () => {
    const nobody = 65_534;
    const admission = {
      gid: aGroup,
      admits(descriptor: number): boolean {
        const peer = peerOf(descriptor);
        return peer !== undefined && mayAsk(peer, { uid: 0, gid: aGroup });
      },
    };

    /** What somebody else hears: a status code, or why there is none. */
    async function askAs(uid: number, gid: number, groups: readonly number[] = []): Promise<string> {
      const script = `
        process.setgroups(${JSON.stringify(groups)}); process.setgid(${gid}); process.setuid(${uid});
        require('http').get({ socketPath: ${JSON.stringify(socketPath())}, path: '/v1/status' },
          (response) => { response.resume(); console.log(response.statusCode); })
          .on('error', (error) => console.log(error.code));`;
      const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await once(child, 'close');
      return said.trim();
    }

    it('the file lets root and the group in, and nobody else', async function () {
      this.timeout(10_000);
      chmodSync(folder, 0o755);
      server = await openControlSocket(socketPath(), control, admission);
      assert.equal(lstatSync(socketPath()).gid, aGroup);
      assert.equal(await askAs(0, 0), '200');
      assert.equal(await askAs(nobody, aGroup), '200');
      assert.equal(await askAs(nobody, nobody), 'EACCES');
    });

    it('credentials count when somebody opened the file to all', async function () {
      this.timeout(10_000);
      chmodSync(folder, 0o755);
      server = await openControlSocket(socketPath(), control, admission);
      chmodSync(path.dirname(socketPath()), 0o755);
      chmodSync(socketPath(), 0o666);
      // The door is closed before or after the request was written.
      assert.match(await askAs(nobody, nobody), /^(ECONNRESET|EPIPE)$/);
      assert.equal(await askAs(nobody, nobody, [aGroup]), '200');
      assert.equal(await askAs(nobody, aGroup), '200');
    });
  });
});

describe('who may ask', () => {
  const peer = { pid: 1, uid: 1_000, groups: [1_000, 27] };
  it('root, the own user, the group, if there is one', () => {
    assert(mayAsk({ ...peer, uid: 0 }, { uid: 5, gid: undefined }));
    assert(mayAsk(peer, { uid: 1_000, gid: undefined }));
    assert(mayAsk(peer, { uid: 0, gid: 27 }));
    assert(!mayAsk(peer, { uid: 0, gid: 28 }));
    assert(!mayAsk(peer, { uid: 0, gid: undefined }));
  });

  it('a descriptor that is no unix socket is nobody', () => {
    assert.equal(peerOf(-1), undefined);
  });
});
