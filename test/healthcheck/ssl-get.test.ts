import assert from 'node:assert/strict';
import { createServer, type ServerOptions } from 'node:https';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { CheckReport, HttpCheck } from '../../src/healthcheck/types.ts';
import { Authority, type Certificate } from './certificates.ts';
import { http } from './definitions.ts';
import { against, says } from './judged.ts';

type Tls = NonNullable<HttpCheck['tls']>;

const day = 86_400;
const noted = ({ verdict, words }: CheckReport): string =>
  `${verdict}: ${words.replace(/ in [\d.]+ ms/, '')}`;

for (const client of ['axios', 'node:http'] as const)
  describe(`SSL_GET by ${client}`, () => {
    let authority: Authority;
    let web: Certificate;
    const names: (string | false | null | undefined)[] = [];
    before(() => {
      authority = new Authority();
      web = authority.issue('www.example.org');
    });
    after(() => authority.remove());

    const server = ({ certificate: cert, key }: Certificate, more: ServerOptions = {}) =>
      createServer({ cert, key, ...more }, (request, answer) => {
        names.push((request.socket as { servername?: string | false }).servername);
        answer.writeHead(200, { Connection: 'close' }).end('hello');
      });
    const check = (tls: Partial<Tls>, more: Partial<HttpCheck> = {}): HttpCheck =>
      http({
        kind: 'SSL_GET',
        client,
        tls: { verify: true, ca: authority.ca, expiry_warning: seconds(0), ...tls },
        ...more,
      });
    const slow = { timeout: seconds(5) };

    it('passes the right name, and sends it', async () => {
      names.length = 0;
      const report = await against(server(web), check({ sni_name: 'www.example.org' }), slow);
      assert.equal(noted(report), 'up: 200');
      assert.equal(
        noted(await against(server(web), check({}, { virtualhost: 'www.example.org' }), slow)),
        'up: 200',
      );
      assert.deepEqual(names, ['www.example.org', false]);
    });

    it('passes a certificate of the address when there is no name', async () => {
      assert.equal(noted(await against(server(authority.issue('127.0.0.1')), check({}), slow)), 'up: 200');
    });

    it('fails a wrong name', async () => {
      const report = await against(server(web), check({ sni_name: 'other.example.org' }), slow);
      assert.match(
        noted(report),
        /^down: TLS with 127.0.0.1:PORT: Host: other\.example\.org\. is not in the cert's altnames: DNS:www\.example\.org$/,
      );
    });

    it('fails an expired certificate, or only says so when nothing is verified', async () => {
      const old = authority.issue('www.example.org', -1);
      const verified = await against(server(old), check({ sni_name: 'www.example.org' }), slow);
      assert.equal(noted(verified), 'down: TLS with 127.0.0.1:PORT: certificate has expired');
      const unverified = await against(server(old), check({ verify: false }), slow);
      assert.match(noted(unverified), /^up: 200; its certificate has expired on \d{4}-\d\d-\d\d$/);
    });

    it('fails an authority that is not ours', async () => {
      const other = new Authority();
      const report = await against(server(other.issue('w')), check({ sni_name: 'w' }), slow);
      other.remove();
      assert.equal(noted(report), 'down: TLS with 127.0.0.1:PORT: unable to verify the first certificate');
    });

    it('warns of a certificate that expires soon, by the wall clock', async () => {
      const warned = check({ sni_name: 'www.example.org', expiry_warning: seconds(7 * day) });
      const at = (days: number) => ({ ...slow, wallClock: () => Date.now() + days * day * 1_000 });
      assert.equal(noted(await against(server(web), warned, at(0))), 'up: 200');
      assert.match(
        noted(await against(server(web), warned, at(25.5))),
        /^up: 200; its certificate expires in 4 days, on \d{4}-\d\d-\d\d$/,
      );
    });

    it('shows its own certificate', async () => {
      const asking = () => server(web, { ca: authority.ca, requestCert: true, rejectUnauthorized: true });
      const own = authority.issue('director');
      const named = { sni_name: 'www.example.org' };
      assert.equal(noted(await against(asking(), check({ ...named, ...own }), slow)), 'up: 200');
      assert.equal((await against(asking(), check(named), slow)).verdict, 'down');
    });

    it('fails what is no TLS, what never answers, and what closes in the handshake', async () => {
      const plain = await against(says('HTTP/1.1 200 OK\r\n\r\n'), check({}));
      assert.equal(noted(plain), 'down: TLS with 127.0.0.1:PORT: wrong version number');
      const deaf = await against((socket) => socket.resume(), check({}));
      assert.equal(noted(deaf), 'down: TLS with 127.0.0.1:PORT: no answer within 400ms (total)');
      assert.ok(deaf.duration < milliseconds(1_000), `${deaf.duration}`);
      const closing = await against((socket) => socket.once('data', () => socket.end()), check({}));
      assert.equal(noted(closing), 'down: TLS with 127.0.0.1:PORT: closed by the server in the handshake');
    });

    it('says what is wrong with its own files', async () => {
      const report = await against(
        (socket) => socket.resume(),
        check({ certificate: 'no PEM', key: 'no PEM' }),
      );
      assert.equal(noted(report), 'down: TLS with 127.0.0.1:PORT: no start line');
    });
  });
