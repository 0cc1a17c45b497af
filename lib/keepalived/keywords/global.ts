/** The keywords of the daemon itself: `global_defs`, and what stands beside it. */
import { all, block, type Keywords } from './keyword.js';

const NO_MAIL = 'No mail is sent: use notify_up and notify_down, or the events of the API.';
const NO_SNMP = 'There is no SNMP: read the metrics.';
const NO_DBUS = 'There is no D-Bus: use the control API.';
const BY_MANAGER = 'The service manager says it: systemd has a line for it in the unit.';
const NO_BUFFERS = 'The director chooses its buffers itself.';
const NAMESPACE = 'Start the director inside the namespace: ip netns exec NAME tunvs run.';

const ADVERTISED: Keywords = all(
  `vrrp_mcast_group4 vrrp_mcast_group6 vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_lower_prio_delay
  vrrp_garp_lower_prio_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_interval
  vrrp_gna_interval vrrp_min_garp vrrp_garp_extra_if vrrp_vmac_garp_intvl vrrp_down_timer_adverts
  vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_version vrrp_iptables vrrp_ipsets
  vrrp_check_unicast_src vrrp_skip_check_adv_addr vrrp_strict vrrp_notify_priority_changes vrrp_priority vrrp_no_swap
  vrrp_cpu_affinity vrrp_rt_priority vrrp_rlimit_rttime vrrp_rlimit_rtime vrrp_process_name vrrp_notify_fifo
  vrrp_notify_fifo_script vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs
  vrrp_netlink_monitor_rcv_bufs_force vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_startup_delay
  fifo_write_vrrp_states_on_reload log_unknown_vrids vmac_prefix vmac_addr_prefix smtp_alert_vrrp nftables
  nftables_priority nftables_counters nftables_ifindex disable_local_igmp dynamic_interfaces
  default_interface enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3
  bfd_process_name bfd_priority bfd_no_swap bfd_cpu_affinity bfd_rt_priority bfd_rlimit_rttime bfd_rlimit_rtime`,
  'vrrp',
);

/** What stands beside `global_defs`. */
const beside: Keywords = {
  ...all('net_namespace net_namespace_ipvs', 'not done', NAMESPACE),
  ...all('namespace_with_ipsets', 'vrrp'),
  ...all('instance use_pid_dir', 'not done', 'tunvs run --name NAME names a director.'),
  ...all('linkbeat_use_polling', 'vrrp'),
  ...all('child_wait_time', 'no effect', 'The director has no child processes of that kind.'),
};

export const globalKeywords: Keywords = {
  ...ADVERTISED,
  ...all('router_id', 'no effect', 'It names the machine in mails and VRRP.'),
  ...all('lvs_timeouts', 'done'),
  ...all('lvs_flush', 'no effect', 'A director begins without services.'),
  ...all('lvs_flush_on_stop lvs_flush_onstop', 'no effect', 'Services end with the director.'),
  ...all('lvs_sync_daemon', 'not done', 'Name the other director by --sync-peers (docs/sync.md).'),
  ...all(
    'nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark',
    'not done',
    'Each address of a group is a service of its own.',
  ),
  ...all('rs_init_notifies', 'done'),
  ...all('checker_log_all_failures', 'no effect', 'The API has the last results of each check.'),
  ...block('notification_email', 'not done', 'lines', NO_MAIL),
  ...all(
    'notification_email_from smtp_server smtp_helo_name smtp_connect_timeout smtp_alert smtp_alert_checker',
    'not done',
    NO_MAIL,
  ),
  ...all('no_email_faults no_checker_emails', 'no effect', 'No mail is sent.'),
  ...all('script_user', 'done', 'Without it scripts run as keepalived_script if the host has that user, as there.'),
  ...all(
    'enable_script_security',
    'differs',
    'Programs of MISC_CHECK that others may change are refused; other scripts are not looked at.',
  ),
  ...all('startup_script shutdown_script', 'not done', BY_MANAGER),
  ...all('startup_script_timeout shutdown_script_timeout', 'not done', BY_MANAGER),
  ...all('lvs_notify_fifo', 'done'),
  ...all('notify_fifo', 'differs', 'It gets the lines of virtual and real servers; lvs_notify_fifo counts more.'),
  ...all('notify_fifo_script lvs_notify_fifo_script', 'not done', 'Start the reader of the FIFO beside the director.'),
  ...all('snmp_socket enable_snmp_checker enable_traps', 'not done', NO_SNMP),
  ...all('enable_dbus dbus_service_name', 'not done', NO_DBUS),
  ...all(
    'process_names process_name checker_process_name lvs_process_name',
    'no effect',
    'The director is one process.',
  ),
  ...all('checker_priority checker_rt_priority checker_rlimit_rttime checker_rlimit_rtime', 'not done', BY_MANAGER),
  ...all('checker_no_swap checker_cpu_affinity umask', 'not done', BY_MANAGER),
  ...all('max_auto_priority min_auto_priority_delay', 'not done', BY_MANAGER),
  ...all(
    `lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs
    lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force`,
    'no effect',
    NO_BUFFERS,
  ),
  ...all(
    'tmp_config_directory config_save_dir data_use_instance',
    'no effect',
    'No copies of the configuration are kept.',
  ),
  ...all('random_seed', 'not done', 'Random numbers are not repeated.'),
  ...all('reload_check_config', 'no effect', 'A reload checks the whole configuration first, always.'),
  ...all(
    'reload_time_file reload_repeat reload_file',
    'not done',
    '--reload-on-change reads the files when they change.',
  ),
  ...all('include_check', 'not done', 'Write includea, includer, includem, includew or includeb.'),
};

export const daemonKeywords: Keywords = {
  ...beside,
  ...block('global_defs', 'done', globalKeywords),
};
