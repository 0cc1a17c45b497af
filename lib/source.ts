/** A director address (DIP) as callers write it: one address, or a range that a flow's hash picks from. */
import { parseUnicastPrefix } from './prefix.js';

export { isRange as isSourceRange, prefixFamily as sourceFamily } from './prefix.js';

/**
 * The canonical spelling, `10.2.0.2` or `10.2.1.0/28`; a range of one address is that address. Otherwise what is wrong,
 * as the end of a sentence that begins with the text.
 */
export function parseSource(text: string): string | { mistake: string } {
  return parseUnicastPrefix(text, 'is not unicast: tunnel packets cannot come from there');
}
