/**
 * Services of every kind that the kernel and ipvsadm both know, and the short words tests write them with.
 */
import { ip } from '../../src/base/ip.ts';
import type { Write } from '../../src/ipvs/link.ts';
import type {
  ActualService,
  Destination,
  Protocol,
  Service,
  ServiceKey,
  Tunnel,
  VirtualService,
} from '../../src/ipvs/types.ts';
import { endpoint, serviceName } from '../../src/ipvs/types.ts';

export const keyOf = (address: string, port: number, protocol: Protocol = 'TCP'): ServiceKey => ({
  kind: 'address',
  protocol,
  address: ip(address),
  port,
});

export const fwmarkKey = (fwmark: number, family: 4 | 6 = 4): ServiceKey => ({
  kind: 'fwmark',
  family,
  fwmark,
});

export const serviceOf = (key: ServiceKey, more: Partial<Service> = {}): Service => ({
  key,
  scheduler: 'wlc',
  schedulerFlags: [],
  ops: false,
  ...more,
});

export const serverOf = (address: string, port: number, more: Partial<Destination> = {}): Destination => ({
  address: ip(address),
  port,
  forward: 'masq',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  ...more,
});

const ipip: Tunnel = { type: 'ipip', checksum: 'none' };

/** A service and its servers as the writes that make it. */
export const writesFor = ({ service, destinations }: VirtualService): readonly Write[] => [
  { command: 'new-service', service },
  ...destinations.map((destination): Write => ({ command: 'new-dest', key: service.key, destination })),
];

/** What was wanted of what the kernel tells, in an order that does not depend on its hashes. */
export const wanted = (table: readonly ActualService[]): readonly VirtualService[] => sorted(table);

export const sorted = (services: readonly VirtualService[]): readonly VirtualService[] =>
  services
    .map(({ service, destinations }) => ({
      service,
      destinations: destinations.map(onlyWanted).sort((a, b) => (endpoint(a) < endpoint(b) ? -1 : 1)),
    }))
    .sort((a, b) => (serviceName(a.service.key) < serviceName(b.service.key) ? -1 : 1));

/** Without connections and counters. */
const onlyWanted = (server: Destination): Destination => ({
  address: server.address,
  port: server.port,
  forward: server.forward,
  weight: server.weight,
  upperThreshold: server.upperThreshold,
  lowerThreshold: server.lowerThreshold,
  ...(server.tunnel !== undefined && { tunnel: server.tunnel }),
});

export const schedulers = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'fo',
  'ovf',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'mh',
  'sed',
  'nq',
];

const four = (at: number, port: number, more: Partial<Destination> = {}): Destination =>
  serverOf(`10.2.0.${20 + at}`, port, more);
const six = (at: number, port: number, more: Partial<Destination> = {}): Destination =>
  serverOf(`fd00:2::${20 + at}`, port, more);

/** Every scheduler for either family, with servers of every way of forwarding. */
const perScheduler = schedulers.flatMap((scheduler, at): readonly VirtualService[] => {
  const port = 1000 + at;
  return [
    {
      service: serviceOf(keyOf('10.1.0.100', port), { scheduler }),
      destinations: [
        four(1, 8080, { weight: at }),
        four(2, port, { forward: 'direct', weight: 100 }),
        four(3, port, { forward: 'tunnel', tunnel: ipip, weight: 65535 }),
      ],
    },
    {
      service: serviceOf(keyOf('fd00:1::100', port, 'UDP'), { scheduler }),
      destinations: [
        six(1, 8080, { weight: 0 }),
        six(2, port, { forward: 'direct' }),
        six(3, port, { forward: 'tunnel', tunnel: ipip }),
      ],
    },
  ];
});

const persistent: readonly VirtualService[] = [
  { timeout_s: 300, granularity: 32 },
  { timeout_s: 1, granularity: 24 },
  { timeout_s: 86400, granularity: 8 },
  { timeout_s: 60, granularity: 17 },
  { timeout_s: 60, granularity: 16, netmask: ip('255.255.0.255') },
].map((persistence, at) => ({
  service: serviceOf(keyOf('10.1.0.101', 2000 + at), { persistence }),
  destinations: [four(at, 80)],
}));

const persistent6: readonly VirtualService[] = [128, 64, 48, 1].map((granularity, at) => ({
  service: serviceOf(keyOf('fd00:1::101', 2000 + at), { persistence: { timeout_s: 90, granularity } }),
  destinations: [six(at, 80)],
}));

const flagged: readonly VirtualService[] = (
  [
    ['sh', [1]],
    ['sh', [2]],
    ['sh', [1, 2]],
    ['mh', [1, 2]],
    ['mh', [2]],
    ['rr', [1, 3]],
    ['sh', [1, 2, 3]],
  ] as const
).map(([scheduler, schedulerFlags], at) => ({
  service: serviceOf(keyOf('10.1.0.102', 3000 + at), { scheduler, schedulerFlags }),
  destinations: [four(at, 80, { forward: 'direct', port: 3000 + at })],
}));

const tunnels: readonly Tunnel[] = [
  ipip,
  { type: 'gue', port: 6080, checksum: 'none' },
  { type: 'gue', port: 1, checksum: 'csum' },
  { type: 'gue', port: 65535, checksum: 'remcsum' },
  { type: 'gre', checksum: 'none' },
  { type: 'gre', checksum: 'csum' },
];
const tunnelled: readonly VirtualService[] = [
  {
    service: serviceOf(keyOf('10.1.0.103', 80)),
    destinations: tunnels.map((tunnel, at) => four(at, 80, { forward: 'tunnel', tunnel })),
  },
  {
    service: serviceOf(keyOf('fd00:1::103', 80)),
    destinations: tunnels.map((tunnel, at) => six(at, 80, { forward: 'tunnel', tunnel })),
  },
  // Families may be mixed in tunnels only.
  {
    service: serviceOf(keyOf('10.1.0.104', 80)),
    destinations: [six(1, 80, { forward: 'tunnel', tunnel: ipip }), four(1, 80)],
  },
  {
    service: serviceOf(keyOf('fd00:1::104', 80)),
    destinations: [
      four(1, 80, { forward: 'tunnel', tunnel: tunnels[1]! }),
      six(1, 80, { forward: 'direct' }),
    ],
  },
];

const others: readonly VirtualService[] = [
  { service: serviceOf(keyOf('10.1.0.105', 5060, 'UDP'), { ops: true, scheduler: 'rr' }), destinations: [] },
  {
    service: serviceOf(keyOf('10.1.0.106', 5060, 'UDP'), {
      scheduler: 'rr',
      persistence: { timeout_s: 300, granularity: 32, engine: 'sip' },
    }),
    destinations: [four(1, 5060), four(1, 5061)],
  },
  { service: serviceOf(keyOf('10.1.0.107', 9, 'SCTP'), { scheduler: 'lc' }), destinations: [four(1, 9)] },
  { service: serviceOf(keyOf('fd00:1::107', 9, 'SCTP')), destinations: [six(1, 65535)] },
  {
    service: serviceOf(keyOf('10.1.0.108', 0), { persistence: { timeout_s: 300, granularity: 32 } }),
    destinations: [four(1, 0), four(2, 0, { forward: 'direct' })],
  },
  // One address and port, two protocols: two services.
  { service: serviceOf(keyOf('10.1.0.109', 53)), destinations: [four(1, 53)] },
  { service: serviceOf(keyOf('10.1.0.109', 53, 'UDP')), destinations: [four(2, 53)] },
  { service: serviceOf(keyOf('10.1.0.110', 65535), { scheduler: 'none' }), destinations: [four(1, 80)] },
  { service: serviceOf(fwmarkKey(7)), destinations: [four(1, 0), four(2, 0, { forward: 'direct' })] },
  { service: serviceOf(fwmarkKey(7, 6)), destinations: [six(1, 0)] },
  {
    service: serviceOf(fwmarkKey(0x7fffffff), { persistence: { timeout_s: 10, granularity: 28 } }),
    destinations: [],
  },
  {
    service: serviceOf(fwmarkKey(1, 6), { persistence: { timeout_s: 10, granularity: 56 } }),
    destinations: [],
  },
  {
    service: serviceOf(keyOf('10.1.0.111', 80)),
    destinations: [
      four(1, 80, { upperThreshold: 100, lowerThreshold: 50 }),
      four(2, 80, { upperThreshold: 0x7fffffff }),
      four(3, 80, { upperThreshold: 1, lowerThreshold: 1 }),
    ],
  },
];

/** No two have the same key. */
export const samples: readonly VirtualService[] = [
  ...perScheduler,
  ...persistent,
  ...persistent6,
  ...flagged,
  ...tunnelled,
  ...others,
];
