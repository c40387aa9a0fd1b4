/**
 * HTTP over a unix socket: reading a daemon's state. Two doors: the file belongs to the group and is closed to all others,
 * and whoever connects is asked for by the kernel's credentials, because a mode is easily changed.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Admission, Control } from '../control.ts';

const socketMode = 0o660;
const folderMode = 0o750;
/** What anybody who may ask can make the daemon hold: this many connections with this much of a header each. */
const mostConnections = 64;
const mostHeader_octets = 8 << 10;
const requestLimit_ms = 5_000;

/** @throws when another daemon answers on the path, something else is there, or the path cannot be made */
export async function openControlSocket(
  path: string,
  control: Control,
  { gid, admits }: Admission,
): Promise<Server> {
  makeFolder(dirname(path), gid);
  if (await answers(path))
    throw new Error(`another vipkeeper answers on ${path}: stop it, or choose another --control`);
  removeLeftover(path);
  const limits = {
    maxHeaderSize: mostHeader_octets,
    headersTimeout: requestLimit_ms,
    requestTimeout: requestLimit_ms,
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer(limits, (request, response) => void answer(request, response, control));
  server.maxConnections = mostConnections;
  server.prependListener('connection', (socket: Socket) => {
    if (!admits(descriptorOf(socket))) socket.destroy();
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  if (gid !== undefined) chownSync(path, -1, gid);
  chmodSync(path, socketMode);
  return server;
}

/** A folder that is there already keeps its owner and mode: it may be anybody's. */
function makeFolder(folder: string, gid: number | undefined): void {
  const made = mkdirSync(folder, { recursive: true, mode: folderMode });
  if (made !== undefined && gid !== undefined) chownSync(folder, -1, gid);
}

function removeLeftover(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is no socket: choose another --control`);
  rmSync(path);
}

/** Node keeps the number to itself; a negative one is refused by the kernel, and so by us. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}

async function answer(request: IncomingMessage, response: ServerResponse, control: Control): Promise<void> {
  request.resume();
  if (request.method !== 'GET') {
    reply(response, 405, { error: `${request.method} is not offered here` });
    return;
  }
  if (request.url !== '/v1/status') {
    reply(response, 404, { error: `no ${request.url}; there is /v1/status` });
    return;
  }
  try {
    reply(response, 200, await control.snapshot());
  } catch (error) {
    reply(response, 500, { error: (error as Error).message });
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  // Whoever sends what is not offered may send much of it: only a good request may be followed by another.
  const connection = status === 200 ? 'keep-alive' : 'close';
  response.writeHead(status, { 'content-type': 'application/json', connection });
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
