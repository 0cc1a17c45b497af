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
const TUNNEL: OptionGroup[] = ['tun-type', 'tun-port', 'tun-checksum'];
const SERVER_SETTINGS: OptionGroup[] = ['forwarding-method', 'weight', 'u-threshold', 'l-threshold', ...TUNNEL];
const LISTS: OptionGroup[] = ['connection', 'timeout', 'daemon'];
const COLUMNS: OptionGroup[] = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'];
const MULTICAST: OptionGroup[] = ['mcast-interface', 'sync-maxlen', 'mcast-group', 'mcast-port', 'mcast-ttl'];

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
  startDaemon: { name: 'start-daemon', required: [], allowed: ['syncid', ...MULTICAST] },
  stopDaemon: { name: 'stop-daemon', required: [], allowed: ['syncid'] },
  help: { name: 'help', ...nothing },
  version: { name: 'version', ...nothing },
};

/**
 * `given` maps each option's group to its spelling, in the order of the rule. Every command accepts `--sort`, which
 * does nothing.
 */
export function checkUsage(command: CommandName, spelling: string, given: ReadonlyMap<OptionGroup, string>): void {
  const usage = USAGE[command];
  for (const group of usage.required) {
    if (given.has(group)) continue;
    throw new RulesError(`${spelling} needs ${MISSING[group] ?? group}`, {
      token: spelling,
      ipvsadm: { text: `You need to supply the '${group}' option for the '${usage.name}' command`, exitStatus: 2 },
    });
  }
  for (const [group, optionSpelling] of given) {
    if (usage.allowed.includes(group) || group === 'sort') continue;
    throw new RulesError(`${optionSpelling} does not go with ${spelling}: leave it out`, {
      token: optionSpelling,
      ipvsadm: { text: `Illegal '${group}' option with the '${usage.name}' command`, exitStatus: 2 },
    });
  }
  if (command === 'list') checkListing(given);
}

const MISSING: Partial<Record<OptionGroup, string>> = {
  'service-address': 'a virtual service: add -t ADDRESS:PORT or -u ADDRESS:PORT',
  'real-server': 'a real server: add -r ADDRESS',
};

/** A listing takes at most one of each row. */
const EXCLUSIVE: OptionGroup[][] = [
  ['service-address', ...LISTS],
  ...LISTS.flatMap((list) => (['stats', 'rate', 'thresholds'] as const).map((column) => [list, column])),
  ['timeout', 'persistent-conn'],
  ['daemon', 'persistent-conn'],
];

function checkListing(given: ReadonlyMap<OptionGroup, string>): void {
  for (const row of EXCLUSIVE) {
    const [first, second] = row.filter((group) => given.has(group));
    if (first === undefined || second === undefined) continue;
    throw new RulesError(
      `${given.get(first)} and ${given.get(second)} exclude each other in a listing: keep one of them`,
      {
        token: given.get(second) as string,
        ipvsadm: {
          text: `The option '${second}' conflicts with '${first}' option in the 'list' command`,
          exitStatus: 2,
        },
      },
    );
  }
}
