import fc from 'fast-check';
import { addressBits, type Family, type Ip, ipFromBytes } from '../../src/base/ip.ts';
import type { Write } from '../../src/ipvs/link.ts';
import { forwardings, protocols } from '../../src/ipvs/types.ts';
import type {
  ActualDestination,
  Destination,
  Persistence,
  Service,
  ServiceKey,
  Statistics,
  Timeouts,
  Tunnel,
} from '../../src/ipvs/types.ts';

/** Ordinary objects: deepEqual compares prototypes. */
const plain = { noNullPrototype: true } as const;

export const u32 = fc.integer({ min: 0, max: 0xffffffff });
const port = fc.nat(0xffff);
const ipOf = (of: Family): fc.Arbitrary<Ip> =>
  fc.uint8Array({ minLength: addressBits(of) / 8, maxLength: addressBits(of) / 8 }).map(ipFromBytes);
const ip = fc.oneof(ipOf(4), ipOf(6));

/** Built once for each family: a chain would build them anew for every value, which took most of the time. */
const keyIn = (of: Family): fc.Arbitrary<ServiceKey> =>
  fc.oneof(
    fc.record(
      { kind: fc.constant('address'), protocol: fc.constantFrom(...protocols), address: ipOf(of), port },
      plain,
    ),
    fc.record(
      {
        kind: fc.constant('fwmark'),
        family: fc.constant(of),
        fwmark: fc.integer({ min: 1, max: 0xffffffff }),
      },
      plain,
    ),
  );

export const key: fc.Arbitrary<ServiceKey> = fc.oneof(keyIn(4), keyIn(6));

const persistenceOf = (of: Family): fc.Arbitrary<Persistence> =>
  fc.record(
    {
      timeout_s: u32,
      granularity: fc.integer({ min: of === 4 ? 0 : 1, max: addressBits(of) }),
      engine: fc.constant('sip'),
    },
    { ...plain, requiredKeys: ['timeout_s', 'granularity'] },
  );

const serviceIn = (of: Family): fc.Arbitrary<Service> =>
  fc.record(
    {
      key: keyIn(of),
      scheduler: fc.constantFrom('rr', 'wlc', 'sh', 'none', 'a_long_name_1'),
      schedulerFlags: fc.subarray<1 | 2 | 3>([1, 2, 3]),
      persistence: persistenceOf(of),
      ops: fc.boolean(),
    },
    { ...plain, requiredKeys: ['key', 'scheduler', 'schedulerFlags', 'ops'] },
  );

export const service: fc.Arbitrary<Service> = fc.oneof(serviceIn(4), serviceIn(6));

const checksum = fc.constantFrom<Tunnel['checksum']>('none', 'csum', 'remcsum');
const tunnel: fc.Arbitrary<Tunnel> = fc.oneof(
  fc.record({ type: fc.constantFrom<Tunnel['type']>('ipip', 'gre'), checksum }, plain),
  fc.record({ type: fc.constant('gue' as const), port, checksum }, plain),
);

/** Tunnels have one, nothing else has. */
export const destination: fc.Arbitrary<Destination> = fc
  .tuple(
    fc.record(
      {
        address: ip,
        port,
        forward: fc.constantFrom(...forwardings),
        weight: fc.integer({ min: -1, max: 0x7fffffff }),
        upperThreshold: u32,
        lowerThreshold: u32,
      },
      plain,
    ),
    tunnel,
  )
  .map(([rest, way]) => (rest.forward === 'tunnel' ? { ...rest, tunnel: way } : rest));

/** @param narrow as the 32-bit nest holds them: octets are 64 bits in both */
export const statistics = (narrow: boolean): fc.Arbitrary<Statistics> => {
  const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
  const count = narrow ? u32.map(BigInt) : u64;
  return fc.record(
    {
      connections: count,
      inPackets: count,
      outPackets: count,
      inBytes: u64,
      outBytes: u64,
      connectionsPerSecond: count,
      inPacketsPerSecond: count,
      outPacketsPerSecond: count,
      inBytesPerSecond: count,
      outBytesPerSecond: count,
    },
    plain,
  );
};

export const actualDestination: fc.Arbitrary<ActualDestination> = fc
  .tuple(destination, u32, u32, u32, fc.option(statistics(false), { nil: undefined }))
  .map(([rest, activeConnections, inactiveConnections, persistentConnections, counters]) => ({
    ...rest,
    activeConnections,
    inactiveConnections,
    persistentConnections,
    statistics: counters,
  }));

export const timeouts: fc.Arbitrary<Timeouts> = fc.record({ tcp_s: u32, tcpFin_s: u32, udp_s: u32 }, plain);

export const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ command: fc.constantFrom('new-service' as const, 'set-service' as const), service }, plain),
  fc.record({ command: fc.constant('del-service' as const), key }, plain),
  fc.record({ command: fc.constantFrom('new-dest' as const, 'set-dest' as const), key, destination }, plain),
  fc.record(
    {
      command: fc.constant('del-dest' as const),
      key,
      destination: destination.map(({ address, port: at }) => ({ address, port: at })),
    },
    plain,
  ),
  fc.record({ command: fc.constant('set-config' as const), timeouts }, plain),
  fc.record({ command: fc.constant('zero' as const), key: fc.option(key, { nil: undefined }) }, plain),
);
