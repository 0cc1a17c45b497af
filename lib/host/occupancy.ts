/**
 * What the host has at some prefixes already: addresses of its own, and routes of its main table. One prefix is asked
 * for alone; for several the host is read once, since ip(8) reads all routes for each question anyway.
 */
import type { AddressFamily } from '../values/inet.js';
import { isRange } from '../values/prefix.js';
import { ask } from './ask.js';
import { asPrefix, familyOf, ipQuery } from './family.js';
import type { Host } from './host.js';
import { mainRoutes, printedPrefix } from './main-routes.js';

export interface Occupancy {
  /** The device that has the address, and the length with which it has it; undefined when the host has not. */
  readonly own?: { readonly device: string; readonly prefixLength: number } | undefined;
  /** The routes of exactly this prefix, as ip(8) prints them. */
  readonly routes: readonly string[];
}

type Seen = Map<string, { own?: Occupancy['own']; routes: string[] }>;

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
    // A device with a peer is printed without the address's length, which is then the longest.
    const [, device, address, length] = /^\d+: (\S+)\s+inet6? ([^\s/]+)(?:\/(\d+))?/.exec(line) ?? [];
    const known = address === undefined ? undefined : seen.get(printedPrefix(address));
    if (known === undefined || device === undefined) continue;
    known.own ??= { device, prefixLength: Number(length ?? (family === 4 ? 32 : 128)) };
  }
}

function readRoutes(host: Host, family: AddressFamily, only: string | undefined, seen: Seen): void {
  const exact = only === undefined ? [] : ['exact', only];
  for (const { to, line } of mainRoutes(ask(host, ipQuery(family, 'route', 'show', ...exact))))
    if (to !== undefined) seen.get(to)?.routes.push(line);
}
