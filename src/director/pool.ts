/**
 * The pool of one virtual_server: which of its real servers take connections, and how many. PURE
 *
 *   quorum     the weights of living servers are summed; the pool is up from quorum + hysteresis, and down below
 *              quorum − hysteresis or with nobody alive (keepalived's arithmetic)
 *   sorry      without a quorum the sorry server takes the new connections; living real servers go on with weight 0, and
 *              so does the sorry server afterwards: a swap cuts nobody
 *   leaving    a server that the file does not name any more keeps its connections, with weight 0, until they have ended
 *              or its time is over
 *   panic      when fewer are alive than panic_threshold says, the checks are more likely wrong than all the servers
 */
import { after, type Micros } from '../base/time.ts';
import type { CheckReport } from '../healthcheck/types.ts';
import { endpoint, type VirtualService } from '../ipvs/types.ts';
import { fitted, type Leaving, leavingRow, type Row, row, type ServerStatus } from './rows.ts';
import { firstOf, Server, type ServerVerdict } from './server.ts';
import type { Override, RealServer, VirtualServer } from './types.ts';

/** What comes from outside one pool. */
export interface PoolView {
  readonly reports: ReadonlyMap<string, CheckReport>;
  /** That have not expired. */
  readonly overrides: readonly Override[];
  readonly maintenance: ReadonlySet<string>;
  /** By endpoint, over all services of the pool; undefined before the kernel's table was read. */
  readonly loads: ReadonlyMap<string, Load> | undefined;
  /** How often the table has been read. */
  readonly reads: number;
}

export interface Load {
  readonly connections: number;
  /** The greatest one of all services. */
  readonly weight: number;
}

export interface PoolStatus {
  readonly name: string;
  readonly up: boolean;
  readonly livingWeight: number;
  readonly panic: boolean;
  readonly servers: readonly ServerStatus[];
}

/** The first table that is read afterwards may still be without the weight of 0. */
const readsToTrust = 2;

interface Judged {
  readonly server: Server;
  readonly verdict: ServerVerdict;
}

export class Pool {
  #config: VirtualServer;
  #servers = new Map<string, Server>();
  #sorry: Server | undefined;
  readonly #leaving = new Map<string, Leaving>();
  /** In the table, as it is wanted. */
  #placed: ReadonlySet<string> = new Set();
  #up: boolean | undefined;
  #removed = false;

  constructor(config: VirtualServer) {
    this.#config = config;
    this.#adopt(config);
  }

  get config(): VirtualServer {
    return this.#config;
  }

  get up(): boolean {
    return this.#up === true;
  }

  /** Nothing is left of a pool that the file does not name any more. */
  get isGone(): boolean {
    return this.#removed && this.#leaving.size === 0;
  }

  /** It waits for connections to end, or may have to. */
  get watchesTable(): boolean {
    return this.#leaving.size > 0 || this.#sorry !== undefined;
  }

  /** Another one that knows the same. */
  copy(): Pool {
    const copy = new Pool(this.#config);
    copy.#servers = new Map(Array.from(this.#servers, ([name, server]) => [name, server.copy()]));
    copy.#sorry = this.#sorry?.copy();
    for (const [name, leaving] of this.#leaving) copy.#leaving.set(name, { ...leaving });
    copy.#placed = this.#placed;
    copy.#up = this.#up;
    copy.#removed = this.#removed;
    return copy;
  }

  configure(config: VirtualServer, now: Micros): void {
    this.#removed = false;
    const named = new Set(config.real_server.map(({ destination }) => endpoint(destination)));
    for (const [name, { config: old }] of this.#servers) if (!named.has(name)) this.#leave(old, now);
    if (this.#sorry !== undefined) this.#leave(this.#sorry.config, now);
    this.#config = config;
    this.#adopt(config);
  }

  /** The file does not name it any more. */
  remove(now: Micros): void {
    this.#removed = true;
    for (const { config } of this.#servers.values()) this.#leave(config, now);
    if (this.#sorry !== undefined) this.#leave(this.#sorry.config, now);
    this.#servers.clear();
    this.#sorry = undefined;
  }

  #adopt(config: VirtualServer): void {
    const known = this.#servers;
    this.#servers = new Map(
      config.real_server.map((one) => {
        const name = endpoint(one.destination);
        const server = known.get(name) ?? new Server(one);
        server.config = one;
        this.#leaving.delete(name);
        return [name, server];
      }),
    );
    const { sorry_server: sorry } = config;
    if (sorry !== undefined) this.#leaving.delete(endpoint(sorry.destination));
    if (sorry === undefined) this.#sorry = undefined;
    else if (this.#sorry?.name === endpoint(sorry.destination)) this.#sorry.config = sorry;
    else this.#sorry = new Server(sorry);
  }

  /** One that is down, and therefore not in the table, has nothing to wait for. */
  #leave(config: RealServer, now: Micros): void {
    const name = endpoint(config.destination);
    const until = after(now, this.#config.drain_timeout);
    if (this.#placed.has(name)) this.#leaving.set(name, { config, until, reads: undefined });
  }

  /**
   * Looks at everything again.
   * @returns the services for the kernel, what status shows, and whether the pool has come up or gone down
   */
  settle(view: PoolView, now: Micros): Settled {
    this.#letGo(view, now);
    const judged = [...this.#servers.values()].map((server) => ({
      server,
      verdict: this.#judge(server, view, now),
    }));
    const living = judged.filter(({ verdict }) => verdict.alive);
    const panic = judged.length > 0 && (100 * living.length) / judged.length < this.#config.panic_threshold;
    const livingWeight = (panic ? judged : living).reduce((sum, { verdict }) => sum + verdict.weight, 0);
    const change = this.#quorum(livingWeight);
    const sorry = this.#sorry && { server: this.#sorry, verdict: this.#judge(this.#sorry, view, now) };
    const swapped = this.#up === false && sorry?.verdict.alive === true;
    const rows = [
      ...judged.map((one) => this.#row(one, panic || one.verdict.alive, swapped, now)),
      ...(sorry === undefined ? [] : [this.#sorryRow(sorry, swapped, view)]),
      ...Array.from(this.#leaving.values(), leavingRow),
    ];
    const destinations = rows.flatMap(({ destination }) => destination ?? []);
    this.#placed = new Set(destinations.map(endpoint));
    return {
      services: this.#config.services.map((service) => ({
        service,
        destinations: fitted(destinations, service),
      })),
      status: {
        name: this.#config.name,
        up: this.up,
        livingWeight,
        panic,
        servers: rows.map(({ status }) => status),
      },
      deadline: firstOf([
        ...judged.map(({ server }) => server.nextStep(this.#config.slow_start, now)),
        ...Array.from(this.#leaving.values(), ({ until }) => until),
      ]),
      ...(change !== undefined && { change }),
    };
  }

  #judge(server: Server, { reports, overrides, maintenance }: PoolView, now: Micros): ServerVerdict {
    const override = overrides.findLast(
      ({ virtual_server, real_server }) =>
        real_server === server.name && (virtual_server ?? this.#config.name) === this.#config.name,
    );
    const { address } = server.config.destination;
    const inMaintenance = maintenance.has(address) || maintenance.has(server.name);
    const { alpha, slow_start } = this.#config;
    return server.judge({ reports, override: override?.to, inMaintenance, alpha, slow_start }, now);
  }

  /** @returns the new state when it changed; a pool begins up, or down with alpha, as keepalived's do */
  #quorum(livingWeight: number): 'up' | 'down' | undefined {
    const { quorum, hysteresis, alpha } = this.#config;
    const was = this.#up ?? !alpha;
    const holds = livingWeight > 0 && livingWeight >= quorum - hysteresis;
    this.#up =
      this.#up === undefined ? livingWeight >= quorum : was ? holds : livingWeight >= quorum + hysteresis;
    return this.#up === was ? undefined : this.#up ? 'up' : 'down';
  }

  #letGo({ loads, reads }: PoolView, now: Micros): void {
    for (const [name, leaving] of this.#leaving) {
      leaving.reads ??= reads;
      const counted = reads >= leaving.reads + readsToTrust;
      if ((counted && isIdle(loads?.get(name))) || now >= leaving.until) this.#leaving.delete(name);
    }
  }

  #row({ server, verdict }: Judged, serves: boolean, swapped: boolean, now: Micros): Row {
    const { destination, inhibit_on_failure } = server.config;
    const ramped = server.ramped(verdict.weight, this.#config.slow_start, now);
    const weight = serves ? (swapped ? 0 : ramped) : inhibit_on_failure ? 0 : undefined;
    return row(server, verdict, 'real', weight === undefined ? undefined : { ...destination, weight });
  }

  /** After its service it stays with weight 0 while it has connections. */
  #sorryRow({ server, verdict }: Judged, swapped: boolean, { loads }: PoolView): Row {
    const { destination, inhibit_on_failure } = server.config;
    const lingers = verdict.alive && this.#placed.has(server.name) && !isIdle(loads?.get(server.name));
    const placed = swapped
      ? destination
      : lingers || inhibit_on_failure
        ? { ...destination, weight: 0 }
        : undefined;
    return row(server, verdict, 'sorry', placed);
  }
}

/** A table that was read while it took connections cannot tell. */
const isIdle = (load: Load | undefined): boolean => load?.weight === 0 && load.connections === 0;

export interface Settled {
  readonly services: readonly VirtualService[];
  readonly status: PoolStatus;
  readonly deadline: Micros | undefined;
  readonly change?: 'up' | 'down';
}
