/** Rules of the director's own for which packets carry a firewall mark, as `iptables -t mangle` in the kernel. */
import type { AddressFamily } from './inet.js';
import type { NativeMarkRule } from '../native/services.js';
import { checkedOptions, choiceOption, integerOption, MAX_UINT32, readArguments, refuse } from './options.js';
import { isWide, parsePrefix, prefixFamily } from './prefix.js';
import { type Protocol, protocolNumber, protocols } from './protocol.js';
import type { ServiceIdentity } from './service-key.js';

/**
 * A rule that gives packets a firewall mark. A packet fits when every part that is given fits. Of several rules that
 * fit a packet, the first counts.
 */
export interface MarkRule {
  /** The firewall mark that the packet gets, [1, 2^32 - 1]. */
  mark: number;
  /** The transport protocol. The default is any. */
  protocol?: Protocol;
  /** The client addresses, as `ADDRESS` or `ADDRESS/LENGTH`. The default is any. */
  source?: string;
  /** The virtual addresses, as `ADDRESS` or `ADDRESS/LENGTH`. The default is any. */
  destination?: string;
  /** The destination port, [0, 65535], or the first of a range. The default is any. */
  port?: number;
  /** The last port of a range that begins with `port`. The default is `port`. */
  lastPort?: number;
}

/** Returns the rules in the canonical spelling. */
export function checkedMarkRules(call: string, rules: readonly MarkRule[]): MarkRule[] {
  return readArguments(call, () => {
    if (!Array.isArray(rules)) return refuse(`${call}: rules`, rules, 'an array of { mark, ... }');
    return Array.from(rules, (rule) => checkedMarkRule(call, rule));
  });
}

function checkedMarkRule(call: string, given: MarkRule): MarkRule {
  const rule = checkedOptions(call, given, ['mark', 'protocol', 'source', 'destination', 'port', 'lastPort']);
  const { protocol, port, lastPort } = rule;
  const checked: MarkRule = { mark: integerOption(`${call}: mark`, rule.mark, 1, MAX_UINT32) };
  if (protocol !== undefined) checked.protocol = choiceOption(`${call}: protocol`, protocol, protocols);
  for (const name of ['source', 'destination'] as const) {
    const value = rule[name];
    if (value !== undefined) checked[name] = prefixOption(`${call}: ${name}`, value);
  }
  const { source, destination } = checked;
  if (source !== undefined && destination !== undefined && prefixFamily(source) !== prefixFamily(destination)) {
    refuse(`${call}: destination`, destination, `addresses of the source's family, IPv${prefixFamily(source)}`);
  }
  if (port === undefined) {
    if (lastPort !== undefined) refuse(`${call}: lastPort`, lastPort, 'a range that begins with port', 'add port');
    return checked;
  }
  checked.port = integerOption(`${call}: port`, port, 0, 65535);
  const last = integerOption(`${call}: lastPort`, lastPort, checked.port, 65535, checked.port);
  if (last !== checked.port) checked.lastPort = last;
  return checked;
}

function prefixOption(name: string, value: unknown): string {
  const prefix = typeof value === 'string' ? parsePrefix(value) : undefined;
  if (typeof prefix === 'string') return prefix;
  const expected = "an address or a range of them, such as '192.0.2.0/28'";
  return refuse(name, value, expected, prefix && `it ${prefix.mistake}`);
}

/** A rule without addresses is a rule of both families. */
export function nativeMarkRules(rules: readonly MarkRule[]): NativeMarkRule[] {
  return rules.flatMap((rule) => familiesOf(rule).map((family) => nativeMarkRule(rule, family)));
}

function nativeMarkRule({ mark, protocol, source, destination, port, lastPort }: MarkRule, family: AddressFamily) {
  return {
    mark,
    family,
    ...(protocol !== undefined && { protocol: protocolNumber(protocol) }),
    ...(source !== undefined && { source }),
    ...(destination !== undefined && { destination }),
    ...(port !== undefined && { firstPort: port, lastPort: lastPort ?? port }),
  };
}

function familiesOf({ source, destination }: MarkRule): AddressFamily[] {
  const named = source ?? destination;
  return named === undefined ? [4, 6] : [prefixFamily(named)];
}

/**
 * Returns what a host must route to the device: the services' own addresses, and where there is a service of a mark,
 * the destinations that get the mark. A destination so wide that it holds addresses of many kinds is left to the host's
 * owner.
 */
export function routedPrefixes(services: Iterable<ServiceIdentity>, marks: readonly MarkRule[]): Set<string> {
  const routed = new Set<string>();
  for (const { mark, address } of services) {
    if (mark === undefined) {
      routed.add(address);
      continue;
    }
    const family = prefixFamily(address);
    for (const { mark: given, destination } of marks) {
      if (given !== mark || destination === undefined || prefixFamily(destination) !== family) continue;
      if (!isWide(destination)) routed.add(destination);
    }
  }
  return routed;
}
