/** Says which options a command needs and which it may have. */
import type { CommandName } from './command.js';
import { RulesError } from './errors.js';
import type { OptionGroup } from './options.js';

interface Usage {
  /** The command's name in ipvsadm's messages. */
  name: string;
  required: OptionGroup[];
  allowed: OptionGroup[];
}

const SERVICE: OptionGroup[] = ['service-address', 'ipv6'];
const SERVICE_SETTINGS: OptionGroup[] = ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'];
const TUNNEL: OptionGroup[] = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'];
/** They are ours, and ipvsadm has none of them. */
const FULL_NAT: OptionGroup[] = ['full-nat', 'client-address'];
const SERVER_SETTINGS: OptionGroup[] = [
  'forwarding-method',
  'weight',
  'u-threshold',
  'l-threshold',
  ...TUNNEL,
  ...FULL_NAT,
];
const LISTS: OptionGroup[] = ['connection', 'timeout', 'daemon'];
const COLUMNS: OptionGroup[] = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'];
const MULTICAST: OptionGroup[] = ['mcast-interface', 'sync-maxlen', 'mcast-group', 'mcast-port', 'mcast-ttl'];
const PEERS: OptionGroup[] = ['sync-peers', 'sync-key-file'];

const addOrEditService = { required: ['service-address'], allowed: [...SERVICE, ...SERVICE_SETTINGS] } satisfies Omit<
  Usage,
  'name'
>;
const addOrEditServer = {
  required: ['service-address', 'real-server'],
  allowed: [...SERVICE, 'real-server', ...SERVER_SETTINGS],
} satisfies Omit<Usage, 'name'>;
const nothing = { required: [], allowed: [] } satisfies Omit<Usage, 'name'>;

const USAGE: Readonly<Record<CommandName, Usage>> = {
  addService: { name: 'add-service', ...addOrEditService },
  editService: { name: 'edit-service', ...addOrEditService },
  deleteService: { name: 'delete-service', required: ['service-address'], allowed: SERVICE },
  addServer: { name: 'add-server', ...addOrEditServer },
  editServer: { name: 'edit-server', ...addOrEditServer },
  deleteServer: {
    name: 'delete-server',
    required: ['service-address', 'real-server'],
    allowed: [...SERVICE, 'real-server'],
  },
  clear: { name: 'flush', ...nothing },
  restore: { name: 'restore', ...nothing },
  save: { name: 'save', required: [], allowed: ['numeric'] },
  list: {
    name: 'list',
    required: [],
    allowed: [...SERVICE, 'numeric', ...LISTS, ...COLUMNS, 'nosort', 'exact', 'syncid'],
  },
  zero: { name: 'zero', required: [], allowed: SERVICE },
  setTimeouts: { name: 'set', ...nothing },
  startDaemon: { name: 'start-daemon', required: [], allowed: ['syncid', ...MULTICAST, ...PEERS] },
  stopDaemon: { name: 'stop-daemon', required: [], allowed: ['syncid'] },
  help: { name: 'help', ...nothing },
  version: { name: 'version', ...nothing },
};

/** The order in which ipvsadm looks for what is missing and what is too much. `--sort` goes with every command. */
const ORDER: readonly OptionGroup[] = [
  ...(['numeric', 'connection', 'service-address', 'scheduler', 'persistent', 'netmask', 'real-server'] as const),
  ...(['forwarding-method', 'weight', 'u-threshold', 'l-threshold', 'mcast-interface'] as const),
  ...(['timeout', 'daemon', 'stats', 'rate', 'thresholds', 'persistent-conn', 'nosort', 'syncid', 'exact'] as const),
  ...(['ops', 'pe', 'sched-flags', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen', 'tun-info'] as const),
  ...PEERS,
  ...TUNNEL,
  ...FULL_NAT,
];

/** `given` maps each option's group to its spelling. */
export function checkUsage(command: CommandName, spelling: string, given: ReadonlyMap<OptionGroup, string>): void {
  const usage = USAGE[command];
  for (const group of ORDER) {
    const written = given.get(group);
    if (written === undefined && usage.required.includes(group))
      throw new RulesError(`${spelling} needs ${MISSING[group] ?? group}`, {
        token: spelling,
        ipvsadm: { text: `You need to supply the '${group}' option for the '${usage.name}' command`, exitStatus: 2 },
      });
    if (written !== undefined && !usage.allowed.includes(group))
      throw new RulesError(`${written} does not go with ${spelling}: leave it out`, {
        token: written,
        ipvsadm: { text: `Illegal '${group}' option with the '${usage.name}' command`, exitStatus: 2 },
      });
  }
  if (command === 'list') checkListing(given);
}

const MISSING: Partial<Record<OptionGroup, string>> = {
  'service-address': 'a virtual service: add -t ADDRESS:PORT or -u ADDRESS:PORT',
  'real-server': 'a real server: add -r ADDRESS',
};

/** What is listed: at most one of them. */
const LISTED: OptionGroup[] = ['connection', 'service-address', 'timeout', 'daemon'];

function checkListing(given: ReadonlyMap<OptionGroup, string>): void {
  const [first, second] = LISTED.filter((group) => given.has(group));
  if (first !== undefined && second !== undefined)
    throw exclusive(
      given,
      first,
      second,
      `The option '${second}' conflicts with the '${first}' option in the 'list' command`,
    );
  if (first === undefined || first === 'service-address') return;
  const columns: OptionGroup[] = ['stats', 'rate', 'thresholds'];
  if (first !== 'connection') columns.push('persistent-conn');
  const column = columns.find((group) => given.has(group));
  if (column !== undefined) throw exclusive(given, first, column, 'options conflicts in the list command');
}

function exclusive(given: ReadonlyMap<OptionGroup, string>, first: OptionGroup, second: OptionGroup, text: string) {
  return new RulesError(
    `${given.get(first)} and ${given.get(second)} exclude each other in a listing: keep one of them`,
    { token: given.get(second) as string, ipvsadm: { text, exitStatus: 2 } },
  );
}
