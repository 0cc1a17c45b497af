/** Prints commands in the spelling of `ipvsadm -S -n`: parsing the printed text gives the command back. */
import { formatEndpoint } from '../values/inet.js';
import { formatVirtualEndpoint } from '../values/service-key.js';
import type {
  Command,
  ListCommand,
  ServerSettings,
  ServiceId,
  ServiceSettings,
  StartDaemonCommand,
} from './command.js';
import { traitsOf } from '../values/forwarding-method.js';
import { isMarkCommand, printMark } from './mark.js';
import type { Rule } from './parse-rules.js';
import { quoteToken } from './tokenize.js';
import { schedulerFlagNames } from './values.js';

export function printCommand(command: Command): string {
  switch (command.command) {
    case 'addService':
    case 'editService':
      return join(
        command.command === 'addService' ? '-A' : '-E',
        printServiceId(command.service),
        printServiceSettings(command.settings),
      );
    case 'deleteService':
      return join('-D', printServiceId(command.service));
    case 'addServer':
    case 'editServer':
      return join(
        command.command === 'addServer' ? '-a' : '-e',
        printServiceId(command.service),
        `-r ${formatEndpoint(command.server)}`,
        printServerSettings(command.settings),
        printThresholds(command.settings),
      );
    case 'deleteServer':
      return join('-d', printServiceId(command.service), `-r ${formatEndpoint(command.server)}`);
    case 'clear':
      return '-C';
    case 'restore':
      return '-R';
    case 'save':
      return join('-S', command.numeric && '-n');
    case 'list':
      return printList(command);
    case 'zero':
      return join('-Z', command.service && printServiceId(command.service));
    case 'setTimeouts':
      return join('--set', command.tcp, command.tcpFin, command.udp);
    case 'startDaemon':
      return printStartDaemon(command);
    case 'stopDaemon':
      return join('--stop-daemon', command.role, command.syncId !== undefined && `--syncid ${command.syncId}`);
    case 'help':
      return '-h';
    case 'version':
      return '-v';
  }
}

/** Prints a rule as a line of a rules file. */
export function printRule(rule: Rule): string {
  if (rule.command === 'sysctl') {
    const { name, value, syncPeriod } = rule;
    return syncPeriod === undefined ? printSysctl(name, value) : `sysctl net.ipv4.vs.${name}="${value} ${syncPeriod}"`;
  }
  return isMarkCommand(rule) ? printMark(rule) : printCommand(rule);
}

/** The language of rules has no sorry servers, so that one stands there as a comment. */
export function sorryRule(rule: string): string {
  return `# sorry server: ${rule}`;
}

/** `name`: without `net.ipv4.vs.` */
export function printSysctl(name: string, value: number): string {
  return `sysctl net.ipv4.vs.${name}=${value}`;
}

/** `-t 192.0.2.1:80`, `-t 192.0.2.0/28:8000-8099`, `--sctp-service 192.0.2.1:9`, `-f 1 -6`. */
export function printServiceId(service: ServiceId): string {
  if (service.kind === 'mark') return join('-f', service.mark, service.family === 6 && '-6');
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[service.protocol];
  return join(option, formatVirtualEndpoint(service));
}

export function printServiceSettings({ scheduler, schedulerFlags, persistence, onePacket }: ServiceSettings): string {
  return join(
    `-s ${quoteToken(scheduler)}`,
    persistence && `-p ${persistence.timeoutSeconds}`,
    persistence?.netmask !== undefined && `-M ${persistence.netmask}`,
    persistence?.engine !== undefined && `--pe ${quoteToken(persistence.engine)}`,
    onePacket && '-o',
    schedulerFlags.length > 0 && `-b ${schedulerFlagNames(scheduler, schedulerFlags).join(',')}`,
  );
}

/** Omits thresholds, as `-S` does. */
export function printServerSettings(settings: ServerSettings): string {
  const { forwarding, tunnelPort, tunnelChecksum, clientAddress, weight } = settings;
  const traits = traitsOf(forwarding);
  // A rule cannot say that a server is local: its address makes it so.
  if (!traits.isTunnel)
    return join(
      `${traits.keepsPorts ? '-g' : '-m'} -w ${weight}`,
      traits.takesSource && '--full-nat',
      clientAddress !== undefined && `--client-address ${clientAddress}`,
    );
  return join(
    `-i -w ${weight} --tun-type ${forwarding}`,
    tunnelPort !== undefined && `--tun-port ${tunnelPort}`,
    tunnelChecksum !== undefined && `--tun-${tunnelChecksum}`,
  );
}

function printThresholds({ upperThreshold, lowerThreshold }: ServerSettings): string {
  return join(upperThreshold > 0 && `-x ${upperThreshold}`, lowerThreshold > 0 && `-y ${lowerThreshold}`);
}

const COLUMN_OPTIONS = {
  plain: '',
  stats: '--stats',
  rate: '--rate',
  thresholds: '--thresholds',
  persistent: '--persistent-conn',
  tunnel: '--tun-info',
};
const LIST_OPTIONS = { services: '', connections: '-c', timeouts: '--timeout', daemon: '--daemon' };

function printList({ what, service, columns, exact, sorted, numeric }: ListCommand): string {
  return join(
    '-L',
    numeric && '-n',
    LIST_OPTIONS[what],
    service && printServiceId(service),
    COLUMN_OPTIONS[columns],
    exact && '--exact',
    !sorted && '--nosort',
  );
}

function printStartDaemon(command: StartDaemonCommand): string {
  const { interface: multicastInterface, syncId, maxLength, group, port, ttl, peers, keyFile } = command;
  return join(
    '--start-daemon',
    command.role,
    multicastInterface !== undefined && `--mcast-interface ${quoteToken(multicastInterface)}`,
    syncId !== undefined && `--syncid ${syncId}`,
    maxLength !== undefined && `--sync-maxlen ${maxLength}`,
    group !== undefined && `--mcast-group ${group}`,
    port !== undefined && `--mcast-port ${port}`,
    ttl !== undefined && `--mcast-ttl ${ttl}`,
    peers !== undefined && `--sync-peers ${quoteToken(peers.join(','))}`,
    keyFile !== undefined && `--sync-key-file ${quoteToken(keyFile)}`,
  );
}

function join(...parts: (string | number | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== undefined && part !== '').join(' ');
}
