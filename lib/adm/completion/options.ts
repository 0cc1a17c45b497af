/** The words that completion knows; a test holds them equal to what the rules' grammar has. */

/** A command's spellings; the first is its name in OPTIONS. */
export const COMMANDS: readonly { words: readonly string[] }[] = [
  { words: ['-A', '--add-service'] },
  { words: ['-E', '--edit-service'] },
  { words: ['-D', '--delete-service'] },
  { words: ['-a', '--add-server'] },
  { words: ['-e', '--edit-server'] },
  { words: ['-d', '--delete-server'] },
  { words: ['-L', '-l', '--list'] },
  { words: ['-C', '--clear'] },
  { words: ['-Z', '--zero'] },
  { words: ['-S', '--save'] },
  { words: ['-R', '--restore'] },
  { words: ['--set'] },
  { words: ['--start-daemon'] },
  { words: ['--stop-daemon'] },
  { words: ['--sysctl'] },
  { words: ['-h', '--help'] },
  { words: ['-v', '--version'] },
];

/** The client's own. */
export const ownOptions: readonly string[] = ['--name', '--socket', '--completion'];

const service = [
  '-t',
  '-u',
  '-f',
  '--tcp-service',
  '--udp-service',
  '--sctp-service',
  '--fwmark-service',
  '-6',
  '--ipv6',
];
const serviceSettings = [
  ...['-s', '-p', '-M', '-o', '-b', '--scheduler', '--persistent', '--netmask', '--pe', '--ops', '--sched-flags'],
];
const serverSettings = [
  ...['-r', '-i', '-g', '-w', '-x', '-y', '--real-server', '--ipip', '--gatewaying', '--weight', '--u-threshold'],
  ...[
    '-m',
    '--masquerading',
    '--full-nat',
    '--client-address',
    '--l-threshold',
    '--tun-type',
    '--tun-port',
    '--tun-nocsum',
    '--tun-csum',
    '--tun-remcsum',
  ],
];
const lists = [
  ...['-n', '-c', '-X', '--numeric', '--connection', '--exact', '--timeout', '--daemon', '--stats', '--rate'],
  ...['--thresholds', '--persistent-conn', '--tun-info', '--nosort', '--sort', '--json', '--watch'],
];

/** What may stand beside each command. */
export const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  '-A': [...service, ...serviceSettings],
  '-E': [...service, ...serviceSettings],
  '-D': [...service, '--drain'],
  '-a': [...service, ...serverSettings],
  '-e': [...service, ...serverSettings],
  '-d': [...service, '-r', '--real-server', '--drain'],
  '-L': [...service, ...lists],
  '-Z': service,
  '-S': ['-n', '--numeric', '--all', '--json', '--watch'],
  '-R': ['--replace'],
  '--start-daemon': [
    ...['--mcast-interface', '--syncid', '--sync-maxlen', '--mcast-group', '--mcast-port', '--mcast-ttl'],
    ...['--sync-peers', '--sync-key-file'],
  ],
  '--stop-daemon': ['--syncid'],
  '--sysctl': ['--json', '--watch'],
};

const schedulers = [
  ...['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'dh', 'sh', 'mh', 'fo', 'ovf', 'lblc', 'lblcr', 'twos', 'maglev'],
  ...['rendezvous', 'p2c'],
];
const schedulerFlags = [
  ...['flag-1', 'flag-2', 'flag-3', 'sh-fallback', 'sh-port', 'mh-fallback', 'mh-port', 'maglev-port'],
  ...['rendezvous-port'],
];

/** What may stand after an option. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  '-s': schedulers,
  '--scheduler': schedulers,
  '--pe': ['sip'],
  '-b': schedulerFlags,
  '--sched-flags': schedulerFlags,
  '--tun-type': ['ipip', 'gue', 'gre'],
  '--client-address': ['none', 'toa', 'proxy'],
  '--completion': ['bash', 'zsh', 'fish'],
  '--start-daemon': ['master', 'backup'],
  '--stop-daemon': ['master', 'backup'],
  '--mcast-interface': [],
  '--syncid': [],
  '--sync-maxlen': [],
  '--mcast-group': [],
  '--sync-peers': [],
  '--sync-key-file': [],
  '--mcast-port': [],
  '--mcast-ttl': [],
  '--tun-port': [],
  '-w': [],
  '--weight': [],
  '-x': [],
  '--u-threshold': [],
  '-y': [],
  '--l-threshold': [],
  '-M': [],
  '--netmask': [],
  '--name': [],
  '--socket': [],
};
