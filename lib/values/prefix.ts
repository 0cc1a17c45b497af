/** Ranges of addresses as callers write them: one address, or ADDRESS/LENGTH. */
import { type AddressFamily, addressBytes, addressFamily, canonicalAddress, isUnicast, parseRange } from './inet.js';

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

/** Whether all addresses of `inner` are of `outer`. REQUIRES: of both, an address or what parsePrefix() gave. */
export function isWithin(inner: string, outer: string): boolean {
  const [of, within] = [splitPrefix(inner), splitPrefix(outer)];
  const bytes = addressBytes(of.base) as Uint8Array;
  const others = addressBytes(within.base) as Uint8Array;
  const whole = bytes.length * 8;
  const length = within.length ?? others.length * 8;
  if (bytes.length !== others.length || (of.length ?? whole) < length) return false;
  const bit = (address: Uint8Array, at: number) => ((address[at >> 3] as number) >> (7 - (at & 7))) & 1;
  for (let at = 0; at < length; at++) if (bit(bytes, at) !== bit(others, at)) return false;
  return true;
}

export function isRange(prefix: string): boolean {
  return prefix.includes('/');
}

/** REQUIRES: an address, or what parsePrefix() returned. `length` is undefined for one address. */
export function splitPrefix(prefix: string): { base: string; length: number | undefined } {
  const [base = '', length] = prefix.split('/', 2);
  return { base, length: length === undefined ? undefined : Number(length) };
}
