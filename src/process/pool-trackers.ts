/**
 * What vrrp is told of the pools that instances track. The director decides whether a pool has its quorum; here
 * is only when its word counts, and what of it is new. PURE
 */
import type { PoolStatus } from '../director/pool.ts';
import { checksOf } from '../director/director.ts';
import type { RealServer, VirtualServer } from '../director/types.ts';
import { endpoint } from '../ipvs/types.ts';
import type { CheckReport } from '../healthcheck/types.ts';
import type { TrackerReport } from '../vrrp/track-board.ts';

type Reports = ReadonlyMap<string, CheckReport>;

export class PoolTrackers {
  #tracked: ReadonlyMap<string, VirtualServer> = new Map();
  readonly #said = new Map<string, TrackerReport>();

  /** The last word on each. */
  get said(): readonly TrackerReport[] {
    return [...this.#said.values()];
  }

  /** @param names of the virtual servers that are tracked */
  configure(virtualServers: readonly VirtualServer[], names: ReadonlySet<string>): void {
    this.#tracked = new Map(
      virtualServers.filter(({ name }) => names.has(name)).map((one) => [one.name, one]),
    );
    for (const name of this.#said.keys()) if (!this.#tracked.has(name)) this.#said.delete(name);
  }

  /**
   * @param ready nobody is to be waited for: all checks have spoken, or the process that runs them has died
   * @returns what is new, and of that what is another verdict
   */
  look(
    pools: readonly PoolStatus[],
    reports: Reports,
    ready: boolean,
  ): { readonly news: readonly TrackerReport[]; readonly changed: readonly TrackerReport[] } {
    const news: TrackerReport[] = [];
    const changed: TrackerReport[] = [];
    if (this.#tracked.size === 0) return { news, changed };
    for (const status of pools) {
      const { name, up, livingWeight } = status;
      const config = this.#tracked.get(name);
      const old = this.#said.get(name);
      // Whoever has spoken goes on: a server that a reload brings is no reason to know nothing any more.
      if (config === undefined || (old === undefined && !ready && !isCertain(config, status, reports)))
        continue;
      const words = `quorum ${livingWeight} of ${config.quorum}`;
      const report: TrackerReport = { kind: 'virtual_server', name, verdict: up ? 'up' : 'down', words };
      if (old?.verdict === report.verdict && old.words === words) continue;
      this.#said.set(name, report);
      news.push(report);
      if (old?.verdict !== report.verdict) changed.push(report);
    }
    return { news, changed };
  }
}

/**
 * A pool begins with everybody alive whose checks have not spoken, so that it is up says nothing at first. That
 * it is down does; alpha is the wish that nobody counts without a word.
 */
function isCertain(config: VirtualServer, { up, servers }: PoolStatus, reports: Reports): boolean {
  const hasSpoken = ({ id }: { readonly id: string }): boolean =>
    (reports.get(id)?.verdict ?? 'unknown') !== 'unknown';
  if (!up || checksOf(config).every(hasSpoken)) return true;
  const alive = new Set(servers.filter((server) => server.alive).map(({ name }) => name));
  const known = config.real_server.filter(
    ({ destination, checks }: RealServer) => checks.every(hasSpoken) && alive.has(endpoint(destination)),
  );
  return known.reduce((sum, { destination }) => sum + destination.weight, 0) >= config.quorum;
}
