/**
 * The table of virtual services in nf_tables, behind the port of IPVS: for a kernel without it, and for the lab. What
 * the table holds stands in it as notes, beside the rules that do it and of the same transaction: another life of ours
 * finds it, and finds it gone when somebody removed it.
 */
import { ip } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import { unforwardableDestination, unforwardableService } from '../ipvs/forwarder.ts';
import type { IpvsLink, Refusal, Write } from '../ipvs/link.ts';
import { operationOf } from '../ipvs/codec.ts';
import type { ActualService, VirtualService } from '../ipvs/types.ts';
import { NetlinkConnection } from '../netlink/connection.ts';
import { Errno, NetlinkError } from '../netlink/error.ts';
import { dumpNotes, type ForwardedService, readNotes, rehearse, replace } from '../nft/forward.ts';
import { MemoryIpvs } from './memory-ipvs.ts';
import { notesOf, tableOf } from './nft-notes.ts';
import { NetlinkProtocol, openNetlinkSocket } from './netlink-socket.ts';

const EOPNOTSUPP = 95;

/** Also those that it cannot deal out like: it says so when the file is checked, and takes turns by weight. */
const schedulers = [
  ...['rr', 'wrr', 'lc', 'wlc', 'fo', 'ovf', 'lblc', 'lblcr', 'dh', 'sh', 'mh', 'sed', 'nq', 'twos'],
];

/** @param options.netns path such as /run/netns/d1: whose table; ours when absent. @throws NetlinkError */
export async function openNftForward(options: { readonly netns?: string } = {}): Promise<NftForward> {
  const link = new NftForward(new NetlinkConnection(openNetlinkSocket(NetlinkProtocol.netfilter, options)));
  await link.probe();
  return link;
}

export class NftForward implements IpvsLink {
  readonly #connection: NetlinkConnection;
  #unavailable: string | undefined;
  /** A write is a read, a change and a replacement: two of them must not interleave. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  get unavailable(): string | undefined {
    return this.#unavailable;
  }

  close(): void {
    this.#connection.close();
  }

  /** Looks whether the kernel has all that is needed; `unavailable` says so afterwards. */
  async probe(): Promise<void> {
    const tried = await this.#asking(() =>
      this.#connection.transact('try a table of nf_tables', (seq) => rehearse(sample, seq)),
    );
    this.#unavailable = tried.ok ? undefined : `nf_tables cannot forward: ${tried.error.text}`;
  }

  read(): Promise<Result<readonly ActualService[], Refusal>> {
    return this.#inTurn(() => this.#read());
  }

  timeouts(): Promise<Result<never, Refusal>> {
    return Promise.resolve(err(unsupported('read timeouts', timeoutsElsewhere)));
  }

  write(writes: readonly Write[]): Promise<readonly Result<'done', Refusal>[]> {
    return this.#inTurn(async () => {
      const actual = await this.#read();
      if (!actual.ok) return writes.map(() => actual);
      const model = new MemoryIpvs({ schedulers });
      for (const { service, destinations } of actual.value) {
        model.apply({ command: 'new-service', service });
        for (const destination of destinations)
          model.apply({ command: 'new-dest', key: service.key, destination });
      }
      const answers = writes.map((write) => objection(write) ?? model.apply(write));
      if (!answers.some(({ ok: done }) => done)) return answers;
      const replaced = await this.#replace(model.table());
      return replaced.ok ? answers : answers.map((answer) => (answer.ok ? replaced : answer));
    });
  }

  #read(): Promise<Result<readonly ActualService[], Refusal>> {
    return this.#asking(async () => {
      const notes = (await this.#dump()).flatMap((message) => {
        const read = readNotes(message);
        if (read.ok) return read.value;
        throw new NetlinkError({
          operation: 'read our notes',
          errno: Errno.badMessage,
          text: read.error.text,
        });
      });
      return tableOf(notes.toSorted((a, b) => a.at - b.at).map(({ text }) => text));
    });
  }

  async #dump(): Promise<Awaited<ReturnType<NetlinkConnection['dump']>>> {
    try {
      return await this.#connection.dump(dumpNotes());
    } catch (error) {
      // No table yet, or somebody removed it: nothing is forwarded.
      if (error instanceof NetlinkError && error.errno === Errno.noEntry) return [];
      throw error;
    }
  }

  #replace(table: readonly VirtualService[]): Promise<Result<'done', Refusal>> {
    const services = table.flatMap((one): ForwardedService[] => {
      const { key } = one.service;
      return key.kind === 'address' && key.protocol !== 'SCTP' ? [{ ...key, ...dealtIn(one) }] : [];
    });
    return this.#asking<'done'>(async () => {
      const replaced = (seq: number) => replace(services, notesOf(table), seq);
      await this.#connection.transact('replace the table of virtual services', replaced);
      return 'done';
    });
  }

  async #asking<T>(ask: () => Promise<T>): Promise<Result<T, Refusal>> {
    try {
      return ok(await ask());
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      return err({ errno: error.errno, text: error.message });
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn;
    return turn;
  }
}

/** rr looks at a weight only to see whether it is 0, as that of IPVS. */
const dealtIn = ({
  service,
  destinations,
}: VirtualService): Pick<ForwardedService, 'servers' | 'protocol'> => ({
  protocol: service.key.kind === 'address' && service.key.protocol === 'UDP' ? 'UDP' : 'TCP',
  servers: destinations.map(({ address, port, weight }) => ({
    address,
    port,
    weight: service.scheduler === 'rr' ? Math.min(weight, 1) : weight,
  })),
});

/** All rules that there are. Addresses of RFC 5737 and RFC 3849. */
const sample: readonly ForwardedService[] = ['192.0.2.1', '2001:db8::1'].flatMap((text) => {
  const place = { address: ip(text), port: 1 };
  const service = { protocol: 'TCP', ...place, servers: [{ ...place, weight: 1 }] } as const;
  return [service, { ...service, servers: [] }, { ...service, protocol: 'UDP', servers: [] }];
});

const timeoutsElsewhere =
  'connections are those of connection tracking: its own settings net.netfilter.nf_conntrack_*_timeout_* say';

const unsupported = (what: string, why: string): Refusal => ({
  errno: EOPNOTSUPP,
  text: `cannot ${what}: data_plane nftables: ${why}`,
});

/** What IPVS would do. */
function objection(write: Write): Result<never, Refusal> | undefined {
  const why = missing(write);
  return why === undefined ? undefined : err(unsupported(operationOf(write), `it ${why}`));
}

function missing(write: Write): string | undefined {
  switch (write.command) {
    case 'new-service':
    case 'set-service':
      return unforwardableService(write.service);
    case 'new-dest':
    case 'set-dest':
      return unforwardableDestination(write.destination);
    case 'set-config':
      return `has no timeouts of its own: ${timeoutsElsewhere}`;
    case 'zero':
      return 'counts nothing';
    default:
      return undefined;
  }
}
