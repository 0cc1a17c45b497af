/** What `--help` prints. */

export function help(program: string): string {
  return (HELP[program] ?? general)(program);
}

const HELP: Readonly<Record<string, (program: string) => string>> = {
  'ipvsadm-save': (program) => `usage: ${program} [-n] [--all] [--name NAME | --socket PATH]

Prints the running director's rules, as "ipvsadm -S" does.

  -n, --numeric   print addresses and ports, not names
  --all           print thresholds, timeouts, sysctls and marks as well
`,
  'ipvsadm-restore': (program) => `usage: ${program} [--name NAME | --socket PATH] < RULES

Reads rules from standard input, and puts them in the place of those in force,
as one transaction: either all of them come into force or none, and connections
whose service and server are in both go on.
`,
};

const general = (program: string): string => `usage: ${program} COMMAND [OPTIONS]

Looks into a running tunvs director and changes it. The commands, the options,
the output and the exit codes are those of ipvsadm 1.31.

Commands (none lists the services):
  -A, --add-service SERVICE [-s SCHEDULER] [-p [SECONDS]] [-M MASK] [-o]
                    [--pe ENGINE] [-b FLAGS]
  -E, --edit-service SERVICE (options of -A; what is left out gets its default)
  -D, --delete-service SERVICE
  -a, --add-server SERVICE -r SERVER [-i | -g | -m] [-w WEIGHT] [-x UPPER]
                    [-y LOWER] [--full-nat [--client-address none|toa|proxy]]
                    [--tun-type ipip|gue|gre] [--tun-port PORT]
                    [--tun-nocsum | --tun-csum | --tun-remcsum]
  -e, --edit-server SERVICE -r SERVER (options of -a)
  -d, --delete-server SERVICE -r SERVER
  -L, -l, --list [SERVICE] [-c | --timeout | --daemon]
                    [--stats | --rate | --thresholds | --persistent-conn |
                    --tun-info] [-n] [-X] [--nosort]
  -C, --clear       remove all services
  -Z, --zero [SERVICE]
                    set counters to zero
  -S, --save [-n]   print the rules
  -R, --restore     read rules from standard input: all of them come into
                    force, or none
  --set TCP TCPFIN UDP
                    set timeouts, in seconds; 0 leaves one as it is
  --start-daemon master|backup [--mcast-interface NAME] [--syncid N]
                    [--sync-maxlen BYTES] [--mcast-group ADDRESS]
                    [--mcast-port PORT] [--mcast-ttl TTL]
                    tell backups of connections, or take what a master tells
  --stop-daemon master|backup
  -h, --help        print this help
  -v, --version     print the version

SERVICE is one of -t ADDRESS:PORT (TCP), -u ADDRESS:PORT (UDP),
--sctp-service ADDRESS:PORT and -f MARK [-6]. SERVER is ADDRESS[:PORT]. IPv6
addresses stand in brackets.

Beyond ipvsadm:
  --sync-peers ADDRESS[:PORT],...
                    with --start-daemon: tell these directors, or take what they
                    tell, in place of a multicast group; lost messages are
                    counted, and one that begins late is told all
  --sync-key-file FILE
                    with --sync-peers: sign by the keys of this file, and refuse
                    what is not signed; the director reads it
  --full-nat        with -m: the server gets packets from an address of the
                    director's (fullNat, --nat-source of tunvs run), so that it
                    needs no route to the director
  --client-address none|toa|proxy
                    with --full-nat: how the server is told the client's address
                    (default: none)
  --json            print a listing as JSON
  --watch [SECONDS] repeat a listing, every 2 seconds unless said otherwise;
                    q ends it
  --drain [SECONDS] with -d or -D: wait until the connections have ended
  --sysctl [NAME[=VALUE]]
                    print or set the sysctls of IPVS
  -R --replace      let the rules take the place of those in force
  -S --all          print thresholds, timeouts, sysctls and marks as well
  mark N ..., mark delete N ..., mark flush, mark list
                    change or print the rules by which packets get a mark
  --name NAME       talk to the daemon of this name (default: tunvs)
  --socket PATH     talk to the daemon that listens here (default: what the
                    environment variable TUNVS_SOCKET names, then
                    /run/tunvs/NAME.sock)
  --completion bash|zsh|fish
                    print a script that completes words in that shell

Exit codes are 0 for done, 2 for a mistake in the words, 255 for words that are
unknown and for what the director refuses, 1 when no director could be asked.

Examples:
  $ ${program} -A -t 192.0.2.1:80 -s wlc
  $ ${program} -a -t 192.0.2.1:80 -r 10.0.0.2 -i -w 3
  $ ${program} -Ln --stats --watch
`;
