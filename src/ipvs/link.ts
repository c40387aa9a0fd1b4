/** The port to the IPVS table of a kernel. kernel/ implements it over netlink and in memory; both pass one suite of cases. */
import type { Result } from '../base/result.ts';
import type { ActualService, Destination, Service, ServiceKey, Timeouts } from './types.ts';

/** One write: one object of the kernel. Names are the commands of the generic netlink family "IPVS". */
export type Write =
  | { readonly command: 'new-service' | 'set-service'; readonly service: Service }
  | { readonly command: 'del-service'; readonly key: ServiceKey }
  | { readonly command: 'new-dest' | 'set-dest'; readonly key: ServiceKey; readonly destination: Destination }
  | {
      readonly command: 'del-dest';
      readonly key: ServiceKey;
      readonly destination: Pick<Destination, 'address' | 'port'>;
    }
  | { readonly command: 'set-config'; readonly timeouts: Timeouts }
  /** Undefined: every service. */
  | { readonly command: 'zero'; readonly key: ServiceKey | undefined };

/** What the kernel refused, and its number: EEXIST, ESRCH, ENOENT, EINVAL, ERANGE … */
export interface Refusal {
  readonly errno: number;
  readonly text: string;
}

export interface IpvsLink {
  /** Undefined when the kernel has IPVS; else why not, in words. */
  readonly unavailable: string | undefined;
  /** The whole table, at one moment as nearly as dumps allow. */
  read(): Promise<Result<readonly ActualService[], Refusal>>;
  timeouts(): Promise<Result<Timeouts, Refusal>>;
  /** Sends them all at once, in this order; one that is refused does not stop the others. @returns an answer for each */
  write(writes: readonly Write[]): Promise<readonly Result<'done', Refusal>[]>;
}
