/**
 * What has to be written so that the kernel holds what the file wants: the only place in the program that decides it. PURE
 *
 * The kernel has no owner field, and every rule of ownership is here: a service that the file names is ours with all its
 * destinations; one that only the journal names is ours too, and goes; everything else is foreign and is not touched,
 * unless the file claims the whole table (`exclusive`).
 *
 * Order: what adds capacity comes first and what takes it away last, so that a client never meets a pool that is smaller
 * than both the old one and the new one. Each change is one object of the kernel, and none of them resets a connection
 * but those that say so.
 */
import type { Write } from './link.ts';
import {
  type ActualDestination,
  type ActualService,
  type Destination,
  endpoint,
  type Service,
  serviceName,
  type VirtualService,
} from './types.ts';

export interface Change {
  readonly write: Write;
  /** The service that it belongs to: serviceName(). */
  readonly service: string;
  /** The destination, if it is about one: endpoint(). */
  readonly destination?: string;
  /** Words that differ: "weight 100 → 50". Empty for what is new or goes. */
  readonly differences: readonly Difference[];
  /** What becomes of connections, for people. */
  readonly effect: string;
}

export interface Difference {
  readonly word: string;
  readonly from: string;
  readonly to: string;
}

export interface Plan {
  readonly changes: readonly Change[];
  /** Services that the kernel has, the file names and the journal does not: they become ours. */
  readonly adopt: readonly string[];
  /** Services that are not ours. */
  readonly foreign: readonly string[];
}

export interface Ownership {
  /** serviceName() of what we have programmed before. */
  readonly journal: ReadonlySet<string>;
  readonly exclusive: boolean;
}

/** Of one service, in the order in which they are to be written. */
interface Parts {
  readonly service: Change[];
  readonly added: Change[];
  readonly changed: Change[];
  readonly removed: Change[];
}

export function plan(
  desired: readonly VirtualService[],
  actual: readonly ActualService[],
  { journal, exclusive }: Ownership,
): Plan {
  const present = new Map(actual.map((one) => [serviceName(one.service.key), one]));
  const wanted = new Set(desired.map(({ service }) => serviceName(service.key)));
  const parts = desired.map((one) => planService(one, present.get(serviceName(one.service.key))));
  const others = [...present].filter(([name]) => !wanted.has(name));
  const gone = others.filter(([name]) => exclusive || journal.has(name));
  const changed = parts.flatMap((part) => part.changed);
  return {
    changes: [
      ...parts.flatMap(({ service }) => service),
      ...parts.flatMap(({ added }) => added),
      ...changed.filter(raises),
      ...changed.filter((change) => !raises(change)),
      ...parts.flatMap(({ removed }) => removed),
      ...gone.map(([name, one]) => removal(name, one)),
    ],
    adopt: [...wanted].filter((name) => present.has(name) && !journal.has(name)),
    foreign: others.filter((other) => !gone.includes(other)).map(([name]) => name),
  };
}

function planService({ service, destinations }: VirtualService, actual: ActualService | undefined): Parts {
  const name = serviceName(service.key);
  const present = new Map(actual?.destinations.map((one) => [endpoint(one), one]));
  const wanted = new Map(destinations.map((one) => [endpoint(one), one]));
  const added: Change[] = [];
  const changed: Change[] = [];
  for (const [at, destination] of wanted) {
    const old = present.get(at);
    const change =
      old === undefined ? addition(name, service, destination) : update(name, service, old, destination);
    if (change !== undefined) (old === undefined ? added : changed).push(change);
  }
  const removed = [...present]
    .filter(([at]) => !wanted.has(at))
    .map(([at, old]): Change => {
      const write = { command: 'del-dest', key: service.key, destination: old } as const;
      return { write, service: name, destination: at, differences: [], effect: ended(old) };
    });
  return { service: changeOfService(name, service, actual?.service), added, changed, removed };
}

function changeOfService(name: string, service: Service, old: Service | undefined): Change[] {
  if (old === undefined) {
    const write = { command: 'new-service', service } as const;
    return [{ write, service: name, differences: [], effect: 'new' }];
  }
  const differences = differencesOf(wordsOfService(old), wordsOfService(service));
  if (differences.length === 0) return [];
  const effect = 'connections stay, new ones follow the new words';
  return [{ write: { command: 'set-service', service }, service: name, differences, effect }];
}

function addition(name: string, { key }: Service, destination: Destination): Change {
  const write = { command: 'new-dest', key, destination } as const;
  const effect = destination.weight === 0 ? 'new, and takes no connections' : 'new, and takes connections';
  return { write, service: name, destination: endpoint(destination), differences: [], effect };
}

function update(
  name: string,
  { key }: Service,
  old: ActualDestination,
  destination: Destination,
): Change | undefined {
  const differences = differencesOf(wordsOfDestination(old), wordsOfDestination(destination));
  if (differences.length === 0) return undefined;
  const write = { command: 'set-dest', key, destination } as const;
  const open = old.activeConnections + old.inactiveConnections;
  const drains = destination.weight === 0 && old.weight > 0;
  const effect = drains ? `takes no new connections, ${open} go on` : `${open} connections go on`;
  return { write, service: name, destination: endpoint(destination), differences, effect };
}

function removal(name: string, { service, destinations }: ActualService): Change {
  const open = destinations.reduce(
    (sum, { activeConnections, inactiveConnections }) => sum + activeConnections + inactiveConnections,
    0,
  );
  return {
    write: { command: 'del-service', key: service.key },
    service: name,
    differences: [],
    effect: `goes with ${destinations.length} destinations, ${open} connections are cut`,
  };
}

const raises = ({ differences }: Change): boolean =>
  differences.some(({ word, from, to }) => word === 'weight' && Number(to) > Number(from));

/** The entries stay in the connection table, but their packets go nowhere. protocols §4.7, expire_nodest_conn */
const ended = ({ activeConnections, inactiveConnections }: ActualDestination): string =>
  `${activeConnections + inactiveConnections} connections are cut`;

type Words = Readonly<Record<string, string>>;

/** In the words of the file. */
const wordsOfService = ({ scheduler, schedulerFlags, persistence, ops }: Service): Words => ({
  lb_algo: scheduler,
  flags: schedulerFlags.join(',') || 'none',
  persistence_timeout: persistence === undefined ? 'none' : `${persistence.timeout_s}s`,
  // Without persistence the kernel keeps whatever it was given last.
  ...(persistence !== undefined && {
    persistence_granularity: `/${persistence.granularity}`,
    persistence_engine: persistence.engine ?? 'none',
  }),
  ops: String(ops),
});

const wordsOfDestination = (destination: Destination): Words => ({
  weight: String(destination.weight),
  lb_kind: kindOf(destination),
  uthreshold: String(destination.upperThreshold),
  lthreshold: String(destination.lowerThreshold),
});

function kindOf({ forward, tunnel }: Destination): string {
  if (forward !== 'tunnel' || tunnel === undefined) return forward;
  const port = tunnel.port === undefined ? '' : ` port ${tunnel.port}`;
  return `tunnel ${tunnel.type}${port} ${tunnel.checksum}`;
}

const differencesOf = (old: Words, wanted: Words): Difference[] =>
  Object.entries(wanted).flatMap(([word, to]) => {
    const from = old[word] ?? 'none';
    return from === to ? [] : [{ word, from, to }];
  });
