import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { CheckReport, HttpCheck } from '../../src/healthcheck/types.ts';
import { http, url } from './definitions.ts';
import { against, judged, regex, Rogue, says } from './judged.ts';

const page = (body: string, status = '200 OK', more = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}Connection: close\r\n\r\n${body}`;

const noted = (report: CheckReport): string =>
  `${report.verdict}: ${report.words.replace(/ in [\d.]+ ms/, '')}`;
/** It must judge within its total deadline; the rest is what a busy machine takes. */
const inTime = (report: CheckReport): void =>
  assert.ok(report.duration < milliseconds(400 + 600), `${report.duration}`);

const drip = (text: string, pause_ms: number) => (socket: Socket) => {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), pause_ms);
  socket.on('close', () => clearInterval(timer));
  socket.resume();
};

for (const client of ['axios', 'node:http'] as const) {
  const check = (more: Partial<HttpCheck> = {}): HttpCheck => http({ client, ...more });

  describe(`HTTP_GET by ${client}`, () => {
    after(() => regex.close());
    it('passes, with the time it took', async () => {
      const report = await against(says(page('hello')), check());
      assert.match(report.words, /^200 in [\d.]+ ms$/);
      assert.equal(report.verdict, 'up');
    });

    const hostile: readonly (readonly [title: string, behave: (socket: Socket) => void, expected: string])[] =
      [
        ['is deaf', (socket) => socket.resume(), 'GET /: no answer within 400ms (total)'],
        [
          'drips a header',
          drip('HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaa', 20),
          'GET /: no answer within 400ms (total)',
        ],
        ['closes at once', (socket) => socket.end(), 'GET /: closed by the server without an answer'],
        [
          'closes when asked',
          (socket) => socket.once('data', () => socket.end()),
          'GET /: closed by the server without an answer',
        ],
        [
          'resets',
          (socket) => socket.once('data', () => socket.resetAndDestroy()),
          'GET /: reset by the server',
        ],
        [
          'closes in the body',
          says('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
          'GET /: 200, 4 octets of the body: closed by the server before the end',
        ],
        ['speaks something else', says('SSH-2.0-OpenSSH_9.2\r\n'), 'GET /: the answer is not HTTP'],
        [
          'has endless headers',
          says(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(10_000)}`),
          'GET /: headers of more than 16 KiB',
        ],
        ['has the wrong status', says(page('', '503 Service Unavailable')), 'GET /: 503, expected 200-299'],
      ];
    for (const [title, behave, expected] of hostile)
      it(`fails a server that ${title}`, async () => {
        const report = await against(behave, check());
        assert.equal(noted(report), `down: ${expected}`);
        inTime(report);
      });

    it('fails a server whose body drips', async () => {
      const report = await against((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
        drip('x', 30)(socket);
      }, check());
      assert.match(
        noted(report),
        /^down: GET \/: 200, \d+ octets of the body: no answer within 400ms \(total\)$/,
      );
      inTime(report);
    });

    it('reads no more than 1 MiB of 5 MB', async () => {
      const five = says(page('x'.repeat(5_000_000)));
      const slow = { timeout: seconds(5) };
      assert.equal(noted(await against(five, check(), slow)), 'up: 200, 1048576 octets read');
      const digest = await against(five, check({ url: [url({ digest: '0'.repeat(32) })] }), slow);
      assert.equal(
        noted(digest),
        'down: GET /: 200, too long a body for a digest, of which the first 1048576 octets were read',
      );
    });

    it('does not follow a redirect', async () => {
      let asked = 0;
      const server = createServer((request, answer) => {
        asked++;
        answer.writeHead(302, { Location: request.url ?? '/', Connection: 'close' }).end();
      });
      assert.equal(noted(await against(server, check())), 'down: GET /: 302, expected 200-299');
      assert.equal(asked, 1);
      const allowed = says(page('', '302 Found', 'Location: http://127.0.0.1:1/\r\n'));
      const found = await against(
        allowed,
        check({
          url: [
            url({
              status_code: [
                [200, 200],
                [300, 399],
              ],
            }),
          ],
        }),
      );
      assert.equal(noted(found), 'up: 302');
    });

    it('obeys no proxy of the environment', async () => {
      process.env['http_proxy'] = 'http://127.0.0.1:1';
      try {
        assert.equal(noted(await against(says(page('')), check())), 'up: 200');
      } finally {
        delete process.env['http_proxy'];
      }
    });

    it('compares the digest of the body as it was sent', async () => {
      const body = 'what genhash has seen';
      const digest = createHash('md5').update(body).digest('hex');
      const right = check({ url: [url({ digest: digest.toUpperCase() })] });
      assert.equal(noted(await against(says(page(body)), right)), 'up: 200');
      const other = createHash('md5').update('x').digest('hex');
      const wrong = await against(says(page('x')), right);
      assert.equal(noted(wrong), `down: GET /: 200, digest ${other}, expected ${digest.toUpperCase()}`);
    });

    it('matches a regular expression, or must not', async () => {
      const of = (body: string, more: object) =>
        against(says(page(body)), check({ url: [url({ regex: 'status: (ok|fine)', ...more })] }), {
          timeout: seconds(5),
        });
      assert.equal(noted(await of('status: fine', {})), 'up: 200');
      assert.equal(
        noted(await of('status: dead', {})),
        'down: GET /: 200, body does not match /status: (ok|fine)/',
      );
      assert.equal(noted(await of('status: dead', { regex_no_match: true })), 'up: 200');
      assert.equal(
        noted(await of('status: ok', { regex_no_match: true })),
        'down: GET /: 200, body matches /status: (ok|fine)/ and must not',
      );
      assert.match(
        noted(await of('', { regex: '(' })),
        /^down: GET \/: 200, \/\(\/: Invalid regular expression/,
      );
    });

    it('asks many urls in turn, each by its name, and stops at the first that fails', async () => {
      const heads: string[] = [];
      const server = createServer((request: IncomingMessage, answer) => {
        heads.push(`${request.headers.host} ${request.url}`);
        answer.writeHead(request.url === '/c' ? 500 : 200, { Connection: 'close' }).end();
      });
      const urls = ['/a', '/b?x=1', '/c', '/d'].map((path) => url({ path }));
      const [a = url(), ...others] = urls;
      const many = check({
        virtualhost: 'www.example.org',
        url: [{ ...a, virtualhost: 'a.example.org' }, ...others],
      });
      assert.equal(noted(await against(server, many)), 'down: GET /c: 500, expected 200-299');
      assert.deepEqual(heads, ['a.example.org /a', 'www.example.org /b?x=1', 'www.example.org /c']);
      const two = await against(says(page('')), check({ url: urls.slice(0, 2) }));
      assert.equal(noted(two), 'up: /a 200, /b?x=1 200');
    });

    it('has one deadline for all urls', async () => {
      const slow = (socket: Socket): void => {
        socket.once('data', () => setTimeout(() => socket.end(page('')), 150));
      };
      const report = await against(slow, check({ url: Array.from({ length: 9 }, () => url()) }));
      assert.equal(noted(report), 'down: GET /: no answer within 400ms (total)');
      inTime(report);
    });

    it('speaks HTTP as it is told', async () => {
      const heard = async (http_protocol: HttpCheck['http_protocol']): Promise<string> => {
        let text = '';
        const listen = (socket: Socket): void => {
          socket.once('data', (chunk) => {
            text = String(chunk);
            socket.end(
              page('', '200 OK').replace('HTTP/1.1', http_protocol === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0'),
            );
          });
        };
        assert.equal(noted(await against(listen, check({ http_protocol, virtualhost: 'h' }))), 'up: 200');
        return text;
      };
      const head = (version: string): string => `GET / HTTP/${version}\r\n`;
      const [old, oldClose, current] = [await heard('1.0'), await heard('1.0C'), await heard('1.1')];
      assert.ok(old.startsWith(head('1.0')) && !/connection/i.test(old), old);
      assert.ok(oldClose.startsWith(head('1.0')) && /\r\nConnection: close\r\n/.test(oldClose), oldClose);
      assert.ok(current.startsWith(head('1.1')) && /\r\nConnection: close\r\n/.test(current), current);
      for (const text of [old, oldClose, current])
        for (const line of ['Host: h', 'Accept-Encoding: identity', 'User-Agent: vipkeeper'])
          assert.ok(text.includes(`\r\n${line}\r\n`), text);
    });

    it('names address and port as the host when no other is given', async () => {
      const hosts: (string | undefined)[] = [];
      const server = createServer((request, answer) => {
        hosts.push(request.headers.host);
        answer.writeHead(200, { Connection: 'close' }).end();
      });
      const rogue = await Rogue.listen(server, '::1');
      const { words } = await judged(check(), { address: '::1' as never, port: rogue.port });
      assert.match(words, /^200 in/);
      assert.deepEqual(hosts, [`[::1]:${rogue.port}`]);
      await rogue.close();
    });
  });
}

describe('an evil regular expression', () => {
  after(() => regex.close());
  const evil = Buffer.from(`${'a'.repeat(40)}!`);

  it('is decided in linear time', async () => {
    assert.equal(await regex.matches('^(a+)+$', evil), false);
    assert.equal(await regex.matches('^(a|aa)+!$', evil), true);
  });

  it('is given up when it cannot be, and the loop goes on meanwhile', async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 10);
    const found = await regex.matches('^(?=(a+)+$)', evil);
    clearInterval(turning);
    assert.equal(found, 'not decided within 1000 ms, it backtracks too much');
    assert.ok(turns > 50, `${turns}`);
    assert.equal(await regex.matches('a!', evil), true);
  });
});
