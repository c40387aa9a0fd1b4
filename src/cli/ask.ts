/** One question to a daemon on its control socket. */
import { request } from 'node:http';

/** @throws when nothing answers within 3 s: no daemon is never the same as a Backup */
export function ask<Answer>(
  control: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: control, path, method, timeout: limit_ms }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(text) as Answer);
        else reject(new Error(`it answered ${response.statusCode}: ${text.trim()}`));
      });
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer for 3 s; the daemon may be frozen')));
    asked.on('error', (error: NodeJS.ErrnoException) => reject(new Error(explain(error, control))));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const limit_ms = 3_000;

function explain(error: NodeJS.ErrnoException, control: string): string {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return 'no daemon runs there; start one with `vipkeeper run`, or name its socket with --control';
  if (error.code === 'EACCES') return `this user may not open it; see the owner and group of ${control}`;
  return error.message;
}
