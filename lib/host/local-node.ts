/**
 * Local node: what the host needs so that a packet for a virtual address goes to the director when it comes from
 * anywhere, and to the host's own services when it comes back out of the director's device.
 *
 * The address becomes local to the host, for its services to bind to and to answer from. The rule that looks up local
 * addresses has preference 0, and a rule is put behind those of its own preference: so ours is added, and then the
 * other one anew. What names the device goes with it; what a killed director leaves behind is taken away first.
 */
import { isRange, splitPrefix } from '../values/prefix.js';
import { asPrefix, familyOf, ipCommand } from './family.js';
import type { Host } from './host.js';
import { destination, formatMark, type IpRule, readRules, selector } from './ip-rule.js';
import type { RoutedMark } from './mark-device.js';
import type { HostStep } from './step.js';
import { isOnLink } from './subnet.js';
import { setSysctl } from './sysctl.js';

export interface LocalNodePlan {
  device: string;
  /** Marks rules and routes as ours. */
  protocol: string;
  /** Director addresses (DIP). */
  sources: readonly string[];
  /** Their packets go to devices of their own. */
  marks: readonly RoutedMark[];
}

/**
 * What all local nodes share. A packet that comes in for a connection of the host's own is given to its socket early,
 * and a packet that has a socket is not forwarded: it would never get to the director.
 */
export function planLocalNodes(host: Host): HostStep[] {
  return ['tcp', 'udp'].flatMap((protocol) => {
    const path = `net/ipv4/${protocol}_early_demux`;
    if (host.readSysctl(path) === undefined) return [];
    return setSysctl(
      host,
      path,
      '0',
      `forward packets that fit a ${protocol.toUpperCase()} socket of this host as well`,
    );
  });
}

/** `vip`: an address, or a range. REQUIRES: the host routes it to the device. */
export function planLocalNode(host: Host, plan: LocalNodePlan, vip: string): HostStep[] {
  const { device, protocol, marks } = plan;
  const rules = readRules(host, familyOf(vip));
  const own = [
    // The next rule but one would take them away from the host.
    ...ownAddressesIn(host, vip, device).map((address) => ({
      words: ['to', asPrefix(address), 'lookup', 'local'],
      description: `${address} is local as before`,
    })),
    {
      words: ['iif', device, 'to', asPrefix(vip), 'lookup', 'local'],
      description: 'what the director hands back is local',
    },
    ...marks.map(({ mark, table }) => ({
      words: ['fwmark', formatMark(mark), 'to', asPrefix(vip), 'lookup', `${table}`],
      description: `what has mark ${mark} goes to the director as that`,
    })),
    {
      words: ['to', asPrefix(vip), 'lookup', 'main'],
      description: 'what comes from elsewhere goes to the director',
    },
  ].map(({ words, description }) => ({ words: ['pref', '0', ...words, 'protocol', protocol], description }));
  const wanted = new Set(own.map(({ words }) => words.join(' ')));
  // One address goes to one director: whatever device such a rule names, its director is gone.
  const isOfVip = (rule: IpRule) => rule.protocol === protocol && destination(rule) === asPrefix(vip);
  const there = rules.filter((rule) => isOfVip(rule) || wanted.has(selector(rule).join(' ')));
  const behind = planLocalRuleBehind(rules, vip, protocol);
  const isHeld = areInPlace(rules, there, [...wanted]);
  const thing = `the rules by which ${vip} is the director's and the host's own`;
  return [
    ...(isHeld ? [] : there).map((rule) => ({
      description: 'left over',
      command: { argv: ipCommand(vip, 'rule', 'del', ...selector(rule)) },
      thing,
    })),
    ...own.map(({ words, description }) => ({
      description,
      command: { argv: ipCommand(vip, 'rule', 'add', ...words) },
      undo: { argv: ipCommand(vip, 'rule', 'del', ...words) },
      isHeld,
      thing,
    })),
    ...(isHeld ? [] : behind).map((step) => ({ ...step, thing })),
    ...(familyOf(vip) === 4 || isRange(vip) ? planRoute(host, plan, vip) : planAddress6(host, plan, vip)),
  ];
}

/** These rules are all there in their order, with that for local addresses behind them. */
function areInPlace(rules: readonly IpRule[], there: readonly IpRule[], wanted: readonly string[]): boolean {
  if (there.some((rule) => rule.iif_detached === null)) return false;
  if (there.map((rule) => selector(rule).join(' ')).join('\n') !== wanted.join('\n')) return false;
  const last = rules.indexOf(there.at(-1) as IpRule);
  return !rules.slice(0, last).some((rule) => isPlainLocal(rule) && rule.priority === 0);
}

/**
 * A route of type local makes an IPv4 address the host's own, and ranges of both families; the removal of an address
 * would take the device's routes with it.
 */
function planRoute(host: Host, { device, protocol }: LocalNodePlan, vip: string): HostStep[] {
  const route = ['local', asPrefix(vip), 'dev', device, 'table', 'local', 'proto', protocol];
  return [
    {
      description: `let services of this host have ${vip}`,
      command: { argv: ipCommand(vip, 'route', 'replace', ...route) },
      undo: { argv: ipCommand(vip, 'route', 'del', ...route) },
      isHeld:
        host.snapshot?.hasRoute(familyOf(vip), { to: asPrefix(vip), device, table: 'local', isLocal: true }) ?? false,
    },
  ];
}

/** IPv6 sockets bind to addresses only. Deprecated, it is nobody's source unless it is asked for. */
function planAddress6(host: Host, { device, protocol, sources }: LocalNodePlan, vip: string): HostStep[] {
  const address = [asPrefix(vip), 'dev', device];
  const route = [asPrefix(vip), 'dev', device, 'proto', protocol];
  const own = host.addresses().map((each) => each.address);
  const fromSource = sources
    .filter((source) => familyOf(source) === 6 && own.includes(source))
    .map((source) => ({
      description: `the host's own clients do not ask ${vip} as ${vip}`,
      command: { argv: ipCommand(vip, 'route', 'replace', ...route, 'src', source) },
      undo: { argv: ipCommand(vip, 'route', 'replace', ...route) },
      isHeld: host.snapshot?.hasRoute(6, { to: asPrefix(vip), device, source }) ?? false,
    }));
  return [
    ...fromSource,
    {
      description: `let services of this host have ${vip}`,
      command: {
        argv: ipCommand(vip, 'address', 'replace', ...address, 'nodad', 'noprefixroute', 'preferred_lft', '0'),
      },
      undo: { argv: ipCommand(vip, 'address', 'del', ...address) },
      isHeld: host.snapshot?.hasAddress(asPrefix(vip), device) ?? false,
    },
  ];
}

function ownAddressesIn(host: Host, vip: string, device: string): string[] {
  const { base, length } = splitPrefix(vip);
  if (length === undefined) return [];
  const range = { interfaceName: device, address: base, prefixLength: length };
  return host
    .addresses()
    .filter(({ address, interfaceName }) => interfaceName !== device && isOnLink(address, range))
    .map(({ address }) => address);
}

/** At no moment without a rule for local addresses. Nothing to undo: it stands where it stood. */
function planLocalRuleBehind(rules: readonly IpRule[], vip: string, protocol: string): HostStep[] {
  const local = rules.filter(isPlainLocal);
  const first = local.find(({ priority }) => priority === 0);
  const substitute = local.find((rule) => rule.priority === 1 && rule.protocol === protocol);
  if (!first && !substitute) return [];
  const say = (description: string, verb: string, preference: string, by: string): HostStep => ({
    description,
    command: { argv: ipCommand(vip, 'rule', verb, 'pref', preference, 'lookup', 'local', 'protocol', by) },
  });
  const by = first?.protocol ?? 'kernel';
  return [
    ...(substitute ? [] : [say('stands in for the next', 'add', '1', protocol)]),
    ...(first ? [say('put local addresses behind these', 'del', '0', by)] : []),
    say('put local addresses behind these', 'add', '0', by),
    say('stands in no more', 'del', '1', protocol),
  ];
}

function isPlainLocal(rule: IpRule): boolean {
  const isPlain = Object.keys(rule).every((key) => PLAIN.has(key)) && rule.src === 'all';
  return isPlain && (rule.table === 'local' || rule.table === '255');
}

const PLAIN: ReadonlySet<string> = new Set(['priority', 'src', 'table', 'protocol']);
