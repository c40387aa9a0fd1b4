import { type Micros } from '../../src/base/time.ts';
import type { VirtualRouterEvent } from '../../src/vrrp/events.ts';
import { Instance, type InstancePort } from '../../src/vrrp/instance.ts';
import type { GateWrite } from '../../src/vrrp/lease.ts';
import type { InstanceConfig } from '../../src/vrrp/types.ts';
import { A, B, C, configured, down, startup } from './router-table.ts';

const names = new Map([
  [A.address, 'A'],
  [B.address, 'B'],
  [C.address, 'C'],
]);
const words = (addresses: readonly { readonly address: typeof A.address }[]): string =>
  addresses.map(({ address }) => names.get(address)).join(' ');

/** An instance on a port that writes down, and answers when it is told to. */
export class Bench {
  readonly log: string[] = [];
  readonly gateWrites: { readonly operation: 'open' | 'renew'; readonly write: GateWrite }[] = [];
  readonly instance: Instance;
  /** Whether advertisements leave this host. */
  linkWorks = true;
  now = 0;

  constructor(config: Partial<InstanceConfig> = {}) {
    const port: InstancePort = {
      sendAdvertisement: (_config, priority) => {
        this.log.push(`send ${priority}`);
        return this.linkWorks;
      },
      writeAddresses: (_config, operation, addresses, lifetime_s, notAfter) => {
        const limits =
          operation === 'remove' ? '' : ` for ${lifetime_s ?? 'ever'} by ${notAfter ?? 'any time'}`;
        this.log.push(`${operation} ${words(addresses)}${limits}`);
      },
      writeGate: (_config, operation, addresses, write) => {
        this.log.push(`gate ${operation} ${words(addresses)}`);
        if (write !== undefined && operation !== 'close') this.gateWrites.push({ operation, write });
      },
      announce: (_config, address) => this.log.push(`announce ${names.get(address)}`),
      transition: (from, to, reason) => this.log.push(`${from} → ${to}: ${reason}`),
    };
    this.instance = new Instance(configured(config), 'interface-absent', port, 0 as Micros);
  }

  /** What the port saw since the last call. */
  seen(): string[] {
    return this.log.splice(0);
  }

  handle(event: VirtualRouterEvent): void {
    this.instance.handle(event, this.now as Micros);
  }

  at(now: number): this {
    this.now = now;
    this.instance.expire(now as Micros);
    return this;
  }

  gate(outcome: Parameters<Instance['gateWritten']>[2], which = this.gateWrites.length - 1): void {
    const { operation, write } = this.gateWrites[which]!;
    this.instance.gateWritten(operation, write, outcome, this.now as Micros);
  }

  added(outcome: Parameters<Instance['addressesWritten']>[0] = 'done'): void {
    this.instance.addressesWritten(outcome, this.now as Micros);
  }

  /** Active, gate open, addresses there, announced. */
  serve(): this {
    this.handle(startup);
    this.at(down);
    if (this.gateWrites.length > 0) this.gate('done');
    this.added();
    this.seen();
    return this;
  }
}
