/** HTTP_GET and SSL_GET: every url on a connection of its own, one after the other, within one deadline. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { readBody } from '../http/body.ts';
import { encrypt, expiryWords, type TlsOptions } from '../http/encryption.ts';
import { faultOf } from '../http/judge.ts';
import type { HttpAnswer } from '../http/probe.ts';
import { seconds } from '../../base/time.ts';
import type { Probe } from '../runner.ts';
import type { CheckOutcome, CheckTarget, HttpCheck, HttpUrl } from '../types.ts';
import { endpoint, errorWords } from '../words.ts';
import { type CheckPorts, failed, passed, type StartProbe } from './checker.ts';

export const httpCheck: StartProbe<HttpCheck> = (check, target, ports, done) => {
  const run = new HttpRun(check, target, ports);
  run.all().then(
    (outcome) => run.stopped || done(outcome),
    (error: unknown) => run.stopped || done(failed(`${run.waitsFor}: ${errorWords(error)}`)),
  );
  return run;
};

/** SSL_GET with no word on TLS, as keepalived's. */
const plain: TlsOptions = { verify: false, expiry_warning: seconds(0) };

class HttpRun implements Probe {
  readonly #check: HttpCheck;
  readonly #target: CheckTarget;
  readonly #ports: CheckPorts;
  readonly #where: string;
  #open: readonly Duplex[] = [];
  #warning = '';
  /** The words of a failure begin with it. */
  waitsFor: string;
  stopped = false;

  constructor(check: HttpCheck, target: CheckTarget, ports: CheckPorts) {
    this.#check = check;
    this.#target = target;
    this.#ports = ports;
    this.#where = endpoint(target.address, target.port);
    this.waitsFor = `connect to ${this.#where}`;
  }

  stop(): string {
    this.stopped = true;
    this.#close();
    return this.waitsFor;
  }

  async all(): Promise<CheckOutcome> {
    const found: string[] = [];
    for (const url of this.#check.url) {
      try {
        const { fault, words } = await this.#one(url);
        if (fault !== undefined) return failed(`${this.waitsFor}: ${fault}`);
        found.push(this.#check.url.length === 1 ? words : `${url.path} ${words}`);
      } finally {
        this.#close();
      }
      if (this.stopped) break;
    }
    return passed(found.join(', ') + this.#warning);
  }

  async #one(url: HttpUrl): Promise<{ readonly fault?: string | undefined; readonly words: string }> {
    this.waitsFor = `connect to ${this.#where}`;
    const socket = this.#ports.sockets.connect(this.#target);
    if (typeof socket === 'string') return { fault: socket, words: '' };
    this.#keep(socket);
    await once(socket, 'connect');
    const connection = await this.#secured(socket, url);
    const get = `GET ${url.path}`;
    this.waitsFor = get;
    const { status, body } = await this.#ask(connection, url);
    const read = await readBody(body, (octets) => {
      this.waitsFor = `${get}: ${status}, ${octets} octets of the body`;
    });
    this.#close();
    this.waitsFor = get;
    const fault = await faultOf(url, status, read, this.#ports.regex);
    return { fault, words: read.complete ? `${status}` : `${status}, ${read.octets.length} octets read` };
  }

  async #secured(socket: Socket, url: HttpUrl): Promise<Socket | TLSSocket> {
    const { kind, tls = plain } = this.#check;
    if (kind === 'HTTP_GET') return socket;
    this.waitsFor = `TLS with ${this.#where}`;
    const name = tls.sni_name ?? this.#virtualhost(url) ?? this.#target.address;
    const secured = encrypt(socket, tls, name);
    this.#keep(socket, secured);
    await once(secured, 'secureConnect');
    this.#warning ||= expiryWords(secured, tls, this.#ports.wallClock());
    return secured;
  }

  #ask(connection: Duplex, url: HttpUrl): Promise<HttpAnswer> {
    const { http_protocol: protocol, client } = this.#check;
    const host = this.#virtualhost(url) ?? this.#ownHost();
    return this.#ports.http[client](connection, { authority: this.#where, path: url.path, host, protocol });
  }

  #virtualhost(url: HttpUrl): string | undefined {
    return url.virtualhost ?? this.#check.virtualhost;
  }

  /** The port is named unless it is the usual one. RFC 9110 §7.2 */
  #ownHost(): string {
    const { port } = this.#target;
    const usual = this.#check.kind === 'SSL_GET' ? 443 : 80;
    return port === usual ? this.#where.slice(0, -`:${port}`.length) : this.#where;
  }

  #keep(...open: readonly Duplex[]): void {
    this.#open = open;
    // Whoever waits hears of an error; what comes after nobody waits any more is of no interest.
    for (const connection of open) connection.on('error', () => undefined);
  }

  #close(): void {
    for (const connection of this.#open) connection.destroy();
    this.#open = [];
  }
}
