/** Answers of IPVS: services, servers, counters of 32 and 64 bits, timeouts, the version. */
import fc from 'fast-check';
import type { Result } from '../../src/base/result.ts';
import * as codec from '../../src/ipvs/codec.ts';
import type { ActualDestination, Service } from '../../src/ipvs/types.ts';
import type { DecodeFault } from '../../src/netlink/message.ts';
import * as sample from '../ipvs/arbitraries.ts';
import * as answer from '../ipvs/kernel-answers.ts';
import { faultOfIp, faultOfValue, firstFault } from './bounds.ts';
import { mutated } from './octet-mutator.ts';
import type { Random } from './random.ts';
import { newTarget, type Target } from './target.ts';

type Decoded = Result<unknown, DecodeFault>;
type Payload = Parameters<typeof codec.decodeService>[0];

export interface IpvsDecoders {
  readonly service: typeof codec.decodeService;
  readonly server: typeof codec.decodeDestination;
}

interface Read {
  readonly service: ReturnType<typeof codec.decodeService>;
  readonly server: ReturnType<typeof codec.decodeDestination>;
  readonly timeouts: Decoded;
  readonly info: Decoded;
}

/** The same values in every run: a case is known by its seed and index alone. */
const some = <T>(arbitrary: fc.Arbitrary<T>): readonly T[] => fc.sample(arbitrary, { numRuns: 24, seed: 1 });
const widths = ['both', 64, 32] as const;
const counters = some(sample.statistics(true));

const corpus: readonly Uint8Array[] = [
  ...some(sample.service).map((service, at) =>
    answer.serviceAnswer(service, counters[at], widths[at % widths.length]),
  ),
  ...some(sample.actualDestination).map((server, at) =>
    answer.destinationAnswer({ ...server, statistics: counters[at] }, widths[at % widths.length]),
  ),
  ...some(sample.write).map((write) => codec.requestOf(31, write).payload),
  ...some(sample.timeouts).slice(0, 4).map(answer.timeoutsAnswer),
  answer.infoAnswer(0x010201, 4096),
];

const nestHeader = 8;

/** The lengths of the nest and of its attributes mostly fit again, so that damage reaches the values. */
function make(random: Random): Uint8Array {
  const bytes = mutated(random, corpus);
  if (bytes.length >= nestHeader && random.chance(0.5))
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(4, bytes.length - 4, true);
  return bytes;
}

function read(decoders: IpvsDecoders, octets: Uint8Array): Read {
  const payload: Payload = { payload: octets };
  return {
    service: decoders.service(payload),
    server: decoders.server(payload, octets.length % 2 === 0 ? 4 : 6),
    timeouts: codec.decodeTimeouts(payload),
    info: codec.decodeInfo(payload),
  };
}

const faultOf = ({ service, server, timeouts, info }: Read): string | undefined =>
  firstFault([
    ...[service, server, timeouts, info].map((result) =>
      result.ok ? faultOfValue(result.value, 'value') : undefined,
    ),
    service.ok && faultOfService(service.value.service),
    server.ok && faultOfServer(server.value),
  ]);

function faultOfService({ key, schedulerFlags, persistence }: Service): string | undefined {
  const [low, high] = [0, 0xffffffff];
  return firstFault([
    key.kind === 'address' && faultOfIp(key.address, 'address'),
    key.kind === 'address' && !within(key.port, 0, 0xffff) && `port ${key.port}`,
    key.kind === 'fwmark' && !within(key.fwmark, low, high) && `fwmark ${key.fwmark}`,
    schedulerFlags.join() !== [...new Set(schedulerFlags)].sort().join() && `flags ${schedulerFlags.join()}`,
    persistence?.netmask !== undefined && faultOfIp(persistence.netmask, 'netmask'),
    persistence !== undefined && !within(persistence.timeout_s, low, high) && 'a timeout out of range',
  ]);
}

function faultOfServer({ address, port, forward, weight, tunnel }: ActualDestination): string | undefined {
  return firstFault([
    faultOfIp(address, 'address'),
    !within(port, 0, 0xffff) && `port ${port}`,
    !within(weight, -0x80000000, 0x7fffffff) && `weight ${weight}`,
    (forward === 'tunnel') !== (tunnel !== undefined) && `${forward} with tunnel ${tunnel?.type ?? 'none'}`,
    (tunnel?.type === 'gue') !== (tunnel?.port !== undefined) && `port of ${tunnel?.type ?? 'none'}`,
  ]);
}

const within = (value: number, low: number, high: number): boolean => value >= low && value <= high;

const reasons = ['fixed-header', 'family', 'attribute-length', 'attribute-width'] as const;

export const ipvsTarget = (decoders: IpvsDecoders): Target =>
  newTarget({
    name: 'ipvs',
    expected: [
      ...['service', 'server'].flatMap((name) => ['read', ...reasons].map((word) => `${name}: ${word}`)),
      'service: persistent',
      'service: odd mask',
      'service: fwmark',
      ...['masq', 'local', 'tunnel', 'direct', 'bypass'].map((word) => `server: ${word}`),
      'timeouts: read',
      'timeouts: attribute-width',
      'info: read',
    ],
    make,
    read: (octets) => read(decoders, octets),
    faultOf,
    outcomesOf,
  });

function outcomesOf({ service, server, timeouts, info }: Read): readonly string[] {
  const word = (name: string, result: Decoded): string =>
    `${name}: ${result.ok ? 'read' : result.error.reason}`;
  const outcomes = [
    word('service', service),
    word('server', server),
    word('timeouts', timeouts),
    word('info', info),
  ];
  if (service.ok) {
    const { persistence, key } = service.value.service;
    if (persistence !== undefined) outcomes.push('service: persistent');
    if (persistence?.netmask !== undefined) outcomes.push('service: odd mask');
    if (key.kind === 'fwmark') outcomes.push('service: fwmark');
  }
  if (server.ok) outcomes.push(`server: ${server.value.forward}`);
  return outcomes;
}

export const ipvs = ipvsTarget({ service: codec.decodeService, server: codec.decodeDestination });
