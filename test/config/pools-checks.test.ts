import assert from 'node:assert/strict';
import type { CheckDefinition } from '../../src/healthcheck/types.ts';
import { pool, second } from './pools-file.ts';

/** The checks of every server, in the order of the file. */
const checks = (words: readonly string[]): readonly CheckDefinition[] =>
  pool(words).real_server.flatMap((one) => one.checks);
const check = (...words: readonly string[]): CheckDefinition => {
  const [first] = checks(['address: 10.1.0.100:80', ...words, 'real_server: [10.2.0.21:80]']);
  assert.ok(first);
  return first;
};

describe('checks in the file', () => {
  it('have the defaults of keepalived for their kind', () => {
    const timing = (words: string): unknown => check(words).timing;
    const tcp = {
      delay_loop: 60 * second,
      timeout: 5 * second,
      retry: 1,
      delay_before_retry: second,
      warmup: 60 * second,
      rise: 1,
      fall: 1,
      alpha: false,
    };
    assert.deepEqual(timing('TCP_CHECK:'), tcp);
    assert.deepEqual(timing('PING_CHECK: {}'), tcp);
    assert.deepEqual(timing('HTTP_GET: { url: [{}] }'), { ...tcp, delay_before_retry: 3 * second });
    const misc = timing('MISC_CHECK: { misc_path: [/bin/true] }');
    assert.deepEqual(misc, { ...tcp, retry: 0, timeout: 60 * second });
  });

  it('take a word from the server, else from the pool', () => {
    const all = checks([
      'address: 10.1.0.100:80',
      'delay_loop: 2s',
      'timeout: 3s',
      'rise: 2',
      'bindto: 10.2.0.11',
      'TCP_CHECK: { fall: 4, retry: 3 }',
      'real_server:',
      '  - 10.2.0.21:80',
      '  - { address: 10.2.0.22:80, delay_loop: 4s, fall: 5, bind_if: eth1 }',
      '  - { address: 10.2.0.23:80, rise: 7, PING_CHECK: { timeout: 1s, warmup: 0 } }',
      '  - { address: 10.2.0.24:80, checks: [] }',
      '  - { address: 10.2.0.25:80, TCP_CHECK: { connect_ip: 10.3.0.25, connect_port: 81, fwmark: 9 } }',
    ]);
    const [first, second_, third, fifth] = all;
    assert.equal(all.length, 4);
    assert.deepEqual(
      [
        first?.timing.delay_loop,
        first?.timing.timeout,
        first?.timing.rise,
        first?.timing.fall,
        first?.timing.retry,
      ],
      [2 * second, 3 * second, 2, 4, 3],
    );
    assert.deepEqual(first?.target, { address: '10.2.0.21', port: 80, bindto: '10.2.0.11' });
    assert.deepEqual(
      [second_?.timing.delay_loop, second_?.timing.warmup, second_?.timing.fall],
      [4 * second, 4 * second, 4],
    );
    assert.equal(second_?.target.bind_if, 'eth1');
    assert.equal(third?.checker.kind, 'PING_CHECK');
    assert.deepEqual([third.timing.timeout, third.timing.rise, third.timing.warmup], [second, 7, 0]);
    const target = { address: '10.3.0.25', port: 81, bindto: '10.2.0.11', fwmark: 9 };
    assert.deepEqual(fifth?.target, target);
  });

  it('HTTP: status codes in every form, hosts from inside out, what looks like a number', () => {
    const { checker } = check(
      'virtualhost: pool.example.org',
      'HTTP_GET:',
      '  http_protocol: 1.0',
      '  client: node:http',
      '  url:',
      '    - {}',
      '    - { path: /a, status_code: 204, virtualhost: own.example.org }',
      '    - { path: /b, status_code: [200-204, 301], digest: 0123456789ABCDEF0123456789abcdef }',
      "    - { path: /c, regex: 'ok[0-9]+', regex_no_match: true }",
    );
    assert.deepEqual(checker, {
      kind: 'HTTP_GET',
      http_protocol: '1.0',
      client: 'node:http',
      virtualhost: 'pool.example.org',
      url: [
        { path: '/', status_code: [[200, 299]] },
        { path: '/a', status_code: [[204, 204]], virtualhost: 'own.example.org' },
        {
          path: '/b',
          status_code: [
            [200, 204],
            [301, 301],
          ],
          digest: '0123456789abcdef0123456789abcdef',
        },
        { path: '/c', status_code: [[200, 299]], regex: 'ok[0-9]+', regex_no_match: true },
      ],
    });
  });

  it('TLS: the name, and the texts of the files', () => {
    const tls = (words: string): unknown => {
      const { checker } = check('virtualhost: www.example.org', `SSL_GET: { url: [{}], ${words} }`);
      return checker.kind === 'SSL_GET' ? checker.tls : undefined;
    };
    const warning = { expiry_warning: 14 * 86_400 * second };
    assert.deepEqual(tls('verify: false'), { verify: false, ...warning });
    assert.deepEqual(tls('enable_sni: true, verify: true, expiry_warning: 24h, ca: /etc/ca.pem'), {
      sni_name: 'www.example.org',
      verify: true,
      ca: 'text of /etc/ca.pem',
      expiry_warning: 86_400 * second,
    });
    assert.deepEqual(tls('sni_name: a.example.org, certificate: /etc/c.pem, key: /etc/k.pem'), {
      sni_name: 'a.example.org',
      verify: false,
      certificate: 'text of /etc/c.pem',
      key: 'text of /etc/k.pem',
      ...warning,
    });
  });

  it('MISC_CHECK: arguments as they are, its user, and what it is about', () => {
    const words =
      'MISC_CHECK: { misc_path: [/usr/bin/dig, +short], misc_timeout: 2s, misc_dynamic: true, group: adm }';
    const { checker, timing } = check(words);
    assert.equal(timing.timeout, 2 * second);
    assert.deepEqual(checker, {
      kind: 'MISC_CHECK',
      misc_path: ['/usr/bin/dig', '+short'],
      misc_dynamic: true,
      user: 'nobody',
      group: 'adm',
      virtual_server: { address: '10.1.0.100', port: 80 },
      real_server: { address: '10.2.0.21', port: 80 },
    });
    const [marked] = pool([
      'fwmark: 7',
      'MISC_CHECK: { misc_path: [/bin/true], user: probe }',
      'real_server: [10.2.0.21]',
    ]).real_server;
    const { checker: other } = marked?.checks[0] ?? { checker: undefined };
    assert.ok(other?.kind === 'MISC_CHECK');
    assert.deepEqual([other.user, other.virtual_server], ['probe', { fwmark: 7 }]);
  });
});

describe('the id of a check', () => {
  const words = (...more: readonly string[]): readonly string[] => [
    'address: 10.1.0.100:80',
    'checks: [{ TCP_CHECK: }, { TCP_CHECK: { connect_port: 81 } }, { HTTP_GET: { url: [{}] } }]',
    'real_server: [10.2.0.21:80, 10.2.0.22:80]',
    ...more,
  ];
  const ids = (all: readonly CheckDefinition[]): readonly string[] => all.map(({ id }) => id);

  it('is each its own, and says what it is of', () => {
    const all = ids(checks(words()));
    assert.equal(new Set(all).size, 6);
    assert.match(all[0] ?? '', /^TCP 10\.1\.0\.100:80 10\.2\.0\.21:80 TCP_CHECK [0-9a-z]{12}$/);
  });

  it('stays while the check does, whatever else changes', () => {
    assert.deepEqual(ids(checks(words('quorum: 2', 'lb_algo: rr', 'slow_start: 9s'))), ids(checks(words())));
  });

  it('of a script changes with the service that it is told of', () => {
    const id = (group: string): string | undefined => {
      const script = 'MISC_CHECK: { misc_path: [/bin/true] }';
      const more = `virtual_server_group: { farm: [${group}] }\n`;
      return pool(['group: farm', script, 'real_server: [10.2.0.21]'], more).real_server[0]?.checks[0]?.id;
    };
    assert.equal(id('10.1.0.100:80'), id('10.1.0.100:80, 10.1.0.101:80'));
    assert.notEqual(id('10.1.0.100:80'), id('10.1.0.101:80'));
  });

  it('changes with its time, its target and its options', () => {
    const [tcp, , http] = ids(checks(words()));
    for (const line of ['delay_loop: 9s', 'alpha: true', 'bindto: 10.2.0.11', 'retry: 9']) {
      const [changed, , other] = ids(checks(words(line)));
      assert.ok(changed !== tcp && other !== http, line);
    }
    const [same, , changed] = ids(checks(words('virtualhost: www.example.org')));
    assert.ok(same === tcp && changed !== http);
  });
});
