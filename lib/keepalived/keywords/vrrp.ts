/** The keywords of VRRP, and of what belongs to it. They are passed over. */
import { all, block, type Keywords } from './keyword.js';

const TRACKED = block('track_interface track_script track_file track_process track_bfd', 'vrrp', 'lines');

const SYNC_GROUP: Keywords = {
  ...TRACKED,
  ...block('group', 'vrrp', 'lines'),
  ...all(
    `notify_master notify_backup notify_fault notify_stop notify_deleted notify notify_priority_changes smtp_alert
    global_tracking sync_group_tracking_weight`,
    'vrrp',
  ),
};

const INSTANCE: Keywords = {
  ...TRACKED,
  ...all(
    `state interface vrf use_vmac use_vmac_addr vmac_xmit_base use_ipvlan native_ipv6 dont_track_primary mcast_src_ip
    unicast_src_ip mcast_dst_ip track_src_ip version check_unicast_src unicast_fault_no_peer unicast_ttl
    old_unicast_checksum garp_master_delay garp_master_repeat garp_lower_prio_delay garp_lower_prio_repeat
    garp_master_refresh garp_master_refresh_repeat garp_extra_if down_timer_adverts lower_prio_no_advert
    higher_prio_send_advert virtual_router_id priority advert_int promote_secondaries accept no_accept nopreempt preempt
    preempt_delay skip_check_adv_addr strict_mode debug notify_master notify_backup notify_fault notify_stop
    notify_deleted notify notify_master_rx_lower_pri notify_priority_changes smtp_alert kernel_rx_buf_size
    linkbeat_use_polling lvs_sync_daemon_interface`,
    'vrrp',
  ),
  ...block('unicast_peer virtual_ipaddress virtual_ipaddress_excluded virtual_routes virtual_rules', 'vrrp', 'lines'),
  ...block('authentication', 'vrrp', all('auth_type auth_pass', 'vrrp')),
};

export const vrrpKeywords: Keywords = {
  ...block('vrrp_instance', 'vrrp', INSTANCE),
  ...block('vrrp_sync_group', 'vrrp', SYNC_GROUP),
  ...block('vrrp_script', 'vrrp', all('script interval timeout weight rise fall user init_fail', 'vrrp')),
  ...block(
    'vrrp_track_process track_process',
    'vrrp',
    all('process param_match weight quorum quorum_max fork_delay terminate_delay delay full_command', 'vrrp'),
  ),
  ...block('garp_group', 'vrrp', {
    ...all('garp_interval gna_interval interface', 'vrrp'),
    ...block('interfaces', 'vrrp', 'lines'),
  }),
  ...block('track_group', 'vrrp', block('group', 'vrrp', 'lines')),
  ...block(
    'static_ipaddress static_routes static_rules',
    'vrrp',
    'lines',
    'Let the host set it up, or keepalived beside the director.',
  ),
  ...block('linkbeat_interfaces interface_up_down_delays', 'vrrp', 'lines'),
};
