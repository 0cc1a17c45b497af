/** The rules of NAT servers as data, and the same rules as ip(8) takes and prints them. */
import type { AddressFamily } from '../../values/inet.js';
import { asPrefix, ipOf } from '../family.js';
import type { Host } from '../host.js';
import { type IpRule, readRules } from '../ip-rule.js';
import { type Kept, keptFor } from '../one-moment.js';
import { ROUTE_PROTOCOL } from '../route-protocol.js';
import type { HostStep } from '../step.js';

export interface NatRule {
  readonly priority: number;
  /** The rule applies to packets whose source is not `from`. */
  readonly isNot?: boolean;
  /** A prefix with its length; absent for any source. */
  readonly from?: string;
  readonly iif?: string;
  /** By number: ip(8) knows names only where there is an /etc/protocols, and slim containers have none. */
  readonly ipproto?: number;
  /** A port, or `FIRST-LAST`. */
  readonly sport?: string;
  /** The same for the destination. The kernel has the type and the code of the host's own ICMP in its place. */
  readonly dport?: string;
  /** `lookup TABLE`, `goto PRIORITY` or `nop`. */
  readonly action: readonly string[];
}

/** The words that go after `ip rule add`. */
export function ruleWords({ priority, isNot, from, iif, ipproto, sport, dport, action }: NatRule): string[] {
  const given = { from, iif, ipproto, sport, dport };
  return [
    ...(isNot ? ['not'] : []),
    ...['pref', `${priority}`],
    ...Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [key, `${value}`])),
    ...action,
    ...['protocol', ROUTE_PROTOCOL],
  ];
}

/** Returns the same words for a rule of the host; undefined when it is none of ours. */
export function wordsOf(rule: IpRule): string[] | undefined {
  return rule.protocol === ROUTE_PROTOCOL ? ruleWords(ruleOf(rule)) : undefined;
}

/** REQUIRES: the rule is ours. */
export function ruleOf(rule: IpRule): NatRule {
  const { ipproto: protocol } = rule;
  const sport = portsOf(rule.sport, rule.sport_start, rule.sport_end);
  const dport = portsOf(rule.dport, rule.dport_start, rule.dport_end);
  const ipproto = protocol === undefined ? undefined : numberOf(protocol);
  const from = sourceOf(rule);
  return {
    priority: rule.priority,
    isNot: rule.not === null,
    ...(from !== undefined && { from }),
    ...(rule.iif !== undefined && { iif: rule.iif }),
    ...(ipproto !== undefined && { ipproto }),
    ...(sport !== undefined && { sport }),
    ...(dport !== undefined && { dport }),
    action: actionOf(rule),
  };
}

/** Returns the prefix with its length; undefined for any source. */
export function sourceOf({ src, srclen }: IpRule): string | undefined {
  if (src === undefined || src === 'all') return undefined;
  return srclen === undefined ? asPrefix(src) : `${src}/${srclen}`;
}

/** Writes `PORT` or `FIRST-LAST`. */
export function portsOf(
  port: number | undefined,
  first: number | undefined,
  last: number | undefined,
): string | undefined {
  if (first !== undefined) return `${first}-${last}`;
  return port === undefined ? undefined : `${port}`;
}

const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, sctp: 132 };

/** Reads `tcp`, `ipproto-6` or `6`. */
export function numberOf(printed: string): number {
  return NUMBERS[printed] ?? Number(printed.replace('ipproto-', ''));
}

function actionOf(rule: IpRule): string[] {
  if (rule.goto !== undefined) return ['goto', `${rule.goto}`];
  return rule.table === undefined ? ['nop'] : ['lookup', rule.table];
}

/** `there` are the words of the host's rules. */
export function ruleStep(
  family: AddressFamily,
  rule: NatRule,
  there: ReadonlySet<string>,
  description: string,
): HostStep {
  const words = ruleWords(rule);
  return {
    description,
    command: { argv: ruleCommand(family, 'add', words) },
    undo: { argv: ruleCommand(family, 'del', words) },
    isHeld: there.has(words.join(' ')),
  };
}

export function ruleCommand(family: AddressFamily, verb: 'add' | 'del', words: readonly string[]): string[] {
  return ipOf(family, 'rule', verb, ...words);
}

/** A snapshot is asked for every rule. */
const known: Kept<AddressFamily, ReadonlySet<string>> = new WeakMap();

/** Returns our rules of the host, as their words. */
export function rulesOn(host: Host, family: AddressFamily): ReadonlySet<string> {
  return keptFor(known, host, family, () => {
    const own = readRules(host, family).map((rule) => wordsOf(rule)?.join(' '));
    return new Set(own.filter((words) => words !== undefined));
  });
}
