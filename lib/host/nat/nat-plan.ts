/**
 * Plans how packets of NAT servers get into the director's device: rules that choose the table of a slot by source
 * address and port, and a route of that table. See nat-slot.ts for what it comes to.
 *
 * What a rule brings in without need does no harm: the director writes it back, and it goes its way.
 */
import type { AddressFamily } from '../../values/inet.js';
import { type Protocol, protocolNumber } from '../../values/protocol.js';
import { planFallback } from '../fallback-route.js';
import { enableIpv6, ipOf } from '../family.js';
import type { Host } from '../host.js';
import type { IpRule } from '../ip-rule.js';
import { forwardIpv6 } from '../ipv6-forwarding.js';
import { ROUTE_PROTOCOL } from '../route-protocol.js';
import { formatHostCommand, type HostStep } from '../step.js';
import { setSysctl } from '../sysctl.js';
import { type NatRule, ruleCommand, ruleStep, rulesOn, wordsOf } from './nat-rule.js';
import { familiesOf, type NatServer, serversOf } from './nat-server.js';
import { EXIT_PREFERENCE, leftOverRules, type NatSlot } from './nat-slot.js';
import { natWays } from './nat-ways.js';
import { commonPrefix, mergedPrefixes } from './prefixes.js';

export interface NatPlan {
  /** The director's device. */
  readonly device: string;
  readonly slot: NatSlot;
}

/** A rule with what it is for. */
export interface NatWish {
  readonly family: AddressFamily;
  readonly rule: NatRule;
  readonly description: string;
}

/** Returns all steps, in their order. */
export function natPlan(host: Host, plan: NatPlan, servers: readonly NatServer[]): HostStep[] {
  const wanted = planWanted(host, plan, servers);
  return [...familiesOf(servers).flatMap((family) => planLeftOver(host, plan, family, wanted)), ...wanted];
}

/** Plans what the servers need, whatever is there. */
export function planWanted(host: Host, plan: NatPlan, servers: readonly NatServer[]): HostStep[] {
  const families = familiesOf(servers);
  return [
    ...families.flatMap((family) => planFrame(host, plan, family)),
    ...families.flatMap((family) => planWays(host, plan, servers, family)),
    ...wantedRules(plan.slot, servers).map((wish) => planRule(host, wish)),
  ];
}

/** Plans to remove what a killed director has left in the slot, unless one of the wanted steps makes it again. */
export function planLeftOver(
  host: Host,
  { slot }: NatPlan,
  family: AddressFamily,
  wanted: readonly HostStep[],
): HostStep[] {
  const made = new Set(wanted.map(({ command }) => formatHostCommand(command)));
  const making = (rule: IpRule) => formatHostCommand({ argv: ruleCommand(family, 'add', wordsOf(rule) ?? []) });
  return leftOverRules(host, family, slot)
    .filter((rule) => !made.has(making(rule)))
    .map((rule) => removal(family, rule));
}

function removal(family: AddressFamily, rule: IpRule): HostStep {
  return {
    description: 'remove a rule that was left over',
    command: { argv: ruleCommand(family, 'del', wordsOf(rule) ?? []) },
  };
}

/**
 * Plans the table, and the way past the slot. While the device is down the table leads nowhere: a client that got a
 * server's reply with the server's own source would refuse it, and so end the connection.
 */
export function planFrame(host: Host, { device, slot }: NatPlan, family: AddressFamily): HostStep[] {
  const there = rulesOn(host, family);
  const table = `${slot.table}`;
  const route = ['default', 'dev', device, 'table', table, 'proto', ROUTE_PROTOCOL];
  const exit: NatRule = { priority: EXIT_PREFERENCE, iif: device, action: ['goto', `${slot.end}`] };
  return [
    ...(family === 6 ? [...enableIpv6(host, device), ...forwardIpv6(host)] : []),
    ...planStrays(host, { device, slot }, family, EXIT_PREFERENCE, [device]),
    ruleStep(family, { priority: slot.end, action: ['nop'] }, there, 'end the rules for replies of NAT servers'),
    ruleStep(family, exit, there, 'let what the director sends pass over these rules'),
    planFallback(host, family, 'default', {
      table: slot.table,
      type: 'blackhole',
      description: 'drop replies of NAT servers while the device is down',
    }),
    {
      description: 'route replies of NAT servers to the director',
      command: { argv: ipOf(family, 'route', 'replace', ...route) },
      undo: { argv: ipOf(family, 'route', 'del', ...route) },
      isHeld: host.snapshot?.hasRoute(family, { to: 'default', device, table }) ?? false,
    },
    ruleStep(
      family,
      ownErrors(slot, family),
      there,
      "send the host's own errors about packets to NAT servers to the director",
    ),
  ];
}

/**
 * The host itself may find that a server does not answer, or that the way to it takes shorter packets only. It would
 * tell the client of the server's address. The kernel compares `dport` with the type and the code of ICMP that it makes:
 * type 3 of ICMP, types 1 to 4 of ICMPv6. What the host answers itself, as echo requests, has others.
 */
function ownErrors({ table }: NatSlot, family: AddressFamily): NatRule {
  const [firstType, lastType] = family === 4 ? [3, 3] : [1, 4];
  const dport = `${firstType << 8}-${(lastType << 8) | 0xff}`;
  const ipproto = icmpOf(family);
  return { priority: EXIT_PREFERENCE, iif: 'lo', ipproto, dport, action: ['lookup', `${table}`] };
}

/** A rule keeps the name that its device had before it was renamed. */
function planStrays(
  host: Host,
  { slot }: NatPlan,
  family: AddressFamily,
  of: number,
  devices: readonly string[],
): HostStep[] {
  const strays = leftOverRules(host, family, slot).filter(
    ({ priority, iif = '', iif_detached }) => priority === of && iif_detached === null && !devices.includes(iif),
  );
  return strays.map((rule) => removal(family, rule));
}

/** Plans what depends on the devices by which servers are reached. */
export function planWays(
  host: Host,
  { device, slot }: NatPlan,
  servers: readonly NatServer[],
  family: AddressFamily,
): HostStep[] {
  const { devices, isAny: isBehindRouters } = natWays(host, device, servers, family);
  // An error that another director has written back comes from the device of that.
  const isAny = isBehindRouters || slot.isBehindOthers;
  const there = rulesOn(host, family);
  const ipproto = icmpOf(family);
  const own: NatRule = { priority: slot.ownIcmp, iif: 'lo', ipproto, action: ['goto', `${slot.end}`] };
  const rule: NatRule = { priority: slot.icmp, ipproto, action: ['lookup', `${slot.table}`] };
  const toDirector = isAny ? [rule] : devices.map((iif) => ({ ...rule, iif }));
  return [
    ...planStrays(host, { device, slot }, family, slot.icmp, devices),
    ...(isAny ? [ruleStep(family, own, there, "let the host's own ICMP pass over these rules")] : []),
    ...toDirector.map((each) => ruleStep(family, each, there, "send ICMP of the servers' side to the director")),
    ...(family === 4 && devices.length > 0 ? quietRedirects(host, devices) : []),
  ];
}

/**
 * The host would tell a server of a shorter way to a client in the same network, and the server's replies would then
 * not come by the director. The kernel sends redirects where `all` or the device allows it.
 */
function quietRedirects(host: Host, devices: readonly string[]): HostStep[] {
  return ['all', ...devices]
    .map((name) => `net/ipv4/conf/${name}/send_redirects`)
    .filter((path) => host.readSysctl(path) !== undefined)
    .flatMap((path) => setSysctl(host, path, '0', 'tell NAT servers of no way around the director'));
}

export function planRule(host: Host, { family, rule, description }: NatWish): HostStep {
  return ruleStep(family, rule, rulesOn(host, family), description);
}

/** The kernel refuses a range of all ports. A packet from the last port is brought in without need. */
const EVERY_PORT = '1-65534';

/** Returns the rules that name servers. Pure; the host is the same whatever their order. */
export function wantedRules(slot: NatSlot, servers: readonly NatServer[]): NatWish[] {
  return familiesOf(servers).flatMap((family) => wantedOf(slot, serversOf(servers, family), family));
}

function wantedOf(slot: NatSlot, servers: readonly NatServer[], family: AddressFamily): NatWish[] {
  const whole = new Map<Protocol, Set<string>>();
  const byPort = new Map<Protocol, Map<number, Set<string>>>();
  const isWhole = ({ port, isFtp = false }: NatServer, protocol: Protocol) =>
    port === 0 || (isFtp && protocol === 'tcp');
  const each = servers.flatMap((server) => server.protocols.map((protocol) => ({ server, protocol })));
  for (const { server, protocol } of each) {
    if (isWhole(server, protocol)) entry(whole, protocol, () => new Set<string>()).add(server.address);
  }
  for (const { server, protocol } of each) {
    if (whole.get(protocol)?.has(server.address)) continue;
    const ports = entry(byPort, protocol, () => new Map<number, Set<string>>());
    entry(ports, server.port, () => new Set<string>()).add(server.address);
  }
  const lookup = ['lookup', `${slot.table}`];
  const onward = ['goto', `${slot.end}`];
  const wish = (description: string, rule: NatRule): NatWish => ({ family, rule, description });
  const from = (addresses: Iterable<string>, description: string, rule: NatRule) =>
    mergedPrefixes([...addresses]).map((prefix) => wish(description, { ...rule, from: prefix }));
  return [
    ...others(slot, servers, onward).map((rule) => wish('let packets of others pass over these rules', rule)),
    ...[...whole].flatMap(([protocol, addresses]) =>
      from(addresses, `send all ${protocol} of NAT servers to the director`, {
        ...{ priority: slot.replies, ipproto: protocolNumber(protocol), action: lookup },
      }),
    ),
    ...[...byPort].flatMap(([protocol, ports]) =>
      [...ports].flatMap(([port, addresses]) =>
        from(addresses, `send replies from ${protocol} port ${port} to the director`, {
          ...{ priority: slot.replies, ipproto: protocolNumber(protocol), sport: `${port}`, action: lookup },
        }),
      ),
    ),
    ...[...byPort].flatMap(([protocol, ports]) => [
      wish(`let ${protocol} packets from other ports pass over the next rule`, {
        ...{ priority: slot.ported, ipproto: protocolNumber(protocol), sport: EVERY_PORT, action: onward },
      }),
      ...from(
        [...ports.values()].flatMap((each) => [...each]),
        `send ${protocol} fragments to the director`,
        {
          ...{ priority: slot.fragments, ipproto: protocolNumber(protocol), action: lookup },
        },
      ),
    ]),
  ];
}

/** The kernel reads one rule for a packet from elsewhere, in place of one for each server. */
function others(slot: NatSlot, servers: readonly NatServer[], action: readonly string[]): NatRule[] {
  const from = commonPrefix(servers.map(({ address }) => address));
  return from.endsWith('/0') ? [] : [{ priority: slot.others, isNot: true, from, action }];
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** The number of ICMP. */
const icmpOf = (family: AddressFamily): number => (family === 4 ? 1 : 58);
