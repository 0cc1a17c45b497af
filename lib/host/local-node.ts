/**
 * Local node: what the host needs so that a packet for a virtual address goes to the director when it comes from
 * elsewhere, and to the host's own services when it comes back out of the director's device.
 *
 * The address becomes local to the host, so that its services can bind to it and answer from it. The rule that looks up
 * local addresses has preference 0, and the kernel puts a new rule after those of the same preference: so our rules are
 * added, and then that one again. What names the device goes with it; what a killed director left is removed first.
 */
import { isRange, splitPrefix } from '../values/prefix.js';
import { asPrefix, familyOf, ipCommand } from './family.js';
import type { Host } from './host.js';
import { destination, formatMark, type IpRule, readRules, selector } from './ip-rule.js';
import type { RoutedMark } from './mark-device.js';
import { planOwnRoute } from './own-route.js';
import type { HostStep } from './step.js';
import { isOnLink } from './subnet.js';
import { setSysctl } from './sysctl.js';

export interface LocalNodePlan {
  device: string;
  /** Marks rules and routes as ours. */
  protocol: string;
  /** Director addresses (DIP). */
  sources: readonly string[];
  /** The marks whose packets go to devices of their own. */
  marks: readonly RoutedMark[];
}

/**
 * Plans what all local nodes share. The kernel hands a packet for a connection of the host's own to its socket early,
 * and does not forward a packet that has a socket: it would never get to the director.
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

/** `vip` is an address or a range. REQUIRES: the host routes it to the device. */
export function planLocalNode(host: Host, plan: LocalNodePlan, vip: string): HostStep[] {
  const { device, protocol, marks } = plan;
  const rules = readRules(host, familyOf(vip));
  const own = [
    // The next rule but one would take these addresses away from the host.
    ...ownAddressesIn(host, vip, device).map((address) => ({
      words: ['to', asPrefix(address), 'lookup', 'local'],
      description: `keep ${address} local`,
    })),
    {
      words: ['iif', device, 'to', asPrefix(vip), 'lookup', 'local'],
      description: 'deliver what the director hands back',
    },
    ...marks.map(({ mark, table }) => ({
      words: ['fwmark', formatMark(mark), 'to', asPrefix(vip), 'lookup', `${table}`],
      description: `send packets with mark ${mark} to the director by their device`,
    })),
    {
      words: ['to', asPrefix(vip), 'lookup', 'main'],
      description: 'send what comes from elsewhere to the director',
    },
  ].map(({ words, description }) => ({ words: ['pref', '0', ...words, 'protocol', protocol], description }));
  const wanted = new Set(own.map(({ words }) => words.join(' ')));
  // One address goes to one director: whatever device such a rule names, its director is gone.
  const isOfVip = (rule: IpRule) => rule.protocol === protocol && destination(rule) === asPrefix(vip);
  const there = rules.filter((rule) => isOfVip(rule) || wanted.has(selector(rule).join(' ')));
  const behind = planLocalRuleBehind(rules, vip, protocol);
  const isHeld = areInPlace(rules, there, [...wanted]);
  const thing = `the rules that share ${vip} between the director and the host`;
  return [
    ...(isHeld ? [] : there).map((rule) => ({
      description: 'remove a rule that was left over',
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

/** Says whether these rules are all there in their order, before the one for local addresses. */
function areInPlace(rules: readonly IpRule[], there: readonly IpRule[], wanted: readonly string[]): boolean {
  if (there.some((rule) => rule.iif_detached === null)) return false;
  if (there.map((rule) => selector(rule).join(' ')).join('\n') !== wanted.join('\n')) return false;
  const last = rules.indexOf(there.at(-1) as IpRule);
  return !rules.slice(0, last).some((rule) => isPlainLocal(rule) && rule.priority === 0);
}

/**
 * A route of type local makes an IPv4 address, or a range of either family, the host's own. An address would not do:
 * its removal would take the device's routes with it.
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

/**
 * IPv6 sockets bind to addresses only. The address is deprecated, so nobody uses it as a source without asking for it.
 */
function planAddress6(host: Host, { device, sources }: LocalNodePlan, vip: string): HostStep[] {
  const address = [asPrefix(vip), 'dev', device];
  return [
    ...planOwnRoute(host, { device, sources }, vip),
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

/** The host is never without a rule for local addresses. There is nothing to undo: the rule ends where it stood. */
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
    ...(substitute ? [] : [say('stand in for the next rule', 'add', '1', protocol)]),
    ...(first ? [say('move the rule for local addresses behind these', 'del', '0', by)] : []),
    say('move the rule for local addresses behind these', 'add', '0', by),
    say('remove the stand-in', 'del', '1', protocol),
  ];
}

function isPlainLocal(rule: IpRule): boolean {
  const isPlain = Object.keys(rule).every((key) => PLAIN.has(key)) && rule.src === 'all';
  return isPlain && (rule.table === 'local' || rule.table === '255');
}

const PLAIN: ReadonlySet<string> = new Set(['priority', 'src', 'table', 'protocol']);
