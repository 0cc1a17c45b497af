/** The addresses of virtual server groups: `192.0.2.1`, `192.0.2.1-9`, `192.0.2.1-192.0.3.5`, `192.0.2.0/28`. */
import { addressBytes, addressFamily, formatAddress } from '../../values/inet.js';
import { parsePrefix } from '../../values/prefix.js';

/** Returns the ranges, as the configuration writes them, that hold these addresses and no others; or what is wrong. */
export function rangesOf(text: string): string[] | { mistake: string } {
  const dash = text.indexOf('-');
  if (dash < 0) {
    const prefix = parsePrefix(text);
    return typeof prefix === 'string' ? [prefix] : prefix;
  }
  const first = text.slice(0, dash);
  const family = addressFamily(first);
  if (family === undefined) return { mistake: 'does not begin with an address' };
  const rest = text.slice(dash + 1);
  const end = addressFamily(rest) === undefined ? withLastPart(first, rest, family) : rest;
  if (end === undefined || addressFamily(end) !== family)
    return { mistake: 'does not end with an address of its family' };
  const bits = family === 4 ? 32 : 128;
  const [from, to] = [numberOf(first), numberOf(end)];
  return from > to ? { mistake: 'ends before it begins' } : prefixes(from, to, bits);
}

/** The last part of an IPv6 address is hexadecimal. */
function withLastPart(first: string, part: string, family: 4 | 6): string | undefined {
  if (!(family === 4 ? /^\d{1,3}$/ : /^[0-9A-Fa-f]{1,4}$/).test(part)) return undefined;
  const bytes = addressBytes(first) as Uint8Array;
  const value = Number.parseInt(part, family === 4 ? 10 : 16);
  if (family === 4 && value > 255) return undefined;
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = value & 0xff;
  if (family === 6) copy[copy.length - 2] = value >> 8;
  return formatAddress(copy);
}

function prefixes(first: bigint, last: bigint, bits: number): string[] {
  const found: string[] = [];
  for (let at = first; at <= last; ) {
    let length = bits;
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1);
      if (at % size !== 0n || at + size - 1n > last) break;
      length--;
    }
    const address = textOf(at, bits);
    found.push(length === bits ? address : `${address}/${length}`);
    at += 1n << BigInt(bits - length);
  }
  return found;
}

function numberOf(address: string): bigint {
  return [...(addressBytes(address) as Uint8Array)].reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function textOf(value: bigint, bits: number): string {
  const bytes = Uint8Array.from({ length: bits / 8 }, (_, at) =>
    Number((value >> BigInt(bits - 8 * (at + 1))) & 0xffn),
  );
  return formatAddress(bytes);
}
