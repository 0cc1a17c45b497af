/** The routes of the main table as `ip route show` prints them. */
import { canonicalAddress } from '../values/inet.js';
import { asPrefix } from './family.js';

export interface MainRoute {
  /** The destination with its length; undefined for the default route. */
  readonly to: string | undefined;
  /** What was printed of it, without its next hops where there are several. */
  readonly line: string;
  /** The addresses of its next hops, which may be of the other family. */
  readonly hops: readonly string[];
}

/** Words before the destination of a route that is not of type unicast. */
const TYPES = /^(?:unicast|local|broadcast|anycast|multicast|throw|unreachable|prohibit|blackhole|nat) /;

/** There may be a million of them, so they are read one by one. */
export function* mainRoutes(printed: string): Generator<MainRoute> {
  let route: { to: string | undefined; line: string; hops: string[] } | undefined;
  for (const line of printed.split('\n')) {
    const hops = hopsIn(line);
    // A line that is indented is a next hop of the route before it.
    const to = /^\S+/.exec(line.replace(TYPES, ''))?.[0];
    if (to === undefined) {
      route?.hops.push(...hops);
      continue;
    }
    if (route !== undefined) yield route;
    route = { to: to === 'default' ? undefined : printedPrefix(to), line: line.trim(), hops };
  }
  if (route !== undefined) yield route;
}

function hopsIn(line: string): string[] {
  const [, hop] = / via (?:inet6? )?(\S+)/.exec(line) ?? [];
  const address = hop === undefined ? undefined : canonicalAddress(hop);
  return address === undefined ? [] : [address];
}

/** Does what `asPrefix` does for an address as ip(8) prints it. */
export function printedPrefix(printed: string): string {
  const [address = '', length] = printed.split('/');
  const canonical = canonicalAddress(address) ?? address;
  return length === undefined ? asPrefix(canonical) : `${canonical}/${length}`;
}
