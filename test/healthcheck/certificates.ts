/** Certificates for one test, made by openssl: an authority, and what it has signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export class Authority {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'vipkeeper-certificates-'));
  readonly ca: string;
  #count = 0;

  constructor() {
    this.#openssl('req', '-x509', ...newKey('ca', 'pem'), '-subj', '/CN=vipkeeper test authority');
    this.ca = this.#read('ca.pem');
  }

  /** @param name in subject and subjectAltName @param days of its life from now; -1: it expired yesterday */
  issue(name: string, days = 30): Certificate {
    const file = `c${++this.#count}`;
    const kind = /^[\d.]+$/.test(name) ? 'IP' : 'DNS';
    this.#openssl(
      'req',
      ...newKey(file, 'csr'),
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${kind}:${name}`,
    );
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copyall'];
    this.#openssl(
      'x509',
      '-req',
      '-in',
      `${file}.csr`,
      '-out',
      `${file}.pem`,
      '-days',
      String(days),
      ...signed,
    );
    return { certificate: this.#read(`${file}.pem`), key: this.#read(`${file}.key`) };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #read(file: string): string {
    return readFileSync(path.join(this.#folder, file), 'utf8');
  }
}

const newKey = (file: string, kind: 'pem' | 'csr'): readonly string[] => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', `${file}.key`, '-out', `${file}.${kind}`],
];
