/**
 * Finds rules of others that come before those of the director and take replies of NAT servers: the host would then send
 * the replies on with the servers' own addresses, and clients would refuse them.
 *
 * Such a rule is somebody else's, so it is said and not changed. What a packet's mark or destination will be is not
 * known, so a rule that takes some replies counts as well.
 */
import type { AddressFamily } from '../../values/inet.js';
import { isWithin } from '../../values/prefix.js';
import { protocolNumber } from '../../values/protocol.js';
import { ipOf } from '../family.js';
import { listed } from '../host-event.js';
import type { Host } from '../host.js';
import { destination, type IpRule, readRules } from '../ip-rule.js';
import { ROUTE_PROTOCOL } from '../route-protocol.js';
import { numberOf, portsOf, sourceOf } from './nat-rule.js';
import type { NatPlan } from './nat-plan.js';
import { familiesOf, type NatServer, serversOf } from './nat-server.js';
import { natWays, type NatWays } from './nat-ways.js';

/** Rules from here on come after those of all directors, for servers and for marks; the order among them stays. */
const FIRST_BEHIND = 100;

/** Returns a sentence for each such rule, with how to move it. */
export function foreignRuleConflicts(host: Host, { device, slot }: NatPlan, servers: readonly NatServer[]): string[] {
  return familiesOf(servers).flatMap((family) => {
    const own = serversOf(servers, family);
    const ways = natWays(host, device, servers, family);
    const others = readRules(host, family).filter(
      (rule) => rule.protocol !== ROUTE_PROTOCOL && rule.priority <= slot.fragments && leadsAway(rule, slot.replies),
    );
    return others.flatMap((rule) => {
      const taken = new Set(own.filter((server) => takes(rule, server, ways)).map(({ address }) => address));
      return taken.size === 0 ? [] : [sentence(family, rule, slot.replies, [...taken])];
    });
  });
}

function sentence(family: AddressFamily, rule: IpRule, replies: number, taken: readonly string[]): string {
  const command = (verb: string, preference: number) =>
    ipOf(family, 'rule', verb, ...wordsOf(rule, preference)).join(' ');
  const { priority } = rule;
  return (
    `a rule of others ("${wordsOf(rule, priority).join(' ')}") comes before the director's rules for replies of NAT ` +
    `servers (pref ${replies}), so clients get replies of ${listed(taken)} with the server's own address: move it ` +
    `behind them with "${command('add', FIRST_BEHIND + priority)}" and "${command('del', priority)}"`
  );
}

/** The rule for local addresses takes nothing that the host forwards. */
function leadsAway({ table, goto, nop, l3mdev }: IpRule, replies: number): boolean {
  if (goto !== undefined) return goto > replies;
  return nop === undefined && l3mdev === undefined && table !== 'local' && table !== '255';
}

/** Which of a server's replies a selector fits. */
type Fit = 'all' | 'some' | 'none';

function takes(rule: IpRule, server: NatServer, ways: NatWays): boolean {
  const fits = fitsOf(rule, server, ways);
  const all: Fit = fits.includes('none') ? 'none' : fits.includes('some') ? 'some' : 'all';
  return rule.not === null ? all !== 'all' : all !== 'none';
}

/** Replies come from elsewhere: no process of this host sends them, and they have no mark yet. */
function fitsOf(rule: IpRule, server: NatServer, { devices, isAny }: NatWays): Fit[] {
  const source = sourceOf(rule);
  const { fwmark, iif } = rule;
  const ports = portsOf(rule.sport, rule.sport_start, rule.sport_end);
  const isOfProtocol = (text: string) =>
    server.protocols.some((protocol) => protocolNumber(protocol) === numberOf(text));
  const ofDestination = [rule.dst, rule.tos, rule.dport, rule.dport_start].some((given) => given !== undefined);
  const ofProcess = [rule.oif, rule.uid_start, rule.tun_id].some((given) => given !== undefined);
  return [
    source === undefined || isWithin(server.address, source) ? 'all' : 'none',
    fwmark === undefined || BigInt(fwmark) === 0n ? 'all' : 'none',
    iif === undefined ? 'all' : iif !== 'lo' && (isAny || devices.includes(iif)) ? 'some' : 'none',
    rule.ipproto === undefined ? 'all' : !isOfProtocol(rule.ipproto) ? 'none' : server.protocols[1] ? 'some' : 'all',
    ports === undefined ? 'all' : fitOfPorts(ports, server),
    ofDestination ? 'some' : 'all',
    ofProcess ? 'none' : 'all',
  ];
}

function fitOfPorts(ports: string, { port, isFtp = false }: NatServer): Fit {
  const [first = 0, last = first] = ports.split('-').map(Number);
  if (port === 0 || isFtp) return 'some';
  return port >= first && port <= last ? 'all' : 'none';
}

/** Writes the whole rule with another preference, as `ip rule` takes it. */
function wordsOf(rule: IpRule, preference: number): string[] {
  const { fwmark, fwmask, uid_start, uid_end } = rule;
  const given = {
    pref: `${preference}`,
    from: sourceOf(rule) ?? 'all',
    to: destination(rule),
    tos: rule.tos,
    fwmark: fwmark !== undefined && fwmask !== undefined ? `${fwmark}/${fwmask}` : fwmark,
    iif: rule.iif,
    oif: rule.oif,
    ipproto: rule.ipproto?.replace('ipproto-', ''),
    sport: portsOf(rule.sport, rule.sport_start, rule.sport_end),
    dport: portsOf(rule.dport, rule.dport_start, rule.dport_end),
    uidrange: uid_start === undefined ? undefined : `${uid_start}-${uid_end}`,
    lookup: rule.table,
    goto: rule.goto,
    suppress_prefixlength: rule.suppress_prefixlen,
  };
  const words = Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [key, `${value}`]));
  return [...(rule.not === null ? ['not'] : []), ...words, ...(rule.action === undefined ? [] : [rule.action])];
}
