/** From where a check speaks, and which sockets it must be given because they take rights that its process has not. */
import { type Family, familyOf } from '../base/ip.ts';
import type { CheckDefinition, CheckTarget } from './types.ts';

export interface Origin extends Pick<CheckTarget, 'bindto' | 'bind_if' | 'fwmark'> {
  readonly family: Family;
}

export const originOf = ({ address, bindto, bind_if, fwmark }: CheckTarget): Origin => ({
  family: familyOf(address),
  ...(bindto !== undefined && { bindto }),
  ...(bind_if !== undefined && { bind_if }),
  ...(fwmark !== undefined && { fwmark }),
});

/** Equal origins have equal keys. */
export const originKey = ({ family, bindto, bind_if, fwmark }: Origin): string =>
  [family, bindto, bind_if, fwmark].join(' ');

/** Sockets to be opened while the rights are there. */
export interface Need {
  readonly origin: Origin;
  /** TCP sockets that are on at a time: SO_MARK takes CAP_NET_ADMIN. socket(7) */
  readonly tcp: number;
  /** One socket for all ICMP echoes: a raw one takes CAP_NET_RAW. */
  readonly ping: boolean;
}

/** @param limit most probes at a time */
export function needsOf(checks: readonly CheckDefinition[], limit: number): readonly Need[] {
  const needs = new Map<string, Need>();
  for (const { checker, target } of checks) {
    const ping = checker.kind === 'PING_CHECK';
    if (checker.kind === 'MISC_CHECK' || (!ping && target.fwmark === undefined)) continue;
    const origin = originOf(target);
    const key = originKey(origin);
    const known = needs.get(key) ?? { origin, tcp: 0, ping: false };
    const tcp = ping ? known.tcp : Math.min(known.tcp + 1, limit);
    needs.set(key, { origin, tcp, ping: known.ping || ping });
  }
  return [...needs.values()];
}

/** Whether those who have these sockets can do with them what is needed now. */
export function suffices(opened: readonly Need[], needs: readonly Need[]): boolean {
  const have = new Map(opened.map((need) => [originKey(need.origin), need]));
  return needs.every(({ origin, tcp, ping }) => {
    const had = have.get(originKey(origin));
    return had !== undefined && had.tcp >= tcp && (had.ping || !ping);
  });
}
