/** An IPVS table in this process: the same port and the same refusals as the kernel's. protocols §4.6 */
import {
  addressBits,
  type Family,
  familyOf,
  type Ip,
  ipBytes,
  isLinkLocal,
  isMulticast,
} from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { IpvsLink, Refusal, Write } from '../ipvs/link.ts';
import { Errno, refusalOf } from '../ipvs/refusal.ts';
import {
  type ActualDestination,
  type ActualService,
  type Destination,
  endpoint,
  familyOfKey,
  type Service,
  type ServiceKey,
  serviceName,
  type Statistics,
  type Timeouts,
} from '../ipvs/types.ts';
import { errnoText } from './errno.ts';

/** Of a Debian kernel; "none" is no scheduler, which the kernel takes too. */
const debianSchedulers = [
  ...['rr', 'wrr', 'lc', 'wlc', 'fo', 'ovf', 'lblc', 'lblcr', 'dh', 'sh', 'mh', 'sed', 'nq'],
  'none',
];
/** IP_VS_SCHEDNAME_MAXLEN with its NUL. */
const longestName = 15;
const mostInt = 0x7fffffff;
/** Jiffies are counted in an int; with HZ 250 this many seconds fit. */
const longestTimeout_s = Math.floor(mostInt / 250);

export interface MemoryIpvsOptions {
  /** Instead of Debian's; "none" has to be among them to be taken. */
  readonly schedulers?: readonly string[];
  /** CONFIG_IP_VS_IPV6; true when absent. */
  readonly ipv6?: boolean;
  /** As of a kernel without IPVS: why, in words. */
  readonly unavailable?: string;
}

export type Connections = Pick<
  ActualDestination,
  'activeConnections' | 'inactiveConnections' | 'persistentConnections'
>;

interface Row {
  service: Service;
  readonly destinations: Map<string, ActualDestination>;
}

export class MemoryIpvs implements IpvsLink {
  /** May be changed at any time, as modules come and go. */
  unavailable: string | undefined;
  /** Every write that was done or refused, in order. */
  readonly written: Write[] = [];
  readonly #schedulers: readonly string[];
  readonly #ipv6: boolean;
  readonly #rows = new Map<string, Row>();
  #timeouts: Timeouts = { tcp_s: 900, tcpFin_s: 120, udp_s: 300 };

  constructor(options: MemoryIpvsOptions = {}) {
    this.#schedulers = options.schedulers ?? debianSchedulers;
    this.#ipv6 = options.ipv6 ?? true;
    this.unavailable = options.unavailable;
  }

  read(): Promise<Result<readonly ActualService[], Refusal>> {
    return Promise.resolve(this.#unless(() => this.table()));
  }

  timeouts(): Promise<Result<Timeouts, Refusal>> {
    return Promise.resolve(this.#unless(() => this.#timeouts));
  }

  write(writes: readonly Write[]): Promise<readonly Result<'done', Refusal>[]> {
    return Promise.resolve(writes.map((write) => this.apply(write)));
  }

  /** What read() tells, at once. */
  table(): readonly ActualService[] {
    return [...this.#rows.values()].map(({ service, destinations }) => ({
      service,
      statistics: noTraffic,
      destinations: [...destinations.values()],
    }));
  }

  /** One write, at once. */
  apply(write: Write): Result<'done', Refusal> {
    this.written.push(write);
    if (this.unavailable !== undefined) return err({ errno: Errno.ENOENT, text: this.unavailable });
    const errno = this.#apply(write);
    return errno === 0 ? ok('done') : err(refusalOf(write, errno, errnoText(errno)));
  }

  /** As if clients had come or gone. A server that is not there is a bug of the caller. */
  setConnections(
    key: ServiceKey,
    destination: Pick<Destination, 'address' | 'port'>,
    connections: Partial<Connections>,
  ): void {
    const destinations = this.#rows.get(serviceName(key))?.destinations;
    const row = destinations?.get(endpoint(destination));
    if (row === undefined) throw new TypeError(`no server ${endpoint(destination)} of ${serviceName(key)}`);
    destinations?.set(endpoint(destination), { ...row, ...connections });
  }

  #unless<T>(read: () => T): Result<T, Refusal> {
    return this.unavailable === undefined ? ok(read()) : err({ errno: Errno.ENOENT, text: this.unavailable });
  }

  #apply(write: Write): number {
    switch (write.command) {
      case 'new-service':
      case 'set-service':
        return this.#putService(write.command === 'new-service', write.service);
      case 'set-config':
        return this.#configure(write.timeouts);
      case 'zero':
        return write.key === undefined || this.#rows.has(serviceName(write.key)) ? 0 : Errno.ESRCH;
      case 'del-service':
        return this.#rows.delete(serviceName(write.key)) ? 0 : Errno.ESRCH;
      default:
        return this.#applyToServer(write);
    }
  }

  /** The kernel reads the whole nest before it looks whether the service is there. ip_vs_genl_set_cmd */
  #putService(isNew: boolean, service: Service): number {
    const family = familyOfKey(service.key);
    if (family === 6 && !this.#ipv6) return Errno.EAFNOSUPPORT;
    if (service.scheduler.length > longestName) return Errno.EINVAL;
    const name = serviceName(service.key);
    const row = this.#rows.get(name);
    if (isNew && row !== undefined) return Errno.EEXIST;
    if (!isNew && row === undefined) return Errno.ESRCH;
    if (!this.#schedulers.includes(service.scheduler)) return Errno.ENOENT;
    if (family === 6 && !isPrefix6(service.persistence?.granularity)) return Errno.EINVAL;
    const told = asKernelTells(service);
    if (row === undefined) this.#rows.set(name, { service: told, destinations: new Map() });
    else row.service = told;
    return 0;
  }

  /** 0 keeps a value. */
  #configure({ tcp_s, tcpFin_s, udp_s }: Timeouts): number {
    if ([tcp_s, tcpFin_s, udp_s].some((value) => value > longestTimeout_s)) return Errno.EINVAL;
    const before = this.#timeouts;
    this.#timeouts = {
      tcp_s: tcp_s || before.tcp_s,
      tcpFin_s: tcpFin_s || before.tcpFin_s,
      udp_s: udp_s || before.udp_s,
    };
    return 0;
  }

  #applyToServer(write: Extract<Write, { readonly command: `${string}-dest` }>): number {
    const row = this.#rows.get(serviceName(write.key));
    if (row === undefined) return Errno.ESRCH;
    const name = endpoint(write.destination);
    if (write.command === 'del-dest') return row.destinations.delete(name) ? 0 : Errno.ENOENT;
    const { destination } = write;
    const family = familyOfKey(row.service.key);
    if (!this.#ipv6 && familyOf(destination.address) === 6) return Errno.EAFNOSUPPORT;
    const refused = mixesFamilies(destination, family) ? Errno.EINVAL : refusedNumbers(destination);
    if (refused !== 0) return refused;
    const before = row.destinations.get(name);
    if (write.command === 'set-dest' && before === undefined) return Errno.ENOENT;
    if (write.command === 'new-dest' && before !== undefined) return Errno.EEXIST;
    if (write.command === 'new-dest' && !isSingleHost(destination.address)) return Errno.EINVAL;
    const { activeConnections, inactiveConnections, persistentConnections, statistics } = before ?? untouched;
    const counts = { activeConnections, inactiveConnections, persistentConnections, statistics };
    row.destinations.set(name, { ...destinationAsTold(destination), ...counts });
    return 0;
  }
}

const noTraffic: Statistics = {
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

const untouched = {
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
  statistics: noTraffic,
};

/** The kernel keeps flags as bits. */
function asKernelTells(service: Service): Service {
  const { key, scheduler, schedulerFlags, persistence, ops } = service;
  return {
    key,
    scheduler,
    schedulerFlags: ([1, 2, 3] as const).filter((flag) => schedulerFlags.includes(flag)),
    ops,
    ...(persistence !== undefined && { persistence }),
  };
}

function destinationAsTold(destination: Destination): Destination {
  const { tunnel, ...rest } = destination;
  if (rest.forward !== 'tunnel') return rest;
  const { type, port, checksum } = tunnel ?? { type: 'ipip', checksum: 'none' };
  return { ...rest, tunnel: { type, checksum, ...(type === 'gue' && { port: port ?? 0 }) } };
}

const isPrefix6 = (granularity = 128): boolean => granularity >= 1 && granularity <= addressBits(6);

const mixesFamilies = ({ address, forward }: Destination, serviceFamily: Family): boolean =>
  familyOf(address) !== serviceFamily && forward !== 'tunnel';

/** Looked at before it is looked whether the server is there. ip_vs_add_dest, ip_vs_edit_dest */
function refusedNumbers({ forward, weight, upperThreshold, lowerThreshold, tunnel }: Destination): number {
  if (weight < 0 || lowerThreshold > upperThreshold) return Errno.ERANGE;
  if (forward === 'tunnel' && tunnel?.type === 'gue' && (tunnel.port ?? 0) === 0) return Errno.EINVAL;
  // 6.1.176 takes more than that, 6.1.187 does not.
  return upperThreshold > mostInt ? Errno.EINVAL : 0;
}

/**
 * What can be told without the routing table: in the kernel a broadcast address of an interface is none
 * either.
 */
function isSingleHost(address: Ip): boolean {
  if (isMulticast(address)) return false;
  const octets = ipBytes(address);
  // An IPv4 link-local address is a host's like any other.
  if (familyOf(address) === 6 && isLinkLocal(address)) return false;
  return octets.some((octet) => octet !== 0) && octets.some((octet) => octet !== 255);
}
