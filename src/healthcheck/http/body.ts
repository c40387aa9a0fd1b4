/** Reading an answer, and no more of it than anybody needs. */
import type { IncomingMessage } from 'node:http';

/** A page that is checked is short; a server that sends without end is not waited for. */
export const maxBody_octets = 1 << 20;

export interface Body {
  readonly octets: Uint8Array;
  /** False: it is the beginning of a longer one. */
  readonly complete: boolean;
}

/** @param progress octets so far. Rejects when the connection ends before the body does. */
export function readBody(message: IncomingMessage, progress: (octets: number) => void): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    message.on('data', (chunk: Uint8Array) => {
      const room = maxBody_octets - length;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      length = Math.min(length + chunk.length, maxBody_octets);
      progress(length);
      if (chunk.length <= room) return;
      message.pause();
      resolve({ octets: Buffer.concat(chunks, length), complete: false });
    });
    message.once('end', () => resolve({ octets: Buffer.concat(chunks, length), complete: true }));
    message.on('error', reject);
  });
}
