/**
 * Addresses and endpoints as text: checks them, gives them one canonical form, compares them in the order of listings.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** The family of an IP address: IPv4 or IPv6. */
export type AddressFamily = 4 | 6;

/**
 * Returns the family of an IP address, undefined when the text is no address. An address with a zone (`%eth0`) is none.
 */
export function addressFamily(text: string): AddressFamily | undefined {
  if (isIPv4(text)) return 4;
  return isIPv6(text) && !text.includes('%') ? 6 : undefined;
}

/** Returns 4 or 16 bytes in network order, undefined when the text is no address. */
export function addressBytes(text: string): Uint8Array | undefined {
  const family = addressFamily(text);
  if (family === undefined) return undefined;
  return family === 4 ? ip4Bytes(text) : ip6Bytes(text);
}

/** Writes IPv6 in the form of RFC 5952. REQUIRES: 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` : formatIp6(bytes);
}

/** Returns the one spelling that tunvs uses for this address, undefined when the text is no address. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = addressBytes(text);
  return bytes && formatAddress(bytes);
}

/** Puts IPv4 before IPv6, then orders by value. REQUIRES: both are addresses. */
export function compareAddresses(left: string, right: string): number {
  const a = addressBytes(left);
  const b = addressBytes(right);
  if (!a || !b) throw new TypeError(`compareAddresses: "${a ? right : left}" is not an IP address`);
  return a.length - b.length || Buffer.compare(a, b);
}

/** A packet can be sent to one host with it: it is not unspecified, multicast, broadcast or IPv4-mapped. */
export function isUnicast(address: string): boolean {
  const bytes = addressBytes(address);
  if (!bytes) return false;
  const first = bytes[0] ?? 0;
  if (bytes.length === 16) return first !== 0xff && bytes.some((byte) => byte !== 0) && !isMapped(bytes);
  const isMulticast = first >= 224 && first < 240;
  return first !== 0 && !isMulticast && bytes.some((byte) => byte !== 255);
}

/** The address is in `fe80::/10`, which means nothing without an interface. */
export function isLinkLocal6(address: string): boolean {
  const [first = 0, second = 0, ...others] = addressBytes(address) ?? [];
  return others.length === 14 && first === 0xfe && (second & 0xc0) === 0x80;
}

/**
 * Says why no router forwards packets for this address, as the end of a sentence that begins with the address;
 * undefined when one does.
 */
export function whyNotRouted(address: string): string | undefined {
  if (isLinkLocal6(address)) return 'is link-local: no router forwards it, and it means nothing without an interface';
  const bytes = addressBytes(address) ?? [];
  const isLoopback = bytes.length === 4 ? bytes[0] === 127 : address === '::1';
  return isLoopback ? 'is a loopback address: no packet for it comes from another host' : undefined;
}

/** A range of addresses as text. */
export interface AddressRange {
  /** The first address of the range, canonical. */
  first: string;
  last: string;
  prefixLength: number;
}

/** Reads `10.2.1.0/28` or `2001:db8::/64`. */
export function parseRange(text: string): AddressRange | RangeMistake {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const first = addressBytes(address);
  if (!first) return { mistake: 'is not a range of addresses: write ADDRESS/LENGTH, as in 10.2.1.0/28' };
  const prefixLength = Number(digits);
  const bits = first.length * 8;
  if (prefixLength > bits) return { mistake: `has a prefix longer than the ${bits} bits of its address` };
  const isHostBit = (bit: number) => bit >= prefixLength;
  const masks = Array.from(first, (_, at) => {
    return [0, 1, 2, 3, 4, 5, 6, 7].reduce((mask, bit) => mask | (isHostBit(at * 8 + bit) ? 0x80 >> bit : 0), 0);
  });
  const network = first.map((byte, at) => byte & ~(masks[at] ?? 0));
  if (Buffer.compare(network, first) !== 0) {
    return { mistake: `has bits beyond its prefix: write ${formatAddress(network)}/${prefixLength}` };
  }
  const last = first.map((byte, at) => byte | (masks[at] ?? 0));
  return { first: formatAddress(first), last: formatAddress(last), prefixLength };
}

export interface Endpoint {
  /** Canonical. */
  address: string;
  /** [0, 65535] */
  port: number;
}

/** Writes `10.0.0.1:80` or `[2001:db8::1]:80`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return addressFamily(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Says what is wrong with an endpoint's text, as the end of a sentence that begins with the text. */
export type EndpointMistake = { mistake: string };

/** Says what is wrong with a range's text, likewise. */
export type RangeMistake = EndpointMistake;

/**
 * Reads `host`, `host:port`, `[v6]` or `[v6]:port` with numeric addresses and ports; the port is undefined where the
 * text omits it. A bare IPv6 address is a host without a port.
 */
export function parseEndpoint(text: string): { address: string; port: number | undefined } | EndpointMistake {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed) return checkedEndpoint(bracketed[1] ?? '', bracketed[2], 6);
  if (text.startsWith('[')) return { mistake: 'has an opening bracket without its closing one' };
  if (addressFamily(text) === 6) return checkedEndpoint(text, undefined, 6);
  const colon = text.indexOf(':');
  if (colon !== text.lastIndexOf(':'))
    return { mistake: 'looks like IPv6: write it in brackets, as in [2001:db8::1]:80' };
  return colon < 0
    ? checkedEndpoint(text, undefined, 4)
    : checkedEndpoint(text.slice(0, colon), text.slice(colon + 1), 4);
}

/** Reads decimal digits in [0, 65535]. */
export function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

function checkedEndpoint(host: string, portText: string | undefined, family: AddressFamily) {
  if (addressFamily(host) !== family) return { mistake: hostMistake(host, family) };
  const port = portText === undefined ? undefined : parsePort(portText);
  if (portText !== undefined && port === undefined) {
    const mend = /^[a-z]/i.test(portText) ? 'its number, as "ipvsadm -S -n" does' : 'a number from 0 to 65535';
    return { mistake: `has "${portText}" for a port: write ${mend}` };
  }
  return { address: canonicalAddress(host) as string, port };
}

function hostMistake(host: string, family: AddressFamily): string {
  if (host === '') return 'has no address';
  if (family === 6) return `has "${host}" in brackets, which is not an IPv6 address`;
  if (/^[\d.]+$/.test(host)) return 'is not an IPv4 address: write four numbers from 0 to 255, as in 192.0.2.1';
  return 'is not a numeric address: names are not looked up, so write the address';
}

function ip4Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x2e) at++;
    else bytes[at] = (bytes[at] as number) * 10 + code - 0x30;
  }
  return bytes;
}

function ip6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = '', tail] = text.split('::');
  const front = ip6Groups(head);
  const back = tail === undefined ? [] : ip6Groups(tail);
  const put = (groups: number[], offset: number) => {
    for (const [i, group] of groups.entries()) bytes.set([group >> 8, group & 0xff], offset + 2 * i);
  };
  put(front, 0);
  put(back, 16 - 2 * back.length);
  return bytes;
}

function ip6Groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** The address is IPv4-mapped, `::ffff:0:0/96`, which no packet carries. */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

function formatIp6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  if (isMapped(bytes)) {
    return `::ffff:${bytes.slice(12).join('.')}`;
  }
  const { start, length } = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** Finds the first of the longest runs of zeros: RFC 5952, section 4.2.3. */
function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}
