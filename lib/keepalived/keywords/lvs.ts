/** The keywords of virtual servers, their groups and their real servers. */
import { checkerKeywords } from './checkers.js';
import { all, block, type Keywords } from './keyword.js';

const NO_MAIL = 'No mail is sent: use notify_up and notify_down, or the events of the API.';
const NO_SNMP = 'There is no SNMP: read the metrics.';
const METHOD = 'NAT is the default, as there. TUN has its types and checksums.';

const SHARED: Keywords = {
  ...all('delay_loop connect_timeout retry delay_before_retry warmup', 'done'),
  ...all('alpha inhibit_on_failure virtualhost', 'done'),
  ...all('lvs_method', 'done', METHOD),
  ...all('smtp_alert', 'not done', NO_MAIL),
  ...all('snmp_name', 'not done', NO_SNMP),
};

export const realServerKeywords: Keywords = {
  ...SHARED,
  ...all('weight', 'done'),
  ...all('uthreshold lthreshold', 'done'),
  ...all('notify_up notify_down', 'done'),
  ...checkerKeywords,
};

export const virtualServerKeywords: Keywords = {
  ...SHARED,
  ...all('lb_kind', 'done', METHOD),
  ...all('ip_family', 'done'),
  ...all('lvs_sched lb_algo', 'done'),
  ...all('flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback', 'done'),
  ...all('ops', 'done'),
  ...all('hashed', 'no effect', 'It has none there, either.'),
  ...all('persistence_engine persistence_timeout persistence_granularity', 'done'),
  ...all('protocol', 'done', 'Without it the protocol is UDP, as there, and a warning says so.'),
  ...all('ha_suspend', 'not done', 'Checks go on, because the director does not ask whether the host has the address.'),
  ...all('weight', 'done'),
  ...all('omega', 'done'),
  ...all('quorum hysteresis', 'done'),
  ...all('quorum_up quorum_down', 'done'),
  ...all('sorry_server sorry_server_inhibit', 'differs', 'The way over has no moment without a server.'),
  ...all('sorry_server_lvs_method', 'done', METHOD),
  ...block('real_server', 'done', realServerKeywords),
};

export const lvsKeywords: Keywords = {
  ...block(
    'virtual_server_group',
    'differs',
    'lines',
    'A range of addresses is one service, which the addresses share; there each address is a service.',
  ),
  ...block('virtual_server', 'done', virtualServerKeywords),
  ...block(
    'SSL',
    'not done',
    all('password ca certificate key cafile certfile keyfile', 'not done'),
    'Checks show no certificate of their own, and verify none.',
    true,
  ),
  ...block(
    'track_file vrrp_track_file',
    'differs',
    {
      ...all('file weight', 'done'),
      ...all('init_file', 'not done', 'The file is made by whoever writes it.'),
    },
    'It is read for FILE_CHECK alone.',
  ),
  ...block(
    'bfd_instance',
    'not done',
    all(
      'neighbor_ip neighbour_ip source_ip min_rx min_tx idle_tx multiplier passive ttl hoplimit max_hops weight vrrp checker',
      'not done',
    ),
    'BFD is not spoken here: BIRD speaks it.',
  ),
};
