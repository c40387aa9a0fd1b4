/** What the bench of checks measures, as plain data, and the files of both products. PURE. */
import { ip } from '../../../src/base/ip.ts';
import { type Micros, milliseconds, seconds } from '../../../src/base/time.ts';
import type { CheckDefinition, CheckerOptions } from '../../../src/healthcheck/types.ts';
import type { Product } from '../scenario.ts';

export const parts = ['rates', 'lateness', 'cost', 'reset'] as const;
export type Part = (typeof parts)[number];
/** These run in a guest, beside keepalived. */
export const guestParts: readonly Part[] = ['cost', 'reset'];

export const partTitles: Readonly<Record<Part, string>> = {
  rates: 'CPU of a check at 1,000/s, and the highest rate',
  lateness: 'adverts of 10 ms while 2,000 checks/s run',
  cost: 'CPU of a check at 200/s, ours and keepalived’s',
  reset: 'from a reset to the kernel not choosing the server, ours and keepalived’s',
};

export const kinds = ['tcp', 'axios', 'node:http'] as const;
/** How a server is checked: an HTTP check by either client. */
export type Kind = (typeof kinds)[number];

export const kindTitles: Readonly<Record<Kind, string>> = {
  tcp: 'TCP_CHECK',
  axios: 'HTTP_GET (default client)',
  'node:http': 'HTTP_GET (node:http)',
};

/** keepalived has one HTTP client. */
export const kindsOf = (product: Product): readonly Kind[] =>
  product === 'ours' ? kinds : kinds.filter((kind) => kind !== 'node:http');

const checkerOf = (kind: Kind): CheckerOptions =>
  kind === 'tcp'
    ? { kind: 'TCP_CHECK' }
    : {
        kind: 'HTTP_GET',
        http_protocol: '1.1',
        url: [{ path: '/', status_code: [[200, 299]] }],
        client: kind,
      };

/** So many checks a second: each once a second, from a random moment on. @param ports of the web server, in turn */
export function checksAt(rate: number, kind: Kind, ports: readonly number[]): readonly CheckDefinition[] {
  const timing = {
    delay_loop: seconds(1),
    timeout: seconds(1),
    retry: 0,
    delay_before_retry: seconds(1),
    warmup: seconds(1),
    rise: 1,
    fall: 1,
    alpha: false,
  };
  return Array.from({ length: rate }, (_, at) => ({
    id: `${rate} ${kind} ${at}`,
    target: { address: ip('127.0.0.1'), port: ports[at % ports.length] ?? 0 },
    timing,
    checker: checkerOf(kind),
  }));
}

/**
 * Which rate to try next; undefined when the highest good one is known to a sixteenth. One that was not kept is tried once
 * more: the machine may have had something else to do.
 */
export function nextRate(
  tried: readonly { readonly rate: number; readonly kept: boolean }[],
): number | undefined {
  const last = tried.at(-1);
  const isBad = (wanted: number): boolean =>
    tried.filter(({ rate, kept }) => rate === wanted && !kept).length >= 2;
  if (last !== undefined && !last.kept && !isBad(last.rate)) return last.rate;
  const good = Math.max(0, ...tried.filter(({ kept }) => kept).map(({ rate }) => rate));
  const bad = Math.min(
    Infinity,
    ...tried.filter(({ rate }) => rate > good && isBad(rate)).map(({ rate }) => rate),
  );
  if (bad === Infinity) return good * 2;
  return bad - good > Math.max(good / 16, 50) ? Math.round((good + bad) / 2) : undefined;
}

/** Completed checks are within 5 % of the schedule. */
export const keepsTo = (scheduled: number, completed: number): boolean =>
  Math.abs(completed - scheduled) * 20 <= scheduled;

/** What both products check in the same way. */
export interface PoolPlan {
  readonly kind: Kind;
  readonly delayLoop: Micros;
  readonly servers: readonly { readonly address: string; readonly port: number }[];
}

/** Of `count` addresses behind one server. */
export const addressesIn = (network: string, count: number, port: number): PoolPlan['servers'] =>
  Array.from({ length: count }, (_, at) => ({
    address: `${network}.${1 + Math.floor(at / 250)}.${(at % 250) + 1}`,
    port,
  }));

/** A virtual_server of ours. The first checks are spread over an interval. */
export const oursPool = (
  { kind, delayLoop, servers }: PoolPlan,
  settings: object,
): Readonly<Record<string, unknown>> => ({
  lb_algo: 'wrr',
  delay_loop: `${delayLoop / 1_000}ms`,
  warmup: `${delayLoop / 1_000}ms`,
  timeout: '1s',
  retry: 0,
  ...(kind === 'tcp'
    ? { TCP_CHECK: {} }
    : { HTTP_GET: { url: [{ path: '/', status_code: '200-299' }], client: kind } }),
  real_server: servers.map(({ address, port }) => `${address}:${port}`),
  ...settings,
});

/** keepalived refuses "retry 0" of a virtual_server, and takes it of a checker. */
export function keepalivedText({ kind, delayLoop, servers }: PoolPlan): string {
  const common = 'connect_timeout 1\n      retry 0\n      delay_before_retry 1';
  const checker =
    kind === 'tcp'
      ? `TCP_CHECK {\n      ${common}\n    }`
      : `HTTP_GET {\n      url {\n        path /\n        status_code 200-299\n      }\n      ${common}\n    }`;
  const delay = `delay_loop ${delayLoop / 1_000_000}`;
  const real = servers.map(
    ({ address, port }) => `  real_server ${address} ${port} {\n    weight 1\n    ${checker}\n  }\n`,
  );
  return `global_defs {
  script_user root
}
virtual_server 10.1.0.100 80 {
  ${delay}
  lb_algo wrr
  lb_kind NAT
  protocol TCP
${real.join('')}}
`;
}

/** One life of one product, watched. */
export interface Life {
  readonly part: 'cost' | 'reset';
  readonly product: Product;
  readonly kind: Kind;
  readonly round: number;
  readonly delayLoop: Micros;
  /** cost: for how long. */
  readonly watch: Micros;
  /** reset: how many. */
  readonly resets: number;
}

export const lifeLabel = ({ product, kind, round, delayLoop }: Life): string =>
  `${product} ${kindTitles[kind]}, every ${delayLoop / 1_000} ms, round ${round}`;

export const costServers = 200;
/**
 * The guest's clock of CPU time goes in steps of 10 ms. With a whole second every check would come at the same place
 * between two steps for ever; so they wander over all places, three steps in ten seconds.
 */
const costDelayLoop = milliseconds(1_003);
const resetDelayLoops = [milliseconds(200), seconds(1)] as const;

export function planLives(wanted: readonly Part[], quick: boolean): readonly Life[] {
  const lives: Life[] = [];
  const rounds = quick ? 1 : 3;
  for (let round = 1; round <= rounds; round++) {
    // Whoever is first in one round is last in the next.
    const order: readonly Product[] = round % 2 === 1 ? ['ours', 'keepalived'] : ['keepalived', 'ours'];
    if (wanted.includes('cost'))
      for (const kind of kinds)
        for (const product of order.filter((one) => kindsOf(one).includes(kind)))
          lives.push({
            ...{ part: 'cost', product, kind, round },
            ...{ delayLoop: costDelayLoop, watch: seconds(quick ? 6 : 20), resets: 0 },
          });
    if (wanted.includes('reset'))
      for (const delayLoop of quick ? resetDelayLoops.slice(0, 1) : resetDelayLoops)
        for (const product of order)
          lives.push({
            ...{ part: 'reset', product, kind: 'tcp', round, delayLoop },
            ...{ watch: seconds(0), resets: 6 },
          });
  }
  return lives;
}

/**
 * Where in the interval between two checks the server goes: each place once over all rounds, the same ones for both
 * products, in an order that has no rhythm. @returns 0..1
 */
export function phaseOf({ round, resets }: Pick<Life, 'round' | 'resets'>, at: number): number {
  // 5 has no factor in common with 6: every place is taken.
  const place = (at * 5 + round) % resets;
  return (place + (round * 2 - 1) / 6) / resets;
}
