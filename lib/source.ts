/** A director address (DIP) as callers write it: one address, or a range that a flow's hash picks from. */
import { type AddressFamily, addressFamily, canonicalAddress, isUnicast, parseRange } from './inet.js';

/** Shorter prefixes hold addresses of many kinds. */
const SHORTEST_PREFIX: Readonly<Record<AddressFamily, number>> = { 4: 8, 6: 16 };

/**
 * The canonical spelling, `10.2.0.2` or `10.2.1.0/28`; a range of one address is that address. Otherwise what is wrong,
 * as the end of a sentence that begins with the text.
 */
export function parseSource(text: string): string | { mistake: string } {
  const address = canonicalAddress(text);
  if (address !== undefined) return isUnicast(address) ? address : { mistake: NOT_UNICAST };
  if (!text.includes('/'))
    return { mistake: 'is no IP address: write one as in 10.2.0.2, or a range as in 10.2.1.0/28' };
  const range = parseRange(text);
  if ('mistake' in range) return range;
  const { first, last, prefixLength } = range;
  const shortest = SHORTEST_PREFIX[sourceFamily(first)];
  if (prefixLength < shortest) return { mistake: `has too short a prefix: write /${shortest} or longer` };
  if (!isUnicast(first) || !isUnicast(last)) return { mistake: NOT_UNICAST };
  return first === last ? first : `${first}/${prefixLength}`;
}

const NOT_UNICAST = 'is not unicast: tunnel packets cannot come from there';

/** REQUIRES: a source that parseSource() gave, or an address. */
export function sourceFamily(source: string): AddressFamily {
  return addressFamily(source.split('/', 1)[0] ?? '') as AddressFamily;
}

export function isSourceRange(source: string): boolean {
  return source.includes('/');
}
