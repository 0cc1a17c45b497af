/** Ranges of addresses as callers write them: one address, or ADDRESS/LENGTH. */
import { type AddressFamily, addressFamily, canonicalAddress, isUnicast, parseRange } from './inet.js';

/** A shorter prefix holds addresses of many kinds. */
const SHORTEST_UNICAST: Readonly<Record<AddressFamily, number>> = { 4: 8, 6: 16 };

/**
 * Returns the canonical spelling, `192.0.2.1` or `192.0.2.0/28`; a range of one address becomes that address. Returns
 * what is wrong otherwise, as the end of a sentence that begins with the text.
 */
export function parsePrefix(text: string): string | { mistake: string } {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  if (!text.includes('/'))
    return { mistake: 'is not an IP address: write one as in 192.0.2.1, or a range as in 192.0.2.0/28' };
  const range = parseRange(text);
  if ('mistake' in range) return range;
  return range.first === range.last ? range.first : `${range.first}/${range.prefixLength}`;
}

/** Does the same for addresses that packets can be sent to; `notUnicast` ends the sentence for others. */
export function parseUnicastPrefix(text: string, notUnicast: string): string | { mistake: string } {
  const prefix = parsePrefix(text);
  if (typeof prefix !== 'string') return prefix;
  if (!isRange(prefix)) return isUnicast(prefix) ? prefix : { mistake: notUnicast };
  if (isWide(prefix)) {
    return { mistake: `has too short a prefix: write /${SHORTEST_UNICAST[prefixFamily(prefix)]} or longer` };
  }
  const { first, last } = parseRange(prefix) as { first: string; last: string };
  return isUnicast(first) && isUnicast(last) ? prefix : { mistake: notUnicast };
}

/** The prefix is so short that it holds addresses of many kinds. REQUIRES: what parsePrefix() returned. */
export function isWide(prefix: string): boolean {
  const { base, length } = splitPrefix(prefix);
  return length !== undefined && length < SHORTEST_UNICAST[prefixFamily(base)];
}

/** REQUIRES: an address, or what parsePrefix() returned. */
export function prefixFamily(prefix: string): AddressFamily {
  return addressFamily(splitPrefix(prefix).base) as AddressFamily;
}

export function isRange(prefix: string): boolean {
  return prefix.includes('/');
}

/** REQUIRES: an address, or what parsePrefix() returned. `length` is undefined for one address. */
export function splitPrefix(prefix: string): { base: string; length: number | undefined } {
  const [base = '', length] = prefix.split('/', 2);
  return { base, length: length === undefined ? undefined : Number(length) };
}
