/**
 * What the host has at some prefixes already: addresses of its own, and routes of its main table. One prefix is asked
 * for alone; for several the host is read once, since ip(8) reads all routes for each question anyway.
 */
import { type AddressFamily, canonicalAddress } from '../values/inet.js';
import { isRange } from '../values/prefix.js';
import { ask } from './ask.js';
import { asPrefix, familyOf, ipQuery } from './family.js';
import type { Host } from './host.js';

export interface Occupancy {
  /** The device that has the address; undefined when the host has not. */
  readonly device?: string | undefined;
  /** The routes of exactly this prefix, as ip(8) prints them. */
  readonly routes: readonly string[];
}

type Seen = Map<string, { device?: string | undefined; routes: string[] }>;

/** Returns what the host has, by prefix; what is absent is free. */
export function readOccupancy(host: Host, prefixes: readonly string[]): ReadonlyMap<string, Occupancy> {
  const seen: Seen = new Map(prefixes.map((prefix) => [asPrefix(prefix), { routes: [] }]));
  for (const family of [4, 6] as const) {
    const mine = [...seen.keys()].filter((prefix) => familyOf(prefix) === family);
    const addresses = prefixes.filter((prefix) => familyOf(prefix) === family && !isRange(prefix)).map(asPrefix);
    if (mine.length === 0) continue;
    const [only] = mine.length === 1 ? mine : [];
    if (addresses.length > 0) readAddresses(host, family, only, seen);
    readRoutes(host, family, only, seen);
  }
  return seen;
}

function readAddresses(host: Host, family: AddressFamily, only: string | undefined, seen: Seen): void {
  const to = only === undefined ? [] : ['to', only];
  for (const line of ask(host, ipQuery(family, '-o', 'address', 'show', ...to)).split('\n')) {
    const [, device, address] = /^\d+: (\S+)\s+inet6? ([^\s/]+)/.exec(line) ?? [];
    const known = address === undefined ? undefined : seen.get(prefixOf(address));
    if (known !== undefined) known.device ??= device;
  }
}

/** Words before the destination of a route that is not of type unicast. */
const TYPES = /^(?:unicast|local|broadcast|anycast|multicast|throw|unreachable|prohibit|blackhole|nat) /;

function readRoutes(host: Host, family: AddressFamily, only: string | undefined, seen: Seen): void {
  const exact = only === undefined ? [] : ['exact', only];
  for (const line of ask(host, ipQuery(family, 'route', 'show', ...exact)).split('\n')) {
    // A line that is indented is a next hop of the route before it.
    const to = /^\S+/.exec(line.replace(TYPES, ''))?.[0];
    if (to === undefined || to === 'default') continue;
    seen.get(prefixOf(to))?.routes.push(line.trim());
  }
}

/** Does what `asPrefix` does for an address as ip(8) prints it. */
function prefixOf(printed: string): string {
  const [address = '', length] = printed.split('/');
  const canonical = canonicalAddress(address) ?? address;
  return length === undefined ? asPrefix(canonical) : `${canonical}/${length}`;
}
