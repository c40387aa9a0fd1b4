/** What is checked, how, and what came of it. Plain data: it crosses processes as JSON. */
import type { Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';

/** keepalived's common words of a checker, per real server, after the defaults of virtual_server have been taken. */
export interface CheckTiming {
  /** From the start of one check to the start of the next. */
  readonly delay_loop: Micros;
  /** Total: resolve, connect, handshake, answer. keepalived's connect_timeout is per step, and a server that drips outlives it. */
  readonly timeout: Micros;
  /** Failures that are tried again at once, after delay_before_retry, before the check counts as failed. */
  readonly retry: number;
  readonly delay_before_retry: Micros;
  /** The first check comes after a random part of this. */
  readonly warmup: Micros;
  /** Checks that must pass in a row before the server is up, and fail before it is down. */
  readonly rise: number;
  readonly fall: number;
  /** Down until the first verdict, instead of up. */
  readonly alpha: boolean;
}

/** Where a check goes, and from where. */
export interface CheckTarget {
  readonly address: Ip;
  readonly port: number;
  readonly bindto?: Ip;
  readonly bind_if?: string;
  readonly fwmark?: number;
}

/** One checker of one real server. `id` is unique in a configuration and stays the same while nothing of it changes. */
export interface CheckDefinition {
  readonly id: string;
  readonly target: CheckTarget;
  readonly timing: CheckTiming;
  /** Of checkers/index.ts, with the options that its schema has let through. */
  readonly checker: CheckerOptions;
}

/** TCP_CHECK */
export interface TcpCheck {
  readonly kind: 'TCP_CHECK';
}

export interface HttpUrl {
  readonly path: string;
  /** Ranges of codes that pass, both ends included. */
  readonly status_code: readonly (readonly [from: number, to: number])[];
  /** MD5 of the body, 32 hexadecimal digits. */
  readonly digest?: string;
  readonly virtualhost?: string;
  readonly regex?: string;
  /** The body must not match. */
  readonly regex_no_match?: boolean;
}

/** HTTP_GET and SSL_GET */
export interface HttpCheck {
  readonly kind: 'HTTP_GET' | 'SSL_GET';
  readonly http_protocol: '1.0' | '1.0C' | '1.1';
  /** All of them must pass, one after the other, within one timeout. */
  readonly url: readonly HttpUrl[];
  readonly virtualhost?: string;
  readonly client: 'axios' | 'node:http';
  readonly tls?: {
    /** Name that is sent in SNI and, when `verify`, must be in the certificate. */
    readonly sni_name?: string;
    readonly verify: boolean;
    readonly ca?: string;
    readonly certificate?: string;
    readonly key?: string;
    /** A certificate that ends sooner is told in the words of a check that passes. */
    readonly expiry_warning: Micros;
  };
}

/** MISC_CHECK: a script by the scripts process. */
export interface MiscCheck {
  readonly kind: 'MISC_CHECK';
  readonly misc_path: readonly string[];
  /** Exit code 2..255 passes and sets the weight to code − 2. */
  readonly misc_dynamic: boolean;
  readonly user: string;
  readonly group?: string;
}

/** PING_CHECK: ICMP echo. */
export interface PingCheck {
  readonly kind: 'PING_CHECK';
}

export type CheckerOptions = TcpCheck | HttpCheck | MiscCheck | PingCheck;

/** What one run of a checker found. */
export interface CheckOutcome {
  readonly passed: boolean;
  /** For the operator, always: "200 in 3 ms", "connect: refused", "GET /health: 503, expected 200-299". */
  readonly words: string;
  /** By a dynamic checker. */
  readonly weight?: number;
}

/** What is reported to the parent, on every change of the verdict, the words or the weight. */
export interface CheckReport {
  readonly id: string;
  readonly verdict: 'up' | 'down' | 'unknown';
  readonly words: string;
  readonly weight?: number;
  /** Of the last run. */
  readonly duration: Micros;
  /** CLOCK_BOOTTIME, of the last run and of the last change of the verdict. */
  readonly at: Micros;
  readonly since: Micros;
}
