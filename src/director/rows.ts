/** The servers of a pool as rows: for the kernel's table, and for status. PURE */
import type { Micros } from '../base/time.ts';
import { type Destination, endpoint, type VirtualService } from '../ipvs/types.ts';
import type { Server, ServerVerdict } from './server.ts';
import type { RealServer } from './types.ts';

export interface ServerStatus {
  readonly name: string;
  readonly role: 'real' | 'sorry' | 'leaving';
  readonly alive: boolean;
  readonly configuredWeight: number;
  /** Undefined: not in the kernel's table. */
  readonly effectiveWeight: number | undefined;
  readonly words: string;
  /** When what is left of a leaving server goes. */
  readonly until?: Micros;
}

/** A server that the file does not name any more. */
export interface Leaving {
  readonly config: RealServer;
  readonly until: Micros;
  /** How often the table had been read when it left. */
  reads: number | undefined;
}

/** One server of a pool: what the kernel is to have of it, and what status shows. */
export interface Row {
  readonly destination: Destination | undefined;
  readonly status: ServerStatus;
}

export const row = (
  { name, config }: Server,
  { alive, words }: ServerVerdict,
  role: 'real' | 'sorry',
  destination: Destination | undefined,
): Row => ({
  destination,
  status: {
    name,
    role,
    alive,
    configuredWeight: config.destination.weight,
    effectiveWeight: destination?.weight,
    words,
  },
});

export const leavingRow = ({ config, until }: Leaving): Row => ({
  destination: { ...config.destination, weight: 0 },
  status: {
    name: endpoint(config.destination),
    role: 'leaving',
    alive: true,
    configuredWeight: config.destination.weight,
    effectiveWeight: 0,
    words: 'not in the file any more: its connections go on',
    until,
  },
});

/** Port 0 of a real server: the port of the service, as keepalived reads a real_server without one. */
export const fitted = (
  destinations: readonly Destination[],
  { key }: VirtualService['service'],
): readonly Destination[] =>
  key.kind === 'fwmark'
    ? destinations
    : destinations.map((one) => (one.port === 0 ? { ...one, port: key.port } : one));
