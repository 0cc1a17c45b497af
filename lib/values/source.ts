/** A director address (DIP) as callers write it: one address, or a range from which each flow's hash picks one. */
import { whyNotRouted } from './inet.js';
import { parseUnicastPrefix, splitPrefix } from './prefix.js';

export { isRange as isSourceRange, prefixFamily as sourceFamily } from './prefix.js';

/**
 * Returns the canonical spelling, `10.2.0.2` or `10.2.1.0/28`; a range of one address becomes that address. Returns
 * what is wrong otherwise, as the end of a sentence that begins with the text.
 */
export function parseSource(text: string): string | { mistake: string } {
  const source = parseUnicastPrefix(text, 'is not unicast: tunnel packets cannot come from there');
  if (typeof source !== 'string') return source;
  return whyNotRouted(splitPrefix(source).base) === undefined
    ? source
    : { mistake: 'cannot be the source of packets to other hosts: write an address that is routed to this host' };
}
