/** What the ipvs bench loads, and the same as a configuration file. PURE */
import { ip } from '../../../src/base/ip.ts';
import { endpoint, type ServiceKey, type VirtualService } from '../../../src/ipvs/types.ts';

/** Real servers of all services together. */
export interface TableSize {
  readonly services: number;
  readonly servers: number;
}

export interface Rounds {
  readonly size: TableSize;
  readonly rounds: number;
}

export interface IpvsPlan {
  readonly guest: Rounds;
  readonly reload: Rounds;
}

/** @param rounds 5 of the kernel's and 7 reloads of each kind when absent; `quick`: 3 */
export function planIpvs({ quick, rounds }: { readonly quick: boolean; readonly rounds?: number }): IpvsPlan {
  return {
    guest: {
      size: quick ? { services: 200, servers: 2_000 } : { services: 1_000, servers: 10_000 },
      rounds: rounds ?? (quick ? 3 : 5),
    },
    reload: {
      // Of the largest site that keepalived's release notes tell a time of.
      size: quick ? { services: 200, servers: 3_000 } : { services: 2_277, servers: 37_205 },
      rounds: rounds ?? (quick ? 3 : 7),
    },
  };
}

export const sizeText = ({ services, servers }: TableSize): string =>
  `${services} services, ${servers} servers`;

export const nodeName = 'lb1';
const vipCount = 10;
const vip = (at: number): string => `10.1.0.${100 + (at % vipCount)}`;

/** Every service has as many servers as every other, or one more; every server is another one, with a weight of 1..100. */
export function tableOf({ services, servers }: TableSize): readonly VirtualService[] {
  let next = 0;
  return Array.from({ length: services }, (_, at): VirtualService => {
    const count = Math.floor(servers / services) + (at < servers % services ? 1 : 0);
    const destinations = Array.from({ length: count }, () => {
      const number = next++;
      return {
        address: ip(
          `10.${2 + Math.floor(number / 62_500)}.${Math.floor(number / 250) % 250}.${1 + (number % 250)}`,
        ),
        port: 80,
        forward: 'masq' as const,
        weight: 1 + (number % 100),
        upperThreshold: 0,
        lowerThreshold: 0,
      };
    });
    const key: ServiceKey = {
      kind: 'address',
      protocol: 'TCP',
      address: ip(vip(at)),
      port: 1_000 + Math.floor(at / vipCount),
    };
    return { service: { key, scheduler: 'wlc', schedulerFlags: [], ops: false }, destinations };
  });
}

/** The same table, but for the weight of the last server of the last service: one that no server has otherwise. */
export const withOtherWeight = (table: readonly VirtualService[]): readonly VirtualService[] =>
  table.map((one, at) =>
    at < table.length - 1
      ? one
      : {
          ...one,
          destinations: one.destinations.map((destination, server) =>
            server < one.destinations.length - 1 ? destination : { ...destination, weight: 101 },
          ),
        },
  );

/** A file for two directors, in which every pool is checked. It holds tables of tableOf() only. */
export const configText = (table: readonly VirtualService[]): string => `config_version: 1
nodes:
  ${nodeName}: { address: [10.1.0.11] }
  lb2: { address: [10.1.0.12] }
vrrp_instance:
  outside:
    interface: eth0
    virtual_router_id: 51
    priority: { ${nodeName}: 150, lb2: 100 }
    virtual_ipaddress: [${Array.from({ length: vipCount }, (_, at) => vip(at)).join(', ')}]
virtual_server:
${table.map(poolText).join('')}`;

const poolText = ({ service: { key, scheduler }, destinations }: VirtualService): string =>
  `  - address: ${key.kind === 'address' ? endpoint(key) : ''}
    lb_algo: ${scheduler}
    lb_kind: NAT
    TCP_CHECK: {}
    real_server:
${destinations.map((one) => `      - { address: ${endpoint(one)}, weight: ${one.weight} }\n`).join('')}`;
