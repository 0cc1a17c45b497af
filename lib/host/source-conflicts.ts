/**
 * Finds addresses that full NAT cannot use, although the director would pick them: replies of servers to them would not
 * come to the device, or the host itself sends packets to others by them. A connection with such an address would die in
 * silence, so each is refused when the director opens, and said when it comes up later.
 */
import { TunvsError } from '../values/errors.js';
import { addressBytes, formatAddress } from '../values/inet.js';
import { isRange, isWithin, splitPrefix } from '../values/prefix.js';
import { ask, askJson } from './ask.js';
import { familyOf, ipCommand, ipJson, ipQuery } from './family.js';
import type { Host, HostAddress } from './host.js';
import { type MainRoute, mainRoutes } from './main-routes.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import { type LinkRow, ownAddressesOf } from './snapshot.js';
import { isOnLink } from './subnet.js';
import { removalOf } from './vip-route.js';

const CHOOSE = 'choose other addresses for fullNat.sources (--nat-source)';

/**
 * Throws when the host has, or needs, one of these addresses, or of these ranges. What has exactly a range as its route
 * is refused where the route is made.
 *
 * @throws {@link TunvsError} ERR_TUNVS_HOST, ERR_TUNVS_BUSY when another director has the address.
 */
export function refuseSources(host: Host, device: string, sources: readonly string[]): void {
  for (const family of [4, 6] as const) {
    const mine = sources.filter((source) => familyOf(source) === family);
    if (mine.length === 0) continue;
    const own = askJson<LinkRow>(host, ipJson(family, 'address', 'show')).flatMap(ownAddressesOf);
    const [first] = addressConflicts(own, device, mine);
    if (first !== undefined) throw new TunvsError('ERR_TUNVS_HOST', first);
    for (const route of mainRoutes(ask(host, ipQuery(family, 'route', 'show')))) refuseRoute(route, device, mine);
  }
}

/** Returns a sentence for each of them that is one of the host's addresses, or has a meaning in its subnet. */
export function addressConflicts(
  own: readonly HostAddress[],
  device: string | undefined,
  sources: readonly string[],
): string[] {
  const others = own.filter(({ interfaceName }) => interfaceName !== device);
  return sources.flatMap((source) =>
    others.flatMap((each) => ownConflict(source, each) ?? subnetConflict(source, each) ?? []),
  );
}

function ownConflict(source: string, own: HostAddress): string | undefined {
  const { address, interfaceName, prefixLength } = own;
  if (familyOf(address) !== familyOf(source)) return undefined;
  const why = `on ${interfaceName}, so its kernel keeps servers' replies to it`;
  const mend = `${CHOOSE}, or remove that one with "${removalOf(own)}"`;
  if (isWithin(address, source)) return `${named(address, source)} is an address of this host, ${why}: ${mend}`;
  // The kernel takes each address of a subnet on the loopback device for the host's own.
  if (interfaceName !== 'lo' || familyOf(address) !== 4 || !isOnLink(source, own)) return undefined;
  return `the source ${source} lies in ${address}/${prefixLength} ${why}: ${mend}`;
}

/** Neither address can be a client: others take packets to it for all hosts, or for any router. */
function subnetConflict(source: string, own: HostAddress): string | undefined {
  const is4 = familyOf(own.address) === 4;
  const bits = is4 ? 32 : 128;
  if (familyOf(source) !== familyOf(own.address) || bits - own.prefixLength < 2) return undefined;
  const [first, last] = endsOf(own);
  // The first address of an IPv6 range is not used anyway.
  const isUsed = is4 || !isRange(source) || splitPrefix(source).base !== first;
  const subnet = `of ${first}/${own.prefixLength} on ${own.interfaceName}`;
  if (isUsed && isWithin(first, source)) {
    const what = is4 ? 'network address' : 'anycast address of routers';
    return `${named(first, source)} is the ${what} ${subnet}, which can be no client's: ${CHOOSE}`;
  }
  if (!is4 || !isWithin(last, source)) return undefined;
  return `${named(last, source)} is the broadcast address ${subnet}, to which servers send no reply: ${CHOOSE}`;
}

/** Returns the first and the last address of the subnet. */
function endsOf({ address, prefixLength }: HostAddress): [string, string] {
  const bytes = addressBytes(address) as Uint8Array;
  const hostPart = bytes.map((_, index) => 0xff >> Math.min(8, Math.max(0, prefixLength - 8 * index)));
  const first = bytes.map((byte, index) => byte & ~(hostPart[index] as number));
  const last = bytes.map((byte, index) => byte | (hostPart[index] as number));
  return [formatAddress(first), formatAddress(last)];
}

function refuseRoute(route: MainRoute, device: string, sources: readonly string[]): void {
  const { to, line, hops } = route;
  for (const hop of hops) {
    const source = sources.find((each) => familyOf(each) === familyOf(hop) && isWithin(hop, each));
    if (source === undefined) continue;
    throw new TunvsError(
      'ERR_TUNVS_HOST',
      `${named(hop, source)} is a next hop of this host ("${line}"), for which the host would then answer itself: ${CHOOSE}`,
    );
  }
  if (to === undefined) return;
  const source = sources.find((each) => isInside(to, each));
  if (source === undefined) return;
  const isOurs = line.includes(` proto ${ROUTE_PROTOCOL}`);
  if (!isOurs) throw new TunvsError('ERR_TUNVS_HOST', routedElsewhere(to, source, line));
  const other = / dev (\S+)/.exec(line)?.[1];
  if (other === undefined || other === device) return;
  throw new TunvsError(
    'ERR_TUNVS_BUSY',
    `${named(to, source)} is served by the director on ${other}: stop that director, or ${CHOOSE}`,
  );
}

/** `route` is what `ip route del` takes. */
export function routedElsewhere(to: string, source: string, route: string): string {
  const mend = `${CHOOSE}, or remove that route with "${ipCommand(source, 'route', 'del', route).join(' ')}"`;
  return `this host routes ${named(to, source)} elsewhere, so servers' replies do not come to the director: ${mend}`;
}

/** The prefix is a part of the range, and not all of it. REQUIRES: `to` has its length. */
function isInside(to: string, range: string): boolean {
  const { length } = splitPrefix(range);
  if (length === undefined || length >= Number(splitPrefix(to).length)) return false;
  return isWithin(to, range);
}

function named(part: string, source: string): string {
  const whole = part.replace(familyOf(part) === 4 ? /\/32$/ : /\/128$/, '');
  return whole === source ? `the source ${source}` : `${whole} of the source ${source}`;
}
