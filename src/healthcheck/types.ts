/** What is checked, how, and what came of it. Plain data: it crosses processes as JSON. */
import type { Ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';

/** keepalived's common words of a checker, per real server, after the defaults of virtual_server have been taken. */
export interface CheckTiming {
  /** From the start of one check to the start of the next. */
  readonly delay_loop: Micros;
  /** Total: resolve, connect, handshake, answer. keepalived's connect_timeout is per step, and a server that drips outlives it. */
  readonly timeout: Micros;
  /**
   * Failures that are tried again, each after delay_before_retry, before the check counts as failed; as in
   * keepalived not of a server that is down already.
   */
  readonly retry: number;
  readonly delay_before_retry: Micros;
  /** The first check comes after a random part of this. */
  readonly warmup: Micros;
  /** Checks that must pass in a row before the server is up, and fail before it is down. */
  readonly rise: number;
  readonly fall: number;
  /**
   * What `unknown` means to the pool: down, so that `rise` checks must pass before the server is up, instead of
   * up, so that `fall` checks must fail before it is down.
   */
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
    /** PEM text, not files: this process could not read a key. `ca` absent: the ones that Node brings. */
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
  /** Exit code 2..255 passes and sets the weight to code − 2; 0 passes and leaves the weight as it was. */
  readonly misc_dynamic: boolean;
  readonly user: string;
  readonly group?: string;
  /** Appends VIP, its port, RIP and its port to the arguments, as ldirectord's external checks get them. */
  readonly ldirectord_arguments?: boolean;
  /** In the environment: VIPKEEPER_VIP, VIPKEEPER_VPORT (or VIPKEEPER_FWMARK), VIPKEEPER_RIP, VIPKEEPER_RPORT. */
  readonly virtual_server?: { readonly address: Ip; readonly port: number } | { readonly fwmark: number };
  /** Its own address, wherever connect_ip may lead. */
  readonly real_server?: { readonly address: Ip; readonly port: number };
}

/** PING_CHECK: ICMP echo. */
export interface PingCheck {
  readonly kind: 'PING_CHECK';
}

export type CheckerOptions = TcpCheck | HttpCheck | MiscCheck | PingCheck;

/** What one run of a checker found. */
export interface CheckOutcome {
  readonly passed: boolean;
  /**
   * For the operator, always, and without the time it took, so that the same finding is the same words: "200",
   * "connect to 10.2.0.21:80: refused", "GET /health: 503, expected 200-299".
   */
  readonly words: string;
  /** By a dynamic checker; absent: as it was. */
  readonly weight?: number;
}

/** What is reported to the parent, on every change of the verdict, the finding or the weight. */
export interface CheckReport {
  readonly id: string;
  readonly verdict: 'up' | 'down' | 'unknown';
  /** Of the last check, with the time it took: "200 in 3 ms", "GET /: 503, expected 200 (1 of 3 to fall)". */
  readonly words: string;
  readonly weight?: number;
  /** Of the last run. */
  readonly duration: Micros;
  /** CLOCK_BOOTTIME, of the last run and of the last change of the verdict. */
  readonly at: Micros;
  readonly since: Micros;
}

/** All that is known of one check; counters since it was configured or the process began. */
export interface CheckStatus extends CheckReport {
  readonly kind: CheckerOptions['kind'];
  readonly phase: 'waiting' | 'queued' | 'running';
  /** Probes, failed ones among them, and those that came to no answer in time. */
  readonly runs: number;
  readonly failures: number;
  readonly timeouts: number;
  /** How much later than planned a probe began, at most. */
  readonly latest: Micros;
}
