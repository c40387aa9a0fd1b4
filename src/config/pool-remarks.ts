/** What is accepted of pools, and is not what it looks like. */
import type { RealServer } from '../director/types.ts';
import type { Service } from '../ipvs/types.ts';
import { endpoint } from '../ipvs/types.ts';
import type { RawVirtualServer } from './pools-raw.ts';
import type { Remarks } from './remarks.ts';
import type { Path } from './report.ts';
import type { View } from './view.ts';

/** Above it the director, which carries the replies of NAT too, is what is full first. */
const manyForNat = 20;
/** They look at a weight only to see whether it is 0. net/netfilter/ipvs/ip_vs_{rr,lc,dh}.c */
const withoutWeights = ['rr', 'lc', 'dh'];

export function remarkService(
  view: View,
  remarks: Remarks,
  path: Path,
  raw: RawVirtualServer,
  { scheduler, schedulerFlags }: Service,
): void {
  const what = view.describe(path);
  if (raw.protocol !== undefined && raw.fwmark !== undefined)
    remarks.add('protocol', [...path, 'protocol'], () => `protocol of ${what} has no effect: a mark has any`);
  if (schedulerFlags.length > 0 && scheduler !== 'sh' && scheduler !== 'mh')
    remarks.add(
      'flags',
      path,
      () => `${what} has flags, and of the kernel's schedulers only sh and mh look at them`,
    );
}

export function remarkServers(
  view: View,
  remarks: Remarks,
  path: Path,
  raw: RawVirtualServer,
  { scheduler }: Service,
  servers: readonly RealServer[],
): void {
  const what = view.describe(path);
  const { quorum } = raw;
  const weights = servers.map(({ destination }) => destination.weight).filter((weight) => weight > 0);
  const least = weights.reduce((a, b) => Math.min(a, b), Infinity);
  if (servers.some(({ checks }) => checks.length === 0))
    remarks.add(
      'no checks',
      path,
      () => `${what} has servers without a check: they count as living, dead or not`,
    );
  if (weights.length === 0)
    remarks.add('no weight', path, () => `all weights of ${what} are 0: it takes no new connection`);
  else if (quorum > 1 && quorum <= weights.length && least >= quorum)
    remarks.add(
      'quorum',
      [...path, 'quorum'],
      () =>
        `quorum of ${what} counts weights, not servers: one server alone (weight ${least}) reaches ${quorum}`,
    );
  if (withoutWeights.includes(scheduler) && new Set(weights).size > 1)
    remarks.add(
      'weights',
      path,
      () => `lb_algo ${scheduler} of ${what} takes all weights above 0 for the same`,
    );
  const masqueraded = servers.filter(({ destination }) => destination.forward === 'masq').length;
  if (masqueraded > manyForNat)
    remarks.add(
      'nat',
      path,
      () =>
        `${what} has ${masqueraded} servers by NAT, and all replies go through this director: lb_kind DR scales further`,
    );
  const twoNames = servers.find(({ destination }) => destination.port === 0 && raw.fwmark === undefined);
  if (twoNames !== undefined && raw.group !== undefined)
    remarks.add(
      'as it came',
      path,
      () =>
        `${endpoint(twoNames.destination).replace(/:0$/, '')} of ${what} gets every connection on the port that it came to`,
    );
}
