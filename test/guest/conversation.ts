/** HTTP by hand over one connection, for connections that stay open between requests and beyond a change of the pool. */
import type net from 'node:net';
import type { Seen } from './traffic-site.ts';

const request = 'GET / HTTP/1.1\r\nHost: vip\r\n\r\n';

export class Conversation {
  readonly #socket: net.Socket;
  #text = '';
  #ended: Error | undefined;
  #heard: () => void = () => undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay();
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#heard();
    });
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the connection was closed')));
  }

  get broken(): Error | undefined {
    return this.#ended;
  }

  /** One request. @throws when the connection is or gets broken, or after 2 s of silence */
  async ask(): Promise<Seen> {
    this.#text = '';
    this.#socket.write(request);
    const limit = setTimeout(() => this.#socket.destroy(new Error('no answer within 2 s')), 2_000);
    try {
      // The body is a flat object and comes last.
      while (!this.#text.endsWith('}')) {
        if (this.#ended !== undefined) throw this.#ended;
        await new Promise<void>((resolve) => (this.#heard = resolve));
      }
    } finally {
      clearTimeout(limit);
    }
    return JSON.parse(this.#text.slice(this.#text.indexOf('{'))) as Seen;
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#heard();
  }
}
