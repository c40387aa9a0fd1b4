/** Counters of a service or a destination. protocols §4.5 */
import { AttributeReader } from '../netlink/attribute.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { DecodeFault } from '../netlink/message.ts';
import type { Statistics } from './types.ts';
import { StatisticsAttribute as Attribute } from './uapi.ts';

type Counters = { -readonly [K in keyof Statistics]: Statistics[K] };

const counterOf = new Map(
  Object.entries(Attribute).map(([name, type]) => [type as number, name as keyof Statistics]),
);

/** Nests as they stand in a service or a destination: in its attributes 10 and 12. */
export interface StatisticsNests {
  narrow: Uint8Array | undefined;
  wide: Uint8Array | undefined;
}

/**
 * The 64-bit nest where there is one: then the other, which says the same in fewer bits, is not even looked
 * at.
 */
export function readStatistics({
  narrow,
  wide,
}: StatisticsNests): Result<Statistics | undefined, DecodeFault> {
  const nest = wide ?? narrow;
  if (nest === undefined) return ok(undefined);
  const reader = new AttributeReader(nest, 2);
  const counters = readCounters(reader, nest === wide);
  return reader.fault === undefined ? ok(counters) : err(reader.fault);
}

/** What the kernel left out counts 0. */
function readCounters(reader: AttributeReader, allWide: boolean): Statistics {
  const counters: Counters = {
    connections: 0n,
    inPackets: 0n,
    outPackets: 0n,
    inBytes: 0n,
    outBytes: 0n,
    connectionsPerSecond: 0n,
    inPacketsPerSecond: 0n,
    outPacketsPerSecond: 0n,
    inBytesPerSecond: 0n,
    outBytesPerSecond: 0n,
  };
  while (reader.next()) {
    const name = counterOf.get(reader.type);
    if (name === undefined) continue;
    const wide = allWide || name === 'inBytes' || name === 'outBytes';
    counters[name] = wide ? reader.u64() : BigInt(reader.u32());
  }
  return counters;
}
