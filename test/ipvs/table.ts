/** Small tables for tests, and what a kernel would make of writes: a second telling of the rules, without errors. */
import { ip } from '../../src/base/ip.ts';
import type { Write } from '../../src/ipvs/link.ts';
import {
  type ActualService,
  type Destination,
  endpoint,
  type Service,
  serviceName,
  type VirtualService,
} from '../../src/ipvs/types.ts';

export const service = (address = '10.1.0.100', what: Partial<Service> = {}): Service => ({
  key: { kind: 'address', protocol: 'TCP', address: ip(address), port: 80 },
  scheduler: 'wlc',
  schedulerFlags: [],
  ops: false,
  ...what,
});

export const server = (last: number, what: Partial<Destination> = {}): Destination => ({
  address: ip(`10.2.0.${last}`),
  port: 80,
  forward: 'masq',
  weight: 100,
  upperThreshold: 0,
  lowerThreshold: 0,
  ...what,
});

/** A table as the kernel tells it, with `open` active connections on every destination. */
export const actual = (table: readonly VirtualService[], open = 0): readonly ActualService[] =>
  table.map((one) => ({
    service: one.service,
    statistics: undefined,
    destinations: one.destinations.map((destination) => ({
      ...destination,
      activeConnections: open,
      inactiveConnections: 0,
      persistentConnections: 0,
      statistics: undefined,
    })),
  }));

/** @throws on a write that a kernel would refuse */
export function written(
  table: readonly VirtualService[],
  writes: readonly Write[],
): readonly VirtualService[] {
  const services = new Map(table.map((one) => [serviceName(one.service.key), one]));
  const at = (name: string): VirtualService => {
    const found = services.get(name);
    if (found === undefined) throw new Error(`${name} is absent`);
    return found;
  };
  for (const write of writes) {
    if (write.command === 'set-config' || write.command === 'zero') continue;
    const name = serviceName('service' in write ? write.service.key : write.key);
    const isNew = write.command === 'new-service';
    if (isNew === services.has(name)) throw new Error(`${write.command} ${name}`);
    if (write.command === 'del-service') services.delete(name);
    else if ('service' in write)
      services.set(name, { service: write.service, destinations: services.get(name)?.destinations ?? [] });
    else {
      const others = at(name).destinations.filter((one) => endpoint(one) !== endpoint(write.destination));
      const there = others.length < at(name).destinations.length;
      if (there === (write.command === 'new-dest'))
        throw new Error(`${write.command} ${endpoint(write.destination)}`);
      const now = write.command === 'del-dest' ? [] : [write.destination];
      services.set(name, { service: at(name).service, destinations: [...others, ...now] });
    }
  }
  return [...services.values()];
}
