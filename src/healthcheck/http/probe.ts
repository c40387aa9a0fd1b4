/** One GET over a connection that is there already: two clients behind one interface. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpCheck } from '../types.ts';

export interface HttpRequest {
  /** "10.2.0.21:80", of the URL that nobody resolves. */
  readonly authority: string;
  readonly path: string;
  readonly host: string;
  readonly protocol: HttpCheck['http_protocol'];
}

export interface HttpAnswer {
  readonly status: number;
  /** Nothing of it has been read yet. */
  readonly body: IncomingMessage;
}

/** Whoever destroys the connection ends it; then, and on every error, it rejects. */
export type HttpProbe = (connection: Duplex, request: HttpRequest) => Promise<HttpAnswer>;

export type HttpProbes = { readonly [Client in HttpCheck['client']]: HttpProbe };

/** The same from both clients. A body is wanted as it is: digest and regex are of what the file holds. */
export const headersOf = ({ host }: HttpRequest): Record<string, string> => ({
  Host: host,
  'User-Agent': 'vipkeeper',
  Accept: '*/*',
  'Accept-Encoding': 'identity',
  Connection: 'close',
});

/**
 * Node speaks HTTP/1.1 only, and says so in the first line of the first thing that it writes. keepalived's "1.0"
 * has no Connection header, its "1.0C" has one.
 */
export function speak(connection: Duplex, protocol: HttpRequest['protocol']): void {
  if (protocol === '1.1') return;
  const write = connection.write.bind(connection) as (data: unknown, ...rest: unknown[]) => boolean;
  connection.write = (data: unknown, ...rest: unknown[]): boolean => {
    connection.write = write;
    const older = String(data).replace(' HTTP/1.1\r\n', ' HTTP/1.0\r\n');
    return write(protocol === '1.0' ? older.replace('Connection: close\r\n', '') : older, ...rest);
  };
}
