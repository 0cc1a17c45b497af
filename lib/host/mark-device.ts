/**
 * One more device per firewall mark. A packet that comes out of a TUN device has lost its mark, so the host's rules
 * choose the device by the mark, and the device says which mark the packet had.
 *
 *     84: from all iif tunvs0 lookup main        what the director sends goes its way, whatever mark it may be given
 *     85: from all fwmark 0x1 lookup 8400        8400: default dev tunvsm0
 *
 * The rule for local addresses goes before both, so the host keeps packets for itself. Nothing is written to these
 * devices, so they need none of the main device's sysctls.
 */
import { TunvsError } from '../values/errors.js';
import type { AddressFamily } from '../values/inet.js';
import { enableIpv6, ipOf, ipQuery, withoutLinkLocal } from './family.js';
import { linkAsBefore, undoOf } from './link-as-before.js';
import { planFallback } from './fallback-route.js';
import type { Host } from './host.js';
import { formatMark, type IpRule, readRules, selector } from './ip-rule.js';
import type { HostStep } from './step.js';

export interface HostMarkDevice {
  name: string;
  /** [1, 2^32-1] */
  mark: number;
}

/** A device of a mark with the number of its routing table. */
export interface RoutedMark extends HostMarkDevice {
  table: number;
}

export interface MarkPlan {
  /** The main device. */
  device: string;
  families: readonly AddressFamily[];
  /** Marks rules and routes as ours. */
  protocol: string;
  mtuBytes: number;
  txQueueLength: number;
}

/** Returns the words of `ip link set dev NAME` that set the device up. */
export function linkWords({ mtuBytes, txQueueLength }: Pick<MarkPlan, 'mtuBytes' | 'txQueueLength'>): string[] {
  return ['mtu', `${mtuBytes}`, 'txqueuelen', `${txQueueLength}`, 'up'];
}

export function isLinkAs(host: Host, name: string, wanted: Pick<MarkPlan, 'mtuBytes' | 'txQueueLength'>): boolean {
  const link = host.snapshot?.link(name);
  if (link === undefined) return false;
  return link.isUp && link.mtuBytes === wanted.mtuBytes && link.txQueueLength === wanted.txQueueLength;
}

/** The preference lies before a user's rules and after the one for local addresses. */
const OWN_PREFERENCE = 84;
const MARK_PREFERENCE = 85;
/** The tables are the first from here on that no rule and no route uses. */
const FIRST_TABLE = 8400;

/** Throws when somebody else routes packets of a mark. */
export function refuseTakenMarks(host: Host, plan: MarkPlan, devices: readonly HostMarkDevice[]): void {
  if (devices.length === 0) return;
  for (const family of plan.families) {
    const rules = readRules(host, family);
    for (const device of devices) {
      for (const rule of rules.filter((each) => isOfMark(each, device.mark))) refuse(host, plan, family, device, rule);
    }
  }
}

function refuse(host: Host, plan: MarkPlan, family: AddressFamily, { name, mark }: HostMarkDevice, rule: IpRule): void {
  if (rule.protocol !== plan.protocol) {
    throw new TunvsError(
      'ERR_TUNVS_HOST',
      `this host has a rule of its own for mark ${mark}: remove it with ` +
        `"${ipOf(family, 'rule', 'del', ...selector(rule)).join(' ')}", or choose another mark`,
    );
  }
  const other = deviceOf(host, family, rule);
  if (rule.priority === MARK_PREFERENCE && other !== undefined && other !== name) {
    throw new TunvsError(
      'ERR_TUNVS_BUSY',
      `mark ${mark} is served by the director on ${other}: stop that director, or choose another mark`,
    );
  }
}

/** Rules of a killed director that fit stay, its others go. `marks` is what {@link chooseTables} returned. */
export function planMarkDevices(host: Host, plan: MarkPlan, marks: readonly RoutedMark[]): HostStep[] {
  if (marks.length === 0) return [];
  return [
    ...plan.families.flatMap((family) => planOwn(host, plan, family)),
    ...marks.flatMap((mark) => planMark(host, plan, mark)),
  ];
}

function planOwn(host: Host, { device, protocol }: MarkPlan, family: AddressFamily): HostStep[] {
  const own = ['pref', `${OWN_PREFERENCE}`, 'iif', device, 'lookup', 'main', 'protocol', protocol];
  const leftOver = readRules(host, family).filter(
    (rule) =>
      rule.protocol === protocol &&
      rule.priority === OWN_PREFERENCE &&
      (rule.iif === device || rule.iif_detached === null),
  );
  return planRule(family, own, leftOver, 'route what the director sends as usual, whatever its mark');
}

function planMark(host: Host, plan: MarkPlan, { name, mark, table }: RoutedMark): HostStep[] {
  const { families, protocol } = plan;
  return [
    ...withoutLinkLocal(host, name),
    ...(families.includes(6) ? enableIpv6(host, name) : []),
    {
      description: 'bring the device up',
      command: { argv: ['ip', 'link', 'set', 'dev', name, ...linkWords(plan)] },
      ...undoOf(linkAsBefore(host, name)),
      isHeld: isLinkAs(host, name, plan),
    },
    ...families.flatMap((family) => {
      const route = ['default', 'dev', name, 'table', `${table}`, 'proto', protocol];
      const rule = ['pref', `${MARK_PREFERENCE}`, 'fwmark', formatMark(mark), 'lookup', `${table}`];
      return [
        planFallback(host, family, 'default', { table }),
        {
          description: `route packets with mark ${mark} to their device`,
          command: { argv: ipOf(family, 'route', 'replace', ...route) },
          undo: { argv: ipOf(family, 'route', 'del', ...route) },
          isHeld: host.snapshot?.hasRoute(family, { to: 'default', device: name, table: `${table}` }) ?? false,
        },
        ...planRule(
          family,
          [...rule, 'protocol', protocol],
          ownRules(host, plan, family, mark),
          `send packets with mark ${mark} to the director`,
        ),
      ];
    }),
  ];
}

/** `own` are the rules that stand in its place. */
function planRule(
  family: AddressFamily,
  words: readonly string[],
  own: readonly IpRule[],
  description: string,
): HostStep[] {
  const isIt = (rule: IpRule) => rule.iif_detached !== null && selector(rule).join(' ') === words.join(' ');
  const leftOver = own.filter((rule) => !isIt(rule));
  return [
    ...leftOver.map((rule) => ({
      description: 'remove a rule that was left over',
      command: { argv: ipOf(family, 'rule', 'del', ...selector(rule)) },
    })),
    {
      description,
      command: { argv: ipOf(family, 'rule', 'add', ...words) },
      undo: { argv: ipOf(family, 'rule', 'del', ...words) },
      isHeld: own.some(isIt),
    },
  ];
}

/** Takes a table that a killed director has left for this mark again. */
export function chooseTables(host: Host, plan: MarkPlan, devices: readonly HostMarkDevice[]): RoutedMark[] {
  if (devices.length === 0) return [];
  const rules = plan.families.flatMap((family) => readRules(host, family));
  const taken = new Set(rules.map(({ table }) => table));
  let next = FIRST_TABLE;
  const isFree = (table: number) =>
    !taken.has(`${table}`) && plan.families.every((family) => routesIn(host, family, `${table}`) === '');
  return devices.map((device) => {
    const leftOver = plan.families.flatMap((family) => ownRules(host, plan, family, device.mark));
    const again = leftOver.map(({ table }) => Number(table)).find((table) => table >= FIRST_TABLE);
    if (again !== undefined) return { ...device, table: again };
    while (!isFree(next)) next += 1;
    const table = next;
    next += 1;
    return { ...device, table };
  });
}

function ownRules(host: Host, { protocol }: MarkPlan, family: AddressFamily, mark: number): IpRule[] {
  return readRules(host, family).filter(
    (rule) => rule.protocol === protocol && rule.priority === MARK_PREFERENCE && isOfMark(rule, mark),
  );
}

function isOfMark({ fwmark, fwmask = '0xffffffff', not }: IpRule, mark: number): boolean {
  if (fwmark === undefined || not === null) return false;
  const wanted = BigInt(fwmark);
  return wanted !== 0n && (BigInt(mark) & BigInt(fwmask)) === wanted;
}

function deviceOf(host: Host, family: AddressFamily, { table }: IpRule): string | undefined {
  const routes = table === undefined ? [] : routesIn(host, family, table).split('\n');
  const way = routes.find((route) => !route.startsWith('unreachable'));
  return / dev (\S+)/.exec(way ?? '')?.[1];
}

/** A query fails when the table does not exist. */
function routesIn(host: Host, family: AddressFamily, table: string): string {
  return (host.query(ipQuery(family, 'route', 'show', 'table', table)) ?? '').trim();
}

/**
 * Where rp_filter looks at marks, it takes the route of a mark for the way back to the client and drops its packets.
 */
export function markWarnings(host: Host): string[] {
  const read = (device: string, name: string) => Number(host.readSysctl(`net/ipv4/conf/${device}/${name}`) ?? 0);
  const inForce = (device: string, name: string) => Math.max(read('all', name), read(device, name));
  const names = new Set(host.addresses().map(({ interfaceName }) => interfaceName));
  return [...names]
    .filter((name) => name !== 'lo' && inForce(name, 'rp_filter') === 1 && inForce(name, 'src_valid_mark') === 1)
    .map(
      (name) =>
        `rp_filter is strict on ${name} and looks at marks, so it drops packets with the mark of a device: ` +
        `write 2 to /proc/sys/net/ipv4/conf/${name}/rp_filter, or 0 to src_valid_mark there and in conf/all`,
    );
}
