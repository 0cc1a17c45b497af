/** ipvsadm's options as popt reads them: one row each, commands and options alike. */
import type { CommandName } from './command.js';

/** An option's name in ipvsadm's messages; options that exclude each other by nature share one. */
export type OptionGroup =
  | 'numeric'
  | 'connection'
  | 'service-address'
  | 'scheduler'
  | 'persistent'
  | 'netmask'
  | 'real-server'
  | 'forwarding-method'
  | 'weight'
  | 'u-threshold'
  | 'l-threshold'
  | 'mcast-interface'
  | 'timeout'
  | 'daemon'
  | 'stats'
  | 'rate'
  | 'thresholds'
  | 'persistent-conn'
  | 'nosort'
  | 'sort'
  | 'syncid'
  | 'exact'
  | 'ops'
  | 'pe'
  | 'sched-flags'
  | 'ipv6'
  | 'tun-info'
  | 'full-nat'
  | 'client-address'
  | 'tun-type'
  | 'tun-port'
  | 'tun-nocsum'
  | 'tun-csum'
  | 'tun-remcsum'
  | 'sync-maxlen'
  | 'sync-peers'
  | 'sync-key-file'
  | 'mcast-group'
  | 'mcast-port'
  | 'mcast-ttl';

export type Argument = 'none' | 'required' | 'optional';

export interface CommandOption {
  long: string;
  short?: string;
  argument: Argument;
  command: CommandName;
}

export interface PlainOption {
  long: string;
  short?: string;
  argument: Argument;
  group: OptionGroup;
}

export type OptionSpec = CommandOption | PlainOption;

const command = (name: CommandName, long: string, short?: string, argument: Argument = 'none'): CommandOption => ({
  command: name,
  long,
  argument,
  ...(short !== undefined && { short }),
});

const option = (group: OptionGroup, argument: Argument, long: string, short?: string): PlainOption => ({
  group,
  long,
  argument,
  ...(short !== undefined && { short }),
});

export const OPTIONS: readonly OptionSpec[] = [
  command('addService', 'add-service', 'A'),
  command('editService', 'edit-service', 'E'),
  command('deleteService', 'delete-service', 'D'),
  command('clear', 'clear', 'C'),
  command('restore', 'restore', 'R'),
  command('save', 'save', 'S'),
  command('addServer', 'add-server', 'a'),
  command('editServer', 'edit-server', 'e'),
  command('deleteServer', 'delete-server', 'd'),
  command('list', 'list', 'L'),
  command('list', 'list', 'l'),
  command('zero', 'zero', 'Z'),
  command('setTimeouts', 'set'),
  command('startDaemon', 'start-daemon', undefined, 'required'),
  command('stopDaemon', 'stop-daemon', undefined, 'required'),
  command('help', 'help', 'h'),
  command('version', 'version', 'v'),
  option('service-address', 'required', 'tcp-service', 't'),
  option('service-address', 'required', 'udp-service', 'u'),
  option('service-address', 'required', 'sctp-service'),
  option('service-address', 'required', 'fwmark-service', 'f'),
  option('ipv6', 'none', 'ipv6', '6'),
  option('scheduler', 'required', 'scheduler', 's'),
  option('persistent', 'optional', 'persistent', 'p'),
  option('netmask', 'required', 'netmask', 'M'),
  option('pe', 'required', 'pe'),
  option('ops', 'none', 'ops', 'o'),
  option('sched-flags', 'required', 'sched-flags', 'b'),
  option('real-server', 'required', 'real-server', 'r'),
  option('forwarding-method', 'none', 'gatewaying', 'g'),
  option('forwarding-method', 'none', 'ipip', 'i'),
  option('forwarding-method', 'none', 'masquerading', 'm'),
  option('full-nat', 'none', 'full-nat'),
  option('client-address', 'required', 'client-address'),
  option('tun-type', 'required', 'tun-type'),
  option('tun-port', 'required', 'tun-port'),
  option('tun-nocsum', 'none', 'tun-nocsum'),
  option('tun-csum', 'none', 'tun-csum'),
  option('tun-remcsum', 'none', 'tun-remcsum'),
  option('weight', 'required', 'weight', 'w'),
  option('u-threshold', 'required', 'u-threshold', 'x'),
  option('l-threshold', 'required', 'l-threshold', 'y'),
  option('numeric', 'none', 'numeric', 'n'),
  option('connection', 'none', 'connection', 'c'),
  option('timeout', 'none', 'timeout'),
  option('daemon', 'none', 'daemon'),
  option('stats', 'none', 'stats'),
  option('rate', 'none', 'rate'),
  option('thresholds', 'none', 'thresholds'),
  option('persistent-conn', 'none', 'persistent-conn'),
  option('tun-info', 'none', 'tun-info'),
  option('nosort', 'none', 'nosort'),
  option('sort', 'none', 'sort'),
  option('exact', 'none', 'exact', 'X'),
  option('mcast-interface', 'required', 'mcast-interface'),
  option('syncid', 'required', 'syncid'),
  option('sync-maxlen', 'required', 'sync-maxlen'),
  option('sync-peers', 'required', 'sync-peers'),
  option('sync-key-file', 'required', 'sync-key-file'),
  option('mcast-group', 'required', 'mcast-group'),
  option('mcast-port', 'required', 'mcast-port'),
  option('mcast-ttl', 'required', 'mcast-ttl'),
];

const byLong = new Map(OPTIONS.map((spec) => [spec.long, spec]));
const byShort = new Map(OPTIONS.flatMap((spec) => (spec.short === undefined ? [] : [[spec.short, spec] as const])));

export const longOption = (name: string): OptionSpec | undefined => byLong.get(name);
export const shortOption = (letter: string): OptionSpec | undefined => byShort.get(letter);
