/**
 * Finds replies that two directors of a host have rules for. Such a packet comes to the director of the first slot, which
 * drops what belongs to a connection of the other's, unless it passes on packets without a connection. Neither can tell
 * which the other does.
 */
import type { AddressFamily } from '../../values/inet.js';
import { isWithin } from '../../values/prefix.js';
import { protocolName } from '../../values/protocol.js';
import type { Host } from '../host.js';
import { readRules } from '../ip-rule.js';
import { ROUTE_PROTOCOL } from '../route-protocol.js';
import { type NatRule, ruleOf } from './nat-rule.js';
import { EXIT_PREFERENCE, type NatSlot, natSlots } from './nat-slot.js';

/** Says of each other director which replies it shares, one sentence each. `rules` are those of this director. */
export function sharedReplies(host: Host, family: AddressFamily, slot: NatSlot, rules: readonly NatRule[]): string[] {
  const replies = rules.filter(({ priority }) => priority === slot.replies);
  if (replies.length === 0) return [];
  const there = readRules(host, family).filter(({ protocol }) => protocol === ROUTE_PROTOCOL);
  return natSlots().flatMap((other) => {
    const exit = there.find(({ priority, goto }) => priority === EXIT_PREFERENCE && goto === other.end);
    // The rules of a director that has ended in no good way go when the next one begins.
    if (other.table === slot.table || exit?.iif === undefined || exit.iif_detached === null) return [];
    const others = there
      .filter(({ priority, table }) => priority === other.replies && table === `${other.table}`)
      .map(ruleOf);
    const shared = replies.filter((rule) => others.some((each) => isOverlapping(rule, each)));
    if (shared.length === 0) return [];
    return [sentence(exit.iif, other.table < slot.table, shared)];
  });
}

/** Prefixes are within each other, or have nothing in common. */
function isOverlapping(one: NatRule, other: NatRule): boolean {
  if (one.ipproto !== other.ipproto || one.from === undefined || other.from === undefined) return false;
  if (one.sport !== undefined && other.sport !== undefined && one.sport !== other.sport) return false;
  return isWithin(one.from, other.from) || isWithin(other.from, one.from);
}

const MOST_NAMED = 3;

function sentence(device: string, isFirst: boolean, shared: readonly NatRule[]): string {
  const names = shared.slice(0, MOST_NAMED).map(nameOf);
  if (shared.length > MOST_NAMED) names.push(`${shared.length - MOST_NAMED} more`);
  const [first, second] = isFirst ? ['that director', 'this one'] : ['this director', 'that one'];
  return (
    `replies of NAT servers are those of the director of ${device} as well (${names.join(', ')}): ${first} gets them ` +
    `first and drops those of connections of ${second}: open ${first} with unmatchedReplies: 'pass', or let each ` +
    'director have servers or ports of its own'
  );
}

function nameOf({ from = '', ipproto = 0, sport }: NatRule): string {
  const address = from.replace(/\/(32|128)$/, '');
  return `${address} ${protocolName(ipproto)}${sport === undefined ? '' : ` port ${sport}`}`;
}
