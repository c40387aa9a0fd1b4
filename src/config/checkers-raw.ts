/** What the schema has let through of checkers: the types of checkers-schema.ts. */
import type { RawDuration } from './raw.ts';

/** The words that virtual_server, real_server and a checker have in common, each the default of the next. */
export interface RawCommon {
  readonly delay_loop?: RawDuration;
  readonly timeout?: RawDuration;
  readonly connect_timeout?: RawDuration;
  readonly retry?: number;
  readonly delay_before_retry?: RawDuration;
  readonly warmup?: RawDuration;
  readonly rise?: number;
  readonly fall?: number;
  readonly alpha?: boolean;
  readonly bindto?: string;
  readonly bind_if?: string;
  readonly virtualhost?: string;
}

export type RawStatusCode = number | string;

export interface RawUrl {
  readonly path: string;
  readonly status_code?: RawStatusCode | readonly RawStatusCode[];
  readonly digest?: string;
  readonly virtualhost?: string;
  readonly regex?: string;
  readonly regex_no_match?: boolean;
}

/** Of any kind: which words it may have is the schema's affair. */
export interface RawChecker extends RawCommon {
  readonly connect_ip?: string;
  readonly connect_port?: number;
  readonly fwmark?: number;
  readonly http_protocol?: number | string;
  readonly client?: string;
  readonly url?: readonly RawUrl[];
  readonly enable_sni?: boolean;
  readonly sni_name?: string;
  readonly verify?: boolean;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly expiry_warning?: RawDuration;
  readonly misc_path?: readonly string[];
  readonly misc_timeout?: RawDuration;
  readonly misc_dynamic?: boolean;
  readonly ldirectord_arguments?: boolean;
  readonly user?: string;
  readonly group?: string;
}

export const checkerWords = ['TCP_CHECK', 'HTTP_GET', 'SSL_GET', 'MISC_CHECK', 'PING_CHECK'] as const;
export type CheckerWord = (typeof checkerWords)[number];

/** Null: the word alone. */
export type RawCheckerMap = { readonly [word in CheckerWord]?: RawChecker | null };

/** One word, or the list. */
export interface RawCheckers extends RawCheckerMap {
  readonly checks?: readonly RawCheckerMap[];
}
