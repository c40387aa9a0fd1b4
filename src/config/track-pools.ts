/** How track_virtual_server names a pool: a virtual_server has the name of its service or of its group. */
import type { VirtualServer } from '../director/types.ts';
import { endpoint, protocols } from '../ipvs/types.ts';
import { parseEndpoint } from './endpoint.ts';
import { nearest } from './nearest.ts';
import type { Finding } from './report.ts';
import { plainNames } from './report.ts';

/** The pools of one node, as far as they could be built. */
export interface KnownPools {
  readonly pools: readonly VirtualServer[];
  /** Without it, what is missing here may be a virtual_server with a mistake, which has been reported. */
  readonly complete: boolean;
}

/** Names of virtual servers that may be meant; the first one is exactly what is written. */
export function namesMeant(written: string): readonly string[] {
  const words = written.split(' ');
  const last = words.pop() ?? '';
  const address = parseEndpoint(last);
  const exact = [
    ...words.map((word) => protocols.find((one) => one === word.toUpperCase()) ?? word),
    address === undefined ? last : endpoint(address),
  ].join(' ');
  return [exact, ...protocols.map((protocol) => `${protocol} ${exact}`), `${exact} IPv4`, `${exact} IPv6`];
}

/**
 * @returns the pool that is meant, or what is wrong with the words, to follow them; undefined when that has been
 * reported
 */
export function poolMeant(
  written: string,
  { pools, complete }: KnownPools,
): VirtualServer | Finding | undefined {
  const [exact, ...others] = namesMeant(written).map((name) => pools.find((pool) => pool.name === name));
  if (exact !== undefined) return exact;
  const [found, another] = others.filter((pool) => pool !== undefined);
  if (found !== undefined && another !== undefined)
    return {
      message: `which is ${found.name} and ${another.name}`,
      expected: 'one of the two names',
      why: 'the failure of the other one would not move the VIP',
    };
  if (found !== undefined) return found;
  if (!complete) return undefined;
  const hint = nearest(written, namesOf(pools));
  return {
    message: 'which is no virtual_server',
    ...(hint === undefined ? { expected: expectation(pools) } : { hint }),
    why: 'the failure that it watches for would not move the VIP',
  };
}

/** The shortest ones, as people write them. */
function namesOf(pools: readonly VirtualServer[]): readonly string[] {
  const names = pools.map(({ name, services: [{ key }] }) => {
    if (key.kind === 'fwmark') return name.replace(/^(fwmark \d+) IPv[46]$/, '$1');
    return name.endsWith(` ${endpoint(key)}`) ? endpoint(key).replace(/:0$/, '') : name;
  });
  // A group may be called anything; what was made of an address or a mark is safe to show.
  const plain = new Set(plainNames(names));
  return [...new Set(names)].filter(
    (name) => plain.has(name) || /^(?:\[[\d:a-f.]+\](?::\d+)?|fwmark \d+)$/.test(name),
  );
}

const expectation = (pools: readonly VirtualServer[]): string => {
  const names = namesOf(pools);
  return pools.length === 0
    ? 'a virtual_server in the file'
    : names.length > 0 && names.length <= 4
      ? names.join(' or ')
      : 'the address, fwmark or group of a virtual_server';
};
