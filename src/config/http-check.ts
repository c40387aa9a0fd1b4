/** HTTP_GET and SSL_GET. */
import type { HttpCheck, HttpUrl } from '../healthcheck/types.ts';
import type { CheckWords } from './checkers.ts';
import type { RawChecker, RawUrl } from './checkers-raw.ts';
import { duration } from './duration.ts';
import type { Path } from './report.ts';
import { quote } from './report.ts';
import type { View } from './view.ts';

export function httpOptions(
  words: CheckWords,
  path: Path,
  kind: HttpCheck['kind'],
  raw: RawChecker,
  virtualhost: string | undefined,
): HttpCheck {
  const { view } = words;
  const { http_protocol = '1.1', client = 'axios', url = [] } = raw;
  return {
    kind,
    http_protocol: protocolOf(http_protocol),
    url: url.map((one, at) => buildUrl(view, [...path, 'url', at], one)),
    client: client.toLowerCase() === 'axios' ? 'axios' : 'node:http',
    ...(virtualhost !== undefined && { virtualhost }),
    ...(kind === 'SSL_GET' && { tls: buildTls(words, path, raw, virtualhost) }),
  };
}

/** YAML reads 1.0 as the number 1. */
const protocolOf = (written: number | string): HttpCheck['http_protocol'] =>
  written === 1 || written === '1.0' ? '1.0' : written === 1.1 || written === '1.1' ? '1.1' : '1.0C';

function buildUrl(view: View, path: Path, raw: RawUrl): HttpUrl {
  const { path: asked, status_code = '200-299', digest, virtualhost, regex, regex_no_match = false } = raw;
  const codes = typeof status_code === 'object' ? status_code : [status_code];
  const at = [...path, 'status_code'];
  const places = (index: number): Path => (typeof status_code === 'object' ? [...at, index] : at);
  if (regex !== undefined) checkRegex(view, [...path, 'regex'], regex);
  else if (regex_no_match)
    view.error([...path, 'regex_no_match'], {
      message: `regex_no_match without regex in ${view.describe(path)}`,
      expected: 'regex too',
      why: 'the body would not be looked at',
    });
  return {
    path: asked,
    status_code: codes.map((code, index) => {
      const [from = 0, to = from] = String(code).split('-').map(Number);
      if (from > to)
        view.error(places(index), {
          message: `${view.describe(places(index))} is ${quote(String(code))}`,
          expected: 'the smaller code first',
          why: 'no answer would pass',
        });
      return [from, to] as const;
    }),
    ...(digest !== undefined && { digest: digest.toLowerCase() }),
    ...(virtualhost !== undefined && { virtualhost }),
    ...(regex !== undefined && { regex, regex_no_match }),
  };
}

function checkRegex(view: View, at: Path, regex: string): void {
  try {
    new RegExp(regex);
  } catch (cause) {
    const said = cause instanceof SyntaxError ? (cause.message.split(': ').at(-1) ?? '') : '';
    view.error(at, {
      message: `${view.describe(at)} is ${quote(regex)}, which does not compile: ${said.replace(/[^ -~]/gu, '?')}`,
      expected: 'a regular expression of JavaScript',
      why: 'no answer would pass',
    });
  }
}

function buildTls(
  { view, readSecret }: CheckWords,
  path: Path,
  raw: RawChecker,
  virtualhost: string | undefined,
): NonNullable<HttpCheck['tls']> {
  const { enable_sni = false, verify = false } = raw;
  const sni_name = raw.sni_name ?? (enable_sni ? virtualhost : undefined);
  if (enable_sni && sni_name === undefined)
    view.error([...path, 'enable_sni'], {
      message: `enable_sni in ${view.describe(path)}, which has no virtualhost`,
      expected: 'virtualhost or sni_name',
      why: 'there is no name to send',
    });
  else if (verify && sni_name === undefined)
    view.error([...path, 'verify'], {
      message: `verify in ${view.describe(path)} without a server name`,
      expected: 'sni_name, or enable_sni with virtualhost',
      why: 'a certificate is valid for a name',
    });
  const [one, other] =
    raw.certificate === undefined ? (['key', 'certificate'] as const) : (['certificate', 'key'] as const);
  if ((raw.certificate === undefined) !== (raw.key === undefined))
    view.error([...path, one], {
      message: `${one} without ${other} in ${view.describe(path)}`,
      expected: 'both, or neither',
      why: 'the certificate could not be shown',
    });
  const pem = (
    word: 'ca' | 'certificate' | 'key',
  ): { readonly [word in 'ca' | 'certificate' | 'key']?: string } => {
    const file = raw[word];
    if (file === undefined) return {};
    const at = [...path, word];
    const read = readSecret?.(file, 'pem');
    if (read === undefined) view.note(at, `${quote(file)} is not read on this host`);
    else if (read.ok) return { [word]: read.value };
    else
      view.error(at, {
        message: `${view.describe(at)} ${quote(file)} cannot be read: ${read.error}`,
        why: 'no check would pass, and the servers would never be up',
      });
    return {};
  };
  return {
    ...(sni_name !== undefined && { sni_name }),
    verify,
    ...pem('ca'),
    ...pem('certificate'),
    ...pem('key'),
    expiry_warning: duration(raw.expiry_warning ?? '336h'),
  };
}
