/** What is checked of a real server: the words of its checkers, with the defaults around them. */
import type { Ip } from '../base/ip.ts';
import { familyOf, ip } from '../base/ip.ts';
import type { Micros } from '../base/time.ts';
import type {
  CheckDefinition,
  CheckerOptions,
  CheckTarget,
  CheckTiming,
  MiscCheck,
} from '../healthcheck/types.ts';
import type { Destination, ServiceKey } from '../ipvs/types.ts';
import { endpoint } from '../ipvs/types.ts';
import type { CheckerWord, RawChecker, RawCheckerMap, RawCheckers, RawCommon } from './checkers-raw.ts';
import { checkerWords } from './checkers-raw.ts';
import { duration } from './duration.ts';
import { fingerprint } from './fingerprint.ts';
import { httpOptions } from './http-check.ts';
import type { RawDuration } from './raw.ts';
import type { Remarks } from './remarks.ts';
import { synonym } from './remarks.ts';
import type { Path } from './report.ts';
import type { ReadSecret } from './secret.ts';
import { checkCommand } from './track-definitions.ts';
import type { View } from './view.ts';

/** One checker of the file, with what it takes from around it. Real servers without words of their own share it. */
export interface CheckPlan {
  readonly path: Path;
  readonly timing: CheckTiming;
  readonly checker: CheckerOptions;
  readonly target: Omit<CheckTarget, 'address' | 'port'>;
  readonly connect_ip: Ip | undefined;
  readonly connect_port: number | undefined;
  /** Of all that is not the server's. */
  readonly mark: string;
}

/** Words of one level, and where they are. */
export interface Level {
  readonly path: Path;
  readonly raw: RawCommon;
}

export interface CheckWords {
  readonly view: View;
  readonly remarks: Remarks;
  readonly script_user: string;
  /** Undefined: the files are on another machine. */
  readonly readSecret: ReadSecret | undefined;
}

/** The checkers that a level names. @returns undefined when it names none: those of the level around it count */
export function checkersOf(
  view: View,
  path: Path,
  raw: RawCheckers,
): readonly (readonly [path: Path, word: CheckerWord, raw: RawChecker])[] | undefined {
  const words = wordsOf(raw);
  if (words.length > 1 || (words.length > 0 && raw.checks !== undefined)) {
    const [first = '', second = 'checks'] = words;
    view.error(
      [...path, second],
      {
        message: `both ${first} and ${second} in ${view.describe(path)}`,
        expected: 'one checker, or all of them in a list: checks: [{TCP_CHECK: {}}, …]',
      },
      'key',
      'key',
    );
    return [];
  }
  const [word] = words;
  if (word !== undefined) return [[[...path, word], word, raw[word] ?? {}]];
  return raw.checks?.flatMap((entry, at) =>
    wordsOf(entry).map((one) => [[...path, 'checks', at, one], one, entry[one] ?? {}] as const),
  );
}

const wordsOf = (raw: RawCheckerMap): readonly CheckerWord[] =>
  checkerWords.filter((word) => raw[word] !== undefined);

/** @param levels virtual_server, and real_server when it has words of its own */
export function planCheck(
  words: CheckWords,
  [path, kind, raw]: readonly [Path, CheckerWord, RawChecker],
  levels: readonly Level[],
): CheckPlan {
  const all = [...levels, { path, raw }];
  const timing = buildTiming(words, all, kind, raw);
  const { bindto, bind_if, virtualhost } = Object.assign({}, ...all.map((level) => level.raw)) as RawCommon;
  const target = {
    ...(bindto !== undefined && { bindto: ip(bindto) }),
    ...(bind_if !== undefined && { bind_if }),
    ...(raw.fwmark !== undefined && { fwmark: raw.fwmark }),
  };
  const checker = optionsOf(words, path, kind, raw, virtualhost);
  const connect_ip = raw.connect_ip === undefined ? undefined : ip(raw.connect_ip);
  const connect_port = raw.connect_port;
  const mark = fingerprint(JSON.stringify([timing, checker, target, connect_ip, connect_port]));
  return { path, timing, checker, target, connect_ip, connect_port, mark };
}

function buildTiming(
  { view, remarks }: CheckWords,
  levels: readonly Level[],
  kind: CheckerWord,
  raw: RawChecker,
): CheckTiming {
  const inner = <Word extends keyof RawCommon>(word: Word): RawCommon[Word] | undefined =>
    levels.findLast((level) => level.raw[word] !== undefined)?.raw[word];
  const time = (written: RawDuration | undefined, fallback: Micros): Micros =>
    written === undefined ? fallback : duration(written);
  const seconds = (n: number): Micros => (n * 1_000_000) as Micros;
  const [http, misc] = [kind === 'HTTP_GET' || kind === 'SSL_GET', kind === 'MISC_CHECK'];
  let timeout: RawDuration | undefined;
  for (const { path, raw: words } of levels) {
    const word = synonym(view, path, words, 'timeout', 'connect_timeout');
    if (word === 'connect_timeout' && words[word] !== undefined)
      remarks.add(
        'connect_timeout',
        [...path, word],
        () =>
          `${view.describe([...path, word])} is the time for the whole check; keepalived counts every step anew`,
      );
    // A script has never had it. keepalived.conf(5), misc_timeout
    if (!misc || word === 'timeout') timeout = words[word] ?? timeout;
  }
  if (raw.misc_timeout !== undefined && raw.timeout !== undefined)
    timeout = raw[synonym(view, levels.at(-1)?.path ?? [], raw, 'timeout', 'misc_timeout')];
  const delay_loop = time(inner('delay_loop'), seconds(60));
  return {
    delay_loop,
    timeout: time(raw.misc_timeout ?? timeout, misc ? delay_loop : seconds(5)),
    retry: inner('retry') ?? (misc ? 0 : 1),
    delay_before_retry: time(inner('delay_before_retry'), seconds(http ? 3 : 1)),
    warmup: time(inner('warmup'), delay_loop),
    rise: inner('rise') ?? 1,
    fall: inner('fall') ?? 1,
    alpha: inner('alpha') ?? false,
  };
}

function optionsOf(
  words: CheckWords,
  path: Path,
  kind: CheckerWord,
  raw: RawChecker,
  virtualhost: string | undefined,
): CheckerOptions {
  if (kind === 'HTTP_GET' || kind === 'SSL_GET') return httpOptions(words, path, kind, raw, virtualhost);
  if (kind !== 'MISC_CHECK') return { kind };
  const { misc_path = [], misc_dynamic = false, user = words.script_user, group } = raw;
  checkCommand(words.view, [...path, 'misc_path'], misc_path);
  const arguments_ = raw.ldirectord_arguments === true && { ldirectord_arguments: true };
  return { kind, misc_path, misc_dynamic, user, ...(group !== undefined && { group }), ...arguments_ };
}

/** The check of one server. @param pool its name and the server's make the id unique; a script is told its service */
export function defineCheck(
  view: View,
  { path, timing, checker, target, connect_ip, connect_port, mark }: CheckPlan,
  pool: { readonly name: string; readonly key: ServiceKey },
  server: Destination,
): CheckDefinition {
  const address = connect_ip ?? server.address;
  const port = connect_port ?? server.port;
  const wants = checker.kind !== 'MISC_CHECK' && checker.kind !== 'PING_CHECK';
  if (wants && port === 0)
    view.error(
      path,
      {
        message: `${view.describe(path)} for ${endpoint(server).replace(/:0$/, '')}, which has no port`,
        expected: 'connect_port',
        why: 'there is nothing to connect to, and the server would never be up',
      },
      'port',
    );
  if (target.bindto !== undefined && familyOf(target.bindto) !== familyOf(address))
    view.error(
      path,
      {
        message: `${view.describe(path)} goes from bindto ${target.bindto} to ${address}`,
        expected: 'addresses of one family',
        why: 'no check would leave this host, and the server would never be up',
      },
      'bindto',
    );
  const named = `${pool.name} ${endpoint(server)} ${checker.kind} ${mark}`;
  const place = { address, port, ...target };
  if (checker.kind !== 'MISC_CHECK') return { id: named, target: place, timing, checker };
  // The name of a group does not say which of its services a script is told.
  const about = aboutOf(pool.key, server);
  const id = `${named}${fingerprint(JSON.stringify(about))}`;
  return { id, target: place, timing, checker: { ...checker, ...about } };
}

const aboutOf = (key: ServiceKey, { address, port }: Destination): Partial<MiscCheck> => ({
  virtual_server: key.kind === 'fwmark' ? { fwmark: key.fwmark } : { address: key.address, port: key.port },
  real_server: { address, port },
});
