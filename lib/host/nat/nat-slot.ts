/**
 * The place of a director's rules among the host's: each director with NAT servers has a slot of its own, which is a
 * run of preferences and a routing table. The preferences lie after the one for local addresses, so that the host keeps
 * packets for itself, neighbour discovery among them, and before those of marks and of users.
 *
 *     20: from all iif tunvs0 goto 27              what this director sends passes over its rules
 *     20: from all iif lo ipproto icmp dport 768-1023 lookup 8500    the host's own ICMP errors
 *     22: from all iif eth1 ipproto icmp lookup 8500
 *     23: not from 10.2.0.0/28 goto 27
 *     24: from 10.2.0.11 ipproto tcp sport 80 lookup 8500
 *     25: from all ipproto tcp sport 1-65534 goto 27
 *     26: from 10.2.0.11 ipproto tcp lookup 8500   8500: default dev tunvs0
 *     27: from all nop                             the next director's rules follow
 *
 * A director writes a packet that it does not know back as it came, and this packet goes on behind the director's own
 * slot. So directors in one slot after another all see it, each once, and it cannot go round in a circle.
 */
import { TunvsError } from '../../values/errors.js';
import type { AddressFamily } from '../../values/inet.js';
import { hasIpv6, ipQuery } from '../family.js';
import type { Entry } from '../holds/entry.js';
import { findOurs } from '../holds/holder.js';
import type { Host } from '../host.js';
import { type IpRule, readRules } from '../ip-rule.js';
import { ROUTE_PROTOCOL } from '../route-protocol.js';

export interface NatSlot {
  /** Packets that other directors have written back come to this slot as well. */
  readonly isBehindOthers: boolean;
  readonly table: number;
  /** The host's own ICMP passes over the rest; the rule is there where `icmp` names no device. */
  readonly ownIcmp: number;
  /** ICMP errors of the servers' side. */
  readonly icmp: number;
  /** Everything from elsewhere passes over the rest. */
  readonly others: number;
  /** Replies by their port, and servers whose every port is the director's. */
  readonly replies: number;
  /** What has another port passes over the next. */
  readonly ported: number;
  /** Fragments, in which the kernel sees no port. */
  readonly fragments: number;
  readonly end: number;
}

/**
 * What a director's device sends passes over the slot from here, and the host's own ICMP errors go to the first director.
 * The rules of all slots have this one preference, since their order is of no importance.
 */
export const EXIT_PREFERENCE = 20;
const FIRST_TABLE = 8500;
const PREFERENCES = 7;
/** The last preference is 76; those of marks begin at 84. */
const SLOTS = 8;

export function natSlot(number: number): NatSlot {
  const first = EXIT_PREFERENCE + 1 + number * PREFERENCES;
  return {
    isBehindOthers: number > 0,
    table: FIRST_TABLE + number,
    ownIcmp: first,
    icmp: first + 1,
    others: first + 2,
    replies: first + 3,
    ported: first + 4,
    fragments: first + 5,
    end: first + 6,
  };
}

/** Returns all slots, in their order. */
export function natSlots(): NatSlot[] {
  return Array.from({ length: SLOTS }, (_, number) => natSlot(number));
}

/** Says whether the rule belongs to the slot, whoever made it. */
function isInSlot(slot: NatSlot, rule: IpRule): boolean {
  if (rule.priority === EXIT_PREFERENCE) return rule.goto === slot.end || rule.table === `${slot.table}`;
  return rule.priority >= slot.ownIcmp && rule.priority <= slot.end;
}

/**
 * Chooses the first slot that nobody else has. One that is left of a killed director, or of a device of this name, may
 * be taken: see leftOverRules(). REQUIRES: together().
 *
 * @throws {@link TunvsError} ERR_TUNVS_BUSY when there is none.
 */
export function chooseSlot(host: Host, device: string): NatSlot {
  const free = natSlots().find((slot) => ([4, 6] as const).every((family) => isFree(host, device, family, slot)));
  if (free !== undefined) return free;
  throw new TunvsError(
    'ERR_TUNVS_BUSY',
    `rules for replies of NAT servers have no place left: the preferences ${EXIT_PREFERENCE} to ` +
      `${natSlot(SLOTS - 1).end} and the tables from ${FIRST_TABLE} on are in use (ip rule); remove rules that are ` +
      'not needed, or close another director',
  );
}

function isFree(host: Host, device: string, family: AddressFamily, slot: NatSlot): boolean {
  const rules = rulesOf(host, family);
  const table = `${slot.table}`;
  const isOther = (rule: IpRule) =>
    rule.protocol !== ROUTE_PROTOCOL ||
    (rule.priority === EXIT_PREFERENCE && rule.goto !== undefined && rule.iif !== device && rule.iif_detached !== null);
  if (rules.some((rule) => isInSlot(slot, rule) && isOther(rule))) return false;
  if (rules.some((rule) => !isInSlot(slot, rule) && rule.table === table)) return false;
  if (findOurs(host, isOfAnother(table, device), { isLiving: true }) !== undefined) return false;
  return routesIn(host, family, table).every((route) => isLeftOver(route, device));
}

/** A director of the same device is one that this one takes the place of. */
function isOfAnother(table: string, device: string): (entry: Entry) => boolean {
  return ({ undo }) => {
    if (!('argv' in undo) || !undo.argv.includes(table)) return false;
    const at = undo.argv.indexOf('dev');
    return at >= 0 && undo.argv[at + 1] !== device;
  };
}

/** The device of a route is there, so one that is not ours has a director. */
function isLeftOver(route: string, device: string): boolean {
  const isOurs = route.includes(` proto ${ROUTE_PROTOCOL}`);
  return isOurs && (route.startsWith('blackhole ') || route.includes(` dev ${device} `));
}

/** A query fails when the table does not exist, or the family. */
function routesIn(host: Host, family: AddressFamily, table: string): string[] {
  const said = host.query(ipQuery(family, 'route', 'show', 'table', table)) ?? '';
  return said.split('\n').filter((line) => line.trim() !== '');
}

/** A kernel without a family has no rules of it. */
function rulesOf(host: Host, family: AddressFamily): IpRule[] {
  return family === 4 || hasIpv6(host) ? readRules(host, family) : [];
}

/** Returns what a killed director has left in a slot that was chosen. */
export function leftOverRules(host: Host, family: AddressFamily, slot: NatSlot): IpRule[] {
  return rulesOf(host, family).filter((rule) => rule.protocol === ROUTE_PROTOCOL && isInSlot(slot, rule));
}
