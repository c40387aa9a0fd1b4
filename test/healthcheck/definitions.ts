/** Checks to test with: what a case does not name is as plain as it can be. */
import { ip } from '../../src/base/ip.ts';
import { milliseconds, seconds } from '../../src/base/time.ts';
import type { CheckDefinition, CheckTiming, HttpCheck, HttpUrl } from '../../src/healthcheck/types.ts';

export const timing: CheckTiming = {
  delay_loop: seconds(60),
  timeout: milliseconds(400),
  retry: 0,
  delay_before_retry: milliseconds(100),
  warmup: seconds(0),
  rise: 1,
  fall: 1,
  alpha: false,
};

export const loopback = ip('127.0.0.1');

export const tcp = (more: Partial<CheckTiming> = {}, id = 'a'): CheckDefinition => ({
  id,
  target: { address: loopback, port: 80 },
  timing: { ...timing, ...more },
  checker: { kind: 'TCP_CHECK' },
});

export const url = (more: Partial<HttpUrl> = {}): HttpUrl => ({
  path: '/',
  status_code: [[200, 299]],
  ...more,
});

export const http = (more: Partial<HttpCheck> = {}): HttpCheck => ({
  kind: 'HTTP_GET',
  http_protocol: '1.1',
  url: [url()],
  client: 'axios',
  ...more,
});
