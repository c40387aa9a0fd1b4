/** The kernel settings that a file may name, and those that pools need anyway. ip_vs_ctl.c, vs_vars[] */
import { familyOf } from '../base/ip.ts';
import type { Sysctls, VirtualServer } from '../director/types.ts';
import type { Schema } from './schema.ts';
import type { View } from './view.ts';

const whole = (minimum: number, maximum: number): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  perNode: true,
});
const largest = 0x7fff_ffff;

const ipvs: Readonly<Record<string, Schema>> = {
  am_droprate: whole(1, largest),
  amemthresh: whole(0, largest),
  backup_only: whole(0, 1),
  cache_bypass: whole(0, 1),
  conn_reuse_mode: whole(0, 3),
  conntrack: whole(0, 1),
  drop_entry: whole(0, 3),
  drop_packet: whole(0, 3),
  est_nice: whole(-20, 19),
  expire_nodest_conn: whole(0, 1),
  expire_quiescent_template: whole(0, 1),
  ignore_tunneled: whole(0, 1),
  nat_icmp_send: whole(0, 1),
  pmtu_disc: whole(0, 1),
  run_estimation: whole(0, 1),
  schedule_icmp: whole(0, 1),
  secure_tcp: whole(0, 3),
  sloppy_sctp: whole(0, 1),
  sloppy_tcp: whole(0, 1),
  snat_reroute: whole(0, 1),
  sync_persist_mode: whole(0, 1),
  sync_ports: whole(1, 64),
  sync_qlen_max: whole(0, largest),
  sync_refresh_period: whole(0, largest),
  sync_retries: whole(0, 3),
  sync_sock_size: whole(0, largest),
  sync_threshold: {
    type: 'string',
    pattern: '^\\d{1,9} [1-9]\\d{0,8}$',
    expected: 'two numbers in one text, as "3 50"',
    perNode: true,
  },
  sync_version: whole(0, 1),
};

const forwarding = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' } as const;

export const sysctlsSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  expected: 'a map, as {net.ipv4.vs.conntrack: 1}',
  description:
    'Kernel settings that are set, and watched. Forwarding is on anyway where NAT or snat needs it.',
  properties: {
    [forwarding[4]]: whole(0, 1),
    [forwarding[6]]: whole(0, 1),
    ...Object.fromEntries(Object.entries(ipvs).map(([name, schema]) => [`net.ipv4.vs.${name}`, schema])),
  },
};

/** @param masqueraded the families that leave this host in other packets than they came */
export function buildSysctls(
  view: View,
  raw: Readonly<Record<string, string | number>>,
  masqueraded: ReadonlySet<4 | 6>,
): Sysctls {
  const sysctls = new Map(Object.entries(raw).map(([name, value]) => [name, String(value)]));
  for (const family of masqueraded) {
    const name = forwarding[family];
    if (sysctls.get(name) === '0')
      view.error(['sysctls', name], {
        message: `${name} is 0, and lb_kind NAT or snat forwards IPv${family}`,
        expected: '1, or nothing',
        why: 'the replies of the real servers would end on this director',
      });
    sysctls.set(name, '1');
  }
  return Object.fromEntries([...sysctls].map(([name, value]) => [name.replaceAll('.', '/'), value]));
}

/** The families in which the director forwards between clients and servers of these pools. */
export function masqueradedBy(pools: readonly VirtualServer[]): Set<4 | 6> {
  const families = new Set<4 | 6>();
  for (const { real_server, sorry_server } of pools)
    for (const { destination } of sorry_server === undefined ? real_server : [...real_server, sorry_server])
      if (destination.forward === 'masq') families.add(familyOf(destination.address));
  return families;
}
