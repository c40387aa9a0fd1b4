/**
 * The kernel's connections as text: lines of /proc/net/ip_vs_conn. Kernel: ip_vs_conn_seq_show(), where IPv4 addresses are
 * 8 hexadecimal digits, IPv6 ones all their groups, and ports 4 hexadecimal digits.
 */
import { familyOf, type Ip, ipBytes, ipFromBytes, parseIp } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { endpoint } from './types.ts';

interface Endpoint {
  readonly address: Ip;
  readonly port: number;
}

export interface Connection {
  /** "TCP", "UDP", "SCTP"; "IP" for what keeps a client of a mark at its server. */
  readonly protocol: string;
  /** Port 0: what keeps all connections of a client at its server (persistence). */
  readonly from: Endpoint;
  readonly virtual: Endpoint;
  readonly destination: Endpoint;
  /** "ESTABLISHED", "FIN_WAIT", "NONE" … */
  readonly state: string;
  readonly expires_s: number;
  /** Name and data of the persistence engine: words of a client, made printable. */
  readonly engine?: string;
}

export type LineFault = 'length' | 'fields' | 'protocol' | 'address' | 'port' | 'state' | 'expires';

/** The kernel's own are below 500. */
const longestLine = 1_024;

export function parseConnection(line: string): Result<Connection, LineFault> {
  if (line.length > longestLine) return err('length');
  const [protocol = '', from, fromPort, to, toPort, dest, destPort, state, expires, ...rest] = line
    .trimEnd()
    .split(/ +/);
  if (expires === undefined) return err('fields');
  if (!/^\w{1,16}$/.test(protocol)) return err('protocol');
  const ends: Endpoint[] = [];
  for (const [address, port] of [
    [from, fromPort],
    [to, toPort],
    [dest, destPort],
  ] as const) {
    const parsed = parseAddress(address ?? '');
    if (parsed === undefined) return err('address');
    if (port === undefined || !/^[\da-f]{4}$/i.test(port)) return err('port');
    ends.push({ address: parsed, port: parseInt(port, 16) });
  }
  if (state === undefined || !/^[\w!?]{1,16}$/.test(state)) return err('state');
  if (!/^\d{1,10}$/.test(expires)) return err('expires');
  const [client, virtual, destination] = ends as [Endpoint, Endpoint, Endpoint];
  const engine = rest.join(' ').replace(/[^ -~]/g, '?');
  return ok({
    ...{ protocol, from: client, virtual, destination, state, expires_s: Number(expires) },
    ...(engine !== '' && { engine }),
  });
}

function parseAddress(text: string): Ip | undefined {
  if (/^[\da-f]{8}$/i.test(text)) {
    const octet = (at: number): number => parseInt(text.slice(at, at + 2), 16);
    return ipFromBytes(Uint8Array.of(octet(0), octet(2), octet(4), octet(6)));
  }
  const parsed = parseIp(text.replace(/^\[(.*)\]$/, '$1'));
  return parsed !== undefined && familyOf(parsed) === 6 ? parsed : undefined;
}

/**
 * "TCP 10.1.0.100:80", as serviceName(). Connections of a mark show the address the client asked for; only what keeps the
 * client there shows the mark, in the first 4 octets of the address. Kernel: ip_vs_sched_persist()
 */
export function serviceOfConnection({ protocol, virtual }: Connection): string {
  if (protocol !== 'IP') return `${protocol} ${endpoint(virtual)}`;
  const family = familyOf(virtual.address);
  return `fwmark ${markIn(virtual.address)} IPv${family}`;
}

const markIn = (address: Ip): number =>
  ipBytes(address)
    .subarray(0, 4)
    .reduce((mark, octet) => mark * 256 + octet, 0);

export interface Count {
  readonly name: string;
  readonly connections: number;
}

export interface Summary {
  /** Of the whole table, and of what was asked for; the counts and rows are of the latter. */
  readonly total: number;
  readonly selected: number;
  /** Most connections first. */
  readonly services: readonly Count[];
  readonly servers: readonly Count[];
  readonly states: readonly Count[];
  /** The first ones, in the kernel's order. */
  readonly rows: readonly Connection[];
  /** Lines that were not understood, by reason. */
  readonly skipped: readonly Count[];
}

export interface Wanted {
  /** "TCP 10.1.0.100:80", "10.1.0.100:80", "10.1.0.100", "fwmark 7 IPv4"; undefined: all. */
  readonly service?: string;
  /** "10.2.0.21:80" or "10.2.0.21". */
  readonly server?: string;
  readonly limit: number;
}

/** More different names than that are counted together: a mark may stand for millions of addresses. */
const mostNames = 10_000;
export const otherNames = 'others';

/** Counts a table of any length in little memory, line by line. */
export class ConnectionCounts {
  readonly #wanted: Wanted;
  readonly #services = new Map<string, number>();
  readonly #servers = new Map<string, number>();
  readonly #states = new Map<string, number>();
  readonly #skipped = new Map<string, number>();
  readonly #rows: Connection[] = [];
  #total = 0;
  #selected = 0;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  take(line: string): void {
    // The heading.
    if (line === '' || line.startsWith('Pro ')) return;
    const parsed = parseConnection(line);
    if (!parsed.ok) {
      countOne(this.#skipped, parsed.error);
      return;
    }
    this.#total += 1;
    const { value } = parsed;
    const service = serviceOfConnection(value);
    const server = endpoint(value.destination);
    const { service: wantedService, server: wantedServer, limit } = this.#wanted;
    if (wantedService !== undefined && !names(service, value.virtual).includes(wantedService)) return;
    if (wantedServer !== undefined && !names(server, value.destination).includes(wantedServer)) return;
    this.#selected += 1;
    countOne(this.#services, service);
    countOne(this.#servers, server);
    countOne(this.#states, `${value.protocol} ${value.state}`);
    if (this.#rows.length < limit) this.#rows.push(value);
  }

  summary(): Summary {
    return {
      total: this.#total,
      selected: this.#selected,
      services: sorted(this.#services),
      servers: sorted(this.#servers),
      states: sorted(this.#states),
      rows: this.#rows,
      skipped: sorted(this.#skipped),
    };
  }
}

const names = (name: string, end: Endpoint): readonly string[] => [name, endpoint(end), end.address];

function countOne(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < mostNames ? name : otherNames;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const sorted = (counts: ReadonlyMap<string, number>): readonly Count[] =>
  [...counts]
    .map(([name, connections]) => ({ name, connections }))
    .sort((a, b) => b.connections - a.connections || (a.name < b.name ? -1 : 1));
