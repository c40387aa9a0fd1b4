/**
 * What the nftables forwarder cannot do of what IPVS can, in words: for the one who checks a file, and for the one who
 * would have to carry it out.
 */
import type { Destination, Service } from './types.ts';

/** Schedulers that it deals connections out like. */
export const turnSchedulers: readonly string[] = ['rr', 'wrr'];

/** @returns "has no persistence", or undefined when it can be done */
export function unforwardableService({ key, persistence, ops }: Service): string | undefined {
  if (key.kind === 'fwmark') return 'has no services by mark';
  if (key.protocol === 'SCTP') return 'has no SCTP';
  if (persistence !== undefined || key.port === 0) return 'has no persistence, and no service of every port';
  return ops ? 'has no ops: connection tracking takes datagrams for connections' : undefined;
}

/** @returns as unforwardableService */
export function unforwardableDestination(destination: Destination): string | undefined {
  const { forward, upperThreshold, lowerThreshold, port } = destination;
  if (forward !== 'masq') return 'has no DR and no TUN: lb_kind NAT only';
  if (port === 0) return 'has no servers without a port';
  return upperThreshold > 0 || lowerThreshold > 0
    ? 'has no thresholds: it does not count connections'
    : undefined;
}
