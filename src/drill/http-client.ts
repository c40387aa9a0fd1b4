/**
 * A client that asks for a page again and again, each time over a connection of its own: `node http-client.js URL
 * PERIOD_MS LIMIT_MS`. It writes a line for each request that has ended; see HttpProber, which starts it where the
 * client is.
 */
import { get } from 'node:http';
import { native } from '../kernel/native.ts';

const [url = '', period = '', limit = ''] = process.argv.slice(2);

const say = (...line: readonly [sentAt: number, answeredAt: number | null, word: string]): void =>
  void process.stdout.write(`${JSON.stringify(line)}\n`);

function ask(): void {
  const sentAt = native.now();
  const failed = ({ code, name }: NodeJS.ErrnoException): void => say(sentAt, null, code ?? name);
  const options = { agent: false, signal: AbortSignal.timeout(Number(limit)) };
  get(url, options, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => (body += text));
    response.on('error', failed);
    response.on('end', () => {
      if (response.statusCode === 200) say(sentAt, native.now(), body.trim());
      else say(sentAt, null, `status ${response.statusCode}`);
    });
  }).on('error', failed);
}

// Nobody listens any more.
process.stdout.on('error', () => process.exit());
setInterval(ask, Number(period));
