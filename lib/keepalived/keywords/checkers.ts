/** The keywords of the checkers of a real server. */
import { all, block, type Keywords } from './keyword.js';

const TIMES = all('connect_timeout delay_loop retry delay_before_retry warmup alpha', 'done');
const LOGGED = all(
  'log_all_failures',
  'no effect',
  'The log has each change of the state, and the API the last results.',
);

const MARKED = 'Checks go out without a firewall mark.';
const FROM = 'Checks go out from the address that the host chooses.';

const CONNECTION: Keywords = {
  ...all('connect_ip', 'differs', "Checks go to the real server's own address; any other is refused."),
  ...all('connect_port', 'done'),
  ...all('bindto bind_if bind_port', 'not done', FROM),
  ...all('fwmark', 'not done', MARKED),
  ...TIMES,
  ...LOGGED,
};

const URL: Keywords = {
  ...all('path status_code virtualhost', 'done'),
  ...all('digest', 'done', 'It is the MD5 sum that genhash prints.'),
  ...all(
    'regex regex_no_match',
    'differs',
    "Regular expressions are JavaScript's; one that JavaScript refuses is a mistake.",
  ),
  ...all(
    'regex_options',
    'differs',
    'The options caseless, dotall, multiline, utf and ucp are done; any other is refused.',
  ),
  ...all('regex_stack', 'no effect', "JavaScript's regular expressions have no such stack."),
  ...all('regex_min_offset regex_max_offset', 'not done', 'The whole body is searched.'),
  ...all('tls_compliant', 'no effect'),
};

const HTTP: Keywords = {
  ...CONNECTION,
  ...block('url', 'differs', URL, 'All URLs of a server are asked at once, each as a check of its own.'),
  ...all('http_protocol virtualhost', 'done'),
  ...all('fast_recovery', 'no effect', 'All URLs are asked at once, so that recovery is fast.'),
  ...all('nb_get_retry', 'done', 'It is the old word for retry.'),
  ...all('enable_sni', 'differs', 'The name of virtualhost is sent in any case.'),
};

const SMTP_HOST: Keywords = {
  ...all('connect_ip', 'differs', "It is the real server's own address; any other is refused."),
  ...all('connect_port', 'done'),
  ...all('bindto bind_if bind_port', 'not done', FROM),
  ...all('fwmark', 'not done', MARKED),
  ...all(
    'connect_timeout',
    'differs',
    'It counts for this host. Without it the host has that of SMTP_CHECK; there it has none, and gives up at once.',
  ),
  ...all(
    'delay_loop retry delay_before_retry warmup alpha',
    'differs',
    'It counts for this host; there it counts for all hosts of the checker.',
  ),
  ...LOGGED,
};

/** The checkers by their names. */
export const checkerKeywords: Keywords = {
  ...block('TCP_CHECK', 'done', CONNECTION),
  ...block('HTTP_GET', 'done', HTTP),
  ...block(
    'SSL_GET',
    'done',
    {
      ...HTTP,
      ...all('sni_name', 'done', 'Later versions of keepalived have it.'),
    },
    'The certificate is not verified, as there.',
  ),
  ...block('SMTP_CHECK', 'done', {
    ...CONNECTION,
    ...all('helo_name', 'done'),
    ...block(
      'host',
      'differs',
      SMTP_HOST,
      "Each host is a check of its own. The server's own port is asked only if there is no host.",
    ),
  }),
  ...block('DNS_CHECK', 'done', { ...CONNECTION, ...all('type name', 'done') }),
  ...block('MISC_CHECK', 'done', {
    ...all('delay_loop retry delay_before_retry warmup alpha', 'done'),
    ...LOGGED,
    ...all('misc_path misc_timeout', 'done'),
    ...all(
      'misc_dynamic',
      'differs',
      'Of several weights of one server the least counts; there their differences from the configured one add up.',
    ),
    ...all('user', 'done'),
  }),
  ...block('UDP_CHECK', 'done', {
    ...CONNECTION,
    ...all('payload require_reply', 'done'),
    ...all('min_reply_length max_reply_length', 'done'),
  }),
  ...block('PING_CHECK', 'done', CONNECTION),
  ...block(
    'FILE_CHECK',
    'differs',
    {
      ...all('track_file weight', 'done'),
      ...all('dynamic', 'no effect', "keepalived's own reader has no such word."),
    },
    'The file is read once a second; keepalived is told of a change.',
  ),
  ...block(
    'BFD_CHECK',
    'refused',
    all('name alpha', 'refused'),
    'BFD is not spoken here: check by TCP_CHECK or PING_CHECK.',
  ),
};
