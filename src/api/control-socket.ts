/** HTTP over a unix socket: reading a daemon's state, for those whom the file's owner and group let in. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Control } from '../control.ts';

/** Owner and group: whoever may run `vipkeeper status` is in the group of the directory or is root. */
const socketMode = 0o660;

/** @throws when another daemon answers on the path, or the path cannot be made */
export async function openControlSocket(path: string, control: Control): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  if (await answers(path))
    throw new Error(`another vipkeeper answers on ${path}: stop it, or choose another --control`);
  rmSync(path, { force: true });
  const server = createServer((request, response) => void answer(request, response, control));
  server.maxConnections = 64;
  server.headersTimeout = 5_000;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  chmodSync(path, socketMode);
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, control: Control): Promise<void> {
  request.resume();
  if (request.method !== 'GET')
    { reply(response, 405, { error: `${request.method} is not offered here` }); return; }
  if (request.url !== '/v1/status')
    { reply(response, 404, { error: `no ${request.url}; there is /v1/status` }); return; }
  try {
    reply(response, 200, await control.snapshot());
  } catch (error) {
    reply(response, 500, { error: (error as Error).message });
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** A socket file that nobody answers on is a leftover. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
