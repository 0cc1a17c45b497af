/** What `-v` and `-h` print. */
import { schedulers } from '../../values/scheduler.js';

/** Scripts read the version from this line, so it is ipvsadm 1.31's. */
export const VERSION = 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n';

/** The grammar in our own words. */
export const HELP = `${VERSION}usage: ipvsadm COMMAND [OPTIONS]

A COMMAND comes first:
  -A, -E, -D SERVICE             add, edit, delete a virtual service
  -a, -e, -d SERVICE -r SERVER   add, edit, delete a real server
  -C                             delete all services
  -L, -l [SERVICE]               list; this is also what no command at all does
  -S, -R                         save the rules to stdout, restore them from stdin as one transaction
  -R --replace                   restore, in the place of the rules in force
  -Z [SERVICE]                   set counters to zero
  --set TCP TCPFIN UDP           set timeouts, in seconds; 0 leaves one as it is
  --sysctl [NAME[=VALUE]]        show or set IPVS's sysctls
  mark ...                       change the rules by which packets get a firewall mark; mark list shows them
  --start-daemon master|backup   tell backups of connections, or take what a master tells (connection sync)
  --stop-daemon master|backup
  -h, -v                         help, version

SERVICE is one of -t, -u, --sctp-service HOST[:PORT] and -f MARK [-6].

Options of -A and -E:
  -s SCHEDULER (default wlc): ${schedulers.join(', ')}
  -p [SECONDS], -M NETMASK, --pe ENGINE, -o, -b FLAGS
Options of -a and -e:
  -g (default), -i or -m, -w WEIGHT, -x UPPER, -y LOWER
  with -m: --full-nat (the director is the client; not one of ipvsadm's)
  with --full-nat: --client-address none, toa or proxy (how the server is told the client's address)
  with -i: --tun-type ipip, gue or gre; --tun-port PORT; --tun-nocsum, --tun-csum or --tun-remcsum
Options of --start-daemon:
  --mcast-interface NAME (default eth0), --syncid NUMBER, --sync-maxlen BYTES
  --mcast-group ADDRESS, --mcast-port PORT, --mcast-ttl TTL
  --sync-peers ADDRESS[:PORT],... in place of a group, --sync-key-file FILE to sign
Options of -d and -D:
  --drain [SECONDS]              wait until the connections are over; after SECONDS, end those that are left
Options of -L:
  -n, -c, --timeout, --daemon, --stats, --rate, --thresholds, --persistent-conn, --tun-info, --nosort, -X, --json
Options of -S:
  -n, --all (thresholds, marks, timeouts and sysctls as well), --json
`;
