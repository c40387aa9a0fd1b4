/**
 * Words that people bring from keepalived, or from the plan of this project, and that this version does not
 * read. Each gets one clear answer; silently ignoring any of them would show only at a failover.
 */
const groups: readonly (readonly [why: string, words: string])[] = [
  [
    'a server that is dead would count as living, or a living one as dead',
    `DNS_CHECK SMTP_CHECK UDP_CHECK FILE_CHECK BFD_CHECK SSL bind_port regex_options regex_stack
     regex_min_offset regex_max_offset fast_recovery tls_compliant`,
  ],
  [
    'the failure that it watches for would not move the VIP',
    `track_bfd track_group bfd_instance track_src_ip dont_track_primary
     linkbeat_use_polling linkbeat_interfaces interface_up_down_delays max_auto_priority
     min_auto_priority_delay`,
  ],
  ['the instances would move separately', 'sync_group_tracking_weight global_tracking'],
  [
    'the standby would not hold the connections',
    'lvs_sync_daemon lvs_sync_daemon_interface sync_address wait_for_sync',
  ],
  [
    'advertisements would still go the usual way, and a peer that listens elsewhere would not hear them',
    'unicast_fault_no_peer old_unicast_checksum mcast_dst_ip vrrp_mcast_group4 vrrp_mcast_group6',
  ],
  ['a peer that checks it would not hear this director', 'auth_hmac'],
  [
    'nothing would be told of a change of state',
    `notify notify_master notify_backup notify_fault notify_stop notify_deleted
     notify_master_rx_lower_pri notify_priority_changes notify_fifo notify_fifo_script vrrp_notify_fifo
     vrrp_notify_fifo_script lvs_notify_fifo vrrp_notify_priority_changes smtp_alert smtp_alert_vrrp
     smtp_alert_checker smtp_server smtp_connect_timeout smtp_helo_name notification_email
     notification_email_from notify_up notify_down snmp_name rs_init_notifies router_id startup_script shutdown_script enable_snmp_vrrp
     enable_snmp_checker enable_snmp_rfc enable_traps snmp_socket enable_dbus`,
  ],
  [
    'the VIP would keep the MAC address of the interface',
    'use_vmac use_vmac_addr vmac_xmit_base use_ipvlan vmac_prefix vmac_addr_prefix',
  ],
  [
    'the address would be accepted all the same',
    'accept no_accept strict_mode vrrp_strict vrrp_iptables nftables',
  ],
  [
    'these routes and addresses would not move',
    `virtual_routes virtual_rules static_ipaddress static_routes static_rules
     promote_secondaries no_virtual_ipaddress vrf`,
  ],
  [
    'the election would follow the RFC without it',
    `down_timer_adverts timer_expired_backup owner_ignore_adverts lower_prio_no_advert
     higher_prio_send_advert vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert
     vrrp_down_timer_adverts vrrp_owner_ignore_adverts skip_check_adv_addr vrrp_skip_check_adv_addr
     vrrp_delay_after_boot`,
  ],
  [
    'the daemon would run without it',
    `enable_script_security set_supplementary_groups use_symlink_paths net_namespace net_namespace_ipvs
     instance process_names include dynamic_interfaces default_interface garp_group garp_extra_if
     vrrp_garp_extra_if vrrp_min_garp vrrp_no_swap checker_no_swap vrrp_priority checker_priority
     kernel_rx_buf_size debug log_unknown_vrids reload_check_config reload_time_file peer home
     preferred_lft mngtmpaddr autojoin no_track`,
  ],
];

const later: ReadonlyMap<string, string> = new Map(
  groups.flatMap(([why, words]) => words.split(/\s+/).map((word) => [word, why] as const)),
);

/** keepalived's words whose meaning has another name here. */
const renamed: ReadonlyMap<string, string> = new Map([
  ['global_defs', 'global'],
  ['vrrp_version', 'version in the vrrp_instance'],
  ['native_ipv6', 'nothing: the addresses say the family'],
  ['ip_family', 'nothing: the addresses say the family'],
  ['broadcast', 'brd'],
  ['sync_group', 'vrrp_sync_group at the top level'],
  ['vrrp_check_unicast_src', 'check_unicast_src in the vrrp_instance'],
  ['auth_type', 'authentication: {auth_type: …} in the vrrp_instance'],
  ['auth_pass', 'authentication: {auth_pass: …} in the vrrp_instance'],
  ['vrrp_rlimit_rttime', 'vrrp_rt_priority'],
  ['lvs_flush', 'ownership: exclusive'],
  ['lvs_flush_on_stop', 'on_stop: remove'],
  ['nb_get_retry', 'retry'],
  ['log_all_failures', 'nothing: every failure is told'],
  ['checker_log_all_failures', 'nothing: every failure is told'],
  ['ha_suspend', 'nothing: a standby checks and is programmed too'],
  ['hashed', 'nothing: the kernel sets it by itself'],
  ['nat_mask', 'nothing: keepalived has not read it for long'],
  ...['repeat', 'delay', 'refresh', 'refresh_repeat'].map((part) => inInstance(`garp_master_${part}`)),
  ...['repeat', 'delay'].map((part) => inInstance(`garp_lower_prio_${part}`)),
  inInstance('garp_interval'),
  inInstance('gna_interval'),
]);

function inInstance(word: string): readonly [string, string] {
  return [`vrrp_${word}`, `${word} in the vrrp_instance`];
}

export const laterWords = (): readonly string[] => [...later.keys()];
export const laterWhy = (word: string): string | undefined => later.get(word);
export const renamedTo = (word: string): string | undefined => renamed.get(word);
