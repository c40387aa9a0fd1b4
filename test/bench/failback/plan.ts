/** What the fail-back bench measures, as plain data, and the files of both products. PURE. */
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { DirectorNode } from '../product.ts';
import type { Product } from '../scenario.ts';

export const returns = ['isolated', 'restarted'] as const;
/** From where the preferred director comes back. */
export type Return = (typeof returns)[number];

export const returnTitles: Readonly<Record<Return, string>> = {
  isolated: 'both links cut until its real servers are out, then healed',
  restarted: 'daemon stopped in order, then started',
};

export const vip = '10.1.0.100';
/** Of the virtual router on the client's side. */
export const vrid = 51;
export const requestInterval = milliseconds(20);
/** A SYN that is lost is sent again after a second only: a connection is given up long before. */
export const requestTimeout = milliseconds(250);
/**
 * A fail-back is watched from so long before the first advertisement of the returned, or from where it could come back: to
 * start a daemon is much work for the guest's one CPU, and ends long before.
 */
export const returnLead = milliseconds(500);
/** A run in which the client was later than this is made again. */
export const mostOwnGap = milliseconds(60);
export const mostAttempts = 5;
/** After everything is as it should be, and before the next disturbance. */
export const settleTime = seconds(1);

const realServers = [1, 2, 3].map((number) => `10.2.0.2${number}`);
export const realServerCount = realServers.length;

const priorities: Readonly<Record<DirectorNode, number>> = { d1: 150, d2: 100 };
const advertInt_ms = 100;
const check = { delayLoop_s: 1, timeout_s: 1, retry: 1, delayBeforeRetry_s: 1 } as const;

const links = [
  { name: 'web', interface: 'eth0', vrid, address: vip },
  { name: 'inside', interface: 'eth1', vrid: 52, address: '10.2.0.1' },
] as const;

export const failbackConfigText = (product: Product, node: DirectorNode): string =>
  product === 'ours' ? oursText() : keepalivedText(node);

function oursText(): string {
  const instances = links.map(
    (link) => `  ${link.name}:
    interface: ${link.interface}
    virtual_router_id: ${link.vrid}
    priority: {d1: ${priorities.d1}, d2: ${priorities.d2}}
    advert_int: ${advertInt_ms}ms
    preempt: {wait_for_checks: true}
    virtual_ipaddress: [${link.address}]
`,
  );
  return `config_version: 1
nodes: {d1: null, d2: null}
vrrp_sync_group:
  gateway: {group: [${links.map(({ name }) => name).join(', ')}]}
vrrp_instance:
${instances.join('')}virtual_server:
  - address: ${vip}:80
    lb_algo: rr
    lb_kind: DR
    delay_loop: ${check.delayLoop_s}s
    timeout: ${check.timeout_s}s
    retry: ${check.retry}
    delay_before_retry: ${check.delayBeforeRetry_s}s
    HTTP_GET: {url: [{path: /, status_code: 200}]}
    real_server:
${realServers.map((address) => `      - ${address}:80\n`).join('')}`;
}

/** As a careful user writes it; preemption is its default. Both are BACKUP at first, so that priority alone decides. */
function keepalivedText(node: DirectorNode): string {
  const instances = links.map(
    (link) => `vrrp_instance ${link.name} {
  state BACKUP
  interface ${link.interface}
  virtual_router_id ${link.vrid}
  priority ${priorities[node]}
  advert_int ${advertInt_ms / 1_000}
  virtual_ipaddress {
    ${link.address}
  }
}
`,
  );
  const servers = realServers.map(
    (address) => `  real_server ${address} 80 {
    weight 1
    HTTP_GET {
      url {
        path /
        status_code 200
      }
      connect_timeout ${check.timeout_s}
      retry ${check.retry}
      delay_before_retry ${check.delayBeforeRetry_s}
    }
  }
`,
  );
  return `global_defs {
  script_user root
  vrrp_version 3
}
vrrp_sync_group gateway {
  group {
${links.map(({ name }) => `    ${name}\n`).join('')}  }
}
${instances.join('')}virtual_server ${vip} 80 {
  delay_loop ${check.delayLoop_s}
  lb_algo rr
  lb_kind DR
  protocol TCP
${servers.join('')}}
`;
}

/** Both products in every round, each in turn the first; everything that a product returns from, with one pair. */
export const orderOf = (round: number): readonly Product[] =>
  round % 2 === 1 ? ['ours', 'keepalived'] : ['keepalived', 'ours'];

/** What the guest is told on its command line. */
export interface FailbackTask {
  readonly rounds: number;
  readonly returns: readonly Return[];
}
