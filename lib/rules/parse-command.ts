/** One rule's words to a Command, or a RulesError: the whole grammar, whatever this version can do with it. */
import { traitsOf } from '../values/forwarding-method.js';
import { addressFamily, type Endpoint, formatEndpoint } from '../values/inet.js';
import type {
  Command,
  CommandName,
  ListColumns,
  ListCommand,
  ServiceId,
  ServiceProtocol,
  StartDaemonCommand,
} from './command.js';
import { DEFAULT_SCHEDULER, serviceFamily, servicePort } from './command.js';
import { RulesError } from './errors.js';
import { collectOptions, type GivenOptions, type GivenRule } from './given-options.js';
import { parseServerSettings } from './parse-server.js';
import { parseServiceSettings } from './parse-service.js';
import { tokenize } from './tokenize.js';
import { checkUsage } from './usage.js';
import {
  parseDaemonRole,
  parseMark,
  parseMulticastGroup,
  parseMulticastPort,
  parseMulticastTtl,
  parseRealEndpoint,
  parseSchedulerFlags,
  parseSyncId,
  parseSyncMaxLength,
  parseTimeout,
  parseVirtualEndpoint,
} from './values.js';

/** Reads a rule's text; returns undefined when it is blank or a comment. A leading word `ipvsadm` is skipped. */
export function parseCommandLine(text: string): Command | undefined {
  const words = tokenize(text);
  if (words[0] === 'ipvsadm') words.shift();
  else if (words.length === 0) return undefined;
  return parseCommand(words);
}

/**
 * Reads the words after `ipvsadm`. No words at all mean a plain listing, as for ipvsadm. `warn` receives a sentence for
 * each option that is accepted and has no effect.
 */
export function parseCommand(words: readonly string[], warn: (sentence: string) => void = () => {}): Command {
  const rule = collectOptions(words.length === 0 ? ['-L'] : words);
  const service = parseService(rule.options);
  if (rule.command === 'setTimeouts') timeoutOperands(rule);
  else refuseOperands(rule.operands);
  const scheduler = rule.options.get('scheduler')?.value ?? DEFAULT_SCHEDULER;
  rule.options.read('sched-flags', (written) => parseSchedulerFlags(written, scheduler));
  checkUsage(rule.command, rule.spelling, rule.options.spellings());
  return BUILDERS[rule.command](rule, service as ServiceId, warn);
}

type Warn = (sentence: string) => void;

type Builder = (rule: GivenRule, service: ServiceId, warn: Warn) => Command;

/** `service` is undefined only where checkUsage allows a command without one. */
const BUILDERS: Readonly<Record<CommandName, Builder>> = {
  addService: serviceCommand('addService'),
  editService: serviceCommand('editService'),
  deleteService: (_, service) => ({ command: 'deleteService', service }),
  addServer: serverCommand('addServer'),
  editServer: serverCommand('editServer'),
  deleteServer: ({ options }, service) => ({ command: 'deleteServer', service, server: parseServer(options, service) }),
  clear: () => ({ command: 'clear' }),
  restore: () => ({ command: 'restore' }),
  save: ({ options }) => ({ command: 'save', numeric: options.has('numeric') }),
  list: ({ options }, service) => parseList(options, service),
  zero: (_, service: ServiceId | undefined) => ({ command: 'zero', ...(service && { service }) }),
  setTimeouts: parseSetTimeouts,
  startDaemon: parseStartDaemon,
  stopDaemon: ({ spelling, value = '', options }) => {
    const syncId = options.read('syncid', parseSyncId);
    const role = parseDaemonRole({ spelling, value });
    return { command: 'stopDaemon', role, ...(syncId !== undefined && { syncId }) };
  },
  help: () => ({ command: 'help' }),
  version: () => ({ command: 'version' }),
};

function serviceCommand(command: 'addService' | 'editService'): Builder {
  return ({ options }, service, warn) => ({ command, service, settings: parseServiceSettings(options, service, warn) });
}

function serverCommand(command: 'addServer' | 'editServer'): Builder {
  return ({ options }, service, warn) => {
    const server = parseServer(options, service);
    assertFamily(server.address, service, options);
    const settings = parseServerSettings(options);
    // Tunnels and direct routing leave the packet's ports alone, so no port but the service's is possible.
    if (traitsOf(settings.forwarding).keepsPorts && service.kind === 'address')
      takeServicePort(server, servicePort(service), warn);
    return { command, service, server, settings };
  };
}

function assertFamily(address: string, service: ServiceId, options: GivenOptions): void {
  const isTunnel = options.get('forwarding-method')?.long === 'ipip';
  if (isTunnel || addressFamily(address) === serviceFamily(service)) return;
  throw new RulesError(
    `-r ${address} is of another address family than its virtual service: add -i, which alone can carry that`,
    {
      token: address,
      ipvsadm: { text: 'Different address family is allowed only for tunneling servers', exitStatus: 2 },
    },
  );
}

/** Takes the service's port, as ipvsadm does, which says nothing of it. */
function takeServicePort(server: Endpoint, port: number, warn: Warn): void {
  if (server.port !== port) {
    const whose = port === 0 ? "the packet's" : `the service's, ${port}`;
    const written = formatEndpoint(server);
    const mend = formatEndpoint({ ...server, port });
    warn(`-r ${written}: the port is ${whose}, because -i and -g leave ports as they are: write -r ${mend}`);
  }
  server.port = port;
}

const SERVICE_PROTOCOLS: Readonly<Record<string, ServiceProtocol>> = {
  'tcp-service': 'tcp',
  'udp-service': 'udp',
  'sctp-service': 'sctp',
};

function parseService(options: GivenOptions): ServiceId | undefined {
  const given = options.get('service-address');
  if (!given) return undefined;
  const written = { spelling: given.spelling, value: given.value ?? '' };
  const protocol = SERVICE_PROTOCOLS[given.long];
  if (protocol) return { kind: 'address', protocol, ...parseVirtualEndpoint(written) };
  return { kind: 'mark', mark: parseMark(written), family: options.has('ipv6') ? 6 : 4 };
}

function parseServer(options: GivenOptions, service: ServiceId): { address: string; port: number } {
  const read = options.read('real-server', parseRealEndpoint);
  if (!read) throw new RulesError('-r is missing: add -r ADDRESS');
  return { address: read.address, port: read.port ?? servicePort(service) };
}

function parseList(options: GivenOptions, service: ServiceId | undefined): ListCommand {
  const columns: [ListColumns, boolean][] = [
    ['stats', options.has('stats')],
    ['rate', options.has('rate')],
    ['thresholds', options.has('thresholds')],
    ['persistent', options.has('persistent-conn')],
    ['tunnel', options.has('tun-info')],
  ];
  return {
    command: 'list',
    what: listedThing(options),
    ...(service && { service }),
    columns: columns.find(([, isGiven]) => isGiven)?.[0] ?? 'plain',
    exact: options.has('exact'),
    sorted: !options.has('nosort'),
    numeric: options.has('numeric'),
  };
}

function listedThing(options: GivenOptions): ListCommand['what'] {
  if (options.has('connection')) return 'connections';
  if (options.has('timeout')) return 'timeouts';
  return options.has('daemon') ? 'daemon' : 'services';
}

function parseSetTimeouts(rule: GivenRule): Command {
  const [tcp, tcpFin, udp] = timeoutOperands(rule).map((value) => parseTimeout({ spelling: rule.spelling, value }, 0));
  return { command: 'setTimeouts', tcp: tcp as number, tcpFin: tcpFin as number, udp: udp as number };
}

function timeoutOperands({ spelling, operands }: GivenRule): string[] {
  const [tcp, tcpFin, udp, ...more] = operands;
  if (tcp === undefined || tcpFin === undefined || udp === undefined) {
    throw new RulesError(
      `${spelling} needs three numbers of seconds, for TCP, for TCP after a FIN, and for UDP; 0 leaves a timeout as it is`,
      {
        token: spelling,
        ipvsadm: { text: '--set option requires 3 timeout values', exitStatus: 2 },
      },
    );
  }
  refuseOperands(more);
  return [tcp, tcpFin, udp];
}

function parseStartDaemon({ spelling, value = '', options }: GivenRule): Command {
  const found: Omit<StartDaemonCommand, 'command' | 'role'> = {};
  const multicastInterface = options.get('mcast-interface')?.value;
  if (multicastInterface !== undefined) found.interface = multicastInterface;
  const numbers = {
    syncId: options.read('syncid', parseSyncId),
    maxLength: options.read('sync-maxlen', parseSyncMaxLength),
    port: options.read('mcast-port', parseMulticastPort),
    ttl: options.read('mcast-ttl', parseMulticastTtl),
  };
  for (const [name, number] of Object.entries(numbers)) {
    if (number !== undefined) found[name as keyof typeof numbers] = number;
  }
  const group = options.read('mcast-group', parseMulticastGroup);
  if (group !== undefined) found.group = group;
  const peers = options.get('sync-peers')?.value;
  if (peers !== undefined) found.peers = peers.split(',');
  const keyFile = options.get('sync-key-file')?.value;
  if (keyFile !== undefined) found.keyFile = keyFile;
  return { command: 'startDaemon', role: parseDaemonRole({ spelling, value }), ...found };
}

function refuseOperands([word]: readonly string[]): void {
  if (word === undefined) return;
  throw new RulesError(`"${word}" belongs to no option: leave it out, or write its option before it`, {
    token: word,
    ipvsadm: { text: `unexpected argument ${word}`, exitStatus: 2 },
  });
}
