/**
 * HTTP over a unix socket: reading and steering a daemon. Two doors: the file belongs to the group and is closed to all others,
 * and whoever connects is asked for by the kernel's credentials, because a mode is easily changed.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { Micros } from '../base/time.ts';
import type { Admission, Control } from '../control.ts';

const socketMode = 0o660;
const folderMode = 0o750;
/** What anybody who may ask can make the daemon hold: this many connections with this much of a header each. */
const mostConnections = 64;
const mostHeader_octets = 8 << 10;
const mostBody_octets = 8 << 10;
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
  const route = `${request.method} ${request.url}`;
  const known = routes[route];
  if (known === undefined) {
    request.resume();
    const elsewhere = Object.keys(routes).some((other) => other.endsWith(` ${request.url}`));
    if (elsewhere) reply(response, 405, { error: `${request.method} is not offered here` });
    else reply(response, 404, { error: `no ${request.url}; there is ${Object.keys(routes).join(', ')}` });
    return;
  }
  try {
    const body = await bodyOf(request);
    if (body.ok) reply(response, 200, await known(control, body.value));
    else reply(response, 400, { error: body.error });
  } catch (error) {
    const wrong = error instanceof WrongBody;
    reply(response, wrong ? 400 : 500, { error: (error as Error).message });
  }
}

/** The body is not what the route needs; the message says what is. */
class WrongBody extends Error {}

type Route = (control: Control, body: unknown) => Promise<object> | object;

const routes: Readonly<Record<string, Route>> = {
  'GET /v1/status': (control) => control.snapshot(),
  'GET /v1/plan': (control) => control.plan(),
  'POST /v1/apply': async (control, body) => {
    const { digest } = fieldsOf(body);
    if (typeof digest !== 'string') throw new WrongBody('expected {"digest": "…"}, as the plan says it');
    return { errors: await control.apply(digest) };
  },
  'POST /v1/override': (control, body) => {
    control.override(overrideIn(body));
    return {};
  },
};

/** JSON, or nothing. */
async function bodyOf(request: IncomingMessage): Promise<Result<unknown, string>> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBody_octets) return err(`a body of more than ${mostBody_octets} octets`);
    chunks.push(chunk);
  }
  if (length === 0) return ok(undefined);
  try {
    return ok(JSON.parse(Buffer.concat(chunks).toString()));
  } catch {
    return err('the body is not JSON');
  }
}

const fieldsOf = (body: unknown): Readonly<Record<string, unknown>> =>
  typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};

function overrideIn(body: unknown): Parameters<Control['override']>[0] {
  const { real_server, virtual_server, to, until } = fieldsOf(body);
  const which =
    'expected {"real_server": "10.2.0.21:80", "to": "drain" | "up" | "down" | {"weight": 0..65535}}';
  if (typeof real_server !== 'string') throw new WrongBody(which);
  const server = {
    real_server,
    ...(typeof virtual_server === 'string' && { virtual_server }),
    ...(typeof until === 'number' && Number.isSafeInteger(until) && { until: until as Micros }),
  };
  if (to === undefined) return server;
  if (to === 'drain' || to === 'up' || to === 'down') return { ...server, to };
  const { weight } = fieldsOf(to);
  const right = typeof weight === 'number' && Number.isInteger(weight) && weight >= 0 && weight <= 65_535;
  if (!right) throw new WrongBody(which);
  return { ...server, to: { weight } };
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
