/** TLS over a connection: names, verification, and how long the certificate will do. */
import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { HttpCheck } from '../types.ts';

export type TlsOptions = NonNullable<HttpCheck['tls']>;

/** Most contexts kept: a thousand checks with the same files share one. */
const maxContexts = 64;
const contexts = new Map<string, SecureContext>();

/** @throws when certificate, key or ca are no PEM, or do not belong together */
function contextOf({ ca, certificate, key }: TlsOptions): SecureContext {
  const name = JSON.stringify([ca, certificate, key]);
  const known = contexts.get(name);
  if (known !== undefined) return known;
  if (contexts.size >= maxContexts) contexts.clear();
  const context = createSecureContext({
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  });
  contexts.set(name, context);
  return context;
}

/** @param name what the certificate must be for, when it is verified: a name or an address */
export function encrypt(socket: Socket, options: TlsOptions, name: string): TLSSocket {
  return connect({
    socket,
    secureContext: contextOf(options),
    // Absent, no name is sent: RFC 6066 §3 has none for an address.
    ...(options.sni_name !== undefined && { servername: options.sni_name }),
    rejectUnauthorized: options.verify,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  });
}

const day_ms = 86_400_000;

/** @returns a warning about a certificate that ends soon or has ended; '' when there is nothing to say */
export function expiryWords(socket: TLSSocket, { expiry_warning }: TlsOptions, wallClock: number): string {
  const ends = Date.parse(socket.getPeerCertificate().valid_to);
  const left_ms = ends - wallClock;
  if (Number.isNaN(left_ms) || left_ms * 1_000 > expiry_warning) return '';
  const date = new Date(ends).toISOString().slice(0, 10);
  const days = Math.floor(left_ms / day_ms);
  if (left_ms <= 0) return `; its certificate has expired on ${date}`;
  return `; its certificate expires in ${days} ${days === 1 ? 'day' : 'days'}, on ${date}`;
}
