/** A table of virtual services as lines that fit into nf_tables, and back: what the forwarder can do, and no more. */
import { parseIp } from '../base/ip.ts';
import type { ActualDestination, ActualService, VirtualService } from '../ipvs/types.ts';

/** JSON: a service, and behind it each of its servers. */
export const notesOf = (table: readonly VirtualService[]): readonly string[] =>
  table.flatMap(({ service: { key, scheduler, schedulerFlags }, destinations }) =>
    [
      { ...key, scheduler, schedulerFlags },
      ...destinations.map(({ address, port, weight }) => ({ address, port, weight })),
    ].map((note) => JSON.stringify(note)),
  );

/** A note of another hand is passed over: what is missing then is put there again, and the table replaced. */
export function tableOf(notes: readonly string[]): readonly ActualService[] {
  const table: ActualService[] = [];
  for (const note of notes) {
    const fields = fieldsOf(note);
    const service = serviceOf(fields);
    const last = table.at(-1);
    const server = serverOf(fields);
    if (service !== undefined) table.push(service);
    else if (last !== undefined && server !== undefined)
      table.splice(-1, 1, { ...last, destinations: [...last.destinations, server] });
  }
  return table;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(note: string): Fields {
  try {
    const value: unknown = JSON.parse(note);
    return typeof value === 'object' && value !== null ? (value as Fields) : {};
  } catch {
    return {};
  }
}

function serviceOf(fields: Fields): ActualService | undefined {
  const { kind, protocol, scheduler, schedulerFlags: flags } = fields;
  const endpoint = endpointOf(fields);
  if (kind !== 'address' || endpoint === undefined || typeof scheduler !== 'string') return undefined;
  if ((protocol !== 'TCP' && protocol !== 'UDP') || !Array.isArray(flags)) return undefined;
  const schedulerFlags = ([1, 2, 3] as const).filter((flag) => flags.includes(flag));
  const service = { key: { kind, protocol, ...endpoint }, scheduler, schedulerFlags, ops: false } as const;
  return { service, statistics: undefined, destinations: [] };
}

function serverOf(fields: Fields): ActualDestination | undefined {
  const endpoint = endpointOf(fields);
  const { weight } = fields;
  if (endpoint === undefined || !isU16(weight)) return undefined;
  return {
    ...{ ...endpoint, forward: 'masq', weight, upperThreshold: 0, lowerThreshold: 0 },
    // Connection tracking has them, and does not say how many.
    ...{ activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, statistics: undefined },
  };
}

function endpointOf({ address, port }: Fields): Pick<ActualDestination, 'address' | 'port'> | undefined {
  const parsed = typeof address === 'string' ? parseIp(address) : undefined;
  return parsed !== undefined && isU16(port) ? { address: parsed, port } : undefined;
}

const isU16 = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;
