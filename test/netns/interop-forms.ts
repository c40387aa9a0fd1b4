/**
 * Every form in which two directors can speak VRRP to each other, and the configuration of both products for each:
 * ours on d1 (lb1), keepalived on d2 (lb2).
 */
import type { Family } from '../../src/base/ip.ts';
import type { Settings } from './site.ts';

export interface Form {
  readonly version: 2 | 3;
  readonly family: Family;
  readonly way: 'multicast' | 'unicast';
  /** Authentication by password, or none. */
  readonly auth: 'PASS' | 'none';
}

/** Version 2 first: it has no interval below a second, and the slow ones are best begun first. */
export const allForms: readonly Form[] = ([2, 3] as const).flatMap((version) =>
  ([4, 6] as const).flatMap((family) =>
    (['multicast', 'unicast'] as const).flatMap((way) =>
      (['PASS', 'none'] as const).map((auth) => ({ version, family, way, auth })),
    ),
  ),
);

export const title = ({ version, family, way, auth }: Form): string =>
  `version ${version}, IPv${family}, ${way}, ${auth === 'none' ? 'no password' : auth}`;

/** What `check` says of a form that no RFC has; undefined for the others. */
export function refusal({ version, family, auth }: Form): RegExp | undefined {
  // RFC 3768 is of IPv4 only.
  if (version === 2 && family === 6)
    return /^run\d+\.yaml:\d+:\d+: version of vrrp_instance web is 2, and its addresses are IPv6, expected 3: /;
  // RFC 5798 §9 took authentication out, and RFC 9568 left it out.
  if (version === 3 && auth === 'PASS')
    return /^run\d+\.yaml:\d+:\d+: authentication of vrrp_instance web with version 3, which has none/;
  return undefined;
}

export const password = 'k33p-vip';
export const addresses = { 4: ['10.1.0.100'], 6: ['fe80::100', 'fd00:1::100'] } as const;
const nodes = {
  4: { lb1: '10.1.0.11', lb2: '10.1.0.12' },
  6: { lb1: 'fd00:1::11', lb2: 'fd00:1::12' },
} as const;

/** With 0.5 s a side may be held up for 1.5 s by a busy machine before anybody takes it for dead. */
const advert_s = { 2: 1, 3: 0.5 } as const;

/** The better one and the other. */
const priorities = { better: 150, other: 100 } as const;
export type Rank = keyof typeof priorities;

/** Our file, in JSON. It names keepalived's priority too, as the file of both nodes. */
export function ours({ version, family, way, auth }: Form, rank: Rank): string {
  const { lb1, lb2 } = nodes[family];
  const instance: Settings = {
    interface: 'eth0',
    virtual_router_id: 51,
    priority: { lb1: priorities[rank], lb2: priorities[rank === 'better' ? 'other' : 'better'] },
    version,
    advert_int: `${advert_s[version] * 1_000}ms`,
    virtual_ipaddress: addresses[family],
    ...(auth === 'PASS' && { authentication: { auth_type: 'PASS', auth_pass: password } }),
    ...(way === 'unicast' && { unicast_peer: 'nodes', check_unicast_src: true }),
  };
  return JSON.stringify({
    config_version: 1,
    nodes: { lb1: { address: lb1 }, lb2: { address: lb2 } },
    vrrp_instance: { web: instance },
  });
}

/**
 * keepalived's file. The version stands in the instance: `vrrp_version 2` in global_defs is passed over without a word
 * where the addresses are IPv6, and 2.2.7 speaks version 3 then.
 */
export function theirs({ version, family, way, auth }: Form, rank: Rank): string {
  const { lb1, lb2 } = nodes[family];
  return `vrrp_instance web {
  state BACKUP
  version ${version}
  interface eth0
  virtual_router_id 51
  priority ${priorities[rank]}
  advert_int ${advert_s[version]}
  ${auth === 'PASS' ? `authentication {\n auth_type PASS\n auth_pass ${password}\n }` : ''}
  ${way === 'unicast' ? `check_unicast_src\n unicast_src_ip ${lb2}\n unicast_peer {\n ${lb1}\n }` : ''}
  virtual_ipaddress {\n ${addresses[family].join('\n ')}\n }
}\n`;
}
